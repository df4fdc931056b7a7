"""One agent's stream: who it is, its frames in, our frames out.

One task reads and one writes (two writers break grpc.aio); no session's error leaves its task.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import grpc

from caseprobe import VERSION
from caseprobe.errors import Busy, CaseprobeError, Cloned, Corrupt, NotAllowed, Revoked
from caseprobe.v1 import link_pb2, link_pb2_grpc
from caseprobe_collector.audit import AuditLog
from caseprobe_collector.ingest import Assembled, Ingest, Limits, weight_of
from caseprobe_collector.ports import Clock, FleetStore, SnapshotStore, Transaction, Transactions
from caseprobe_collector.records import Agent
from caseprobe_collector.rpc.links import CLONED, CLONED_SECONDS, OpenLink, OpenLinks, refusal
from caseprobe_collector.rpc.peer import peer_agent_id
from caseprobe_collector.rpc.presence import HEARTBEAT_SECONDS
from caseprobe_collector.rpc.receipts import Receipts
from caseprobe_collector.schedules import Schedules
from caseprobe_collector.sessions import Sessions

HELLO_SECONDS = 15.0
# What an agent may have under way in its bulk lane; each piece that was taken gives its bytes back.
BULK_CREDIT_BYTES = 4 << 20
MAX_TEXT = 200
RETRY_SECONDS = 5.0
# How long a machine that is turned away may take to say its first word.
FIRST_WORD_SECONDS = 1.0
# A machine that was shed asks again after this, and up to half as much more.
SHED_SECONDS = 15.0
# How long a new stream waits for what the older one of its machine gives back.
OLDER_SECONDS = 2.0
# After the last frame of the machine, for what it is still to be told.
GOODBYE_SECONDS = 2.0

log = logging.getLogger("caseprobe.collector")
Context = grpc.aio.ServicerContext[link_pb2.LinkRequest, link_pb2.LinkResponse]


@dataclass(frozen=True)
class Desk:
    """What a stream hands its frames to."""

    transactions: Transactions
    fleet: FleetStore
    snapshots: SnapshotStore
    ingest: Ingest
    sessions: Sessions
    schedules: Schedules
    links: OpenLinks
    clock: Clock
    limits: Limits
    audit: AuditLog

    async def audit_clone(self, agent: Agent) -> None:
        """Write down that two machines were turned away because they hold one key."""

        async def work(tx: Transaction) -> None:
            await self.audit.record(tx, agent.agent_id, "agent.cloned", agent.customer_id, agent.agent_id)

        await self.transactions.run(work)


class LinkService(link_pb2_grpc.LinkServiceServicer):
    """Serves every agent's stream."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def Link(  # type: ignore[override]  # read() and write() cost a fifth less than the generator form
        self, request_iterator: AsyncIterator[link_pb2.LinkRequest], context: Context
    ) -> None:
        """Run one stream to its end."""
        try:
            agent = await self._admit(context)
        except CaseprobeError as error:
            await self._turn_away(context, error)
            # A stream that ends while its first word is being written loses what was answered.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FIRST_WORD_SECONDS):
                    await context.read()
            return
        try:
            hello = await self._hello(context, agent)
            await self._single(agent, hello)
        except CaseprobeError as error:
            await self._turn_away(context, error)
            return
        link = await self._open(agent)
        try:
            await _Stream(self._desk, link, hello, context).run()
        except asyncio.CancelledError:
            raise
        except CaseprobeError as error:
            # Such as a full disk: the machine is told why, and comes back.
            log.warning("the stream of %s ended: %s", agent.agent_id, error)
            await context.write(refusal(error.code, str(error), RETRY_SECONDS if error.retryable else 0.0))
        except Exception:
            log.exception("the stream of %s failed", agent.agent_id)
        finally:
            self._desk.links.leave(link)

    async def _turn_away(self, context: Context, error: CaseprobeError) -> None:
        """Tell why, and when to come back."""
        delay = CLONED_SECONDS if isinstance(error, Cloned) else getattr(error, "retry_after_seconds", 0.0)
        await context.write(refusal(error.code, str(error), delay))

    async def _open(self, agent: Agent) -> OpenLink:
        """The machine's one stream, once its older one gave back what it had: the rest of a large item among it."""
        older = self._desk.links.current(agent.agent_id)
        link = self._desk.links.open(agent)
        if older is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(OLDER_SECONDS):
                    await older.ended()
        return link

    async def _single(self, agent: Agent, hello: link_pb2.Hello) -> None:
        """Raise Cloned where two machines hold this key; the first time, with its entry in the audit."""
        links = self._desk.links
        if agent.kind != "enrolled":
            return  # runs of one person beside each other share their key
        known = links.clones.quarantined(agent.agent_id)
        if links.clones.admit(agent.agent_id, hello.instance_id[:64], hello.stream_number):
            return
        links.cloned(agent)
        if not known:
            log.warning("two machines with the key of %s", agent.agent_id)
            await self._desk.audit_clone(agent)
        raise Cloned(CLONED)

    async def _admit(self, context: Context) -> Agent:
        """The machine whose key opened the TLS; raises NotAllowed, Revoked, or Busy where there is no place for it."""
        agent_id, links = peer_agent_id(context.auth_context()), self._desk.links
        if links.draining or links.full(agent_id):
            # Before the first query: at the cap a refusal must cost next to nothing.
            why = "is restarting" if links.draining else f"serves {links.most} machines and takes no more"
            raise Busy(f"the collector {why}: this machine comes back later", SHED_SECONDS)
        agent = await self._desk.fleet.get_agent(agent_id, None)
        if agent is None:
            raise NotAllowed("this key is not enrolled here; enrol with a new join code")
        if agent.revoked_at is not None:
            raise Revoked("this machine's enrolment was ended by the collector's staff")
        return agent

    async def _hello(self, context: Context, agent: Agent) -> link_pb2.Hello:
        try:
            frame: Any = await asyncio.wait_for(context.read(), HELLO_SECONDS)
        except TimeoutError:
            raise Corrupt(f"no Hello within {HELLO_SECONDS:.0f} seconds") from None
        if frame is grpc.aio.EOF or frame.WhichOneof("frame") != "hello":
            raise Corrupt("the first frame of a stream must be Hello")
        if frame.hello.agent_id != agent.agent_id:
            raise NotAllowed("the agent id in Hello is not the key's")
        return frame.hello  # type: ignore[no-any-return]


