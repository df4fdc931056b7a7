"""What is sent again is compared with what is stored, not with what was once stored."""

from __future__ import annotations

import hashlib
import io
import sqlite3
from pathlib import Path

import pytest

from caseprobe.bundle import write_bundle
from caseprobe.errors import Corrupt
from caseprobe.v1 import link_pb2, snapshot_pb2
from caseprobe_collector.ingest.assembly import Assembled
from tests.desk import ADMIN, Rig, signer, snapshot_of


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


@pytest.mark.parametrize("fault", ["its body", "its file"])
async def test_a_bundle_that_comes_again_replaces_a_damaged_one_with_its_file(
    rig: Rig, tmp_path: Path, fault: str
) -> None:
    """Snapshot and file are whole again, and nothing of the damage is left."""
    machine = await rig.enrol(kind="one_shot", case_id="case_1")
    agent, stream = await rig.agent(machine), io.BytesIO()
    write_bundle(stream, snapshot_of(machine, flow=snapshot_pb2.FLOW_ONE_SHOT), {}, "<!doctype html>", signer(machine))
    content = stream.getvalue()
    sha256 = hashlib.sha256(content).digest()
    sent = Assembled(link_pb2.DATA_KIND_BUNDLE, 1, "snap", len(content), sha256, content)
    name = (await rig.ingest.store(agent, "spool", sent)).snapshot_id
    if fault == "its body":
        outside = sqlite3.connect(tmp_path / "data/collector.sqlite3")
        outside.execute("UPDATE snapshot_bodies SET body = x'00'")
        outside.commit()
        outside.close()
    else:
        [object_name] = rig.storage.objects.names()
        await rig.storage.objects.put_bytes(object_name, b"rotten")
        with pytest.raises(Corrupt):
            await rig.evidence.object_chunks(ADMIN, name, "bundle.zip")
    await rig.ingest.store(agent, "spool", sent)
    row, _ = await rig.evidence.get(ADMIN, name)
    assert (row.objects, row.damage, row.case_id) == (("bundle.zip",), "", "case_1")
    chunks = await rig.evidence.object_chunks(ADMIN, name, "bundle.zip")
    assert b"".join([chunk async for chunk in chunks]) == content


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
