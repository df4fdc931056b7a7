"""How many bytes may be on their way into the database at once: memory stays bounded, whoever sends whatever.

Who wants room waits for it before it reads on, and a stream that is not read stops its sender (HTTP/2 flow control,
and no new credit). Only whole items hold room, and storing them needs nothing more from any stream, so whoever holds
room gives it back: nobody waits in a circle.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

TOTAL_BYTES = 128 << 20
EACH_BYTES = 32 << 20


@dataclass(frozen=True, eq=False)
class _Waiting:
    who: str
    size: int
    turn: asyncio.Future[None]


class Budget:
    """Room for all agents together and for each alone; one item always fits where nothing else of its kind is held."""

    def __init__(self, total_bytes: int = TOTAL_BYTES, each_bytes: int = EACH_BYTES) -> None:
        self._total_bytes = total_bytes
        self._each_bytes = each_bytes
        self._held: dict[str, int] = {}
        self._sum = 0
        self._waiting: deque[_Waiting] = deque()

    @property
    def held_bytes(self) -> int:
        """What is held now."""
        return self._sum

    async def take(self, who: str, size: int) -> None:
        """Wait for room, in the order of coming; an agent that is over its own share is passed by others."""
        if not self._waiting and self._fits(who, size):
            self._enter(who, size)
            return
        waiting = _Waiting(who, size, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        # Those who wait already may all be held back by shares of their own.
        self._admit()
        try:
            await waiting.turn
        except asyncio.CancelledError:
            self._withdraw(waiting)
            raise

    def give_back(self, who: str, size: int) -> None:
        """Free what was taken."""
        self._sum -= size
        rest = self._held.pop(who, 0) - size
        if rest:
            self._held[who] = rest
        self._admit()

    def _fits(self, who: str, size: int) -> bool:
        mine = self._held.get(who, 0)
        return (not mine or mine + size <= self._each_bytes) and (
            not self._sum or self._sum + size <= self._total_bytes
        )

    def _enter(self, who: str, size: int) -> None:
        self._sum += size
        self._held[who] = self._held.get(who, 0) + size

    def _admit(self) -> None:
        left: deque[_Waiting] = deque()
        full = False
        for waiting in self._waiting:
            if waiting.turn.done():
                continue
            if not full and self._fits(waiting.who, waiting.size):
                self._enter(waiting.who, waiting.size)
                waiting.turn.set_result(None)
                continue
            # Whom its own share holds back lets others by; whom the total holds back is next, or large ones starve.
            full = full or waiting.who not in self._held
            left.append(waiting)
        self._waiting = left

    def _withdraw(self, waiting: _Waiting) -> None:
        """A waiter that was cancelled gives back what it was given in the same moment."""
        if waiting.turn.done() and not waiting.turn.cancelled():
            self.give_back(waiting.who, waiting.size)
        else:
            waiting.turn.cancel()
            self._admit()
