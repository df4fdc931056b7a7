"""Old snapshots by today's rules: judged as this version would, beside what was said of them then. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from caseprobe.checks import check_snapshot
from caseprobe.diff.findings import findings_between
from caseprobe.v1 import finding_pb2, snapshot_pb2


@dataclass(frozen=True)
class Anew:
    """A snapshot with the findings and the coverage of today's rules; what came by them, and what went, worst first."""

    snapshot: snapshot_pb2.Snapshot
    come: list[finding_pb2.Finding]
    gone: list[finding_pb2.Finding]


def judged_anew(snapshot: snapshot_pb2.Snapshot, previous: snapshot_pb2.Snapshot | None = None) -> Anew:
    """Judge a stored snapshot again; it is left as it is.

    previous: the machine's snapshot before it, for growth. The product's own levels hold: what the machine's operator
    stated is not known here.
    """
    findings, coverage = check_snapshot(snapshot, previous=previous)
    today = snapshot_pb2.Snapshot()
    today.CopyFrom(snapshot)
    del today.findings[:], today.coverage[:]
    today.findings.extend(findings)
    today.coverage.extend(coverage)
    return Anew(today, *findings_between(snapshot, today))
