"""The collector's process: storage, ingest, sessions, schedules and the link service of the product, and its staff."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

from caseprobe.errors import CaseprobeError
from caseprobe.ids import new_id
from caseprobe.v1 import link_pb2
from caseprobe_collector.audit import AuditLog
from caseprobe_collector.bus import InProcessBus
from caseprobe_collector.drafts import Drafts
from caseprobe_collector.ingest import Ingest, Limits
from caseprobe_collector.ports import Transaction
from caseprobe_collector.rpc import Desk, OpenLinks
from caseprobe_collector.rpc.service import LinkService
from caseprobe_collector.schedules import Schedules
from caseprobe_collector.sessions import Sessions
from caseprobe_collector.storage import Storage, create_storage, open_storage
from caseprobe_collector.witness import Witness
from tests.fakes_storage import ADMIN, agent, case, customer
from tests.simulation.loop import SimulatedLoop
from tests.simulation.oracle import Oracle

CASE = "case_1"
EXPIRE_SECONDS = 5.0
CATCH_UPS = (link_pb2.CATCH_UP_SKIP, link_pb2.CATCH_UP_ONE, link_pb2.CATCH_UP_ALL)


@dataclass(frozen=True)
class Room:
    """Where the collector's process runs."""

    agent_ids: tuple[str, ...]
    folder: Path
    loop: SimulatedLoop
    random: Random
    oracle: Oracle
    wall: Callable[[], datetime]
    first: bool
    request_seconds: float

    def now(self) -> datetime:
        """The port `Clock`: wall time."""
        return self.wall()

    def monotonic(self) -> float:
        """The port `Clock`: seconds that never jump."""
        return self.loop.time()

    def new_id(self, prefix: str) -> str:
        """An id that the seed decides."""
        return new_id(prefix, self.wall().timestamp(), self.random.randbytes(10))


class Collector:
    """Everything between a stream and the disk, built as `app.build` builds it."""

    def __init__(self, room: Room, storage: Storage) -> None:
        self._room = room
        bus, run = InProcessBus(), storage.transactions
        audit = AuditLog(storage.audit, room)
        self.storage = storage
        self.links = OpenLinks(bus, room)
        self.sessions = Sessions(
            run, storage.sessions, storage.cases, storage.fleet, self.links, audit, bus, room, room.new_id
        )
        self.schedules = Schedules(run, storage.schedules, storage.fleet, self.links, audit, room, room.new_id)
        self._ingest = ingest = Ingest(
            storage.deposits, storage.snapshots, storage.cases, storage.sessions, storage.objects, audit, bus, room
        )
        desk = Desk(
            run,
            storage.fleet,
            storage.snapshots,
            ingest,
            self.sessions,
            self.schedules,
            self.links,
            room,
            Limits(),
            audit,
            Witness(run, storage.witnessed, storage.audit, audit),
            Drafts(storage.cases, bus, room),
        )
        self._service: Any = LinkService(desk)
        self.stopped = asyncio.Event()

    async def serve(self, context: Any) -> None:
        """One stream."""
        await self._service.Link(None, context)

    async def run(self) -> None:
        """Until stopped in order, or killed."""
        work = [asyncio.create_task(one) for one in (self.stopped.wait(), self._expire(), self._ask())]
        try:
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            self.links.drain(2.0)
            await asyncio.sleep(2.0)
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            # The streams that were cut leave what they have unfinished behind.
            await asyncio.sleep(1.0)
            self._ingest.close()

    async def _expire(self) -> None:
        while True:
            await asyncio.sleep(EXPIRE_SECONDS)
            with contextlib.suppress(CaseprobeError):
                await self.sessions.expire()

    async def _ask(self) -> None:
        """The staff: timetables at first, then requests, some of them cancelled."""
        room = self._room
        if room.first:
            for agent_id in room.agent_ids:
                await self._schedule(agent_id)
        while not room.oracle.settling:
            await asyncio.sleep(room.random.expovariate(1 / room.request_seconds))
            with contextlib.suppress(CaseprobeError):
                await self._request()
        await asyncio.Event().wait()

    async def _schedule(self, agent_id: str) -> None:
        every = self._room.random.choice((10.0, 15.0, 40.0))
        catch_up = self._room.random.choice(CATCH_UPS)
        schedule = link_pb2.Schedule(name="health", every_seconds=every, catch_up=catch_up)
        schedule.snapshot.profile = "quick"
        with contextlib.suppress(CaseprobeError):
            await self.schedules.add(ADMIN, agent_id, schedule)

    async def _request(self) -> None:
        room = self._room
        name = room.oracle.next_command()
        request = link_pb2.CommandRequest(deadline_seconds=room.random.choice((10.0, 30.0, 60.0)))
        if room.random.random() < 0.5:
            request.path.CopyFrom(link_pb2.PathAction(target=name, rounds=5, interval_seconds=1.0))
        else:
            logs = room.random.random() < 0.3
            request.snapshot.CopyFrom(link_pb2.SnapshotAction(profile=name, probes=["system_log"] if logs else []))
        session = await self.sessions.request(ADMIN, CASE, room.random.choice(room.agent_ids), request)
        room.oracle.requested(name, session)
        if room.random.random() < 0.25:
            await asyncio.sleep(room.random.expovariate(1 / 3))
            await self.sessions.cancel(ADMIN, session.session_id)


async def run_collector(room: Room, started: Callable[[Collector], None]) -> None:
    """The whole life of a process; raises CaseprobeError where its data folder cannot be used."""
    async with open_storage(room.folder, monotonic=room.monotonic) as storage:
        collector = Collector(room, storage)
        started(collector)
        await collector.run()


async def furnish(folder: Path, agent_ids: tuple[str, ...]) -> None:
    """A data folder with one customer, one case and these machines."""
    create_storage(folder)
    async with open_storage(folder) as storage:

        async def work(tx: Transaction) -> None:
            await storage.customers.add_customer(tx, customer())
            await storage.cases.add_case(tx, case(CASE))
            for agent_id in agent_ids:
                await storage.fleet.put_agent(tx, agent(agent_id))

        await storage.transactions.run(work)
