"""Builds and runs the resident agent: spool, gate, sessions, timetables, link and the owner's socket.

It stays small: rules, checks, cryptography and drawing are loaded by its children only.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC
from random import SystemRandom
from typing import TYPE_CHECKING

from caseprobe.errors import Revoked, UsageError
from caseprobe.join_code import split_address
from caseprobe.v1 import link_pb2, snapshot_pb2
from caseprobe_agent import worker
from caseprobe_agent.app import parts
from caseprobe_agent.app.control import Document, listening
from caseprobe_agent.app.desk import Desk
from caseprobe_agent.app.load import loading
from caseprobe_agent.app.masker import Masker
from caseprobe_agent.app.near import near_targets
from caseprobe_agent.app.noted_paths import noted
from caseprobe_agent.app.outbox import SpoolOutbox
from caseprobe_agent.app.own_probes import own_names, own_probes
from caseprobe_agent.app.questions import Questions
from caseprobe_agent.app.renewal import Renewal
from caseprobe_agent.app.witness import Witness
from caseprobe_agent.config import Settings
from caseprobe_agent.gate import Gate
from caseprobe_agent.grants import Grants
from caseprobe_agent.history.recorder import Recorder
from caseprobe_agent.identity import Identity, end, load
from caseprobe_agent.link import Credentials, Link
from caseprobe_agent.machine import Machine
from caseprobe_agent.schedule import Timetable
from caseprobe_agent.schedule.due import Moment
from caseprobe_agent.seal import Judging, Parcel, Run, hiding_of, load_key, seal_apart
from caseprobe_agent.seal.live import rounds_apart
from caseprobe_agent.seal.reveal import reveal_apart
from caseprobe_agent.session import CAPABILITIES, Delivery, Measurements, Sessions, Timed
from caseprobe_agent.session.frames import Wire
from caseprobe_agent.session.measure import boot_id, open_path
from caseprobe_agent.session.outcomes import Outcomes
from caseprobe_agent.session.watching import SealRound
from caseprobe_agent.spool import Spool

if TYPE_CHECKING:
    from caseprobe_agent.probes.probe import RawArtifact

log = logging.getLogger("caseprobe.agent")


class Resident:
    """The agent that stays: everything that it is made of, and its life."""

    def __init__(
        self,
        settings: Settings,
        identity: Identity,
        spool: Spool,
        grants: Grants,
        announce: Callable[[str], None],
        run: Run,
    ) -> None:
        self.stopped = asyncio.Event()
        self.ready = asyncio.Event()
        self._settings = settings
        self._identity = identity
        self._label = parts.label_of(settings, identity)
        self._spool = spool
        self._run_apart = run
        self._machine = Machine()
        self._boot_id = boot_id(self._machine)
        self._clock = parts.LocalClock()
        self.link = Link(
            self._credentials(identity),
            self._hello,
            SpoolOutbox(spool, lambda: self.sessions.settled()),
            self._handle,
            SystemRandom(),
            heartbeat=self._heartbeat,
        )
        self._renewal = Renewal(
            identity, settings.state_folder, self.link.send, lambda new: self.link.renew(self._credentials(new))
        )
        size_bytes = settings.history_bytes
        self._recorder = (
            Recorder(self._machine, settings.state_folder, size_bytes, self._boot_id) if size_bytes else None
        )
        self._hiding = hiding_of(self._machine, load_key(settings.state_folder), asset_masked=False)
        self._build(grants, announce)

    def _credentials(self, identity: Identity) -> Credentials:
        return parts.credentials_of(identity, self._settings.proxy)

    def _build(self, grants: Grants, announce: Callable[[str], None]) -> None:
        """Gate, sessions, timetables, and the desk that the owner speaks to."""
        audit = parts.audit_of(self._settings, self._clock)
        self._witness = Witness(audit, self._settings.state_folder, self.link.send)
        questions = Questions(self._settings.language, self._clock, announce)
        gate = Gate(
            self._settings.policy,
            grants,
            audit,
            questions,
            self._spool.start_command,
            self._clock,
            lambda: parts.fresh_id("grant"),
            self._settings.ask_timeout_seconds,
        )
        trace = noted(open_path, self._recorder.note) if self._recorder else open_path
        load = loading(lambda: self._credentials(self._renewal.identity), self._run_apart)
        collector = split_address(self._identity.link_address)[0]
        measurements = Measurements(
            self._machine,
            trace,
            self._true_name,
            collector,
            load,
            self._settings.networks,
            lambda: own_probes(self._settings),
            self._sealing,
        )
        masker = Masker(self._hiding)
        wire = Wire(self.link.send, masker.rounds, masker.text)
        delivery = Delivery(self._identity.agent_id, self._spool, self._seal, self.link.wake, parts.fresh_id)
        self.sessions = Sessions(
            self._identity.agent_id,
            gate,
            wire,
            measurements,
            delivery,
            near_targets(self._machine, self._identity.link_address),
            Outcomes(self._spool, audit, wire),
        )
        timed = Timed(gate, audit, measurements, delivery)
        self.timetable = Timetable(self._spool, timed.run, self._moment, self._identity.agent_id)
        self.desk = Desk(
            policy=self._settings.policy,
            questions=questions,
            grants=grants,
            sessions=self.sessions,
            audit=audit,
            clock=self._clock,
            new_id=parts.fresh_id,
            name_of=parts.user_name,
            state=self._state,
            stop=self.stopped.set,
            agent_id=self._identity.agent_id,
            stand_in=masker.text,
        )

    @property
    def agent_id(self) -> str:
        """The id that the machine's key gives it."""
        return self._identity.agent_id

    @property
    def collector(self) -> str:
        """host:port of the link."""
        return self._identity.link_address

    async def run(self) -> None:
        """Serve until stopped; ready is set once the owner can speak to it.

        Raises Revoked where the collector ended this machine's enrolment.
        """
        end(self._settings.state_folder, "")
        await self.sessions.recover()
        await self.timetable.load()
        async with listening(self._settings.socket_path, self.desk.answer):
            link = asyncio.create_task(self.link.run())
            stop = asyncio.create_task(self.stopped.wait())
            self.ready.set()
            try:
                with self._recorder or contextlib.nullcontext():
                    await asyncio.wait({link, stop}, return_when=asyncio.FIRST_COMPLETED)
                if link.done():
                    link.result()
            except Revoked as error:
                end(self._settings.state_folder, str(error))
                raise
            finally:
                await self._end([link, stop])

    async def _end(self, tasks: Sequence[asyncio.Task[None] | asyncio.Task[bool]]) -> None:
        """Every session gets its outcome, durably, while the link still stands; then all ends."""
        await self.timetable.stop()
        await self.sessions.close()
        await self._renewal.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- what the link asks ---

    async def _hello(self) -> link_pb2.Hello:
        """The first frame of every stream: who, since when, what this machine can do and lets be done."""
        spool_id, acked = await self._spool.position()
        hello = parts.hello_of(self._identity, spool_id, self._label, parts.system_name(), self._boot_id)
        hello.last_acked_sequence = acked
        hello.capabilities.extend(CAPABILITIES)
        hello.site_probes.extend(own_names(self._settings))
        hello.schedules_sha256 = self.timetable.sha256
        hello.flow = snapshot_pb2.FLOW_LIVE
        hello.open_commands.extend(self.sessions.open_commands())
        for kind, decision in self._settings.policy.entries():
            hello.policy.add(kind=kind, decision=decision)
        self._witness.hello(hello)
        return hello

    async def _heartbeat(self) -> link_pb2.Heartbeat:
        """Tells that this loop turns, and what waits."""
        await self._witness.tell()
        items, size = await self._spool.count()
        if items:
            # What a damaged spool declared of itself is told by nobody else.
            self.link.wake()
        boottime, monotonic = self._machine.boottime_seconds(), self._machine.monotonic_seconds()
        return link_pb2.Heartbeat(
            boottime_seconds=boottime, monotonic_seconds=monotonic, spooled_items=items, spooled_bytes=size
        )

    async def _handle(self, frame: link_pb2.LinkResponse) -> None:
        """One frame of the collector; what takes time runs in a task of its own."""
        match frame.WhichOneof("frame"):
            case "welcome":
                self._renewal.consider(frame.welcome.received_at.ToDatetime(tzinfo=UTC))
                await self._spool.settle_doubt(frame.welcome.received_at.ToMilliseconds())
                await self._witness.welcomed(frame.welcome)
                await self.sessions.welcomed()
            case "command":
                await self.sessions.command(frame.command)
            case "cancel":
                await self.sessions.cancel(frame.cancel.command_id)
            case "outcome_ack":
                await self.sessions.confirmed(frame.outcome_ack.command_id)
            case "schedules":
                await self.timetable.replace(frame.schedules)
            case "offer":
                await self._renewal.offered(frame.offer.certificate)
            case "refusal":
                log.warning("the collector refused a record: %s", frame.refusal.message)

    # --- what the flows ask ---

    async def _seal(
        self,
        snapshot: snapshot_pb2.Snapshot,
        artifacts: Sequence[RawArtifact],
        history: bytes,
        first: snapshot_pb2.Snapshot | None,
    ) -> Parcel:
        """Redacted, judged and packed, in a child."""
        judging = Judging(self._settings.overrides, history, first)
        key = self._identity.private_key_pem
        return await seal_apart(snapshot, artifacts, self._hiding, key, self._run_apart, judging)

    def _sealing(self, kept: bool) -> contextlib.AbstractAsyncContextManager[SealRound]:
        """Makes the rounds of a session as they may be shown, in a child."""
        return rounds_apart(self._hiding, kept, self._run_apart)

    async def _true_name(self, token: str) -> str:
        """What a stand-in stands for, found in a child."""
        return await reveal_apart(token, self._hiding, self._run_apart)

    def _moment(self) -> Moment:
        """Now on every clock."""
        wall = self._clock.zoned() if self.timetable.has_cron else self._clock()
        return Moment(wall, self._machine.boottime_seconds(), self._boot_id)

    async def _state(self) -> Document:
        """How the agent is, for `caseprobe status`."""
        items, size = await self._spool.count()
        link = self.link.state
        damaged, lost = self._spool.damage
        return {
            "agent_id": self._identity.agent_id,
            "label": self._label,
            "collector": self._identity.link_address,
            "connected": link.connected,
            "collector_version": link.collector_version,
            "last_error": link.last_error,
            "retry_seconds": link.retry_seconds,
            "spooled_items": items,
            "spooled_bytes": size,
            "spool_damaged_files": list(damaged),
            "spool_lost_records": lost,
            "certificate_valid_until": self._identity.valid_until_at.isoformat(timespec="seconds"),
            "schedules": self.timetable.rows(),
        }


@contextlib.asynccontextmanager
async def resident(
    settings: Settings, announce: Callable[[str], None], run: Run = worker.call
) -> AsyncIterator[Resident]:
    """The agent of these settings; raises UsageError where the machine is not enrolled or an agent runs already."""
    identity = load(settings.state_folder)
    if identity is None:
        raise UsageError("this machine is not enrolled: run `caseprobe enroll` with a join code first")
    grants = parts.grants_of(settings, identity, run)
    await grants.load()
    quota = settings.spool_quota_bytes, settings.spool_keep_seconds
    async with await Spool.open(settings.state_folder, *quota) as spool:
        yield Resident(settings, identity, spool, grants, announce, run)
