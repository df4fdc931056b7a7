"""Runs the collector: machines first, then the console, then what comes round again and again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Coroutine
from typing import TYPE_CHECKING, Any

from caseprobe.errors import CaseprobeError
from caseprobe_collector.app.core import Core, SystemClock, build_core, build_users, fresh_id
from caseprobe_collector.config import CollectorConfig
from caseprobe_collector.rpc import LOOK_SECONDS, OpenLinks, refusal
from caseprobe_collector.sessions import Sessions
from caseprobe_collector.storage import Storage, open_storage

if TYPE_CHECKING:
    from caseprobe_collector.app.surface import Surface
    from caseprobe_collector.app.web import Listener

__all__ = ["SystemClock", "build_users", "fresh_id", "running_collector"]

# How long the loading of the console may keep the interpreter from a machine that waits.
SWITCH_SECONDS = 0.0002
EXPIRE_EVERY_SECONDS = 5.0
DRAIN_SECONDS = 2.0
KEEP_SEEN_SECONDS = 60.0
# A thousand machines come back first.
SCRUB_AFTER_SECONDS = 60.0
SCRUB_AGAIN_SECONDS = 600.0
# So many in one unit of work: whoever commits beside it waits for it.
SEEN_AT_ONCE = 250

log = logging.getLogger("caseprobe.collector")


@contextlib.asynccontextmanager
async def running_collector(config: CollectorConfig) -> AsyncIterator[dict[str, str]]:
    """A collector that serves; gives its addresses. On the way out agents are drained and commits finished.

    Machines are served as soon as storage is open. The console takes longer to load than a thousand machines to come
    back, so it is loaded beside them.
    """
    async with open_storage(config.data_folder, damaged_too=True) as storage:
        core = build_core(config, storage)
        await core.grpc_server.start()
        chores = [asyncio.create_task(chore) for chore in _chores(core)]
        listeners: list[Listener] = []
        listening: list[asyncio.Task[None]] = []
        try:
            surface = await asyncio.to_thread(_surface_of, core)
            listeners = surface.listeners
            listening = [asyncio.create_task(listener.run_bound()) for listener in listeners]
            yield surface.addresses
        finally:
            core.links.drain(DRAIN_SECONDS)
            for listener in listeners:
                listener.should_exit = True
            await core.grpc_server.stop(DRAIN_SECONDS)
            await core.links.left()
            core.ingest.close()
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*listening, *chores, return_exceptions=True)


def _surface_of(core: Core) -> Surface:
    """Console and API, loaded and built; blocking.

    Loading is a second of pure Python. Machines wait meanwhile whenever their thread wants the interpreter back, five
    milliseconds each time by Python's default, and a first acknowledgement takes dozens of such turns.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        from caseprobe_collector.app.surface import build_surface

        return build_surface(core)
    finally:
        sys.setswitchinterval(before)


def _chores(core: Core) -> tuple[Coroutine[Any, Any, None], ...]:
    return (
        _expire(core.sessions),
        _cut_revoked(core),
        _look(core.links),
        _keep_seen(core.links, core.storage),
        _scrub(core.storage),
    )


async def _expire(sessions: Sessions) -> None:
    while True:
        await asyncio.sleep(EXPIRE_EVERY_SECONDS)
        try:
            await sessions.expire()
        except CaseprobeError as error:
            log.warning("sessions cannot be expired: %s", error)
        except Exception:
            log.exception("expiring sessions failed")


async def _look(links: OpenLinks) -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        links.look()


async def _keep_seen(links: OpenLinks, storage: Storage) -> None:
    """Keep when machines last spoke, so that a collector that was killed still knows it, to the minute."""
    while True:
        await asyncio.sleep(KEEP_SEEN_SECONDS)
        seen = list(links.take_seen().items())
        try:
            for first in range(0, len(seen), SEEN_AT_ONCE):
                part = dict(seen[first : first + SEEN_AT_ONCE])
                await storage.transactions.run(lambda tx, part=part: storage.fleet.mark_seen(tx, part))  # type: ignore[misc]
        except CaseprobeError as error:
            log.warning("when machines were last seen is not kept: %s", error)


async def _scrub(storage: Storage) -> None:
    """Read everything that is stored, slowly, again and again."""
    pause = SCRUB_AFTER_SECONDS
    while True:
        await asyncio.sleep(pause)
        try:
            pause = await storage.scrub.step()
        except CaseprobeError as error:
            log.warning("the store cannot be read through: %s", error)
            pause = SCRUB_AGAIN_SECONDS
        except Exception:
            log.exception("reading the store through failed")
            pause = SCRUB_AGAIN_SECONDS


async def _cut_revoked(core: Core) -> None:
    """End the streams of machines whose enrolment was ended, as soon as that is durable."""
    frame = refusal("revoked", "this machine's enrolment was ended by the collector's staff")
    async with core.bus.subscribe("fleet") as events:
        async for event in events:
            if event.kind == "agent" and event.body.get("revoked"):
                core.links.close(str(event.body["agent_id"]), frame)
