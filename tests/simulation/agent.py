"""One agent process: spool, link, gate, sessions and timetables of the product, joined as `app.resident` joins them.

Made up are only the edges: what is measured, who answers for the owner, and that sealing needs no child.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import zstandard

from caseprobe.errors import CaseprobeError
from caseprobe.ids import new_id
from caseprobe.v1 import consent_pb2, link_pb2, path_pb2, section_pb2, snapshot_pb2
from caseprobe_agent.app.outbox import SpoolOutbox
from caseprobe_agent.audit import Audit
from caseprobe_agent.consent import Ask
from caseprobe_agent.consent.policy import ALLOW, SHIPPED, Rule
from caseprobe_agent.gate import Answer, Gate
from caseprobe_agent.grants import Grants
from caseprobe_agent.link import Credentials, Link
from caseprobe_agent.schedule import Timetable
from caseprobe_agent.schedule.due import Moment
from caseprobe_agent.seal import Parcel
from caseprobe_agent.session import CAPABILITIES, Delivery, Sessions, Timed
from caseprobe_agent.session.asks import Choice
from caseprobe_agent.session.frames import Wire
from caseprobe_agent.session.measure import Raw
from caseprobe_agent.session.outcomes import Outcomes
from caseprobe_agent.spool import Spool
from tests.fakes_flows import fake_sign, fake_verify
from tests.simulation.loop import SimulatedLoop, Turns
from tests.simulation.oracle import Oracle

POLICY = SHIPPED.with_rules({consent_pb2.POLICY_KIND_PATH_TARGET: Rule(ALLOW)})
QUOTA_BYTES = 2 << 20
CREDENTIALS = Credentials("collector", b"", b"", b"")
# Between two snapshots that nobody asked for; on average.
SNAPSHOT_SECONDS = 4.0


@dataclass(frozen=True)
class Place:
    """Where an agent's process runs: its disk, its clocks, its way out, and who watches."""

    agent_id: str
    folder: Path
    loop: SimulatedLoop
    random: Random
    oracle: Oracle
    wall: Callable[[], datetime]
    moment: Callable[[], Moment]
    connect: Callable[[Credentials], Any]
    quota_bytes: int = QUOTA_BYTES
    large_ratio: float = 0.03

    def new_id(self, prefix: str) -> str:
        """An id that the seed decides."""
        return new_id(prefix, self.wall().timestamp(), self.random.randbytes(10))


class Agent:
    """The process from its start to its end."""

    def __init__(self, place: Place, spool: Spool) -> None:
        self._place, self._spool = place, spool
        self.stopped = asyncio.Event()
        self.link = Link(
            CREDENTIALS,
            self._hello,
            SpoolOutbox(spool, lambda: self.sessions.settled()),
            self._handle,
            place.random,
            heartbeat=self._heartbeat,
            monotonic=place.loop.time,
            connect=place.connect,
        )
        self._build()

    def _build(self) -> None:
        place, spool = self._place, self._spool
        self.audit = Audit(place.folder / "audit.jsonl", place.wall)
        self.grants = Grants(place.folder / "grants", fake_sign, fake_verify)
        gate = Gate(
            POLICY,
            self.grants,
            self.audit,
            Owner(place.random),
            spool.start_command,
            place.wall,
            lambda: place.new_id("grant"),
            20.0,
        )
        store = Store(spool, place)
        self.delivery = Delivery(place.agent_id, store, seal_in(place), self.link.wake, place.new_id)
        measurements: Any = Measurements(place)
        wire = Wire(self.link.send, lambda rounds: rounds)
        self.sessions = Sessions(
            place.agent_id,
            gate,
            wire,
            measurements,
            self.delivery,
            lambda target: False,
            Outcomes(spool, self.audit, wire),
        )
        timed = Timed(gate, self.audit, measurements, self.delivery)

        async def run(schedule: link_pb2.Schedule, slot: datetime) -> None:
            if place.oracle.settling:
                return
            place.oracle.slot_began(place.agent_id, schedule, slot)
            await timed.run(schedule, slot)

        self.timetable = Ticking(spool, run, place.moment, place.agent_id)

    async def run(self) -> None:
        """Serve until stopped in order, or killed."""
        await self.grants.load()
        await self.sessions.recover()
        await self.timetable.load()
        work = [asyncio.create_task(one) for one in (self.link.run(), self.stopped.wait(), self._measure())]
        try:
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            for task in work:
                if task.done():
                    task.result()
        finally:
            await self.timetable.stop()
            await self.sessions.close()
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)

    async def _measure(self) -> None:
        """Snapshots that nobody asked for, of all sizes."""
        random = self._place.random
        while True:
            await asyncio.sleep(random.expovariate(1 / SNAPSHOT_SECONDS))
            if self._place.oracle.settling:
                await asyncio.Event().wait()
            for _ in range(random.choice((1, 1, 1, 6))):
                with contextlib.suppress(CaseprobeError):
                    await self.delivery.keep(
                        Raw(a_snapshot(self._place)), consent_pb2.ConsentRecord(), flow=snapshot_pb2.FLOW_SCHEDULED
                    )

    async def _hello(self) -> link_pb2.Hello:
        spool_id, acked = await self._spool.position()
        return link_pb2.Hello(
            agent_id=self._place.agent_id,
            boot_id=self._place.moment().boot_id,
            spool_id=spool_id,
            last_acked_sequence=acked,
            capabilities=CAPABILITIES,
            schedules_sha256=self.timetable.sha256,
            open_commands=self.sessions.open_commands(),
        )

    async def _heartbeat(self) -> link_pb2.Heartbeat:
        items, size = await self._spool.count()
        if items:
            self.link.wake()
        return link_pb2.Heartbeat(spooled_items=items, spooled_bytes=size)

    async def _handle(self, frame: link_pb2.LinkResponse) -> None:
        match frame.WhichOneof("frame"):
            case "welcome":
                await self._spool.settle_doubt(frame.welcome.received_at.ToMilliseconds())
                await self.sessions.welcomed()
            case "command":
                await self.sessions.command(frame.command)
            case "cancel":
                await self.sessions.cancel(frame.cancel.command_id)
            case "outcome_ack":
                await self.sessions.confirmed(frame.outcome_ack.command_id)
            case "schedules":
                await self.timetable.replace(frame.schedules)


