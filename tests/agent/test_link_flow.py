"""Bulk beside live: what is on its way stays small enough that nothing waits long behind it, on any line."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caseprobe.v1 import link_pb2
from caseprobe.v1.link_pb2 import LinkRequest as Request
from caseprobe.v1.link_pb2 import LinkResponse as Response
from caseprobe_agent.link.flow import LEAST_PIECE_BYTES, MOST_PIECE_BYTES, Credit
from tests.fakes_collector import FakeCollector, FakeStream, running
from tests.fakes_link import TestAuthority
from tests.fakes_rig import Rig, Running

AUTHORITY = TestAuthority()


@pytest.fixture
async def collector() -> AsyncIterator[FakeCollector]:
    """A collector that takes everything."""
    async with running(FakeCollector(AUTHORITY)) as started:
        yield started


class Line:
    """A line of so many bytes a second and so much delay, in time that only it moves."""

    def __init__(self, bytes_per_second: float, delay_seconds: float) -> None:
        self.now = 0.0
        self._rate, self._delay = bytes_per_second, delay_seconds
        self._free_at = 0.0
        self._arrivals: deque[tuple[float, int]] = deque()
        self.credit = Credit(4 << 20, lambda: self.now)
        # How long each piece stood behind others before its own bytes went.
        self.waits: list[float] = []

    async def carry(self, total_bytes: int) -> None:
        """Send so much as the feeder does, piece by piece."""
        while total_bytes > 0:
            size = min(self.credit.piece_bytes(), total_bytes)
            taken = asyncio.ensure_future(self.credit.take(size))
            await asyncio.sleep(0)
            while not taken.done():
                self._arrive()
                await asyncio.sleep(0)
            self.waits.append(max(0.0, self._free_at - self.now))
            self._free_at = max(self._free_at, self.now) + size / self._rate
            self._arrivals.append((self._free_at + self._delay, size))
            total_bytes -= size

    def _arrive(self) -> None:
        at, size = self._arrivals.popleft()
        self.now = max(self.now, at)
        self.credit.grant(size)


@pytest.mark.parametrize(
    ("bytes_per_second", "delay_seconds", "longest_wait"),
    [(32e3, 0.04, 0.6), (1e6, 0.02, 0.15), (1e7, 0.1, 0.15), (1e8, 0.001, 0.1)],
    ids=["256 kbit/s", "8 Mbit/s", "80 Mbit/s over 100 ms", "800 Mbit/s"],
)
async def test_little_waits_on_the_way_whatever_the_line_carries(
    bytes_per_second: float, delay_seconds: float, longest_wait: float
) -> None:
    """Once learnt, a live frame finds less than this before it, and the line is used all the same."""
    line = Line(bytes_per_second, delay_seconds)
    await line.carry(int(bytes_per_second * 20))
    learnt = line.waits[len(line.waits) // 4 :]
    assert max(learnt) <= longest_wait
    assert line.now <= 20 / 0.7


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(1, 300_000)), max_size=80))
@settings(deadline=None)
def test_pieces_stay_within_their_bounds(arrivals: list[tuple[float, int]]) -> None:
    """Whatever delays and credits come, a piece is never too small to be worth it nor larger than a frame may be."""
    clock = [0.0]
    credit = Credit(1 << 30, lambda: clock[0])

    async def run() -> None:
        for seconds, size in arrivals:
            await credit.take(1000)
            clock[0] += seconds
            credit.grant(size)
            assert LEAST_PIECE_BYTES <= credit.piece_bytes() <= MOST_PIECE_BYTES

    asyncio.run(run())


async def test_a_large_record_goes_on_where_the_collector_has_it(collector: FakeCollector) -> None:
    """After a broken line only the rest is sent, with the hash of the whole in its first piece."""
    body = bytes(range(256)) * 8000
    rig = Rig(collector.credentials())
    rig.outbox.add(body)
    collector.welcome.bulk_credit_bytes = 1 << 20
    collector.welcome.resume.add(stream_id="snap_1", offset=1_500_000)

    async def has_most(stream: FakeStream, frame: Request) -> bool:
        if frame.HasField("data"):
            data = frame.data
            credit = link_pb2.Credit(lane=link_pb2.LANE_BULK, bytes=len(data.payload))
            await stream.send(Response(credit=credit))
            if data.offset + len(data.payload) == data.total_bytes:
                await stream.send(Response(ack=link_pb2.Ack(sequence=data.sequence)))
        return frame.HasField("data")

    collector.behave = has_most
    async with Running(rig.link):
        await rig.until(lambda: not rig.outbox.bodies)
    pieces = [frame.data for frame in collector.got("data")]
    assert pieces[0].offset == 1_500_000 and len(pieces[0].sha256) == 32
    assert b"".join(piece.payload for piece in pieces) == body[1_500_000:]


async def test_pieces_that_do_not_fit_together_cost_no_record(collector: FakeCollector) -> None:
    """Where the whole has not its hash after a resumption, the record is sent again from its start, not given up."""
    rig = Rig(collector.credentials())
    body = b"x" * 600_000
    rig.outbox.add(body)
    collector.welcome.resume.add(stream_id="snap_1", offset=300_000)

    async def corrupt_once(stream: FakeStream, frame: Request) -> bool:
        if not frame.HasField("data") or len(collector.streams) > 1:
            return False
        if frame.data.offset + len(frame.data.payload) == frame.data.total_bytes:
            del collector.welcome.resume[:]
            refusal = link_pb2.Refusal(code="corrupt", message="not its hash", sequence=1)
            await stream.send(Response(refusal=refusal))
        return True

    collector.behave = corrupt_once
    async with Running(rig.link):
        await rig.until(lambda: not rig.outbox.bodies)
    assert rig.outbox.dropped == [] and [stored.body for stored in collector.stored] == [body]


@pytest.mark.parametrize("offset", [600_001, 700_000, 0])
async def test_a_resumption_that_makes_no_sense_is_passed_over(collector: FakeCollector, offset: int) -> None:
    """All of it, or more than all: then it is sent from its start."""
    rig = Rig(collector.credentials())
    rig.outbox.add(b"x" * 600_000)
    collector.welcome.resume.add(stream_id="snap_1", offset=offset)
    async with Running(rig.link):
        await rig.until(lambda: not rig.outbox.bodies)
    assert collector.got("data")[0].data.offset == 0


async def test_the_return_after_a_drain_is_spread_as_the_collector_asks(collector: FakeCollector) -> None:
    """Each machine draws its own moment within the spread."""
    rig = Rig(collector.credentials())
    async with Running(rig.link):
        await rig.link.connected.wait()
        drain = link_pb2.Drain(reconnect_after_seconds=2, spread_seconds=20)
        await collector.streams[0].send(Response(drain=drain))
        await collector.until(lambda: len(collector.streams) == 2)
    assert len(rig.slept) == 1 and 2 <= rig.slept[0] <= 22


@pytest.mark.parametrize("code", ["busy", "cloned"])
async def test_a_refused_stream_is_asked_for_again_when_the_collector_said(collector: FakeCollector, code: str) -> None:
    """Not before its delay, and at most half as much later; the reason is what status shows."""
    rig = Rig(collector.credentials())

    async def refuses(stream: FakeStream, frame: Request) -> bool:
        refusal = link_pb2.Refusal(code=code, message="come later", retry_after_seconds=14)
        if len(collector.streams) == 1:
            await stream.send(Response(refusal=refusal))
        return len(collector.streams) == 1

    collector.behave = refuses
    async with Running(rig.link):
        await rig.until(lambda: rig.slept)
        assert rig.link.state.last_error == "come later"
        await rig.link.connected.wait()
    assert 14 <= rig.slept[0] <= 21


async def test_every_stream_says_which_process_and_which_of_its_streams_it_is(collector: FakeCollector) -> None:
    """By this two machines with one key are told from one that reconnects."""
    rig = Rig(collector.credentials())
    async with Running(rig.link):
        await rig.link.connected.wait()
        rig.link.renew(collector.credentials())
        await collector.until(lambda: len(collector.streams) == 2 and collector.streams[1].hello.agent_id)
    hellos = [stream.hello for stream in collector.streams]
    assert [hello.stream_number for hello in hellos] == [1, 2]
    assert hellos[0].instance_id == hellos[1].instance_id != ""
