"""How far a path goes and which of its hops are due: pure."""

from __future__ import annotations

from collections.abc import Iterable

FULL_WIDTH_ROUNDS = 2  # one lost reply of the target must not cut the path short
SILENT_REACH = 5  # hops to look beyond the last that answered, where the target never did
TIMER_SLACK_SECONDS = 1e-6


class Horizon:
    """Where the path ends, as far as replies have told.

    end_ttl is the TTL at which the target answered, or at which a router refused to go on; None while
    neither is known, or after a router answered where the target had: then the path has grown.
    """

    def __init__(self, max_ttl: int) -> None:
        self.end_ttl: int | None = None
        self._max_ttl = max_ttl
        self._answered = 0

    def last_ttl(self, rounds_begun: int) -> int:
        """The last TTL that is worth an echo in the next round."""
        if self.end_ttl is not None:
            return self.end_ttl
        if rounds_begun < FULL_WIDTH_ROUNDS:
            return self._max_ttl
        return min(self._max_ttl, self._answered + SILENT_REACH)

    def learn(self, ttl: int, ends: bool) -> None:
        """Take in that an echo of this TTL was answered; ends says that it went no further."""
        if ends:
            self.end_ttl = ttl if self.end_ttl is None else min(ttl, self.end_ttl)
            return
        self._answered = max(self._answered, ttl)
        if self.end_ttl is not None and ttl >= self.end_ttl:
            self.end_ttl = None


class Pace:
    """Keeps every hop to one echo per gap, whatever the interval of the rounds.

    A default Linux router sends six ICMP errors at once and then one a second and destination, so
    faster echoes would count its limiter as loss. The target's own answers have another gap.
    Source: net.ipv4.icmp_ratelimit.
    """

    def __init__(self, hop_gap_seconds: float, target_gap_seconds: float) -> None:
        self._hop_gap = hop_gap_seconds
        self._target_gap = target_gap_seconds
        self._last: dict[int, float] = {}

    def due(self, ttls: Iterable[int], end_ttl: int | None, planned_at: float) -> list[int]:
        """Those of the TTLs whose gap is over at the time planned; they count as asked from then on."""
        chosen = [ttl for ttl in ttls if self._waited(ttl, end_ttl, planned_at)]
        self._last.update(dict.fromkeys(chosen, planned_at))
        return chosen

    def _waited(self, ttl: int, end_ttl: int | None, planned_at: float) -> bool:
        gap = self._target_gap if ttl == end_ttl else self._hop_gap
        last = self._last.get(ttl)
        return last is None or planned_at - last >= gap - TIMER_SLACK_SECONDS
