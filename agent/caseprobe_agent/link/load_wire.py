"""The wire of a test under load. The load has connections of its own: no echo waits in a sender's queue."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from dataclasses import replace
from typing import Any

import grpc
import grpc.aio

from caseprobe.errors import CaseprobeError, MeasurementError, Unreachable
from caseprobe.load_limits import PIECE_BYTES
from caseprobe.v1 import load_pb2, path_load_pb2
from caseprobe_agent.link.channel import one_line, open_channel, refusal_error, status_error
from caseprobe_agent.link.loading import FLOWS, Loading, Sink
from caseprobe_agent.link.outbox import Credentials
from caseprobe_agent.link.wire import FOREIGN

SERVICE = "/caseprobe.v1.LoadService/"
# For all connections and the first echo: a firewall that drops packets without a word costs as much before the proxy.
OPEN_SECONDS = 4.0


async def measure_load(credentials: Credentials) -> path_load_pb2.LoadFacts:
    """What load does to the line to the collector, directly or where that leads nowhere by way of the proxy.

    Raises the CaseprobeError of the way that was tried last, or of the collector that wants no test now.
    """
    direct = replace(credentials, proxy=None)
    try:
        return await _measured(direct)
    except Unreachable:
        if not credentials.proxy:
            raise
    facts = await _measured(credentials)
    facts.by_proxy = True
    return facts


async def _measured(credentials: Credentials) -> path_load_pb2.LoadFacts:
    async with _opened(credentials) as wire:
        return await Loading(wire, time.monotonic).measure()


@contextlib.asynccontextmanager
async def _opened(credentials: Credentials) -> AsyncIterator[GrpcWire]:
    """All connections, up, with the collector's agreement to a test."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                channels = [await stack.enter_async_context(open_channel(credentials)) for _ in range(1 + 2 * FLOWS)]
                wire = GrpcWire(channels[0], channels[1 : 1 + FLOWS], channels[1 + FLOWS :], credentials.address)
                await wire.begin()
                await asyncio.gather(*(channel.channel_ready() for channel in channels))
        except TimeoutError:
            raise Unreachable(f"{credentials.address} does not answer: check network and firewall") from None
        yield wire


class GrpcWire:
    """The collector's end of the test: echoes over one channel, each download and upload over one of its own.

    A channel is closed with what it carried: what the sender's system still holds would go on filling the line.
    """

    def __init__(
        self,
        beside: grpc.aio.Channel,
        down: Sequence[grpc.aio.Channel],
        up: Sequence[grpc.aio.Channel],
        address: str,
    ) -> None:
        self._down, self._up = down, up
        self._address = address
        with _foreign(address):
            self._echoes: Any = beside.stream_stream(f"{SERVICE}Echo")()

    async def begin(self) -> None:
        """Raises why there is no test now."""
        await self.echo(0)
        await self.echoed()

    async def echo(self, number: int) -> None:
        """Send an echo."""
        with _foreign(self._address):
            await self._echoes.write(load_pb2.EchoRequest(number=number).SerializeToString())

    async def echoed(self) -> int:
        """The next echo that came back."""
        answer = load_pb2.EchoResponse.FromString(await _next(self._echoes, self._address))
        if answer.HasField("refusal"):
            raise refusal_error(answer.refusal)
        return answer.number

    async def source(self, flow: int) -> AsyncGenerator[int, None]:
        """A download, until the collector has given all that it may."""
        start: Any = self._down[flow].unary_stream(f"{SERVICE}Source")
        call = start(b"")
        try:
            with _foreign(self._address):
                while (piece := await call.read()) is not grpc.aio.EOF:
                    yield len(piece)
        finally:
            await self._down[flow].close(None)

    @contextlib.asynccontextmanager
    async def sink(self, flow: int) -> AsyncIterator[Sink]:
        """An upload."""
        try:
            yield GrpcSink(self._up[flow].stream_stream(f"{SERVICE}Sink")(), self._address)
        finally:
            await self._up[flow].close(None)


class GrpcSink:
    """An upload of random bytes, so that nothing on the way packs them."""

    def __init__(self, call: Any, address: str) -> None:
        self._call = call
        self._address = address
        self._noise = os.urandom(PIECE_BYTES)

    async def write(self, size: int) -> None:
        """Send a piece."""
        with _foreign(self._address):
            await self._call.write(load_pb2.SinkRequest(payload=self._noise[:size]).SerializeToString())

    async def received(self) -> int:
        """The collector's next word on what came."""
        return load_pb2.SinkResponse.FromString(await _next(self._call, self._address)).received_bytes


async def _next(call: Any, address: str) -> bytes:
    """The next answer; raises Unreachable where the collector ended the call."""
    with _foreign(address):
        answer = await call.read()
        if isinstance(answer, bytes):
            return answer
        raise await _why(call, address)


async def _why(call: Any, address: str) -> CaseprobeError:
    return status_error(address, await call.code(), await call.details())


@contextlib.contextmanager
def _foreign(address: str) -> Iterator[None]:
    """gRPC's errors in our tree."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        if error.code() == grpc.StatusCode.UNIMPLEMENTED:
            raise MeasurementError(f"{address} is an older collector, which tests nothing under load") from None
        raise status_error(address, error.code(), error.details()) from None
    except FOREIGN as error:
        raise Unreachable(f"the connection to {address} broke: {one_line(str(error))}") from None
