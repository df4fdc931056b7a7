"""The spool as the link's outbox, with word of what was settled to those whose outcomes waited for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from caseprobe_agent.spool import Item, Spool


@dataclass(frozen=True)
class SpoolOutbox:
    """settled is awaited after records left the spool, whichever way."""

    spool: Spool
    settled: Callable[[], Awaitable[None]]

    async def pending(self, after: int, limit: int) -> list[Item]:
        """Records above a sequence, in order."""
        return await self.spool.pending(after, limit)

    async def read(self, sequence: int, offset: int, size: int) -> bytes:
        """A piece of a body; raises NotFound where the record is gone."""
        return await self.spool.read(sequence, offset, size)

    async def acknowledge(self, sequence: int) -> None:
        """The collector holds everything up to here."""
        await self.spool.acknowledge(sequence)
        await self.settled()

    async def drop(self, sequence: int, reason: str) -> None:
        """The collector will never take this one; it becomes a Gap."""
        await self.spool.drop(sequence, reason)
        await self.settled()
