"""The collector's end of a test under load: echoes, a source and a sink. Nothing that passes is kept.

The test is an open Echo; the other two serve nobody without. Each holds to the limits of `caseprobe.load_limits`,
whatever the machine does: a sink that is sent too much reads later, which the sender's TCP feels.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections.abc import AsyncIterator
from typing import Any

import grpc

from caseprobe.errors import Busy, CaseprobeError, NotAllowed
from caseprobe.load_limits import ECHOES, PIECE_BYTES, WHOLE_SECONDS, piece_bytes
from caseprobe.v1 import load_pb2, load_pb2_grpc
from caseprobe_collector.rpc.admission import admitted
from caseprobe_collector.rpc.desk import Desk
from caseprobe_collector.rpc.links import refusal_of
from caseprobe_collector.rpc.loads import LoadTest
from caseprobe_collector.rpc.peer import peer_agent_id

TELL_SECONDS = 0.1  # how often a sink says what came
SHED_SECONDS = 60.0

EchoContext = grpc.aio.ServicerContext[load_pb2.EchoRequest, load_pb2.EchoResponse]
SinkContext = grpc.aio.ServicerContext[load_pb2.SinkRequest, load_pb2.SinkResponse]
SourceContext = grpc.aio.ServicerContext[load_pb2.SourceRequest, load_pb2.SourceResponse]


class LoadService(load_pb2_grpc.LoadServiceServicer):
    """Serves enrolled machines, one test at a time each."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        # So that nothing on the way packs it.
        self._noise = os.urandom(PIECE_BYTES)

    async def Echo(  # type: ignore[override]  # read() and write() as in the link
        self, request_iterator: AsyncIterator[load_pb2.EchoRequest], context: EchoContext
    ) -> None:
        """Send every number back, for as long as a test may take."""
        async with _in_time():
            # Read before it is answered: a call that ends while its first word is being written loses the answer.
            first: Any = await context.read()
            if first is not grpc.aio.EOF:
                await self._serve(context, first)

    async def Sink(  # type: ignore[override]
        self, request_iterator: AsyncIterator[load_pb2.SinkRequest], context: SinkContext
    ) -> None:
        """Count what comes, as far as the test allows."""
        test = self._test(context)
        if test is not None:
            async with _in_time():
                await _count(context, test)

    async def Source(  # type: ignore[override]
        self, request: load_pb2.SourceRequest, context: SourceContext
    ) -> None:
        """Give as much as the test allows."""
        test = self._test(context)
        if test is None:
            return
        async with _in_time():
            for number in itertools.count():
                size = piece_bytes(number)
                wait = test.wait(test.down, size)
                if wait is None:
                    return
                await asyncio.sleep(wait)
                await context.write(load_pb2.SourceResponse(payload=self._noise[:size]))

    async def _serve(self, context: EchoContext, first: load_pb2.EchoRequest) -> None:
        agent_id = peer_agent_id(context.auth_context())
        try:
            test = await self._begin(agent_id)
        except CaseprobeError as error:
            await context.write(load_pb2.EchoResponse(refusal=refusal_of(error).refusal))
            return
        try:
            await _echo(context, test, first)
        finally:
            self._desk.links.loads.end(agent_id, test)

    async def _begin(self, agent_id: str) -> LoadTest:
        """Raises NotAllowed, Revoked, or Busy where the collector has better to do."""
        links = self._desk.links
        if links.draining or links.count() >= links.most:
            raise Busy("the collector tests nothing under load while it restarts or is full", SHED_SECONDS)
        agent = await admitted(self._desk, agent_id)
        if agent.kind != "enrolled":
            raise NotAllowed("only an enrolled machine is tested under load; enroll it with a join code")
        return links.loads.begin(agent_id)

    def _test(self, context: Any) -> LoadTest | None:
        """The test that this call belongs to."""
        return self._desk.links.loads.of(peer_agent_id(context.auth_context()))


@contextlib.asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    """Ends what a machine neither reads nor writes any more."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(WHOLE_SECONDS):
            yield


async def _echo(context: EchoContext, test: LoadTest, request: Any) -> None:
    for _ in range(ECHOES):
        if request is grpc.aio.EOF or test.over:
            return
        await context.write(load_pb2.EchoResponse(number=request.number))
        request = await context.read()


async def _count(context: SinkContext, test: LoadTest) -> None:
    """Read what the test allows, and say again and again how much that was."""
    clock = asyncio.get_running_loop().time
    total, told = 0, 0.0
    while (size := await _size_of_next(context)) is not None:
        wait = test.wait(test.up, size)
        if wait is None:
            return
        total += size
        if clock() - told >= TELL_SECONDS:
            told = clock()
            await context.write(load_pb2.SinkResponse(received_bytes=total))
        await asyncio.sleep(wait)


async def _size_of_next(context: SinkContext) -> int | None:
    """Bytes of the next piece; None where none comes, or one that is larger than any of ours."""
    request: Any = await context.read()
    size = 0 if request is grpc.aio.EOF else len(request.payload)
    return size if 0 < size <= PIECE_BYTES else None
