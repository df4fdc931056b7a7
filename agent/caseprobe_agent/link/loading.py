"""A test under load over the link's own port: echoes all the time, beside nothing, then a download, then an upload.

The upload comes last: what waits in a sender's own queue when it is cut off would still be leaving while the next way
is measured. Times are differences on one monotonic clock, so no step of the wall clock moves them.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Protocol

from caseprobe.load_limits import ECHOES, WHOLE_SECONDS, Allowance, piece_bytes
from caseprobe.path_stats.load import Echo, Mark, judge_load, load_phase
from caseprobe.v1 import path_load_pb2
from caseprobe_agent.link.tasks import first_end

ECHO_SECONDS = 0.04  # some 150 bytes each way with all headers: 30 kbit/s
IDLE_SECONDS, WAY_SECONDS = 1.0, 3.0
FLOWS = 4  # connections at once: what gRPC lets one have on its way is less than many a queue holds
STAGGER_SECONDS = 0.15  # they begin one after the other: four first bursts at once are lost by a short queue
SETTLE_SECONDS = 0.8  # for a queue to empty; what is longer does not become shorter by waiting


class Sink(Protocol):
    """An upload."""

    async def write(self, size: int) -> None:
        """Send so many bytes; waits while the line takes none."""

    async def received(self) -> int:
        """How many bytes had come to the collector; waits for its next word."""


class LoadWire(Protocol):
    """The collector's end of the test. Raises CaseprobeError where the line or the collector ends it."""

    async def echo(self, number: int) -> None:
        """Send an echo."""

    async def echoed(self) -> int:
        """The next echo that came back."""

    def source(self, flow: int) -> AsyncGenerator[int, None]:
        """A download over one of the connections: the size of each piece that comes."""

    def sink(self, flow: int) -> contextlib.AbstractAsyncContextManager[Sink]:
        """An upload over one of the connections."""


class Loading:
    """One test. Used once; monotonic in seconds."""

    def __init__(
        self,
        wire: LoadWire,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._wire = wire
        self._monotonic = monotonic
        self._sleep = sleep
        self._sent: list[float] = []
        self._seconds: dict[int, float] = {}

    async def measure(self) -> path_load_pb2.LoadFacts:
        """All three stretches, judged; what was measured by the end of its time where the line took longer."""
        spans: list[tuple[float, float, list[list[Mark]]]] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WHOLE_SECONDS):
                await first_end(self._ask(), self._hear(), self._stretches(spans))
        facts, echoes = path_load_pb2.LoadFacts(), self._echoes()
        for phase, span in zip((facts.idle, facts.down, facts.up), spans, strict=False):
            phase.CopyFrom(load_phase(echoes, *span))
        facts.verdict.CopyFrom(judge_load(facts))
        return facts

    async def _stretches(self, spans: list[tuple[float, float, list[list[Mark]]]]) -> None:
        began = self._monotonic()
        await self._sleep(IDLE_SECONDS)
        spans.append((began, self._monotonic(), []))
        for carry in (self._down, self._up):
            began, allowance = self._monotonic(), Allowance(self._monotonic())
            flows: list[list[Mark]] = [[] for _ in range(FLOWS)]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WAY_SECONDS):
                    await first_end(*(carry(flow, marks, allowance) for flow, marks in enumerate(flows)))
            spans.append((began, self._monotonic(), flows))
            await self._settled()

    async def _down(self, flow: int, marks: list[Mark], allowance: Allowance) -> None:
        """Take what comes, until no more may."""
        await self._sleep(flow * STAGGER_SECONDS)
        total = 0
        async with contextlib.aclosing(self._wire.source(flow)) as pieces:
            async for size in pieces:
                now = self._monotonic()
                wait = allowance.take(size, now)
                if wait is None:
                    return
                total += size
                marks.append(Mark(now, total))
                await self._sleep(wait)

    async def _up(self, flow: int, marks: list[Mark], allowance: Allowance) -> None:
        """Send until no more may, and note what the collector says of it."""
        await self._sleep(flow * STAGGER_SECONDS)
        async with self._wire.sink(flow) as sink:
            await first_end(self._fill(sink, allowance), self._note(sink, marks))

    async def _fill(self, sink: Sink, allowance: Allowance) -> None:
        for number in itertools.count():
            size = piece_bytes(number)
            wait = allowance.take(size, self._monotonic())
            if wait is None:
                return
            await self._sleep(wait)
            await sink.write(size)

    async def _note(self, sink: Sink, marks: list[Mark]) -> None:
        while True:
            total = await sink.received()
            marks.append(Mark(self._monotonic(), total))

    async def _settled(self) -> None:
        """Wait a while for an echo that leaves now: before it in the queue is all that was sent until now."""
        number, until = len(self._sent), self._monotonic() + SETTLE_SECONDS
        while number not in self._seconds and self._monotonic() < until:
            await self._sleep(ECHO_SECONDS)

    async def _ask(self) -> None:
        for number in range(ECHOES):
            self._sent.append(self._monotonic())
            await self._wire.echo(number)
            await self._sleep(ECHO_SECONDS)

    async def _hear(self) -> None:
        while True:
            number = await self._wire.echoed()
            if number < len(self._sent):
                self._seconds.setdefault(number, self._monotonic() - self._sent[number])

    def _echoes(self) -> list[Echo]:
        end = self._monotonic()
        return [
            Echo(at, self._seconds.get(number, end - at), number in self._seconds)
            for number, at in enumerate(self._sent)
        ]
