"""What is sent again is compared with what is stored, not with what was once stored."""

from __future__ import annotations

import asyncio
import io
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from caseprobe.bundle import write_bundle
from caseprobe.errors import Busy, Corrupt
from caseprobe.v1 import link_pb2, snapshot_pb2
from caseprobe_collector.ingest.assembly import Assembled
from caseprobe_collector.records import Delivery, Deposit
from caseprobe_collector.storage import Storage, open_storage
from caseprobe_collector.storage.checkup import check_store
from caseprobe_collector.storage.deposits import SqlDeposits
from tests.desk import ADMIN, Machine, Rig, running_desk, signer, snapshot_of


async def test_a_good_copy_replaces_one_that_was_damaged_meanwhile(rig: Rig, tmp_path: Path) -> None:
    """Its ack was lost, its bytes rotted here: to acknowledge them would make the machine forget the good ones."""
    machine = await rig.enrol()
    async with rig.stream(machine) as stream:
        await stream.deliver(snapshot_of(machine))
        await stream.next("ack")
    rot_bodies(tmp_path / "data")
    async with rig.stream(machine) as stream:
        await stream.deliver(snapshot_of(machine))
        await stream.next("ack")
    assert await rig.storage.snapshots.get_snapshot(f"snap_{1:032x}", None) is not None
    actions = [row.action for row in await rig.storage.audit.list_audit()]
    assert actions == ["snapshot.store", "snapshot.repair"]


@pytest.mark.parametrize("fault", ["its body", "its file"])
async def test_a_bundle_that_comes_again_replaces_a_damaged_one_with_its_file(
    rig: Rig, tmp_path: Path, fault: str
) -> None:
    """Snapshot and file are whole again, and nothing of the damage is left."""
    machine = await rig.enrol(kind="one_shot", case_id="case_1")
    agent, sent = await rig.agent(machine), bundle_of(machine)
    name = (await rig.ingest.store(agent, "spool", sent)).snapshot_id
    if fault == "its body":
        rot_bodies(tmp_path / "data")
    else:
        [object_name] = rig.storage.objects.names()
        await rig.storage.objects.put_bytes(object_name, b"rotten")
        with pytest.raises(Corrupt):
            await rig.evidence.object_chunks(ADMIN, name, "bundle.zip")
    await rig.ingest.store(agent, "spool", sent)
    row, _ = await rig.evidence.get(ADMIN, name)
    assert (row.objects, row.damage, row.case_id) == (("bundle.zip",), "", "case_1")
    chunks = await rig.evidence.object_chunks(ADMIN, name, "bundle.zip")
    assert b"".join([chunk async for chunk in chunks]) == sent.content


class NeverCommits(SqlDeposits):
    """The process ends after the file of a repair was put and before its row is committed."""

    async def replace_damaged(self, delivery: Delivery) -> tuple[Deposit, bool]:
        """The last thing that it does."""
        raise Busy("killed")


async def test_a_repair_that_was_cut_changed_nothing(data_folder: Path) -> None:
    """Its file takes the place of none: what was sound of the damaged one is sound, and the next start sweeps it."""
    async with open_storage(data_folder) as storage:
        deposits = NeverCommits(storage.deposits._database, storage.objects)
        async with running_desk(replace(storage, deposits=deposits)) as rig:
            machine = await rig.enrol(kind="one_shot", case_id="case_1")
            agent = await rig.agent(machine)
            await rig.ingest.store(agent, "spool", bundle_of(machine))
            [first] = storage.objects.names()
            rot_bodies(data_folder)
            with pytest.raises(Busy, match="killed"):
                await rig.ingest.store(agent, "spool", bundle_of(machine, "another page of the same snapshot"))
            assert len(list(storage.objects.names())) == 2
    assert [one.kind for one in check_store(data_folder).problems] == ["body"]
    async with open_storage(data_folder) as storage:
        await swept(storage, 1)
        assert list(storage.objects.names()) == [first]


async def test_a_repair_that_came_through_leaves_one_file(data_folder: Path) -> None:
    """Row and file are of what came last; the file of the damaged one is an orphan, which the next start sweeps."""
    async with open_storage(data_folder) as storage, running_desk(storage) as rig:
        machine = await rig.enrol(kind="one_shot", case_id="case_1")
        agent = await rig.agent(machine)
        await rig.ingest.store(agent, "spool", bundle_of(machine))
        [first] = storage.objects.names()
        rot_bodies(data_folder)
        await rig.ingest.store(agent, "spool", bundle_of(machine, "another page of the same snapshot"))
    assert check_store(data_folder).problems == []
    async with open_storage(data_folder) as storage:
        await swept(storage, 1)
        assert first not in list(storage.objects.names())
    assert check_store(data_folder).problems == []


async def swept(storage: Storage, left: int) -> None:
    """Return once so many objects are left."""
    async with asyncio.timeout(10):
        while len(list(storage.objects.names())) != left:
            await asyncio.sleep(0)


def bundle_of(machine: Machine, page: str = "") -> Assembled:
    """A signed bundle of one snapshot, as it arrives."""
    stream = io.BytesIO()
    taken = snapshot_of(machine, flow=snapshot_pb2.FLOW_ONE_SHOT)
    sha256 = write_bundle(stream, taken, {}, f"<!doctype html>{page}", signer(machine))
    content = stream.getvalue()
    return Assembled(link_pb2.DATA_KIND_BUNDLE, 1, "snap", len(content), sha256, content)


def rot_bodies(folder: Path) -> None:
    """Let what was stored of each snapshot rot, and its file be."""
    with closing(sqlite3.connect(folder / "collector.sqlite3", isolation_level=None)) as outside:
        outside.execute("UPDATE snapshot_bodies SET body = x'00'")


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
