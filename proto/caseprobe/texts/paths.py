"""Rounds and results of a path probe as the JSON that `path --json`, the API and `demo --once --json` give."""

from __future__ import annotations

from caseprobe.texts.addresses import address_text
from caseprobe.texts.services import path_service, service_json
from caseprobe.texts.verdicts import path_load, path_mtu, path_verdict, path_way_back, path_ways
from caseprobe.v1 import path_load_pb2, path_pb2

Json = dict[str, object]


def path_sentences(facts: path_pb2.PathFacts, language: str = "en") -> list[str]:
    """Everything that is said of a path in its order: the service, the path, then what was asked for beside it."""
    sentences = (path_service, _path, path_way_back, path_mtu, path_ways, path_load)
    return [said for said in (sentence(facts, language) for sentence in sentences) if said]


def _path(facts: path_pb2.PathFacts, language: str) -> str:
    """The verdict's sentence; empty where something else was asked for and no path to it could be probed."""
    beside = facts.HasField("service") or facts.HasField("loaded")
    return path_verdict(facts, language) if facts.rounds or not beside else ""


def path_round_json(round_: path_pb2.PathRound) -> Json:
    """One round: the TTLs of its echoes, and every reply with its class; a shortfall where the trace ended early."""
    document: Json = {
        "number": round_.number,
        "started_seconds": round(round_.started_seconds, 6),
        "sent": list(round_.sent),
        "replies": [_reply_json(reply) for reply in round_.replies],
    }
    return {**document, "shortfall": round_.shortfall} if round_.shortfall else document


def path_summary_json(facts: path_pb2.PathFacts) -> Json:
    """The result: target, tier and what it cannot see, every hop, and the verdict with its sentence in English."""
    return {
        "target": facts.target,
        "address": address_text(facts.address),
        "protocol": _name(path_pb2.PathProtocol.Name(facts.protocol)),
        "tier": _name(path_pb2.PathTier.Name(facts.tier)),
        "unseen": list(facts.unseen),
        "port": facts.port or None,
        "rounds": facts.rounds,
        "duration_seconds": round(facts.duration_seconds, 6),
        "shortfall": facts.shortfall or None,
        "hops": [_hop_json(hop) for hop in facts.hops],
        "verdict": _verdict_json(facts),
        "mtu": _mtu_json(facts),
        "ways": _ways_json(facts),
        "loaded": _load_json(facts),
        "way_back": _way_back_json(facts),
        "service": service_json(facts),
        "route_changes": facts.route_changes,
        "earlier_routes": [_route_json(route) for route in facts.earlier_routes],
    }


def _name(enum_name: str) -> str:
    """PATH_TIER_TCP_CONNECT as tcp_connect."""
    for prefix in ("PATH_PROTOCOL_", "PATH_TIER_", "REPLY_CLASS_", "UNREACHABLE_REASON_"):
        enum_name = enum_name.removeprefix(prefix)
    return enum_name.lower()


def _reply_json(reply: path_pb2.HopReply) -> Json:
    document: Json = {
        "ttl": reply.ttl,
        "address": address_text(reply.address),
        "rtt_seconds": _seconds(reply.rtt_seconds) if reply.HasField("rtt_seconds") else None,
        "class": _name(path_pb2.ReplyClass.Name(reply.reply_class)),
        "from_target": reply.from_target,
        "reply_ttl": reply.reply_ttl or None,
        "mpls": list(reply.mpls_labels),
    }
    if reply.round:
        document["round"] = reply.round
    if reply.unreachable:
        document["unreachable"] = _name(path_pb2.UnreachableReason.Name(reply.unreachable))
    return document


def _hop_json(hop: path_pb2.PathHop) -> Json:
    times = ("best_seconds", "avg_seconds", "p95_seconds", "worst_seconds", "jitter_seconds")
    return {
        "ttl": hop.ttl,
        "addresses": [address_text(address) for address in hop.addresses],
        "sent": hop.sent,
        "received": hop.received,
        "loss_ratio": round(hop.loss_ratio, 6),
        **{name: _seconds(getattr(hop, name)) if hop.received else None for name in times},
        "mpls": list(hop.mpls_labels),
        "classification": hop.classification,
        "probability": round(hop.probability, 4),
        "limit": _limit_json(hop),
        "late": hop.late,
        "duplicates": hop.duplicates,
        "reordered": hop.reordered,
        "from_target": hop.from_target,
        "back_hops": hop.back_hops if hop.HasField("back_hops") else None,
        "name": hop_name(hop) or None,
        "network": _network_json(hop),
    }


def hop_name(hop: path_pb2.PathHop) -> str:
    """What the hop's first address is called; empty where that was not asked for, or is not known."""
    return hop.public_name or hop.host_name


def hop_network(hop: path_pb2.PathHop) -> str:
    """Whose network the hop is in; empty where that is not known.

    >>> hop_network(path_pb2.PathHop(as_number=64500, as_name="Example", country="SE"))
    'AS64500 Example SE'
    """
    number = f"AS{hop.as_number}" if hop.as_number else ""
    return " ".join(part for part in (number, hop.as_name, hop.country) if part)


