"""Wires between agents and the collector: what grpc.aio shows of a connection, without a connection.

A wire keeps the order of what is sent on it and never doubles it, as TCP and HTTP/2 do; that is all it promises.
Frames take their time, wait while the network is parted, and are lost where the wire breaks: of what was under way
a seeded number still arrives. A broken wire may be noticed by its two ends at different times, up to twenty seconds
apart (the pings of both sides), so the collector may still read a stream that its agent has long replaced.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random
from typing import Any, cast

import grpc
import grpc.aio

from caseprobe.v1 import link_pb2
from caseprobe_agent.link import Credentials
from tests.simulation.loop import LIFE, Life

WINDOW_BYTES = 256 * 1024
LATENCY_SECONDS = 0.02
# A silent drop is noticed by the pings: every 15 s, 5 s to answer.
NOTICED_SECONDS = (0.5, 20.0)

Serve = Callable[[Any], Awaitable[None]]
Watch = Callable[["Wire", Any], None]


class Pipe:
    """One direction: frames with the time of their arrival."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._frames: deque[tuple[float, bytes]] = deque()
        self._changed = asyncio.Event()
        self._bytes = 0
        self._last_at = 0.0
        self.held = self.over = self.lost = False

    async def put(self, frame: bytes) -> None:
        """Send; waits while the window is full. A pipe that is over swallows it, as a socket's buffer does."""
        while self._bytes >= WINDOW_BYTES and not self.over:
            await self._wait()
        if not self.over:
            at = asyncio.get_running_loop().time() + self._random.expovariate(1 / LATENCY_SECONDS)
            self._last_at = max(self._last_at, at)
            self._frames.append((self._last_at, frame))
            self._bytes += len(frame)
            self._tell()

    async def get(self) -> bytes | None:
        """The next frame when it has arrived; None at the end."""
        while True:
            if self._frames and not self.held and not self.lost:
                at, frame = self._frames[0]
                left = at - asyncio.get_running_loop().time()
                if left <= 0:
                    self._frames.popleft()
                    self._bytes -= len(frame)
                    self._tell()
                    return frame
                await self._wait(left)
            elif self.lost or (self.over and not self._frames):
                return None
            else:
                await self._wait()

    def hold(self, held: bool) -> None:
        """The network is parted, or whole again."""
        self.held = held
        self._tell()

    def end(self, arriving: int | None = None) -> None:
        """Nothing more is sent; arriving: how many of the frames under way still arrive (None: all)."""
        self.over = True
        while arriving is not None and len(self._frames) > arriving:
            self._frames.pop()
        self._tell()

    def lose(self) -> None:
        """The reader's end is gone."""
        self.over = self.lost = True
        self._frames.clear()
        self._tell()

    @property
    def under_way(self) -> int:
        """Frames that have not been read."""
        return len(self._frames)

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _wait(self, seconds: float | None = None) -> None:
        changed = self._changed
        if seconds is None:
            await changed.wait()
            return
        loop = asyncio.get_running_loop()
        timer = loop.call_later(seconds, self._tell)
        try:
            await changed.wait()
        finally:
            timer.cancel()


class Wire:
    """One connection: an agent's call at one end, the collector's handler at the other."""

    def __init__(self, network: Network, agent: Life, collector: Life, number: int) -> None:
        self.network, self.agent, self.collector, self.number = network, agent, collector, number
        self.up, self.down = Pipe(network.random), Pipe(network.random)
        self.hello = link_pb2.Hello()
        self.agent_gone = self.collector_gone = False
        self.handler: asyncio.Task[None] | None = None
        for pipe in (self.up, self.down):
            pipe.hold(network.parted)

    def __str__(self) -> str:
        """For the trace."""
        return f"{self.agent}#{self.number}"

    def agent_leaves(self, arriving: int | None = None) -> None:
        """The agent's end is gone: killed, cancelled or timed out."""
        if not self.agent_gone:
            self.agent_gone = True
            self.down.lose()
            self.up.end(arriving)
            self.network.later(lambda: self._collector_hears(arriving is not None))

    def collector_leaves(self, arriving: int | None = None) -> None:
        """The collector's end is gone."""
        if not self.collector_gone:
            self.collector_gone = True
            self.up.lose()
            self.down.end(arriving)
            if self.handler is not None:
                self.handler.cancel()

    def break_both(self) -> None:
        """Reset, or found dead by both sides' pings, each at its own time."""
        self.network.later(lambda: self.agent_leaves(self.network.random.randint(0, self.up.under_way)))
        self.network.later(lambda: self.collector_leaves(self.network.random.randint(0, self.down.under_way)))

    def _collector_hears(self, broken: bool) -> None:
        """The end of the agent's frames reaches the collector; behind a break its handler is cancelled."""
        if broken and not self.collector_gone:
            self.collector_leaves(0)


