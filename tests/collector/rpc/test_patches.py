"""A bundle that came in terms of its machine's last one is stored as if it had come whole, and is proved as such."""

from __future__ import annotations

import asyncio
import hashlib
import io
from types import SimpleNamespace
from typing import Any

import pytest

from caseprobe.bundle import BundleReader, make_patch, signed_consent, sketch_of, write_bundle
from caseprobe.errors import Corrupt, StorageFull
from caseprobe.v1 import link_pb2, snapshot_pb2
from caseprobe.v1.consent_pb2 import ConsentStatement, SignedConsent
from caseprobe_collector.bases import last_bundle
from caseprobe_collector.ingest.assembly import Assembled
from caseprobe_collector.ingest.patching import Patching
from tests.desk import ADMIN, Machine, Rig, signer, snapshot_of
from tests.fakes_storage import StagedOnFullDisk

PAGE = "<p>the same as ever</p>\n" * 400


def bundle(machine: Machine, number: int) -> bytes:
    """A bundle of a machine, unlike its others in a few bytes."""
    stream = io.BytesIO()
    snapshot = snapshot_of(machine, number, flow=snapshot_pb2.FLOW_ONE_SHOT)
    write_bundle(stream, snapshot, {}, PAGE, signer(machine))
    return stream.getvalue()


def patch(old: bytes, new: bytes) -> bytes:
    """The new one in terms of the old one."""
    sketch = sketch_of(BundleReader(io.BytesIO(old)), hashlib.sha256(old).digest())
    assert sketch is not None
    made = make_patch(sketch, BundleReader(io.BytesIO(new)), hashlib.sha256(new).digest())
    assert made is not None
    return made


def item(content: bytes, consent: SignedConsent | None = None, whole: bool = False) -> Assembled:
    """An item as it came over the link."""
    kind = link_pb2.DATA_KIND_BUNDLE if whole else link_pb2.DATA_KIND_BUNDLE_PATCH
    return Assembled(kind, 1, "snap", len(content), hashlib.sha256(content).digest(), content, consent=consent)


async def test_what_is_stored_is_the_bundle_itself(rig: Rig) -> None:
    """Byte for byte, with its consent, attached to its case; and the next one is told in terms of it."""
    machine = await rig.enrol(kind="one_shot", case_id="case_1")
    agent = await rig.agent(machine)
    old, new = bundle(machine, 1), bundle(machine, 2)
    await rig.ingest.store(agent, "spool", item(old, whole=True))
    said = ConsentStatement(snapshot_id=f"snap_{2:032x}", bundle_sha256=hashlib.sha256(new).digest())
    stored = await rig.ingest.store(agent, "spool", item(patch(old, new), signed_consent(said, signer(machine))))
    chunks = rig.evidence.object_chunks(ADMIN, stored.snapshot_id, "bundle.zip")
    assert b"".join([chunk async for chunk in await chunks]) == new
    row, snapshot = await rig.evidence.get(ADMIN, stored.snapshot_id)
    assert (row.case_id, snapshot.consent.signed.key_id) == ("case_1", machine.agent_id)
    base = await last_bundle(rig.storage.snapshots, machine.agent_id, "cust_a")
    assert base is not None and base.sha256 == hashlib.sha256(new).digest()


async def test_nobody_builds_on_what_another_machine_sent(rig: Rig) -> None:
    """A patch to another machine's bundle is refused as one to a bundle that never was: no oracle."""
    mine, other = await rig.enrol(kind="one_shot", case_id="case_1"), await rig.enrol(kind="one_shot", case_id="case_1")
    old = bundle(other, 1)
    await rig.ingest.store(await rig.agent(other), "spool", item(old, whole=True))
    for base in (old, bundle(mine, 7)):
        with pytest.raises(Corrupt, match="not this machine's last one here"):
            await rig.ingest.store(await rig.agent(mine), "spool", item(patch(base, bundle(mine, 2))))
    assert await rig.evidence.list_by_agent(ADMIN, mine.agent_id) == []


@pytest.mark.parametrize("fault", ["gone", "rotten"])
async def test_a_base_that_is_not_sound_makes_nothing(rig: Rig, fault: str) -> None:
    """The machine is refused for good, and sends the bundle whole."""
    machine = await rig.enrol(kind="one_shot", case_id="case_1")
    agent = await rig.agent(machine)
    old, new = bundle(machine, 1), bundle(machine, 2)
    await rig.ingest.store(agent, "spool", item(old, whole=True))
    [name] = rig.storage.objects.names()
    if fault == "gone":
        await rig.storage.objects.delete(name)
    else:
        await rig.storage.objects.put_bytes(name, old[:40] + bytes([old[40] ^ 1]) + old[41:])
    with pytest.raises(Corrupt):
        await rig.ingest.store(agent, "spool", item(patch(old, new)))
    await rig.ingest.store(agent, "spool", item(new, whole=True))


async def test_nothing_is_left_open_on_a_full_disk(rig: Rig) -> None:
    """The machine tries again by itself, and each try would leave one more file."""
    machine = await rig.enrol(kind="one_shot", case_id="case_1")
    agent, full = await rig.agent(machine), StagedOnFullDisk()
    old, new = bundle(machine, 1), bundle(machine, 2)
    await rig.ingest.store(agent, "spool", item(old, whole=True))
    disk: Any = SimpleNamespace(get=rig.storage.objects.get, stage=lambda: full)
    with pytest.raises(StorageFull):
        await Patching(rig.storage.snapshots, disk, asyncio.to_thread).whole(agent, patch(old, new))
    assert full.discarded
