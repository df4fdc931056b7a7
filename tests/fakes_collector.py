"""A collector's LinkService on loopback with real TLS, which does as it is told and keeps what it got."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc
import grpc.aio

from caseprobe.v1 import link_pb2
from caseprobe.v1.link_pb2 import LinkRequest as Request
from caseprobe.v1.link_pb2 import LinkResponse as Response
from caseprobe_agent.link import Credentials
from tests.fakes_link import TestAuthority


class FakeStream:
    """One agent's stream, seen from the collector."""

    def __init__(self, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        self._context = context
        self._writing = asyncio.Lock()
        self.hello = link_pb2.Hello()
        self.frames: list[Request] = []
        self.over = asyncio.Event()

    async def send(self, frame: Response | bytes) -> None:
        """A frame, or bytes that are none."""
        async with self._writing:
            with contextlib.suppress(grpc.aio.InternalError):  # the agent has hung up
                await self._context.write(frame if isinstance(frame, bytes) else frame.SerializeToString())

    async def abort(self, code: grpc.StatusCode, text: str) -> None:
        """End the stream with a status, the next time that it reads."""
        self.status = (code, text)
        self.over.set()


@dataclass
class Stored:
    """A record that came whole."""

    sequence: int
    stream_id: str
    body: bytes
    kind: int


@dataclass
class FakeCollector:
    """Stores whole records, acks them, keeps all frames; behave replaces what it does with a frame."""

    authority: TestAuthority
    welcome: link_pb2.Welcome = field(default_factory=link_pb2.Welcome)
    # True: the frame was dealt with.
    behave: Callable[[FakeStream, Request], Awaitable[bool]] | None = None
    streams: list[FakeStream] = field(default_factory=list)
    stored: list[Stored] = field(default_factory=list)
    gaps: list[link_pb2.Gap] = field(default_factory=list)
    port: int = 0
    _parts: dict[tuple[int, int], bytearray] = field(default_factory=dict)
    _server: grpc.aio.Server | None = None
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def start(self) -> None:
        """Listen on a free port of loopback, or on the one it had before."""
        key, certificate = self.authority.server()
        tls = grpc.ssl_server_credentials([(key, certificate)], self.authority.pem, require_client_auth=True)
        handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
            "Link": grpc.stream_stream_rpc_method_handler(self._serve)
        }
        options = (("grpc.so_reuseport", 1), ("grpc.http2.min_ping_interval_without_data_ms", 5000))
        self._server = grpc.aio.server(options=options)
        generic = grpc.method_handlers_generic_handler("caseprobe.v1.LinkService", handlers)
        self._server.add_generic_rpc_handlers((generic,))
        self.port = self._server.add_secure_port(f"127.0.0.1:{self.port}", tls)
        await self._server.start()

    async def stop(self) -> None:
        """Die at once."""
        if self._server:
            await self._server.stop(None)
            self._server = None

    def credentials(self, authority: TestAuthority | None = None) -> Credentials:
        """What an agent needs to connect; authority: the CA that it believes in."""
        key, certificate = self.authority.agent_pair()
        return Credentials(f"127.0.0.1:{self.port}", (authority or self.authority).pem, certificate, key)

    async def until(self, true: Callable[[], object], seconds: float = 60.0) -> None:
        """Wait for something that a frame makes true."""
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(lambda: bool(true()))

    def got(self, kind: str) -> list[Request]:
        """All frames of a kind, over all streams."""
        return [frame for stream in self.streams for frame in stream.frames if frame.WhichOneof("frame") == kind]

    async def _serve(self, requests: object, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        stream = FakeStream(context)
        self.streams.append(stream)
        over = asyncio.create_task(stream.over.wait())
        try:
            while True:
                reading = asyncio.ensure_future(context.read())
                await asyncio.wait((reading, over), return_when=asyncio.FIRST_COMPLETED)
                if not reading.done():
                    reading.cancel()
                    if stream.status[0] == grpc.StatusCode.OK:
                        return
                    await context.abort(*stream.status)
                raw = reading.result()
                if not isinstance(raw, bytes):
                    return
                await self._take(stream, Request.FromString(raw))
        finally:
            over.cancel()
            stream.over.set()
            await self._tell()

    async def _take(self, stream: FakeStream, frame: Request) -> None:
        stream.frames.append(frame)
        if frame.HasField("hello"):
            stream.hello = frame.hello
        if not (self.behave and await self.behave(stream, frame)):
            await self.answer(stream, frame)
        await self._tell()

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def answer(self, stream: FakeStream, frame: Request) -> None:
        """What a collector does with a frame."""
        match frame.WhichOneof("frame"):
            case "hello":
                await stream.send(Response(welcome=self.welcome))
            case "data":
                await self.store(stream, frame.data)
            case "batch":
                for data in frame.batch.records:
                    await self.store(stream, data)
            case "gap":
                self.gaps.append(frame.gap)
                await stream.send(Response(ack=link_pb2.Ack(sequence=frame.gap.sequence)))
            case "heartbeat":
                await stream.send(Response(heartbeat_reply=link_pb2.HeartbeatReply()))
            case "outcome":
                await stream.send(Response(outcome_ack=link_pb2.OutcomeAck(command_id=frame.outcome.command_id)))

    async def store(self, stream: FakeStream, data: link_pb2.Data) -> None:
        """Put a piece to its record; ack it when it is whole and its hash is right."""
        key = (id(stream), data.sequence)
        if data.offset == 0:
            self._parts[key] = bytearray(data.sha256)
        parts = self._parts[key]
        assert len(parts) - 32 == data.offset
        parts += data.payload
        if len(parts) - 32 == data.total_bytes:
            digest, body = bytes(parts[:32]), bytes(parts[32:])
            assert hashlib.sha256(body).digest() == digest
            self.stored.append(Stored(data.sequence, data.stream_id, body, data.kind))
            await stream.send(Response(ack=link_pb2.Ack(sequence=data.sequence)))


@asynccontextmanager
async def running(collector: FakeCollector) -> AsyncIterator[FakeCollector]:
    """Start and end a collector."""
    await collector.start()
    try:
        yield collector
    finally:
        await collector.stop()
