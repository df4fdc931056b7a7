"""A printed route as the facts of a path probe."""

from __future__ import annotations

from caseprobe.parse.windows.route import Route
from caseprobe.path_stats.summary import summarize
from caseprobe.v1 import path_pb2


def path_facts(route: Route) -> path_pb2.PathFacts:
    """Hops with their losses, and the verdict; times that were printed as means have no spread."""
    header = path_pb2.PathFacts(target=route.target, address=route.address, protocol=path_pb2.PATH_PROTOCOL_ICMP)
    facts = summarize(route.rounds, header)
    for hop in facts.hops:
        for name in ("best_seconds", "p95_seconds", "worst_seconds", "jitter_seconds") if route.averaged else ():
            hop.ClearField(name)
    facts.ClearField("duration_seconds")
    return facts
