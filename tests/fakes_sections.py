"""Sections, snapshots and findings for tests, well unless told otherwise."""

from __future__ import annotations

from caseprobe.checks import check_snapshot
from caseprobe.v1 import section_pb2, snapshot_pb2

GIB = 1 << 30


def lines(source: str, *text: str) -> list[section_pb2.SourceLine]:
    """Lines of one source, counted from 1."""
    return [section_pb2.SourceLine(source=source, line=number, text=line) for number, line in enumerate(text, 1)]


def section(probe: str, **given: object) -> section_pb2.Section:
    """A section that was read: its facts under the probe's own name, lines and shortfalls if given."""
    return section_pb2.Section(probe=probe, outcome=section_pb2.PROBE_OUTCOME_OK, **given)  # type: ignore[arg-type]


def snapshot(*sections: section_pb2.Section) -> snapshot_pb2.Snapshot:
    """A snapshot with these sections."""
    made = snapshot_pb2.Snapshot(snapshot_id="snap_0", sections=sections, boot_id="boot", boottime_seconds=90_000)
    made.started_at.FromSeconds(1_800_000_000)
    return made


def before(seconds: float, *sections: section_pb2.Section) -> snapshot_pb2.Snapshot:
    """A snapshot with these sections, taken so long before the others, in the same boot."""
    made = snapshot(*sections)
    made.boottime_seconds -= seconds
    made.started_at.FromSeconds(round(1_800_000_000 - seconds))
    return made


def judged(*sections: section_pb2.Section) -> snapshot_pb2.Snapshot:
    """A snapshot with these sections, judged by all checks; two hours ago everything was the same."""
    made = snapshot(*sections)
    findings, coverage = check_snapshot(made, previous=before(7200, *sections))
    made.findings.extend(findings)
    made.coverage.extend(coverage)
    return made
