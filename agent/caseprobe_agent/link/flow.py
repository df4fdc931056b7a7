"""How much bulk may be on its way: as much as the collector gave credit for."""

from __future__ import annotations

import asyncio


class Credit:
    """Bytes of bulk that may still be sent; unlimited where the collector began without a limit."""

    def __init__(self, first_bytes: int) -> None:
        """first_bytes: what Welcome allows; 0 for no limit."""
        self._limited = first_bytes > 0
        self._left = first_bytes
        self._more = asyncio.Event()

    def grant(self, size: int) -> None:
        """The collector has room for so many more bytes."""
        self._left += size
        self._more.set()

    async def take(self, size: int) -> None:
        """Wait until anything is left, then take the bytes: at most one frame too many is on its way."""
        while self._limited and self._left <= 0:
            self._more.clear()
            await self._more.wait()
        self._left -= size
