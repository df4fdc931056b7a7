"""What each hop did round by round, as a line of small bars: pure."""

from __future__ import annotations

from collections import OrderedDict

from caseprobe.v1 import path_pb2

BARS = "▁▂▃▄▅▆▇█"
LOST = "·"
KEPT = 120  # rounds a hop; more than a terminal shows
FLAT_SECONDS = 0.002  # a hop that varies by less is drawn flat: noise is not news


class History:
    """The newest round-trip times of every hop; None for an echo that has no reply yet, or never got one."""

    def __init__(self) -> None:
        self._hops: dict[int, OrderedDict[int, float | None]] = {}

    def add(self, round_: path_pb2.PathRound) -> None:
        """Take in one round; a late reply fills the place of its own."""
        for ttl in round_.sent:
            hop = self._hops.setdefault(ttl, OrderedDict())
            hop[round_.number] = None
            if len(hop) > KEPT:
                hop.popitem(last=False)
        for reply in round_.replies:
            hop = self._hops.get(reply.ttl, OrderedDict())
            number = reply.round or round_.number
            if number in hop and hop[number] is None:
                hop[number] = reply.rtt_seconds

    def last(self, ttl: int) -> float | None:
        """The newest round-trip time of a hop."""
        return next((rtt for rtt in reversed(self._hops.get(ttl, {}).values()) if rtt is not None), None)

    def bars(self, ttl: int, width: int) -> str:
        """The newest rounds as bars, from the hop's best to its worst time; a dot for each echo without a reply."""
        newest = list(self._hops.get(ttl, {}).values())[-width:] if width > 0 else []
        known = [rtt for rtt in newest if rtt is not None]
        low = min(known, default=0.0)
        span = max(max(known, default=0.0) - low, FLAT_SECONDS)
        return "".join(LOST if rtt is None else BARS[round((rtt - low) / span * (len(BARS) - 1))] for rtt in newest)