class Network:
    """Everything between the machines."""

    def __init__(self, loop: asyncio.AbstractEventLoop, random: Random) -> None:
        self.loop, self.random = loop, random
        self.parted = False
        self.wires: list[Wire] = []
        self.server: tuple[Life, Serve] | None = None
        self.certificates: dict[str, bytes] = {}
        # Told of every frame that a living process wrote, before it goes on its way.
        self.agent_wrote: Watch = lambda wire, frame: None
        self.collector_wrote: Watch = lambda wire, frame: None
        self._numbers = 0

    @contextlib.asynccontextmanager
    async def connect(self, credentials: Credentials) -> AsyncIterator[grpc.aio.Channel]:
        """The agent's seam: a channel whose only call is the link."""
        channel = Channel(self)
        try:
            yield cast(grpc.aio.Channel, channel)
        finally:
            await channel.close(None)

    def part(self, parted: bool) -> None:
        """Cut the network silently, or heal it; connections that outlive their pings are gone by then."""
        self.parted = parted
        for wire in self._open():
            wire.up.hold(parted)
            wire.down.hold(parted)
            if parted:
                self.loop.call_later(self.random.uniform(15, 20), self._pinged, wire, wire.agent_leaves)
                self.loop.call_later(self.random.uniform(15, 20), self._pinged, wire, wire.collector_leaves)

    def _pinged(self, wire: Wire, leave: Callable[[int], None]) -> None:
        """One side's pings were not answered."""
        if self.parted:
            leave(self.random.randint(0, wire.up.under_way))

    def reset_all(self) -> None:
        """Every connection breaks."""
        for wire in self._open():
            wire.break_both()

    def gone(self, life: Life) -> None:
        """A process died: its ends of all wires with it, and only part of what it had sent arrives."""
        if self.server is not None and self.server[0] is life:
            self.server = None
        for wire in self._open():
            if wire.agent is life:
                wire.agent_leaves(self.random.randint(0, wire.up.under_way))
            elif wire.collector is life:
                wire.collector_leaves(self.random.randint(0, wire.down.under_way))

    def later(self, call: Callable[[], None]) -> None:
        """Do it when the pings have noticed: at once in the middle of a conversation, or up to 20 s later."""
        most = self.random.choice(NOTICED_SECONDS)
        self.loop.call_later(self.random.uniform(0.0, most), call)

    async def dial(self) -> Wire | None:
        """A new wire; None where nobody listens or the way is cut."""
        await asyncio.sleep(self.random.uniform(0.001, 0.1))
        if self.parted:
            await asyncio.sleep(self.random.uniform(1.0, 20.0))
        life = LIFE.get()
        if self.parted or self.server is None or life is None or life.dead:
            return None
        self._numbers += 1
        collector, serve = self.server
        wire = Wire(self, life, collector, self._numbers)
        self.wires = [*self._open(), wire]
        wire.handler = self._start(collector, self._serve(wire, serve))
        return wire

    def _open(self) -> list[Wire]:
        return [wire for wire in self.wires if not (wire.agent_gone and wire.collector_gone)]

    def _start(self, life: Life, work: Any) -> asyncio.Task[None]:
        """A task in the other process."""
        token = LIFE.set(life)
        try:
            return self.loop.create_task(work)
        finally:
            LIFE.reset(token)

    async def _serve(self, wire: Wire, serve: Serve) -> None:
        try:
            await serve(Context(wire))
        finally:
            wire.down.end()
            wire.collector_gone = True
            wire.up.lose()


class Channel:
    """What the link uses of grpc.aio.Channel."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def stream_stream(self, method: str) -> Callable[[], Call]:
        """The one method."""
        return lambda: Call(self._network)

    async def close(self, grace: float | None) -> None:
        """Its call was cancelled before."""


class Call:
    """What the link uses of grpc.aio.StreamStreamCall."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._life = LIFE.get()
        self._dialling: asyncio.Task[Wire | None] = network.loop.create_task(network.dial())
        self._code = grpc.StatusCode.OK

    async def read(self) -> bytes | Any:
        """The next frame; EOF at the end. Raises AioRpcError where the wire broke."""
        wire = await self._wire()
        frame = await wire.down.get()
        if frame is None:
            if wire.agent_gone or not wire.collector_gone:
                raise self._broken("the connection broke")
            return grpc.aio.EOF
        return frame

    async def write(self, frame: bytes) -> None:
        """Send a frame; raises AioRpcError where the wire broke."""
        wire = await self._wire()
        if wire.agent_gone:
            raise self._broken("the connection broke")
        if self._life is not None and not self._life.dead:
            self._network.agent_wrote(wire, link_pb2.LinkRequest.FromString(frame))
        await wire.up.put(frame)

    async def done_writing(self) -> None:
        """The last frame was sent."""
        (await self._wire()).up.end()

    def cancel(self) -> bool:
        """Hang up."""
        if self._dialling.done() and not self._dialling.cancelled() and (wire := self._dialling.result()):
            wire.agent_leaves(self._network.random.randint(0, wire.up.under_way))
        return self._dialling.cancel()

    async def code(self) -> grpc.StatusCode:
        """How it ended."""
        return self._code

    async def details(self) -> str:
        """Why."""
        return "simulated"

    async def _wire(self) -> Wire:
        wire = await asyncio.shield(self._dialling)
        if wire is None:
            raise self._broken("connection refused")
        return wire

    def _broken(self, why: str) -> grpc.aio.AioRpcError:
        self._code = grpc.StatusCode.UNAVAILABLE
        return grpc.aio.AioRpcError(self._code, grpc.aio.Metadata(), grpc.aio.Metadata(), why)


class Context:
    """What the service uses of grpc.aio.ServicerContext."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def auth_context(self) -> dict[str, list[bytes]]:
        """The certificate that the handshake would have proved."""
        return {"x509_pem_cert": [self._wire.network.certificates[self._wire.agent.machine]]}

    async def read(self) -> link_pb2.LinkRequest | Any:
        """The next frame, EOF at the end."""
        frame = await self._wire.up.get()
        if frame is None:
            return grpc.aio.EOF
        request = link_pb2.LinkRequest.FromString(frame)
        if request.HasField("hello"):
            self._wire.hello = request.hello
        return request

    async def write(self, frame: link_pb2.LinkResponse) -> None:
        """Send a frame."""
        wire = self._wire
        if not wire.collector.dead and not wire.collector_gone:
            wire.network.collector_wrote(wire, frame)
        await wire.down.put(frame.SerializeToString())
