"""The result of a path probe from its rounds."""

from __future__ import annotations

from collections.abc import Sequence

from caseprobe.path_stats.hops import path_hop, tally
from caseprobe.path_stats.verdict import judge
from caseprobe.v1 import path_pb2


def summarize(rounds: Sequence[path_pb2.PathRound], header: path_pb2.PathFacts) -> path_pb2.PathFacts:
    """The facts of a path: the header's target and tier, every hop with its class, and the verdict.

    rounds: as traced, oldest first, from one on; none gives facts without hops whose verdict is path.nothing_sent.
    A silent hop is a result (loss_ratio 1.0), not an error. Replies that came late are received, not lost.

    >>> one = path_pb2.PathRound(number=1, sent=[1])
    >>> _ = one.replies.add(ttl=1, address=bytes([127, 0, 0, 1]), rtt_seconds=0.001, from_target=True)
    >>> summarize([one], path_pb2.PathFacts(target="localhost")).verdict.message_id
    'path.ok'
    """
    facts = path_pb2.PathFacts()
    facts.CopyFrom(header)
    hops = tally(rounds)
    judged, verdict = judge(hops)
    del facts.hops[:]
    facts.hops.extend(
        path_hop(hop, each.classification, each.probability) for hop, each in zip(hops, judged, strict=True)
    )
    facts.verdict.CopyFrom(verdict)
    facts.rounds = sum(1 for round_ in rounds if round_.sent)
    facts.duration_seconds = _duration(rounds)
    facts.shortfall = rounds[-1].shortfall if rounds else ""
    return facts


def _duration(rounds: Sequence[path_pb2.PathRound]) -> float:
    """From the first echo to the last reply that belongs to the last round, in seconds."""
    if not rounds:
        return 0.0
    last = rounds[-1]
    return last.started_seconds + max((reply.rtt_seconds for reply in last.replies), default=0.0)
