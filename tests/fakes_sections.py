"""Sections, snapshots and findings for tests, well unless told otherwise."""

from __future__ import annotations

from collections.abc import Sequence

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


def unchanged(*sections: section_pb2.Section) -> list[snapshot_pb2.Snapshot]:
    """Two days in which these sections were the same, newest first; half an hour apart but for the last."""
    return [before(1800.0 * number, *sections) for number in (1, 2, 3, 4, 5, 6, 96)]


def with_past(
    now: section_pb2.Section, earlier: Sequence[section_pb2.Section], step_seconds: float = 1800.0
) -> tuple[snapshot_pb2.Snapshot, list[snapshot_pb2.Snapshot]]:
    """A snapshot of one boot, and those before it, newest first, so many seconds between any two."""
    made = [snapshot(one) for one in (now, *earlier)]
    for number, one in enumerate(made):
        one.boot_id, one.boottime_seconds = "one", 1e6 - number * step_seconds
        one.started_at.FromSeconds(round(1_800_000_000 - number * step_seconds))
    return made[0], made[1:]


def judged(*sections: section_pb2.Section) -> snapshot_pb2.Snapshot:
    """A snapshot with these sections, judged by all checks; for two days everything was the same."""
    made = snapshot(*sections)
    findings, coverage = check_snapshot(made, earlier=unchanged(*sections))
    made.findings.extend(findings)
    made.coverage.extend(coverage)
    return made
