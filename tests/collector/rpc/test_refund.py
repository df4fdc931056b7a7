"""What a machine may send again: all of what was taken, soon, in few frames."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from caseprobe.v1 import link_pb2
from caseprobe_collector.rpc.refund import LARGE_BYTES, TOGETHER_BYTES, Refund
from tests.desk import Rig

WAIT_SECONDS = 60.0


class Line:
    """Where frames of credit go."""

    def __init__(self) -> None:
        self.paid: list[int] = []
        self.came = asyncio.Event()

    def send(self, frame: link_pb2.LinkResponse) -> None:
        """Note what it gives."""
        assert frame.credit.lane == link_pb2.LANE_BULK
        self.paid.append(frame.credit.bytes)
        self.came.set()


async def test_large_pieces_are_paid_for_together() -> None:
    """As many as make a megabyte, in one frame; nothing is left over that a timer would pay once more."""
    line = Line()
    refund = Refund(line.send)
    for _ in range(2 * TOGETHER_BYTES // LARGE_BYTES):
        refund.owe(LARGE_BYTES)
    assert line.paid == [TOGETHER_BYTES, TOGETHER_BYTES]
    refund.pay()
    assert line.paid == [TOGETHER_BYTES, TOGETHER_BYTES]


@pytest.mark.parametrize("pieces", [[1], [8192, 8192], [LARGE_BYTES - 1]])
async def test_a_small_piece_is_paid_for_at_once(pieces: list[int]) -> None:
    """Its machine is on a thin line, or at the end of what it sends."""
    line = Line()
    refund = Refund(line.send)
    for size in pieces:
        refund.owe(size)
    assert line.paid == pieces


async def test_a_small_piece_brings_what_is_owed_for_large_ones() -> None:
    """All of it in its frame."""
    line = Line()
    refund = Refund(line.send)
    refund.owe(LARGE_BYTES)
    refund.owe(7)
    assert line.paid == [LARGE_BYTES + 7]


async def test_nothing_is_owed_for_long() -> None:
    """A machine that waits for the credit of its last large piece gets it, though nothing follows."""
    line = Line()
    Refund(line.send).owe(LARGE_BYTES)
    assert line.paid == []
    await asyncio.wait_for(line.came.wait(), WAIT_SECONDS)
    assert line.paid == [LARGE_BYTES]


async def test_a_stream_that_ended_pays_nothing() -> None:
    """Its queue is another's by then."""
    line = Line()
    refund = Refund(line.send)
    refund.owe(LARGE_BYTES)
    refund.close()
    refund.owe(1)
    assert line.paid == [LARGE_BYTES + 1]


async def test_a_machine_gets_back_what_it_sent(rig: Rig) -> None:
    """Over a real stream, one that sends no further than its credit is never stuck."""
    machine = await rig.enrol()
    pieces = [LARGE_BYTES] * 5
    data: dict[str, Any] = {
        "kind": link_pb2.DATA_KIND_BUNDLE,
        "stream_id": "b1",
        "total_bytes": 8 * LARGE_BYTES,
        "sha256": bytes(32),
    }
    async with rig.stream(machine) as stream:
        for number, size in enumerate(pieces):
            await stream.send(data=link_pb2.Data(offset=number * LARGE_BYTES, payload=bytes(size), sequence=1, **data))
        back = 0
        while back < sum(pieces):
            back += (await stream.next("credit")).bytes
    assert back == sum(pieces)