def _network_json(hop: path_pb2.PathHop) -> Json | None:
    """Whose network the hop is in; null where that is not known."""
    if not (hop.as_number or hop.as_name or hop.country):
        return None
    return {"as_number": hop.as_number or None, "as_name": hop.as_name or None, "country": hop.country or None}


def _limit_json(hop: path_pb2.PathHop) -> Json | None:
    """The limiter of a hop's own answers; null where it has none, or none that could be told."""
    if not hop.limit_per_second:
        return None
    return {"per_second": round(hop.limit_per_second, 4), "burst": hop.limit_burst}


def _verdict_json(facts: path_pb2.PathFacts) -> Json:
    return {
        "text": path_verdict(facts),
        **_figures_json(facts.verdict),
    }


def _mtu_json(facts: path_pb2.PathFacts) -> Json | None:
    """How large a packet the path carries; null where it was not asked for."""
    if not facts.HasField("mtu"):
        return None
    mtu = facts.mtu
    return {
        "text": path_mtu(facts),
        "message_id": mtu.message_id,
        "size_bytes": mtu.size_bytes or None,
        "link_bytes": mtu.link_bytes or None,
        "told_by": address_text(mtu.told_by),
        "segment": [mtu.segment_first_ttl, mtu.segment_last_ttl] if mtu.segment_last_ttl else None,
        "echoes": mtu.echoes,
        "duration_seconds": round(mtu.duration_seconds, 6),
    }


def _way_back_json(facts: path_pb2.PathFacts) -> Json | None:
    """How the way back differs; null where nothing hints at it."""
    if not facts.way_back_hops:
        return None
    return {"text": path_way_back(facts), "first_ttl": facts.way_back_first_ttl, "hops": facts.way_back_hops}


def _load_json(facts: path_pb2.PathFacts) -> Json | None:
    """What load does to the line, each stretch and what they say; null where it was not asked for."""
    if not facts.HasField("loaded"):
        return None
    load = facts.loaded
    verdict = load.verdict
    return {
        "text": path_load(facts),
        "message_id": verdict.message_id,
        "grade": verdict.grade or None,
        "added_down_seconds": _seconds(verdict.added_down_seconds),
        "added_up_seconds": _seconds(verdict.added_up_seconds),
        "by_proxy": load.by_proxy,
        **{name: _phase_json(getattr(load, name)) for name in ("idle", "down", "up")},
    }


def _phase_json(phase: path_load_pb2.LoadPhase) -> Json:
    return {
        "echoes": phase.echoes,
        "unanswered": phase.unanswered,
        "median_seconds": _seconds(phase.median_seconds) if phase.HasField("median_seconds") else None,
        "p95_seconds": _seconds(phase.p95_seconds) if phase.HasField("p95_seconds") else None,
        "bytes_per_second": round(phase.bytes_per_second),
        "bytes_total": phase.bytes_total,
        "seconds": round(phase.seconds, 3),
        "at_own_limit": phase.at_own_limit,
    }


def _ways_json(facts: path_pb2.PathFacts) -> Json | None:
    """All ways at once, hop by hop; null where they were not asked for."""
    if not facts.HasField("ways"):
        return None
    return {
        "text": path_ways(facts),
        "confidence": facts.ways.confidence,
        "echoes": facts.ways.echoes,
        "duration_seconds": round(facts.ways.duration_seconds, 6),
        "hops": [
            {
                "ttl": hop.ttl,
                "complete": hop.complete,
                "balancing": hop.balancing,
                "routers": [_way_json(way) for way in hop.routers],
            }
            for hop in facts.ways.hops
        ],
    }


def _way_json(way: path_pb2.PathWay) -> Json:
    return {
        "address": address_text(way.address),
        "flows": way.flows,
        "avg_seconds": _seconds(way.avg_seconds),
        "best_seconds": _seconds(way.best_seconds),
        "next": list(way.next),
    }


def _route_json(route: path_pb2.PathRoute) -> Json:
    """A route that stood before, with its own hops and figures."""
    return {
        "first_round": route.first_round,
        "rounds": route.rounds,
        "started_seconds": round(route.started_seconds, 6),
        "ended_seconds": round(route.ended_seconds, 6),
        "changed_ttl": route.changed_ttl,
        "hops": [_hop_json(hop) for hop in route.hops],
        "verdict": _figures_json(route.verdict),
    }


def _figures_json(verdict: path_pb2.PathVerdict) -> Json:
    return {
        "message_id": verdict.message_id,
        "segment": [verdict.segment_first_ttl, verdict.segment_last_ttl] if verdict.segment_last_ttl else None,
        "loss_ratio": round(verdict.loss_ratio, 6),
        "loss_interval": [round(verdict.loss_low_ratio, 6), round(verdict.loss_high_ratio, 6)],
        "confidence": round(verdict.confidence, 4),
        "more_rounds": verdict.more_rounds or None,
    }


def _seconds(value: float) -> float:
    """Seconds to the microsecond's tenth: single precision tells no more."""
    return round(value, 7)
