"""What load does to round trips: on a line in virtual time with a queue of chosen size, and on kernel routers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe import texts
from caseprobe.load_limits import WAY_BYTES, WAY_BYTES_PER_SECOND, WHOLE_SECONDS
from caseprobe.path_stats.load import Echo, Mark, judge_load, load_phase
from caseprobe.v1 import path_load_pb2, path_pb2
from caseprobe_agent.link.loading import Loading
from tests.paths.chain import ROOT, Chain, chain
from tests.simulation.loop import SimulatedLoop

MBIT = 125_000
PIECE = 1448


@dataclass
class Way:
    """One direction: bytes a second, and how many of them may wait; what finds no room is sent again later."""

    rate: float
    queue: int
    free_at: float = 0.0

    def leaves(self, size: int) -> float | None:
        """When so many bytes are through, counting what waits before them; None where there is no room."""
        now = asyncio.get_running_loop().time()
        if (self.free_at - now) * self.rate + size > self.queue:
            return None
        self.free_at = max(self.free_at, now) + size / self.rate
        return self.free_at

    async def pass_(self, size: int) -> None:
        """Wait until they are through."""
        while (at := self.leaves(size)) is None:
            await asyncio.sleep(0.001)
        await asyncio.sleep(at - asyncio.get_running_loop().time())


@dataclass
class Line:
    """A line with a way up and one down in virtual time, and a distance; a wire of the test."""

    up: Way
    down: Way
    distance_seconds: float = 0.02
    answers: asyncio.Queue[int] = field(default_factory=asyncio.Queue)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    carried: int = 0

    async def echo(self, number: int) -> None:
        """It comes back by itself."""
        task = asyncio.create_task(self._echo(number))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _echo(self, number: int) -> None:
        await self.up.pass_(100)
        await asyncio.sleep(self.distance_seconds)
        await self.down.pass_(100)
        self.answers.put_nowait(number)

    async def echoed(self) -> int:
        """The next one."""
        return await self.answers.get()

    async def source(self, flow: int) -> AsyncGenerator[int, None]:
        """As much as the way down carries."""
        upstream = Flow(self.down)
        while True:
            yield await upstream.next()
            self.carried += PIECE

    @contextlib.asynccontextmanager
    async def sink(self, flow: int) -> AsyncIterator[Upload]:
        """As much as the way up carries."""
        yield Upload(self, Flow(self.up))


@dataclass
class Flow:
    """A sender that keeps up to a quarter of a queue full, as one of four."""

    way: Way
    waiting: deque[float] = field(default_factory=deque)

    async def next(self) -> int:
        """Wait for the next piece to come through."""
        clock = asyncio.get_running_loop().time
        while len(self.waiting) * PIECE < max(self.way.queue / 4, PIECE) or not self.waiting:
            at = self.way.leaves(PIECE)
            if at is not None:
                self.waiting.append(at)
            elif self.waiting:
                break
            else:
                await asyncio.sleep(PIECE / self.way.rate)
        await asyncio.sleep(max(0.0, self.waiting.popleft() - clock()))
        return PIECE


@dataclass
class Upload:
    """What one flow sends up a line."""

    line: Line
    flow: Flow
    total: int = 0

    async def write(self, size: int) -> None:
        """Piece by piece through the queue."""
        for _ in range(-(-size // PIECE)):
            await self.flow.next()
        self.total += size
        self.line.carried += size

    async def received(self) -> int:
        """What came by now."""
        await asyncio.sleep(0.1)
        return self.total


def measured(up: Way, down: Way) -> tuple[path_load_pb2.LoadFacts, Line, float]:
    """A test over this line in virtual time, and how long it took."""
    loop = SimulatedLoop(Random(1))

    async def run() -> tuple[path_load_pb2.LoadFacts, Line]:
        line = Line(up, down)
        facts = await Loading(line, loop.time).measure()
        for task in line.tasks:
            task.cancel()
        return facts, line

    try:
        facts, line = loop.run_until_complete(run())
        return facts, line, loop.time()
    finally:
        loop.close()


LEAN_UP, LEAN_DOWN = (8 * MBIT, 12_000), (40 * MBIT, 50_000)
FAT_UP, FAT_DOWN = (8 * MBIT, 300_000), (40 * MBIT, 1_500_000)


@pytest.mark.parametrize(
    ("up", "down", "said"),
    [
        (LEAN_UP, LEAN_DOWN, "load.lean"),
        (FAT_UP, LEAN_DOWN, "load.queue_up"),
        (LEAN_UP, FAT_DOWN, "load.queue_down"),
        (FAT_UP, FAT_DOWN, "load.queue_both"),
        ((400 * MBIT, 50_000), (400 * MBIT, 50_000), "load.not_filled"),
    ],
)
def test_a_queue_is_seen_where_it_is(up: tuple[float, int], down: tuple[float, int], said: str) -> None:
    """A way with 300 ms of queue is told from one with 10 ms; what is too fast to be filled is said to be that."""
    facts, line, seconds = measured(Way(*up), Way(*down))
    assert facts.verdict.message_id == said
    assert facts.idle.median_seconds == pytest.approx(0.02, abs=0.002)
    for way, phase in ((up, facts.up), (down, facts.down)):
        assert phase.bytes_per_second == pytest.approx(min(way[0], WAY_BYTES_PER_SECOND), rel=0.15)
        assert phase.bytes_total <= WAY_BYTES
    assert line.carried <= 2 * WAY_BYTES and seconds <= WHOLE_SECONDS


def test_the_added_time_is_that_of_the_queue() -> None:
    """A full queue of 300,000 bytes at 1 MB/s adds 300 ms, and the letter is that of so much."""
    verdict = measured(Way(*FAT_UP), Way(*LEAN_DOWN))[0].verdict
    assert verdict.added_up_seconds == pytest.approx(0.3, rel=0.1)
    assert verdict.added_down_seconds < 0.02 and verdict.grade == "D"


def test_an_echo_that_never_came_back_counts_with_what_it_waited() -> None:
    """A queue so long that nothing passes before the end is no quick line."""
    facts = measured(Way(0.2 * MBIT, 500_000), Way(*LEAN_DOWN))[0]
    assert facts.verdict.message_id == "load.queue_up" and facts.up.unanswered > 0
    assert facts.verdict.added_up_seconds > 1 and facts.verdict.grade == "F"


@pytest.mark.parametrize("language", ["en", "zh_Hans", "ru"])
def test_every_verdict_is_a_sentence(language: str) -> None:
    """In every language, with target, times and speeds, and the proxy where there is one."""
    names = ("lean", "not_filled", "queue_up", "queue_down", "queue_both", "not_measured", "of a newer version")
    for name in names:
        facts = path_pb2.PathFacts(target="desk.example.net", rounds=1)
        facts.loaded.verdict.CopyFrom(path_load_pb2.LoadVerdict(message_id=f"load.{name}", grade="D"))
        facts.loaded.by_proxy = True
        sentence = texts.path_sentences(facts, language)[-1]
        assert "desk.example.net" in sentence and "?" not in sentence and "{" not in sentence
        assert sentence.endswith((")", "）"))


def test_the_json_has_every_figure() -> None:
    """Each stretch with its times and bytes, the verdict with its sentence; null where no load was asked for."""
    facts = path_pb2.PathFacts(target="h", loaded=measured(Way(*FAT_UP), Way(*LEAN_DOWN))[0])
    loaded: Any = texts.path_summary_json(facts)["loaded"]
    assert loaded["message_id"] == "load.queue_up" and loaded["grade"] == "D"
    assert loaded["up"]["median_seconds"] > loaded["idle"]["median_seconds"] and loaded["down"]["bytes_total"]
    assert loaded["text"].startswith("Under load ") and " are added on the way up to h at " in loaded["text"]
    assert texts.path_summary_json(path_pb2.PathFacts())["loaded"] is None


def test_too_few_echoes_are_no_verdict() -> None:
    """A stretch that hardly began says nothing of the line."""
    facts = path_load_pb2.LoadFacts(idle=load_phase([Echo(0.1, 0.02)], 0.0, 1.0))
    assert judge_load(facts).message_id == "load.not_measured"


@given(
    st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10), st.booleans()), max_size=20),
    st.lists(st.lists(st.tuples(st.floats(0, 10), st.integers(0, WAY_BYTES)), max_size=5), max_size=3),
)
def test_any_figures_give_a_stretch(echoes: list[tuple[float, float, bool]], flows: list[list[Any]]) -> None:
    """Whatever came when, counts stay within what was sent and carried, and no ratio is below nothing."""
    phase = load_phase([Echo(*one) for one in echoes], 1.0, 4.0, [[Mark(*one) for one in flow] for flow in flows])
    assert phase.unanswered <= phase.echoes <= len(echoes)
    assert 0 <= phase.bytes_per_second <= len(flows) * WAY_BYTES
    assert not phase.HasField("median_seconds") or phase.median_seconds <= phase.p95_seconds


def kernel_test(made: Chain) -> path_load_pb2.LoadFacts:
    """What an agent at the near end finds of its collector at the far one."""
    module = (sys.executable, "-m", "tests.paths.load_line")
    far = ["ip", "netns", "exec", made.names[-1], *module, "serve", "198.19.0.1"]
    with subprocess.Popen(far, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as collector:
        try:
            assert collector.stdout is not None
            said = collector.stdout.readline()
            done = subprocess.run(
                made.command(*module, "ask"), input=said, capture_output=True, text=True, timeout=60, cwd=ROOT
            )
            assert done.returncode == 0, done.stderr
            facts = json.loads(done.stdout)
        finally:
            collector.kill()
    return path_load_pb2.LoadFacts(verdict=path_load_pb2.LoadVerdict(message_id=facts["verdict"]["messageId"]))


@pytest.fixture(name="routers")
def two_routers() -> Iterator[Chain]:
    """A machine, a router and the collector's machine."""
    with chain(2) as made:
        yield made


def test_the_kernel_agrees(routers: Chain) -> None:
    """A router with half a second of queue on the way up and a short one on the way down is told for what it is."""
    routers.shape("8mbit/500000", "30mbit/60000")
    assert kernel_test(routers).verdict.message_id == "load.queue_up"
