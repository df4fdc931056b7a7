"""The result of a path probe from its rounds."""

from __future__ import annotations

from collections.abc import Iterable

from caseprobe.path_stats.hops import path_hop
from caseprobe.path_stats.service import judge_service
from caseprobe.path_stats.tally import PathTally
from caseprobe.path_stats.verdict import judge
from caseprobe.path_stats.way_back import way_back
from caseprobe.v1 import path_pb2


def summarize(rounds: Iterable[path_pb2.PathRound], header: path_pb2.PathFacts) -> path_pb2.PathFacts:
    """The facts of a path: the header's target, tier and names of hops, every hop with its class, and the verdict.

    rounds: as traced, oldest first, from one on; none gives facts without hops whose verdict is path.nothing_sent.
    A silent hop is a result (loss_ratio 1.0), not an error. Replies that came late are received, not lost.

    >>> one = path_pb2.PathRound(number=1, sent=[1])
    >>> _ = one.replies.add(ttl=1, address=bytes([127, 0, 0, 1]), rtt_seconds=0.001, from_target=True)
    >>> summarize([one], path_pb2.PathFacts(target="localhost")).verdict.message_id
    'path.ok'
    """
    tally = PathTally()
    for round_ in rounds:
        tally.add(round_)
    return facts_of(tally, header)


def facts_of(tally: PathTally, header: path_pb2.PathFacts) -> path_pb2.PathFacts:
    """The facts as far as the tally has got, also of a trace that still runs: hops and verdict of the newest route."""
    hops = tally.hops()
    judged, verdict = judge(hops)
    facts = path_pb2.PathFacts(
        rounds=tally.rounds,
        hops=[path_hop(hop, each) for hop, each in zip(hops, judged, strict=True)],
        verdict=verdict,
        duration_seconds=tally.duration_seconds,
        shortfall=tally.shortfall,
        earlier_routes=tally.earlier,
        route_changes=tally.route_changes,
    )
    back = way_back([(hop.ttl, hop.reply_ttl) for hop in hops if hop.reply_ttl])
    if back is not None:
        facts.way_back_first_ttl, facts.way_back_hops = back.first_ttl, back.hops
    facts.MergeFrom(_header_only(header))
    _name_hops(facts, header)
    if facts.HasField("service"):
        end = facts.hops[-1] if facts.hops and facts.hops[-1].from_target else path_pb2.PathHop()
        facts.service.verdict.CopyFrom(judge_service(facts.service, end.best_seconds))
    return facts


def _name_hops(facts: path_pb2.PathFacts, header: path_pb2.PathFacts) -> None:
    """Names and networks as the header's hops tell them, to the hops whose first address they are of."""
    known = {hop.addresses[0]: hop for hop in header.hops if hop.addresses}
    for hop in facts.hops:
        told = known.get(hop.addresses[0]) if hop.addresses else None
        if told is not None:
            hop.host_name, hop.public_name = told.host_name, told.public_name
            hop.as_number, hop.as_name, hop.country = told.as_number, told.as_name, told.country


def _header_only(header: path_pb2.PathFacts) -> path_pb2.PathFacts:
    """What a header tells: the target and how it is probed."""
    return path_pb2.PathFacts(
        target=header.target,
        address=header.address,
        protocol=header.protocol,
        tier=header.tier,
        unseen=header.unseen,
        port=header.port,
        mtu=header.mtu if header.HasField("mtu") else None,
        ways=header.ways if header.HasField("ways") else None,
        service=header.service if header.HasField("service") else None,
        loaded=header.loaded if header.HasField("loaded") else None,
    )
