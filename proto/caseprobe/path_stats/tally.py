"""What was seen of a path, round by round, each route for itself."""

from __future__ import annotations

from collections import deque

from caseprobe.path_stats.hops import HopTally, Stretch, path_hop
from caseprobe.path_stats.routes import Change, RouteWatch
from caseprobe.path_stats.verdict import judge
from caseprobe.v1 import path_pb2

ROUTES_KEPT = 8  # earlier routes that are told; how many there were is always


class PathTally:
    """Rounds in, hops of the route that stands now out; what was measured on an earlier route is told apart.

    While something hints at a new route, what was seen before it is kept beside, so that the statistics can be split
    at the very round in which the route changed.
    """

    def __init__(self) -> None:
        self.rounds = 0
        self.duration_seconds = 0.0
        self.shortfall = ""
        self.route_changes = 0
        self.earlier: deque[path_pb2.PathRoute] = deque(maxlen=ROUTES_KEPT)
        self._stretch = Stretch()
        self._watch = RouteWatch()
        self._before: Stretch | None = None
        self._since: list[path_pb2.PathRound] = []

    def add(self, round_: path_pb2.PathRound) -> None:
        """Count one more round."""
        self.rounds += bool(round_.sent)
        self.shortfall = round_.shortfall
        self.duration_seconds = round_.started_seconds + max((r.rtt_seconds for r in round_.replies), default=0.0)
        before = self._stretch.copy() if self._begins_doubt(round_) else self._before
        self._stretch.add(round_)
        change = self._watch.add(round_.number, round_.replies)
        self._before = None if self._watch.since is None else before
        if self._before is None:
            self._since.clear()
            return
        self._since.append(round_)
        if change is not None:
            self._split(self._before, change)

    def hops(self) -> list[HopTally]:
        """The hops of the route that stands now, as Stretch.hops."""
        return self._stretch.hops()

    def _begins_doubt(self, round_: path_pb2.PathRound) -> bool:
        """True where this round may be the first on another route, so that what was before must be kept."""
        return self._before is None and self._watch.is_news(round_.replies)

    def _split(self, before: Stretch, change: Change) -> None:
        """End the old route with the round before the change, and begin the new one with what came since."""
        since, self._since, self._before = self._since, [], None
        self._stretch, self._watch = Stretch(change.first_round), RouteWatch()
        self.route_changes += 1
        for round_ in since:
            if round_.number < change.first_round:
                before.add(round_)
            else:
                before.add_late(round_.replies)
                self._stretch.add(round_)
                self._watch.add(round_.number, round_.replies)
        self.earlier.append(_route(before, change, self._stretch.started_seconds))


def _route(stretch: Stretch, change: Change, ended_seconds: float) -> path_pb2.PathRoute:
    """An earlier route as it travels."""
    hops = stretch.hops()
    judged, verdict = judge(hops)
    return path_pb2.PathRoute(
        first_round=stretch.first_round,
        rounds=change.first_round - stretch.first_round,
        started_seconds=stretch.started_seconds,
        ended_seconds=ended_seconds,
        changed_ttl=change.ttl,
        hops=[path_hop(hop, each) for hop, each in zip(hops, judged, strict=True)],
        verdict=verdict,
    )
