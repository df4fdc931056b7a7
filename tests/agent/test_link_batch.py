"""Records that wait together leave together, where the collector takes that; otherwise each leaves alone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import pytest

from caseprobe.v1 import link_pb2
from caseprobe.v1.link_pb2 import LinkRequest as Request
from caseprobe.v1.link_pb2 import LinkResponse as Response
from tests.fakes_collector import FakeCollector, FakeStream, running
from tests.fakes_link import TestAuthority
from tests.fakes_rig import FakeOutbox, Rig, Running

AUTHORITY = TestAuthority()


@pytest.fixture
async def collector() -> AsyncIterator[FakeCollector]:
    """A collector that takes ten records in a frame."""
    async with running(FakeCollector(AUTHORITY, welcome=link_pb2.Welcome(batch_records=10))) as started:
        yield started


def rig_with(collector: FakeCollector, *bodies: bytes) -> Rig:
    """A link whose outbox holds these records."""
    return Rig(collector.credentials(), FakeOutbox(*bodies))


def frames(collector: FakeCollector) -> list[list[int]]:
    """The sequences of each bulk frame, in the order of the frames."""
    found = [frame for stream in collector.streams for frame in stream.frames]
    return [
        [data.sequence for data in frame.batch.records or (frame.data,)]
        for frame in found
        if frame.WhichOneof("frame") in ("data", "batch")
    ]


async def test_a_backlog_leaves_in_few_frames_whole_and_in_order(collector: FakeCollector) -> None:
    """As many in a frame as the collector takes."""
    bodies = [bytes([number]) * 40 for number in range(25)]
    rig = rig_with(collector, *bodies)
    async with Running(rig.link):
        await rig.until(lambda: not rig.outbox.bodies)
    assert [stored.body for stored in collector.stored] == bodies
    assert max(map(len, frames(collector))) == 10 and len(frames(collector)) <= 6


async def test_a_record_that_waits_alone_leaves_alone(collector: FakeCollector) -> None:
    """The first of an idle machine is a frame of 0.1.0."""
    rig = rig_with(collector, b"x")
    async with Running(rig.link):
        await rig.until(lambda: not rig.outbox.bodies)
    assert [len(collector.got(kind)) for kind in ("data", "batch")] == [1, 0]


async def test_a_collector_of_0_1_0_gets_one_record_in_a_frame(collector: FakeCollector) -> None:
    """It names no number in its welcome, and would refuse a frame that it does not know."""
    collector.welcome.batch_records = 0
    rig = rig_with(collector, *(b"x" * size for size in range(30)))
    async with Running(rig.link):
        await rig.until(lambda: not rig.outbox.bodies)
    assert collector.got("batch") == [] and len(collector.got("data")) == 30


async def test_large_records_and_rests_keep_frames_of_their_own(collector: FakeCollector) -> None:
    """What is read in pieces, or goes on where the collector has it, shares a frame with nobody."""
    bodies = [b"a", b"b", b"c" * 5000, b"d", b"e"]
    rig = rig_with(collector, *bodies)
    async with Running(rig.link):
        await rig.until(lambda: not rig.outbox.bodies)
    assert frames(collector) == [[1, 2], [3], [4, 5]]
    assert [stored.body for stored in collector.stored] == bodies


async def test_a_frame_holds_no_more_bytes_than_one_piece(collector: FakeCollector) -> None:
    """What the line carries in a moment bounds a frame of many records as it bounds a piece of one."""
    collector.welcome.bulk_credit_bytes = 4 << 20

    async def give_back(stream: FakeStream, frame: Request) -> bool:
        size = sum(len(data.payload) for data in frame.batch.records or (frame.data,))
        if size:
            await stream.send(Response(credit=link_pb2.Credit(lane=link_pb2.LANE_BULK, bytes=size)))
        return False

    collector.behave = give_back
    rig = rig_with(collector, *(b"x" * 1000 for _ in range(40)))
    async with Running(rig.link):
        await rig.until(lambda: not rig.outbox.bodies)
    assert len(frames(collector)[0]) == 8  # the first window is 32 KiB, a piece a quarter of it


async def test_one_that_is_refused_is_dropped_and_the_others_stay_acknowledged(collector: FakeCollector) -> None:
    """A refusal names one sequence, and costs no other record of its frame."""

    async def refuse(stream: FakeStream, frame: Request) -> bool:
        if frame.WhichOneof("frame") not in ("data", "batch"):
            return False
        for data in frame.batch.records or (frame.data,):
            if data.sequence == 2:
                refusal = link_pb2.Refusal(code="not_allowed", message="never", sequence=2)
                await stream.send(Response(refusal=refusal))
            else:
                await stream.send(Response(ack=link_pb2.Ack(sequence=data.sequence)))
        return True

    collector.behave = refuse
    rig = rig_with(collector, b"a", b"b", b"c")
    async with Running(rig.link):
        await rig.until(lambda: not rig.outbox.bodies)
    assert rig.outbox.dropped == [(2, "refused: not_allowed")]


async def test_what_was_under_way_in_a_frame_is_sent_again(collector: FakeCollector) -> None:
    """A collector that dies after it acknowledged half a frame gets the other half again, and only that."""

    async def half(stream: FakeStream, frame: Request) -> bool:
        if frame.HasField("batch") and len(collector.streams) == 1:
            await stream.send(Response(ack=link_pb2.Ack(sequence=2)))
            await rig.until(lambda: 2 not in rig.outbox.bodies)
            await stream.abort(grpc.StatusCode.UNAVAILABLE, "gone")
            return True
        return False

    collector.behave = half
    rig = rig_with(collector, b"a", b"b", b"c", b"d")
    async with Running(rig.link):
        await rig.until(lambda: not rig.outbox.bodies)
    assert [stored.sequence for stored in collector.stored] == [3, 4]
