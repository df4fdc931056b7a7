"""How much bulk may be on its way: what the collector gives credit for, and what the link carries in a moment.

The collector's credit bounds its memory. It cannot know how slow the way to it is: on a thin line the same four
megabytes would stand before every heartbeat for minutes. So the agent measures how long each piece takes until its
credit comes back, and keeps what waits on the way, beyond the line's own delay, near a twentieth of a second.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

# What a live frame may wait behind bulk on the way.
TARGET_SECONDS = 0.05
FIRST_WINDOW_BYTES, LEAST_WINDOW_BYTES, MOST_WINDOW_BYTES = 32 * 1024, 16 * 1024, 8 * 1024 * 1024
# Measured: pieces of 256 KiB cost least per byte; smaller ones let live frames through sooner.
LEAST_PIECE_BYTES, MOST_PIECE_BYTES = 8 * 1024, 256 * 1024
# The line's own delay is the least of this many pieces: a way that changed is learnt anew.
REMEMBERED = 256


class Credit:
    """Bytes of bulk that may still be sent; unlimited where the collector began without a limit."""

    def __init__(self, first_bytes: int, monotonic: Callable[[], float]) -> None:
        """first_bytes: what Welcome allows; 0 for no limit, and then no credit comes to measure by."""
        self._limited = first_bytes > 0
        self._left = first_bytes
        self._monotonic = monotonic
        self._more = asyncio.Event()
        # What is on its way, oldest first: when it left, and its bytes.
        self._on_way: deque[tuple[float, int]] = deque()
        self._delays: deque[float] = deque(maxlen=REMEMBERED)
        self._on_way_bytes = 0
        self.window_bytes = float(FIRST_WINDOW_BYTES)

    def piece_bytes(self) -> int:
        """How large the next piece may be: a quarter of the window, so that the line never waits for one."""
        if not self._limited:
            return MOST_PIECE_BYTES
        return int(min(max(self.window_bytes / 4, LEAST_PIECE_BYTES), MOST_PIECE_BYTES))

    def grant(self, size: int) -> None:
        """The collector has room for so many more bytes, because it took as many."""
        self._left += size
        while size > 0 and self._on_way:
            left_at, sent = self._on_way.popleft()
            self._on_way_bytes -= sent
            self._learn(self._monotonic() - left_at, sent)
            size -= sent
        self._more.set()

    async def take(self, size: int) -> None:
        """Wait until there is room, then take the bytes: at most one frame too many is on its way."""
        while self._limited and (self._left <= 0 or self._on_way_bytes >= self.window_bytes):
            self._more.clear()
            await self._more.wait()
        self._left -= size
        if self._limited:
            self._on_way.append((self._monotonic(), size))
            self._on_way_bytes += size

    def _learn(self, delay_seconds: float, size: int) -> None:
        """Widen the window by what came through while little waited, narrow it as far as too much did."""
        self._delays.append(delay_seconds)
        waited = delay_seconds - min(self._delays)
        share = min(max((TARGET_SECONDS - waited) / TARGET_SECONDS, -1.0), 1.0)
        wider = self.window_bytes + share * size / (1 if share > 0 else 2)
        self.window_bytes = min(max(wider, LEAST_WINDOW_BYTES), MOST_WINDOW_BYTES)
