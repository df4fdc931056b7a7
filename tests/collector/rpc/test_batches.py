"""Several records in one frame: each counts as if it had come alone, for machines of any version."""

from __future__ import annotations

import pytest

from caseprobe.v1 import link_pb2
from tests.desk import Machine, Rig, record_of, snapshot_of


def batch_of(machine: Machine, *numbers: int) -> link_pb2.Batch:
    """Small snapshots under these sequences."""
    return link_pb2.Batch(records=[record_of(snapshot_of(machine, number), number) for number in numbers])


async def test_every_record_of_a_frame_is_stored_and_the_last_is_acknowledged(rig: Rig) -> None:
    """The welcome says how many are taken; their acks come in order and end with the last."""
    machine = await rig.enrol()
    async with rig.stream(machine) as stream:
        most = (await stream.next("welcome")).batch_records
        assert most >= 16
        await stream.send(batch=batch_of(machine, *range(1, most + 1)))
        acks = await stream.acks_until(most)
    assert acks == sorted(set(acks)) and acks[-1] == most
    assert len(await rig.storage.snapshots.list_by_agent(machine.agent_id, None)) == most


async def test_a_machine_of_0_1_0_is_served_as_before(rig: Rig) -> None:
    """One record in a frame, one after the other, beside one that sends several."""
    old, new = await rig.enrol(), await rig.enrol()
    async with rig.stream(old) as one, rig.stream(new) as other:
        await other.send(batch=batch_of(new, *range(1, 9)))
        for number in range(11, 19):
            await one.deliver(snapshot_of(old, number), number)
        assert (await one.acks_until(18))[-1] == 18
        assert (await other.acks_until(8))[-1] == 8


async def test_a_bad_record_costs_its_frame_nothing(rig: Rig) -> None:
    """It is refused by its own sequence, after what was stored before it was acknowledged, and the rest is taken."""
    machine = await rig.enrol()
    batch = batch_of(machine, 1, 2, 3)
    batch.records[1].sha256 = bytes(32)
    async with rig.stream(machine) as stream:
        await stream.send(batch=batch)
        assert (await stream.next("refusal")).sequence == 2
        assert (await stream.acks_until(3))[-1] == 3
    stored = await rig.storage.snapshots.list_by_agent(machine.agent_id, None)
    assert sorted(row.sequence for row in stored) == [1, 3]


async def test_its_bytes_come_back_as_one_credit(rig: Rig) -> None:
    """As many as its records have, so that a machine's window stays what it was."""
    machine = await rig.enrol()
    batch = batch_of(machine, 1, 2, 3)
    async with rig.stream(machine) as stream:
        await stream.send(batch=batch)
        credit = await stream.next("credit")
    assert credit.bytes == sum(len(record.payload) for record in batch.records)


@pytest.mark.parametrize("total", [65, 5000])
async def test_more_records_than_were_offered_end_the_stream(rig: Rig, total: int) -> None:
    """Nothing of such a frame is looked at: its size in records is bounded as its bytes are."""
    machine = await rig.enrol()
    async with rig.stream(machine) as stream:
        await stream.send(batch=link_pb2.Batch(records=[link_pb2.Data(sequence=1)] * total))
        assert (await stream.next("refusal")).code == "corrupt"
        with pytest.raises(EOFError):
            await stream.next("ack")


async def test_a_notice_is_told_of_its_own_record(rig: Rig) -> None:
    """An ack that says why something was not attached stands for that record, however many were ready with it."""
    machine = await rig.enrol(kind="one_shot", case_id="case_1")
    await rig.storage.transactions.run(lambda tx: rig.storage.cases.close_case(tx, "case_1", rig.clock.now()))
    async with rig.stream(machine) as stream:
        await stream.send(batch=batch_of(machine, 1, 2))
        acks = [await stream.next("ack") for _ in range(2)]
    assert [(ack.sequence, ack.notice_code) for ack in acks] == [(1, "case_closed"), (2, "case_closed")]
