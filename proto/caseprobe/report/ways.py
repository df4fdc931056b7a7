"""Who answers at each hop of a path, how its ways fork and join from hop to hop, and when its route changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from caseprobe.report.charts import Links
from caseprobe.v1 import path_pb2

# Routers of one hop that are drawn and named; the sentence above the hops counts them all.
MOST_ROUTERS = 16


def links(
    hops: Sequence[path_pb2.PathHop], ways: path_pb2.PathWays, verdict: path_pb2.PathVerdict
) -> tuple[Links, ...]:
    """The lines into each hop, the first from the machine itself, and at the end those out of the last: none.

    Empty ways: it was not asked which router leads to which, so each may lead to each.
    """
    known = {hop.ttl: hop.routers for hop in ways.hops}
    widths = [1, *(max(1, len(routers(hop, known.get(hop.ttl, ())))) for hop in hops)]
    first, last = verdict.segment_first_ttl, verdict.segment_last_ttl
    into = [
        Links(above, below, _pairs(known.get(ttl, ()), above, below), first <= ttl < last)
        for ttl, (above, below) in zip([0, *(hop.ttl for hop in hops)], pairwise(widths), strict=False)
    ]
    return (*into, Links(widths[-1], 1, (), False))


def routers(hop: path_pb2.PathHop, told: Sequence[path_pb2.PathWay]) -> tuple[bytes, ...]:
    """The addresses that answer at a hop, those of its ways first: in the order in which a way counts the next ones."""
    named = [way.address for way in told]
    others = [address for address in hop.addresses if address and address not in named]
    return (*named, *others)[:MOST_ROUTERS]


def _pairs(told: Sequence[path_pb2.PathWay], above: int, below: int) -> tuple[tuple[int, int], ...]:
    found = tuple((here, there) for here, way in enumerate(told[:above]) for there in way.next if there < below)
    return found or tuple(product(range(above), range(below)))


@dataclass(frozen=True)
class Change:
    """The path took another way: so long after its first echo, with this round, first at this hop.

    before, after: who answered at that hop; empty where nobody did.
    """

    after_seconds: float
    round: int
    ttl: int
    before: tuple[bytes, ...]
    after: tuple[bytes, ...]


def changes(path: path_pb2.PathFacts) -> Iterator[Change]:
    """From each earlier route to the one that followed it, the oldest first."""
    following = [*(route.hops for route in path.earlier_routes[1:]), path.hops]
    for route, hops in zip(path.earlier_routes, following, strict=False):
        ttl, first = route.changed_ttl, route.first_round + route.rounds
        yield Change(route.ended_seconds, first, ttl, _at(ttl, route.hops), _at(ttl, hops))


def _at(ttl: int, hops: Iterable[path_pb2.PathHop]) -> tuple[bytes, ...]:
    return next((routers(hop, ()) for hop in hops if hop.ttl == ttl), ())
