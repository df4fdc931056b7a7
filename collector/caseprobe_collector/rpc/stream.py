"""One agent's stream after it was let in: its frames in, our frames out.

One task reads and one writes (two writers break grpc.aio).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

import grpc

from caseprobe import VERSION
from caseprobe.errors import CaseprobeError, Corrupt
from caseprobe.v1 import link_pb2
from caseprobe_collector.drafts import DRAFT_BYTES
from caseprobe_collector.ingest import Assembled, Stored, weight_of
from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import Agent
from caseprobe_collector.rpc.desk import Desk
from caseprobe_collector.rpc.links import OpenLink, refusal, refusal_of
from caseprobe_collector.rpc.presence import HEARTBEAT_SECONDS
from caseprobe_collector.rpc.receipts import Receipts
from caseprobe_collector.rpc.refund import Refund

# What an agent may have under way in its bulk lane; each piece that was taken gives its bytes back.
BULK_CREDIT_BYTES = 4 << 20
# Each of them costs an item of its own once it is read, however small it is.
BATCH_RECORDS = 64
MAX_TEXT = 200
# After the last frame of the machine, for what it is still to be told.
GOODBYE_SECONDS = 2.0

Context = grpc.aio.ServicerContext[link_pb2.LinkRequest, link_pb2.LinkResponse]


class Stream:
    """From the Welcome to the last frame. Used once, and small: ten thousand idle machines have one each."""

    __slots__ = (
        "_acking",
        "_agent",
        "_assembly",
        "_context",
        "_desk",
        "_greeting",
        "_link",
        "_receipts",
        "_refund",
        "_spool_id",
    )

    def __init__(self, desk: Desk, link: OpenLink, hello: link_pb2.Hello, context: Context) -> None:
        self._desk = desk
        self._link = link
        self._agent = link.agent
        # Let go of once it is read: what a machine says of itself is kept elsewhere.
        self._greeting: link_pb2.Hello | None = hello
        self._spool_id = hello.spool_id[:64]
        self._context = context
        # All made for the first item: most machines are idle most of the time.
        self._assembly = desk.ingest.resumed(link.agent.agent_id, desk.limits)
        self._receipts: Receipts | None = None
        self._acking: asyncio.Task[None] | None = None
        self._refund: Refund | None = None

    async def run(self) -> None:
        """Read, write and acknowledge until either side ends the stream.

        Raises what ended it other than in order, such as a full disk; the machine was told then, and comes back.
        """
        reading = asyncio.create_task(self._read())
        tasks = [reading]
        try:
            await self._write_until_after(reading)
            if reading.done():
                reading.result()
        finally:
            if self._acking is not None:
                tasks.append(self._acking)
            if self._refund is not None:
                self._refund.close()
            for task in tasks:
                task.cancel()
            try:
                await asyncio.gather(*tasks, return_exceptions=True)
            finally:
                # A call that is cancelled a second time meanwhile must not cost what arrived, nor leave a file open.
                self._desk.ingest.leave(self._agent.agent_id, self._assembly)
                if self._link.shows:
                    self._desk.drafts.leave(self._agent.agent_id, self._link.shows)

    async def _write_until_after(self, reading: asyncio.Task[None]) -> None:
        """Write until the stream is to end; once reading ended, what the machine is still to be told, and that.

        It is the writer's to write: one that is cancelled in the middle of a frame leaves a stream that takes no other.
        """
        limit = asyncio.timeout(None)

        def last_word(ended: asyncio.Task[None]) -> None:
            self._link.finish(_reason(ended))
            # Not where writing ended meanwhile.
            with contextlib.suppress(RuntimeError):
                limit.reschedule(asyncio.get_running_loop().time() + GOODBYE_SECONDS)

        with contextlib.suppress(TimeoutError):
            async with limit:
                reading.add_done_callback(last_word)
                try:
                    await self._write()
                finally:
                    reading.remove_done_callback(last_word)

    async def _greet(self, hello: link_pb2.Hello) -> None:
        desk, agent = self._desk, self._agent
        last = await desk.snapshots.last_sequence(agent.agent_id, self._spool_id)
        await self._note_hello(hello)
        welcome = link_pb2.Welcome(
            collector_version=VERSION,
            last_stored_sequence=last,
            heartbeat_seconds=HEARTBEAT_SECONDS,
            bulk_credit_bytes=BULK_CREDIT_BYTES,
            batch_records=BATCH_RECORDS,
            draft_bytes=DRAFT_BYTES,
            resume=self._resume_points(),
        )
        welcome.received_at.FromDatetime(desk.clock.now())
        if agent.kind == "enrolled":
            await desk.witness.greet(agent, hello, welcome)
        desk.links.greet(self._link, link_pb2.LinkResponse(welcome=welcome))
        if agent.kind == "enrolled":
            await desk.schedules.on_connect(agent, hello.schedules_sha256)
            await desk.sessions.on_connect(agent, frozenset(hello.open_commands[:1000]))

    def _resume_points(self) -> list[link_pb2.Resume]:
        found = self._assembly.resume_points() if self._assembly is not None else []
        return [link_pb2.Resume(stream_id=name, offset=at) for name, at in found]

    async def _note_hello(self, hello: link_pb2.Hello) -> None:
        """Keep what the machine says of itself: labels, never identity."""
        fleet, now = self._desk.fleet, self._desk.clock.now()

        async def work(tx: Transaction) -> None:
            # Read anew: since the stream was let in the key may have redeemed another code.
            known = await fleet.get_agent(self._agent.agent_id, None)
            if known is not None:
                await fleet.put_agent(tx, _labelled(known, hello, now))

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
        if self._greeting is not None:
            await self._greet(self._greeting)
        self._greeting = None
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
            case "sections":
                await self._desk.sessions.on_sections(self._agent, frame.sections)
            case "data":
                await self._data((frame.data,))
            case "batch":
                await self._batch(frame.batch)
            case "audit_entries" if self._agent.kind == "enrolled":
                await self._desk.witness.hear(self._agent, frame.audit_entries.entries)
            case "draft":
                await self._drafted(frame.draft)
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
                # A newer agent's frame, or one that is not this machine's to send: told, not fatal.
                self._link.send(refusal("unsupported", f"frame {other or 'unknown'} is not taken by this version"))

    async def _batch(self, batch: link_pb2.Batch) -> None:
        if len(batch.records) > BATCH_RECORDS:
            raise Corrupt(f"{len(batch.records)} records in one frame, where {BATCH_RECORDS} are taken")
        await self._data(batch.records)

    async def _data(self, records: Iterable[link_pb2.Data]) -> None:
        """Take pieces in their order; their bytes are owed back once all of them found room."""
        size = 0
        for data in records:
            # Each look at the field copies all of it once more.
            payload = data.payload
            await self._take(data, payload)
            size += len(payload)
        if self._refund is None:
            self._refund = Refund(self._link.send)
        self._refund.owe(size)

    async def _take(self, data: link_pb2.Data, payload: bytes) -> None:
        try:
            if self._assembly is None:
                self._assembly = self._desk.ingest.assembly(self._agent.agent_id, self._desk.limits)
            item = await self._assembly.add(data, payload)
        except CaseprobeError as error:
            if error.retryable:
                # Such as a full disk: refused by its sequence, the machine would forget what it may send again.
                raise
            self._link.send(refusal_of(error, data.sequence))
            return
        if item is not None:
            await self._hand_over(item)

    async def _hand_over(self, item: Assembled) -> None:
        work = self._store(item)
        try:
            await self._acked().take(item.sequence, work, weight_of(item))
        except BaseException:
            # The stream ended while it waited for room: nobody else knows of its file.
            if item.staged is not None:
                item.staged.discard()
            raise

    async def _store(self, item: Assembled) -> Stored:
        stored = await self._desk.ingest.store(self._agent, self._spool_id, item)
        self._desk.drafts.forget(stored.snapshot_id)
        return stored

    async def _drafted(self, draft: link_pb2.Draft) -> None:
        first = not self._link.shows
        self._link.shows = self._link.shows or draft.snapshot_id
        await self._desk.drafts.take(self._agent, draft, first)

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


def _labelled(agent: Agent, hello: link_pb2.Hello, now: datetime) -> Agent:
    return replace(
        agent,
        label=hello.machine_label[:MAX_TEXT] or agent.label,
        system=hello.system[:MAX_TEXT] or agent.system,
        version=hello.agent_version[:MAX_TEXT],
        last_seen_at=now,
        policy=tuple((entry.kind, entry.decision) for entry in hello.policy[:64]),
        capabilities=tuple(name[:MAX_TEXT] for name in (*hello.capabilities[:64], *hello.site_probes[:64])),
    )


def _reason(reading: asyncio.Task[None]) -> link_pb2.LinkResponse | None:
    """What the machine is told where reading from it failed."""
    error = reading.exception() if reading.done() and not reading.cancelled() else None
    if not isinstance(error, CaseprobeError):
        return None
    return refusal_of(error)
