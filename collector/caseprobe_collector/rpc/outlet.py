"""A queue for one reader that weighs next to nothing while it is empty: ten thousand idle machines have one each.

An asyncio.Queue holds four deques, 3 KiB before the first item.
"""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")


class Outlet(Generic[T]):
    """Items in their order, for one task that takes them."""

    __slots__ = ("_items", "_most", "_waiter")

    def __init__(self, most: int) -> None:
        self._most = most
        self._items: list[T] = []
        self._waiter: asyncio.Future[None] | None = None

    def put(self, item: T) -> bool:
        """Add an item; False where there are as many as may be."""
        if len(self._items) >= self._most:
            return False
        self._items.append(item)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        return True

    def keep(self, most: int) -> None:
        """Drop what is beyond the oldest so many."""
        del self._items[most:]

    async def take(self) -> list[T]:
        """All that is there, once there is any."""
        while not self._items:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        items, self._items = self._items, []
        return items
