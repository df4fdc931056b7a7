"""Many machines in one process that speak the real link: own keys, own streams, everything resent until acked."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import io
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import grpc
import zstandard

from caseprobe.bundle import write_bundle
from caseprobe.v1 import link_pb2, snapshot_pb2
from caseprobe_agent.identity import Identity, keys
from tests.torture.oracle import Oracle

METHOD = "/caseprobe.v1.LinkService/Link"
OPTIONS = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0), ("grpc.enable_retries", 0))
AGAIN_SECONDS = 0.03
PIECE_BYTES = 256 << 10
WELCOME_SECONDS = 10.0
LARGE_BYTES = 400 << 10
SMALL_BYTES = 2 << 10
# What load is made of, and in which shares: rows, rows whose body is an object, bundles.
MIX = ((SMALL_BYTES, "snapshot"), (LARGE_BYTES, "snapshot"), (SMALL_BYTES, "bundle"))
SHARES = (97.0, 1.0, 2.0)
# Acked ones that are sent a second time now and then: a lost ack, or a machine rolled back to an older disk.
REPLAYED = 4
BROKEN = (grpc.RpcError, grpc.aio.UsageError, grpc.aio.InternalError, asyncio.InvalidStateError, EOFError, TimeoutError)


@dataclass(frozen=True)
class Sent:
    """One record as it goes over the wire."""

    sequence: int
    name: str
    kind: link_pb2.DataKind.ValueType
    payload: bytes
    sha256: bytes


class Machine:
    """One machine's spool and stream."""

    def __init__(self, identity: Identity, oracle: Oracle, random: Random) -> None:
        self.identity = identity
        self._oracle = oracle
        self._random = random
        self._spool_id = f"spool_{random.getrandbits(64):016x}"
        self._last = 0
        self._waiting: deque[Sent] = deque()
        self._acked: deque[Sent] = deque(maxlen=REPLAYED)
        self._news = asyncio.Event()
        self.retry: Callable[[], float] = lambda: AGAIN_SECONDS
        self.connected = asyncio.Event()
        self.acked_total = 0
        self._call: Any = None
        # The newest refusal in the collector's words.
        self.refusal = link_pb2.Refusal()

    @property
    def waiting(self) -> int:
        """Records that are not acknowledged."""
        return len(self._waiting)

    async def offer(self, size: int = SMALL_BYTES, kind: str = "snapshot", count: int = 1) -> None:
        """Take records into the outbox, their intents on disk first."""
        made = [self._make(size, kind) for _ in range(count)]
        await self._oracle.intend((one.name, one.sha256) for one in made)
        self._waiting += made
        self._news.set()

    async def load(self, window: int) -> None:
        """Always have so many records under way; ends only cancelled."""
        while True:
            if (room := window - len(self._waiting)) > 0:
                await self.offer(*self._random.choices(MIX, SHARES)[0], count=room)
            self._news.clear()
            await self._news.wait()

    def hang_up(self) -> None:
        """End the stream that is open; the next begins at once."""
        self.connected.clear()
        if self._call is not None:
            self._call.cancel()

    async def run(self, address: Callable[[], str]) -> None:
        """Streams, one after the other; ends only cancelled."""
        while True:
            with contextlib.suppress(*BROKEN):
                await self._stream(address())
            self.connected.clear()
            await asyncio.sleep(self.retry())

    async def _stream(self, address: str) -> None:
        one = self.identity
        tls = grpc.ssl_channel_credentials(one.ca_pem, one.private_key_pem, one.certificate_pem)
        async with grpc.aio.secure_channel(address, tls, options=OPTIONS) as channel:
            call: Any = channel.stream_stream(METHOD)()
            self._call = call
            try:
                await self._converse(call)
            finally:
                call.cancel()

    async def _converse(self, call: Any) -> None:
        hello = link_pb2.Hello(agent_id=self.identity.agent_id, spool_id=self._spool_id, machine_label="torture")
        await call.write(link_pb2.LinkRequest(hello=hello).SerializeToString())
        async with asyncio.timeout(WELCOME_SECONDS):
            frame = await _read(call)
        if not frame.HasField("welcome"):
            self._take(frame, 0)
            return
        self.connected.set()
        reader = asyncio.create_task(self._receive(call))
        writer = asyncio.create_task(self._send(call))
        try:
            await asyncio.wait([reader, writer], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reader, writer):
                task.cancel()
            await asyncio.gather(reader, writer, return_exceptions=True)

    async def _send(self, call: Any) -> None:
        """All that waits from the oldest on; now and then what was acked before, once more."""
        if self._random.random() < 0.5:
            for sent in list(self._acked):
                await self._write(call, sent)
        done = 0
        while True:
            for sent in [sent for sent in list(self._waiting) if sent.sequence > done]:
                await self._write(call, sent)
                done = sent.sequence
            self._news.clear()
            if not self._waiting or self._waiting[-1].sequence <= done:
                await self._news.wait()

    async def _write(self, call: Any, sent: Sent) -> None:
        for offset in range(0, len(sent.payload), PIECE_BYTES):
            data = link_pb2.Data(
                lane=link_pb2.LANE_BULK,
                sequence=sent.sequence,
                kind=sent.kind,
                stream_id=sent.name,
                snapshot_id=sent.name,
                offset=offset,
                total_bytes=len(sent.payload),
                sha256=b"" if offset else sent.sha256,
                payload=sent.payload[offset : offset + PIECE_BYTES],
            )
            await call.write(link_pb2.LinkRequest(data=data).SerializeToString())

    async def _receive(self, call: Any) -> None:
        while self._take(await _read(call), self._last):
            pass

    def _take(self, frame: link_pb2.LinkResponse, highest: int) -> bool:
        """One frame of the collector; False where it ends the stream."""
        if frame.HasField("ack") and frame.ack.sequence <= highest:
            self._forget(frame.ack.sequence)
        elif frame.HasField("ack"):
            self._oracle.refuse("ack", f"of {frame.ack.sequence}, which was never sent")
        elif frame.HasField("refusal"):
            self.refusal = frame.refusal
            if frame.refusal.sequence and not frame.refusal.retry_after_seconds:
                self._give_up(frame.refusal)
                return True
            return False
        return not frame.HasField("drain")

    def _forget(self, sequence: int) -> None:
        names = []
        while self._waiting and self._waiting[0].sequence <= sequence:
            self._acked.append(self._waiting.popleft())
            names.append(self._acked[-1].name)
        self.acked_total += len(names)
        self._oracle.acknowledge(names)
        self._news.set()

    def _give_up(self, refusal: link_pb2.Refusal) -> None:
        for sent in [sent for sent in self._waiting if sent.sequence == refusal.sequence]:
            self._waiting.remove(sent)
            self._oracle.refuse(sent.name, f"{refusal.code} {refusal.message}")

    def _make(self, size: int, kind: str) -> Sent:
        self._last += 1
        name = f"snap_{self._random.getrandbits(128):032x}"
        snapshot = snapshot_pb2.Snapshot(
            snapshot_id=name, agent_id=self.identity.agent_id, sequence=self._last, profile="torture"
        )
        snapshot.flow = snapshot_pb2.FLOW_SCHEDULED
        words = base64.b64encode(self._random.randbytes(size)).decode()
        snapshot.sections.add(probe="system").system.os_name = words
        if kind == "bundle":
            payload, number = self._bundle(snapshot), link_pb2.DATA_KIND_BUNDLE
        else:
            payload, number = zstandard.compress(snapshot.SerializeToString(), 1), link_pb2.DATA_KIND_SNAPSHOT
        return Sent(self._last, name, number, payload, hashlib.sha256(payload).digest())

    def _bundle(self, snapshot: snapshot_pb2.Snapshot) -> bytes:
        snapshot.flow = snapshot_pb2.FLOW_ONE_SHOT
        file = io.BytesIO()

        def signed(statement: bytes) -> tuple[str, str, bytes, bytes]:
            request = keys.pack(self.identity.private_key_pem, hashlib.sha256(statement).digest())
            public, value = keys.unpack(keys.sign_digest(request))
            return "enrolled", self.identity.agent_id, value, public

        write_bundle(file, snapshot, {}, "<p>torture</p>", signed)
        return file.getvalue()


class Fleet:
    """Machines that share an oracle and a collector."""

    def __init__(self, identities: list[Identity], oracle: Oracle, random: Random) -> None:
        self.machines = [Machine(one, oracle, Random(random.random())) for one in identities]

    @contextlib.asynccontextmanager
    async def running(self, address: Callable[[], str], window: int = 0) -> AsyncIterator[Fleet]:
        """All streams up, with so many records of each under way (0: none but what is offered)."""
        tasks = [asyncio.create_task(machine.run(address)) for machine in self.machines]
        if window:
            tasks += [asyncio.create_task(machine.load(window)) for machine in self.machines]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def hang_up(self) -> None:
        """End every stream that is open."""
        for machine in self.machines:
            machine.hang_up()

    async def connected(self, seconds: float = 20.0) -> None:
        """Wait until every machine has a stream; TimeoutError."""
        async with asyncio.timeout(seconds):
            for machine in self.machines:
                await machine.connected.wait()


async def _read(call: Any) -> link_pb2.LinkResponse:
    raw = await call.read()
    if not isinstance(raw, bytes):
        raise EOFError("the stream ended")
    return link_pb2.LinkResponse.FromString(raw)
