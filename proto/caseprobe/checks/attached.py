"""What else changed on the machine, attached to every finding that tells of a trend."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from caseprobe.checks.past import GROWTH_SECONDS, elapsed_seconds
from caseprobe.diff import Change, compare
from caseprobe.v1 import finding_pb2, snapshot_pb2

SOURCE = "what changed since"
MOST = 3
# Counters and figures that moved explain nothing; what came, went or was set otherwise may.
LEAST_RANK = 50


def attach_changes(
    findings: Iterable[finding_pb2.Finding], snapshot: snapshot_pb2.Snapshot, earlier: Sequence[snapshot_pb2.Snapshot]
) -> None:
    """Append the changes that matter most to the evidence of each trend, those of its own object aside."""
    trends = [finding for finding in findings if finding.kind == finding_pb2.FINDING_KIND_TREND]
    if not trends or not earlier:
        return
    old_enough = (one for one in earlier if elapsed_seconds(snapshot, one) >= GROWTH_SECONDS)
    before = next(old_enough, earlier[-1])
    changes = [change for change in compare(before, snapshot) if _explains(change)]
    when = before.started_at.ToJsonString() if before.HasField("started_at") else "the earlier snapshot"
    for finding in trends:
        others = [change for change in changes if not change.object or change.object != finding.object]
        for change in others[:MOST]:
            finding.evidence.add(source=f"{SOURCE} {when}", text=str(change))


def _explains(change: Change) -> bool:
    return change.rank >= LEAST_RANK and change.kind != "grew"