async def run_agent(place: Place, started: Callable[[Agent], None]) -> None:
    """The whole life of a process; raises CaseprobeError where its spool cannot be used."""
    spool = await Spool.open(
        place.folder,
        place.quota_bytes,
        elapsed=place.loop.time,
        new_id=lambda: place.new_id("spool"),
        worker=Turns(place.loop),
    )
    async with spool:
        agent = Agent(place, spool)
        started(agent)
        await agent.run()


class Store:
    """The spool as a delivery sees it; the oracle hears what it accepted."""

    def __init__(self, spool: Spool, place: Place) -> None:
        self._spool, self._place = spool, place
        self.get_state, self.put_state = spool.get_state, spool.put_state

    async def append(
        self,
        kind: link_pb2.DataKind.ValueType,
        stream_id: str,
        snapshot_id: str,
        name: str,
        body: bytes,
        evidence: bool = False,
    ) -> int:
        """Append, then say so."""
        sequence = await self._spool.append(kind, stream_id, snapshot_id, name, body, evidence)
        self._place.oracle.accepted(self._place.agent_id, sequence, snapshot_id)
        return sequence


class Ticking(Timetable):
    """Ticks on the simulated clock."""

    _ticks: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to tick, as soon as there is anything to tick for."""
        if self._ticks is None and self.schedules:
            self._ticks = asyncio.create_task(self._tick_on())

    async def stop(self) -> None:
        """Tick no more."""
        if self._ticks is not None:
            self._ticks.cancel()
        await super().stop()

    async def _tick_on(self) -> None:
        while True:
            with contextlib.suppress(CaseprobeError):
                await self.tick()
            await asyncio.sleep(1)


class Owner:
    """Says yes, says no, or is not there."""

    def __init__(self, random: Random) -> None:
        self._random = random

    async def answer(self, ask: Ask) -> Answer:
        """After a while."""
        await asyncio.sleep(self._random.expovariate(1 / 5))
        return Answer(self._random.random() < 0.7, "root")


class Measurements:
    """What a session measures here: time passes, and the oracle hears that it ran."""

    collector = "collector"
    # Its operator declared none.
    own_probes = dict

    def __init__(self, place: Place) -> None:
        self._place = place

    async def path(
        self,
        action: link_pb2.PathAction,
        permit: Any,
        raw: Raw,
        on_round: Callable[..., None],
        ask_servers: bool,
    ) -> None:
        """A few rounds."""
        self._place.oracle.ran(self._place.agent_id, action.target)
        raw.snapshot.CopyFrom(snapshot_pb2.Snapshot(profile="path"))
        raw.header = path_pb2.PathFacts(target=action.target)
        for number in range(1, action.rounds + 1):
            await asyncio.sleep(action.interval_seconds)
            round_ = path_pb2.PathRound(number=number, sent=[1])
            raw.tally.add(round_)
            on_round(raw.header if raw.tally.rounds <= 1 else None, round_)

    async def snapshot(self, choice: Choice, profile: str, deadline_seconds: float, raw: Raw) -> None:
        """A snapshot; the name of its profile says which command it is for."""
        self._place.oracle.ran(self._place.agent_id, profile)
        await asyncio.sleep(self._place.random.expovariate(1 / 2))
        raw.snapshot.CopyFrom(a_snapshot(self._place, profile))


def a_snapshot(place: Place, profile: str = "quick") -> snapshot_pb2.Snapshot:
    """A snapshot of random bytes; some are larger than a frame."""
    random = place.random
    size = 300_000 if random.random() < place.large_ratio else random.choice((200, 1_500, 8_000))
    snapshot = snapshot_pb2.Snapshot(profile=profile)
    section = snapshot.sections.add(probe="path", outcome=section_pb2.PROBE_OUTCOME_OK)
    section.path.address = random.randbytes(size)
    return snapshot


def seal_in(place: Place) -> Callable[..., Any]:
    """Packs as the child does, and tells the oracle what bytes the collector must hold in the end."""

    async def seal(snapshot: snapshot_pb2.Snapshot, *others: object) -> Parcel:
        await asyncio.sleep(place.random.expovariate(1 / 0.05))
        body = zstandard.ZstdCompressor(level=1).compress(snapshot.SerializeToString())
        place.oracle.intended(place.agent_id, snapshot, hashlib.sha256(body).digest())
        return Parcel(link_pb2.DATA_KIND_SNAPSHOT, body)

    return seal
