"""Reports in JSON that one program wrote by itself: `mtr --json`, `smartctl --json`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

from caseprobe.errors import Corrupt, UsageError
from caseprobe.parse.smart import LONGEST_REPORT, parse_report
from caseprobe.recorded.mtr import is_mtr, mtr_facts
from caseprobe.v1 import section_pb2, snapshot_pb2
from caseprobe_agent.probes.probe import Notes

UNKNOWN = "it is no report of mtr --json or smartctl --json, nor an archive of sosreport or insights"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def report_text(file: IO[bytes]) -> str:
    """The text of a file that begins like JSON; empty for any other. Raises Corrupt where it is too long."""
    first = file.read(64)
    encoding = "utf-16" if first.startswith(UTF_16) else "utf-8-sig"
    if not first.decode(encoding, "ignore").lstrip().startswith("{"):
        return ""
    data = first + file.read(LONGEST_REPORT)
    if len(data) > LONGEST_REPORT:
        raise Corrupt(f"it is longer than {LONGEST_REPORT >> 20} MiB, and no report of mtr or smartctl is")
    return data.decode(encoding, "replace")


def report_snapshot(reports: Sequence[tuple[str, str]]) -> snapshot_pb2.Snapshot:
    """A snapshot of the disks, or of the path, that these reports (name, text) tell of."""
    paths = [is_mtr(text) for _, text in reports]
    if any(paths) and not all(paths):
        raise UsageError("reports of mtr and of smartctl are two snapshots; import them one after the other")
    snapshot = snapshot_pb2.Snapshot(profile="mtr" if all(paths) else "smartctl")
    snapshot.origin.kind, snapshot.origin.name = snapshot.profile, ", ".join(name for name, _ in reports)[:200]
    snapshot.origin.members_total = len(reports)
    if all(paths):
        _add_paths(snapshot, reports)
    else:
        _add_disks(snapshot, reports)
    return snapshot


def _add_paths(snapshot: snapshot_pb2.Snapshot, reports: Sequence[tuple[str, str]]) -> None:
    for name, text in reports:
        try:
            facts = mtr_facts(text)
        except ValueError as error:
            raise Corrupt(f"{name}: {error}") from None
        snapshot.sections.add(probe="path", outcome=section_pb2.PROBE_OUTCOME_OK, path=facts)


def _add_disks(snapshot: snapshot_pb2.Snapshot, reports: Sequence[tuple[str, str]]) -> None:
    notes = Notes()
    section = snapshot.sections.add(probe="smart", outcome=section_pb2.PROBE_OUTCOME_OK)
    for name, text in reports:
        try:
            section.smart.disks.append(parse_report(text, name, name))
        except ValueError as error:
            notes.lack("smart.disks", ValueError(f"{name}: {error}"))
    section.shortfalls.extend(notes.shortfalls)
    if not section.smart.disks:
        raise Corrupt(f"{reports[0][0]}: {UNKNOWN}")
