"""How much a test under load may take. The agent and its collector each hold to it, whatever the other one does: pure.

24 MB each way leave room for echoes and headers below 50 MB in all; at the most that the rate allows they last two
seconds, which is long enough for a line's queue to fill where the line is slower than that.
"""

from __future__ import annotations

WAY_BYTES = 24_000_000
WAY_BYTES_PER_SECOND = 12_500_000  # 100 Mbit/s: a faster line is not filled, and the result says so
PIECE_BYTES = 16_384
WHOLE_SECONDS = 10.0
ECHOES = 500
# What may come at once after a pause: a line that stood still for a moment gives what it held back in one go.
BURST_SECONDS = 0.05


def piece_bytes(number: int) -> int:
    """How large a piece is, by how many went before it: small at first, so that a slow line soon delivers a whole one.

    >>> [piece_bytes(number) for number in (0, 3, 4, 16, 99)]
    [1024, 1024, 2048, 16384, 16384]
    """
    return min(PIECE_BYTES, 1024 << min(number // 4, 4))


class Allowance:
    """What one way of a test may still carry; now is a clock that only goes forward, in seconds."""

    def __init__(self, now: float) -> None:
        self._left_bytes = WAY_BYTES
        self._due = now

    def take(self, size: int, now: float) -> float | None:
        """How long to wait before these bytes pass; None where nothing more may.

        >>> way = Allowance(0.0)
        >>> way.take(WAY_BYTES // 2, 0.0), round(way.take(WAY_BYTES // 2, 0.1), 2), way.take(1, 9.0)
        (0.0, 0.81, None)
        """
        if size > self._left_bytes:
            return None
        self._left_bytes -= size
        wait = max(0.0, self._due - now - BURST_SECONDS)
        self._due = max(self._due, now) + size / WAY_BYTES_PER_SECOND
        return wait
