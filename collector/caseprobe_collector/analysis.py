"""Old snapshots under today's rules: the same checks that ran on the machine, run again here."""

from __future__ import annotations

from dataclasses import dataclass

from caseprobe import checks
from caseprobe.v1 import finding_pb2, snapshot_pb2


@dataclass(frozen=True)
class Judgement:
    """What today's checks say of a snapshot, and whether its own verdict differs."""

    findings: tuple[finding_pb2.Finding, ...]
    coverage: tuple[finding_pb2.Coverage, ...]
    differs: bool


def judge_again(snapshot: snapshot_pb2.Snapshot) -> Judgement:
    """Run today's checks over the sections as they were sent; pure."""
    findings, coverage = checks.check_snapshot(snapshot)
    then = {(f.check_id, f.object, f.state) for f in snapshot.findings}
    now = {(f.check_id, f.object, f.state) for f in findings}
    return Judgement(tuple(findings), tuple(coverage), then != now)
