"""Sections on their way to a case, as they are measured; what fails here costs the bundle nothing.

The way is opened beside the measuring, and the first section leaves alone and at once; those that waited behind it go
together. What nobody could be shown comes with the bundle.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from caseprobe.errors import CaseprobeError
from caseprobe.overrides import Overrides
from caseprobe.v1 import link_pb2, section_pb2
from caseprobe_agent.oneshot.order import ASSET_MASKED, Plan

# So many sections go in one draft: each is worth a look of its own.
MOST_TOGETHER = 8
# What is still to be said once all is measured may keep the bundle waiting so long.
LAST_SECONDS = 0.5
# What a draft costs its receiver beside its bytes.
HEAD_BYTES = 512

Take = Callable[[section_pb2.Section], None]
# Seals sections, as `seal.draft.Drafts.of` does.
Make = Callable[[Sequence[section_pb2.Section], bool], link_pb2.Draft]


def drafts_of(plan: Plan, key: bytes, overrides: Overrides) -> Make:
    """What seals the sections of this run with the machine's key; its names are not needed."""
    from caseprobe.redaction import Redactor
    from caseprobe_agent.seal.draft import Drafts
    from caseprobe_agent.seal.guard import Guard

    guard = Guard(plan.order.forbidden, (plan.sentinel,))
    return Drafts(plan.snapshot_id, len(plan.probes), Redactor(key, ASSET_MASKED), guard, overrides).of


class Way(Protocol):
    """An open way to the case."""

    @property
    def is_open(self) -> bool:
        """Whether what is sent may arrive."""
        ...

    @property
    def room_bytes(self) -> int:
        """So many bytes of drafts are taken in all; 0: none."""
        ...

    def send(self, draft: link_pb2.Draft) -> None:
        """Hand a draft over; never waits."""
        ...


@dataclass
class Showing:
    """One bundle's sections.

    prepare: gives what seals them; it may take a while. open: the way. admitted: writes down that it begins; nothing
    leaves before that. tell: one line for the person where nothing can be shown. last_seconds: the end takes no longer.
    """

    prepare: Callable[[], Make]
    open: Callable[[], AbstractAsyncContextManager[Way]]
    admitted: Callable[[], Awaitable[None]]
    tell: Callable[[str], None]
    last_seconds: float = LAST_SECONDS
    _waiting: list[section_pb2.Section] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _measured: bool = False
    _opened: bool = False

    @contextlib.asynccontextmanager
    async def during(self) -> AsyncGenerator[Take]:
        """While something is measured: takes its sections. At the end the last draft leaves, if that is soon done."""
        task = asyncio.create_task(self._show())
        try:
            yield self._take
            await self._conclude(task)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _take(self, section: section_pb2.Section) -> None:
        self._waiting.append(section)
        self._news.set()

    async def _conclude(self, task: asyncio.Task[None]) -> None:
        self._measured = True
        self._news.set()
        if self._opened:
            await asyncio.wait([task], timeout=self.last_seconds)

    async def _show(self) -> None:
        preparing = asyncio.create_task(asyncio.to_thread(self.prepare))
        try:
            async with self.open() as way:
                await self._show_on(way, await preparing)
        except CaseprobeError as error:
            self.tell(f"support cannot watch it being made: {error}")
        finally:
            preparing.cancel()

    async def _show_on(self, way: Way, make: Make) -> None:
        """Drafts until all was measured and told, the way is cut, or the receiver takes no more."""
        room = way.room_bytes
        if not room:
            return
        self._opened = True
        await self.admitted()
        count, last = 1, False
        while way.is_open and not last:
            await self._news.wait()
            sections, last = self._next(count)
            draft = await asyncio.to_thread(make, sections, last)
            room -= draft.ByteSize() + HEAD_BYTES
            if room < 0:
                return
            way.send(draft)
            count = MOST_TOGETHER

    def _next(self, count: int) -> tuple[list[section_pb2.Section], bool]:
        """So many of the sections that wait, and whether they are the last."""
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        if not self._waiting and not self._measured:
            self._news.clear()
        return taken, self._measured and not self._waiting
