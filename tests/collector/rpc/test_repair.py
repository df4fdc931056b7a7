"""What is sent again is compared with what is stored, not with what was once stored."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from caseprobe.v1 import link_pb2
from tests.desk import Rig, snapshot_of


async def test_a_good_copy_replaces_one_that_was_damaged_meanwhile(rig: Rig, tmp_path: Path) -> None:
    """Its ack was lost, its bytes rotted here: to acknowledge them would make the machine forget the good ones."""
    machine = await rig.enrol()
    async with rig.stream(machine) as stream:
        await stream.deliver(snapshot_of(machine))
        await stream.next("ack")
    outside = sqlite3.connect(tmp_path / "data/collector.sqlite3")
    outside.execute("UPDATE snapshot_bodies SET body = x'00'")
    outside.commit()
    outside.close()
    async with rig.stream(machine) as stream:
        await stream.deliver(snapshot_of(machine))
        await stream.next("ack")
    assert await rig.storage.snapshots.get_snapshot(f"snap_{1:032x}", None) is not None
    actions = [row.action for row in await rig.storage.audit.list_audit()]
    assert actions == ["snapshot.store", "snapshot.repair"]


async def test_gaps_and_items_share_their_room(rig: Rig) -> None:
    """A gap weighs nothing, and leaves nothing held."""
    machine = await rig.enrol()
    async with rig.stream(machine) as stream:
        for number in range(1, 20, 2):
            await stream.deliver(snapshot_of(machine, number), sequence=number)
            gap = link_pb2.Gap(first_sequence=number, last_sequence=number, reason="quota", sequence=number + 1)
            await stream.send(gap=gap)
        acks = await stream.acks_until(20)
    assert acks == sorted(set(acks)) and acks[-1] == 20
