"""Credit for bulk pieces that were taken, given back in few frames.

A frame of credit costs both sides nearly as much as the piece that it is for. So large pieces that come one after the
other are paid for together; but never for longer than a moment, for a machine that has no credit left sends nothing,
and takes what its credit waited for a slow line. A small piece is paid for at once: its line is a thin one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from caseprobe.v1 import link_pb2

# The largest piece that machines send, which they do where a line carries four of them in a twentieth of a second.
LARGE_BYTES = 256 << 10
TOGETHER_BYTES = 1 << 20
HOLD_SECONDS = 0.01


class Refund:
    """What one stream owes its machine."""

    __slots__ = ("_owed_bytes", "_send", "_timer")

    def __init__(self, send: Callable[[link_pb2.LinkResponse], object]) -> None:
        self._send = send
        self._owed_bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def owe(self, size: int) -> None:
        """So many bytes were taken: give them back, at once or in a moment."""
        self._owed_bytes += size
        if size < LARGE_BYTES or self._owed_bytes >= TOGETHER_BYTES:
            self.pay()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(HOLD_SECONDS, self.pay)

    def pay(self) -> None:
        """Give back all that is owed."""
        self.close()
        if self._owed_bytes:
            credit = link_pb2.Credit(lane=link_pb2.LANE_BULK, bytes=self._owed_bytes)
            self._owed_bytes = 0
            self._send(link_pb2.LinkResponse(credit=credit))

    def close(self) -> None:
        """The stream ends: nothing is due later."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
