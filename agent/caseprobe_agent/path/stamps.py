"""Kernel receive stamps, which are wall clock, as monotonic seconds that no clock step can falsify."""

from __future__ import annotations

import time
from collections.abc import Callable

STEP_NS = 1_000_000
TIGHT_NS = 50_000


class StampClock:
    """Pairs the wall clock with the monotonic one at every reading of a socket.

    Both are slewed alike, so their difference changes only when somebody sets the wall clock; the
    stamps of such a reading are not used, and the time of reading stands in for them.
    """

    def __init__(
        self, monotonic_ns: Callable[[], int] = time.monotonic_ns, wall_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self._monotonic_ns = monotonic_ns
        self._wall_ns = wall_ns
        self._now_ns = 0
        self._offset_ns = 0
        self._stepped = False
        self.refresh()
        self._stepped = False

    def refresh(self) -> None:
        """Read both clocks; call it once before the stamps of one reading are converted."""
        offset = self._measure()
        self._stepped = abs(offset - self._offset_ns) > STEP_NS
        self._offset_ns = offset

    def seconds(self, stamp_ns: int | None) -> float:
        """Monotonic seconds at which the kernel received what it stamped; now, where the stamp is none or unusable."""
        if stamp_ns is None or self._stepped:
            return self._now_ns / 1e9
        return min(stamp_ns - self._offset_ns, self._now_ns) / 1e9

    def _measure(self) -> int:
        """Wall minus monotonic clock, from a pair of readings that nothing came between."""
        for _ in range(4):
            before = self._monotonic_ns()
            wall = self._wall_ns()
            self._now_ns = self._monotonic_ns()
            if self._now_ns - before < TIGHT_NS:
                break
        return wall - (before + self._now_ns) // 2
