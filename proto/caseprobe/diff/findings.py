"""Which findings came and which went between two snapshots."""

from __future__ import annotations

from collections.abc import Iterable

from caseprobe.v1 import finding_pb2, snapshot_pb2

Found = list[finding_pb2.Finding]
JUDGED = (finding_pb2.SEVERITY_INFO, finding_pb2.SEVERITY_WARN, finding_pb2.SEVERITY_CRITICAL)


def findings_between(before: snapshot_pb2.Snapshot, after: snapshot_pb2.Snapshot) -> tuple[Found, Found]:
    """(new, gone), worst first. A finding that is worse than it was is new.

    One whose check did not run in the later snapshot is not gone: nobody looked.
    """
    ran = {one.check_id for one in after.coverage if one.outcome in (*JUDGED, finding_pb2.SEVERITY_OK)}
    old, new = _judged(before.findings), _judged(after.findings)
    levels = {_name(one): one.state for one in old}
    names = {_name(one) for one in new}
    found = [one for one in new if one.state > levels.get(_name(one), finding_pb2.SEVERITY_UNSPECIFIED)]
    ended = [one for one in old if _name(one) not in names and one.check_id in ran]
    return found, ended


def _judged(findings: Iterable[finding_pb2.Finding]) -> Found:
    return sorted((one for one in findings if one.state in JUDGED), key=lambda one: -one.state)


def _name(finding: finding_pb2.Finding) -> tuple[str, str]:
    return finding.check_id, finding.object
