"""Running sessions' rounds, of a path or of sections, kept and summarized once for all who watch.

They are dropped when the last one leaves.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from caseprobe import path_stats
from caseprobe.errors import Busy
from caseprobe.v1 import link_pb2, path_pb2
from caseprobe_collector.console.facts import address_text
from caseprobe_collector.console.words import path_view
from caseprobe_collector.ports import Bus
from caseprobe_collector.records import Event

ROUNDS_KEPT = 600
# What a sparkline shows; a page that opens late is sent no more.
BACKLOG = 60
# Of rounds of sections.
SECTIONS_KEPT = 60
# What came so far: of a path, and of sections.
Recent = Callable[[], Awaitable[tuple[link_pb2.Rounds, list[link_pb2.Sections]]]]


@dataclass
class Live:
    """One session as it runs. version counts up with every change; a viewer asks for what it has not seen."""

    session_id: str
    rounds: list[path_pb2.PathRound] = field(default_factory=list)
    header: path_pb2.PathFacts = field(default_factory=path_pb2.PathFacts)
    sections: deque[link_pb2.Sections] = field(default_factory=lambda: deque(maxlen=SECTIONS_KEPT))
    state: dict[str, Any] = field(default_factory=dict)
    version: int = 0
    viewers: int = 0
    deaf: bool = False
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _summary: tuple[int, dict[str, Any]] = (-1, {})

    @property
    def last_number(self) -> int:
        """The newest round's; -1 before the first."""
        return self.rounds[-1].number if self.rounds else -1

    def take(self, event: Event) -> None:
        """Note what an event tells."""
        if event.rounds is not None:
            self.add(event.rounds)
        elif event.kind == "sections":
            one = link_pb2.Sections(session_id=self.session_id, number=event.body["number"], sections=event.sections)
            self.add_sections(one)
        elif event.kind == "session":
            self.state = dict(event.body)
            self._touch()

    def add(self, more: link_pb2.Rounds) -> None:
        """Note rounds; those that came before are not counted twice."""
        last = self.last_number
        self.rounds.extend(r for r in more.rounds if r.number > last)
        del self.rounds[:-ROUNDS_KEPT]
        if more.HasField("header"):
            self.header = more.header
        self._touch()

    def add_sections(self, one: link_pb2.Sections) -> None:
        """Note a round of sections; one that came before is not told twice."""
        if not self.sections or one.number > self.sections[-1].number:
            self.sections.append(one)
            self._touch()

    def sections_after(self, number: int) -> list[link_pb2.Sections]:
        """The rounds of sections after this one."""
        return [one for one in self.sections if one.number > number]

    def _touch(self) -> None:
        self.version += 1
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def newer(self, version: int) -> None:
        """Wait until there is something after this version; raises Busy where nothing can come any more."""
        while self.version <= version:
            if self.deaf:
                raise Busy("the session's news cannot be told here; it goes on, look again")
            await self._changed.wait()

    def deafen(self) -> None:
        """Nothing reaches it any more: who waits is told so instead of waiting for good."""
        self.deaf = True
        self._wake()

    def summary(self) -> dict[str, Any]:
        """The path so far; computed once a version, however many watch."""
        if self._summary[0] != self.version:
            facts = path_stats.summarize(self.rounds, self.header)
            self._summary = (self.version, asdict(path_view(facts)))
        return self._summary[1]

    def message(self, after_number: int) -> dict[str, Any]:
        """The rounds after this one, with the summary of all, as a page takes them."""
        fresh = [r for r in self.rounds[-BACKLOG:] if r.number > after_number]
        return {
            "topic": f"session:{self.session_id}",
            "kind": "rounds",
            "session_id": self.session_id,
            "rounds": [round_json(r) for r in fresh],
            "path": self.summary(),
        }


def round_json(one: path_pb2.PathRound) -> dict[str, Any]:
    """A round as a page takes it: the hops asked, and for each answer its address and time."""
    replies = {
        reply.ttl: {
            "address": address_text(reply.address),
            "rtt_seconds": reply.rtt_seconds if reply.HasField("rtt_seconds") else None,
        }
        for reply in one.replies
    }
    return {
        "number": one.number,
        "started_seconds": one.started_seconds,
        "hops": [{"ttl": ttl, **replies.get(ttl, {"address": "", "rtt_seconds": None})} for ttl in one.sent],
    }


class Hub:
    """Hands out Live sessions; one bus subscription each, shared."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._live: dict[str, Live] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @asynccontextmanager
    async def watch(self, session_id: str, recent: Recent) -> AsyncIterator[Live]:
        """The session's Live while someone watches; recent gives what came so far."""
        live = self._live.get(session_id)
        if live is None:
            live = self._live[session_id] = Live(session_id)
            self._tasks[session_id] = asyncio.create_task(self._listen(live, recent))
        live.viewers += 1
        try:
            yield live
        finally:
            live.viewers -= 1
            if not live.viewers:
                del self._live[session_id]
                await _stop(self._tasks.pop(session_id))

    async def _listen(self, live: Live, recent: Recent) -> None:
        # Subscribed first, so that nothing falls between the rounds so far and the next.
        try:
            async with self._bus.subscribe(f"session:{live.session_id}") as events:
                rounds, sections = await recent()
                live.add(rounds)
                for one in sections:
                    live.add_sections(one)
                async for event in events:
                    live.take(event)
        finally:
            live.deafen()


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
