"""How much bulk may be on its way: as much as the collector gave credit for."""

from __future__ import annotations

import asyncio


class Credit:
    """Bytes of bulk that may still be sent. Until the first grant there is no limit but the transport's own."""

    def __init__(self) -> None:
        self._left: int | None = None
        self._more = asyncio.Event()

    def grant(self, size: int) -> None:
        """The collector has room for so many more bytes."""
        self._left = (self._left or 0) + size
        self._more.set()

    async def take(self, size: int) -> None:
        """Wait until anything is left, then take the bytes, at most one frame too many."""
        while self._left is not None and self._left <= 0:
            self._more.clear()
            await self._more.wait()
        if self._left is not None:
            self._left -= size