class _Stream:
    def __init__(self, desk: Desk, link: OpenLink, hello: link_pb2.Hello, context: Context) -> None:
        self._desk = desk
        self._link = link
        self._agent = link.agent
        # Let go of once it is read: what a machine says of itself is kept elsewhere.
        self._greeting: link_pb2.Hello | None = hello
        self._spool_id = hello.spool_id[:64]
        self._context = context
        self._assembly = desk.ingest.assembly(link.agent.agent_id, desk.limits)
        # Made for the first item: most machines are idle most of the time.
        self._receipts: Receipts | None = None
        self._acking: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Read, write and acknowledge until either side ends the stream."""
        if self._greeting is not None:
            await self._greet(self._greeting)
        self._greeting = None
        tasks = [asyncio.create_task(work()) for work in (self._read, self._write)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            # The machine said its last word; what it is still to be told is written.
            self._link.finish()
            await asyncio.wait(tasks[1:], timeout=GOODBYE_SECONDS)
        finally:
            if self._acking is not None:
                tasks.append(self._acking)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._desk.ingest.leave(self._agent.agent_id, self._assembly)

    async def _greet(self, hello: link_pb2.Hello) -> None:
        desk, agent = self._desk, self._agent
        last = await desk.snapshots.last_sequence(agent.agent_id, self._spool_id)
        await self._note_hello(hello)
        welcome = link_pb2.Welcome(
            collector_version=VERSION,
            last_stored_sequence=last,
            heartbeat_seconds=HEARTBEAT_SECONDS,
            bulk_credit_bytes=BULK_CREDIT_BYTES,
            resume=[link_pb2.Resume(stream_id=name, offset=at) for name, at in self._assembly.resume_points()],
        )
        welcome.received_at.FromDatetime(desk.clock.now())
        self._link.send(link_pb2.LinkResponse(welcome=welcome))
        if agent.kind == "enrolled":
            await desk.schedules.on_connect(agent, hello.schedules_sha256)
            await desk.sessions.on_connect(agent, frozenset(hello.open_commands[:1000]))

    async def _note_hello(self, hello: link_pb2.Hello) -> None:
        """Keep what the machine says of itself: labels, never identity."""
        now = self._desk.clock.now()
        agent = replace(
            self._agent,
            label=hello.machine_label[:MAX_TEXT] or self._agent.label,
            system=hello.system[:MAX_TEXT] or self._agent.system,
            version=hello.agent_version[:MAX_TEXT],
            last_seen_at=now,
            policy=tuple((entry.kind, entry.decision) for entry in hello.policy[:64]),
            capabilities=tuple(name[:MAX_TEXT] for name in hello.capabilities[:64]),
        )

        async def work(tx: Transaction) -> None:
            await self._desk.fleet.put_agent(tx, agent)

        await self._desk.transactions.run(work)

    async def _write(self) -> None:
        links = self._desk.links
        while True:
            for frame in await self._link.queue.take():
                if frame is None:
                    return
                links.writes(self._link, begins=True)
                await self._context.write(frame)
                links.writes(self._link, begins=False)

    async def _read(self) -> None:
        while True:
            frame: Any = await self._context.read()
            if frame is grpc.aio.EOF:
                return
            self._desk.links.read(self._link)
            await self._handle(frame)

    async def _handle(self, frame: link_pb2.LinkRequest) -> None:
        match frame.WhichOneof("frame"):
            case "rounds":
                await self._desk.sessions.on_rounds(self._agent, frame.rounds)
            case "data":
                await self._data(frame.data)
            case "progress":
                await self._desk.sessions.on_progress(self._agent, frame.progress)
            case "outcome":
                await self._outcome(frame.outcome)
            case "heartbeat":
                await self._heartbeat(frame.heartbeat)
            case "gap":
                work = self._desk.ingest.store_gap(self._agent, self._spool_id, frame.gap)
                await self._acked().take(frame.gap.sequence, work)
            case other:
                # A newer agent's frame: told, not fatal.
                self._link.send(refusal("unsupported", f"frame {other or 'unknown'} is not taken by this version"))

    async def _data(self, data: link_pb2.Data) -> None:
        await self._take(data)
        credit = link_pb2.Credit(lane=link_pb2.LANE_BULK, bytes=len(data.payload))
        self._link.send(link_pb2.LinkResponse(credit=credit))

    async def _take(self, data: link_pb2.Data) -> None:
        try:
            item = await self._assembly.add(data)
        except CaseprobeError as error:
            if error.retryable:
                # Such as a full disk: refused by its sequence, the machine would forget what it may send again.
                raise
            self._link.send(refusal(error.code, str(error), 0.0, data.sequence))
            return
        if item is not None:
            await self._hand_over(item)

    async def _hand_over(self, item: Assembled) -> None:
        work = self._desk.ingest.store(self._agent, self._spool_id, item)
        try:
            await self._acked().take(item.sequence, work, weight_of(item))
        except BaseException:
            # The stream ended while it waited for room: nobody else knows of its file.
            if item.staged is not None:
                item.staged.discard()
            raise

    def _acked(self) -> Receipts:
        """What stores and acknowledges in order."""
        if self._receipts is None:
            link = self._link
            self._receipts = Receipts(link.send, link.finish, self._desk.ingest.budget, link.agent.agent_id)
            self._acking = asyncio.create_task(self._receipts.run())
        return self._receipts

    async def _outcome(self, outcome: link_pb2.Outcome) -> None:
        if await self._desk.sessions.on_outcome(self._agent, outcome):
            ack = link_pb2.OutcomeAck(command_id=outcome.command_id)
            self._link.send(link_pb2.LinkResponse(outcome_ack=ack))

    async def _heartbeat(self, heartbeat: link_pb2.Heartbeat) -> None:
        self._desk.links.beat(self._link, heartbeat)
        reply = link_pb2.HeartbeatReply()
        reply.received_at.FromDatetime(self._desk.clock.now())
        self._link.send(link_pb2.LinkResponse(heartbeat_reply=reply))
