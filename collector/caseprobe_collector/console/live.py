"""The WebSocket: what happens, as it happens, to those who may know it, for as long as they may."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect

from caseprobe.errors import NotAllowed, UsageError
from caseprobe.v1 import link_pb2
from caseprobe_collector.access import Action, Principal, decide
from caseprobe_collector.console.drafts import draft_message
from caseprobe_collector.console.hub import Hub
from caseprobe_collector.console.routing import WEBSOCKET, By, Route
from caseprobe_collector.console.sections import sections_message
from caseprobe_collector.console.services import Services, Use
from caseprobe_collector.records import Event

MAX_TOPICS = 40
# A page that is told more often than this sees no more for it.
MIN_GAP_SECONDS = 0.25
NO_LONGER_ALLOWED = 4401


@dataclass
class _Watch:
    """One open socket."""

    socket: WebSocket
    use: Services
    by: Principal
    secret: str
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def send(self, message: dict[str, Any]) -> None:
        async with self._lock:
            await self.socket.send_json(message)

    async def forward(self, topics: list[str]) -> None:
        """Pass on what the bus tells; sessions come by `follow`. Bundles that are being made are told so far first."""
        async with self.use.bus.subscribe(*topics) as events:
            for case_id in _of_kind(topics, "case"):
                for event in self.use.drafts.so_far(case_id):
                    await self._pass_on(event)
            async for event in events:
                await self._pass_on(event)

    async def _pass_on(self, event: Event) -> None:
        """Tell of an event who may know it: a draft who may read snapshots."""
        if event.kind == "draft":
            if decide(self.by, Action.SNAPSHOT_READ, event.customer_id):
                await self.send(draft_message(event))
        elif event.rounds is None and decide(self.by, Action.CASE_READ, event.customer_id):
            await self.send({"topic": event.topic, "kind": event.kind, **event.body})

    async def follow(self, hub: Hub, session_id: str) -> None:
        """Pass on a session: its first round at once, then whatever came in the meantime, its outcome last."""
        async with hub.watch(session_id, lambda: self._recent(session_id)) as live:
            version, number, told = 0, -1, 0
            state: dict[str, Any] = {}
            while True:
                await live.newer(version)
                version = live.version
                if live.last_number > number:
                    message, number = live.message(number), live.last_number
                    await self.send(message)
                for one in live.sections_after(told):
                    told = one.number
                    await self.send(sections_message(one))
                if live.state != state:
                    state = live.state
                    await self.send({"topic": f"session:{session_id}", "kind": "session", **state})
                await asyncio.sleep(MIN_GAP_SECONDS)

    async def _recent(self, session_id: str) -> tuple[link_pb2.Rounds, list[link_pb2.Sections]]:
        """What came of a session so far."""
        sessions = self.use.sessions
        return await sessions.recent_rounds(self.by, session_id), await sessions.recent_sections(self.by, session_id)

    async def recheck(self, every_seconds: float) -> None:
        """End once the login ends or its rights change; the page then asks anew."""
        while await self.use.users.authenticate(self.secret) == self.by:
            await asyncio.sleep(every_seconds)
        await self.socket.close(NO_LONGER_ALLOWED)

    async def until_gone(self) -> None:
        """Ends when the other side left; what it sends is not read."""
        while (await self.socket.receive())["type"] != "websocket.disconnect":
            pass


async def check_topic(use: Services, by: Principal, topic: str) -> None:
    """Raise NotFound or NotAllowed unless the principal may watch this."""
    kind, _, thing = topic.partition(":")
    if kind == "case":
        await use.cases.get(by, thing)
    elif kind == "session":
        await use.sessions.get(by, thing)
    elif kind == "agent":
        await use.fleet.get(by, thing)
    elif topic != "fleet":
        raise UsageError("a topic is case:ID, session:ID, agent:ID or fleet")
    elif not decide(by, Action.AGENT_READ):
        raise NotAllowed("you may not see machines")


async def watch(socket: WebSocket, use: Use, by: By, topics: str = "") -> None:
    """Events of the comma-separated topics as JSON, until either side leaves."""
    wanted = list(dict.fromkeys(topic for topic in topics.split(",") if topic))
    if not 0 < len(wanted) <= MAX_TOPICS:
        raise UsageError(f"name 1 to {MAX_TOPICS} topics")
    for topic in wanted:
        await check_topic(use, by, topic)
    await socket.accept()
    state = socket.app.state
    one = _Watch(socket, use, by, socket.state.secret)
    sessions = _of_kind(wanted, "session")
    others = [topic for topic in wanted if not topic.startswith("session:")]
    await _first_of(
        one.until_gone(),
        one.recheck(state.recheck_seconds),
        *([one.forward(others)] if others else []),
        *(one.follow(state.hub, session_id) for session_id in sessions),
    )


def _of_kind(topics: list[str], kind: str) -> list[str]:
    """What the topics of one kind are about."""
    return [topic.removeprefix(f"{kind}:") for topic in topics if topic.startswith(f"{kind}:")]


async def _first_of(*jobs: Coroutine[Any, Any, None]) -> None:
    """Run all until one ends, then end the rest; a socket that breaks is an end like any other."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in done:
        error = task.exception()
        if error is not None and not isinstance(error, WebSocketDisconnect | RuntimeError):
            raise error


ROUTES = (Route(WEBSOCKET, "/api/v1/live", Action.CASE_READ, watch),)
