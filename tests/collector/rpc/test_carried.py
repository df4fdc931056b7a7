"""Bundle files that came by another way: only what the machine that it names has signed is stored."""

from __future__ import annotations

import hashlib
import io
from collections.abc import AsyncIterator, Callable

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from caseprobe.bundle import write_bundle
from caseprobe.bundle.age import encrypt, recipient_of
from caseprobe.errors import Corrupt, NotAllowed, UsageError
from caseprobe.ids import agent_id
from caseprobe.v1 import link_pb2, snapshot_pb2
from caseprobe_collector.ingest.forms import read_bundle
from caseprobe_collector.records import Case
from tests.desk import ADMIN, Machine, Rig, signer, snapshot_of

KEY = ec.generate_private_key(ec.SECP256R1())
DER = KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
OWN = agent_id(DER)
Signer = Callable[[bytes], tuple[str, str, bytes, bytes]]


def signed(statement: bytes) -> tuple[str, str, bytes, bytes]:
    """The signature of the machine's own key."""
    return "one-shot", OWN, KEY.sign(statement, ec.ECDSA(hashes.SHA256())), DER


def forged(statement: bytes) -> tuple[str, str, bytes, bytes]:
    """A signature over something else."""
    return signed(statement + b" ")


def bundle(machine: str, signer: Signer | None) -> io.BytesIO:
    """A bundle that names this machine."""
    stream = io.BytesIO()
    snapshot = snapshot_pb2.Snapshot(snapshot_id=f"snap_{1:032x}", agent_id=machine)
    write_bundle(stream, snapshot, {}, "<!doctype html>", signer)
    stream.seek(0)
    return stream


def test_a_bundle_that_its_machine_signed_is_read() -> None:
    """The key that signed is the key whose id the snapshot names."""
    assert read_bundle(bundle(OWN, signed)).agent_id == OWN


@pytest.mark.parametrize(
    ("machine", "signer", "error"),
    [(OWN, None, NotAllowed), ("agent_of_somebody_else", signed, NotAllowed), (OWN, forged, Corrupt)],
    ids=["unsigned", "names another machine", "forged"],
)
def test_what_no_machine_signed_is_refused(machine: str, signer: Signer | None, error: type[Exception]) -> None:
    """Nobody can put evidence on another machine's page by writing its id into a file."""
    with pytest.raises(error):
        read_bundle(bundle(machine, signer))


async def carry(rig: Rig, content: bytes, case_id: str = "case_1") -> str:
    """Attach a file by hand, as `caseprobe-collector import` and the console do; gives the snapshot's id."""

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 100):
            yield content[start : start + 100]

    return (await rig.evidence.import_bundle(ADMIN, case_id, chunks())).snapshot_id


async def deliver(
    rig: Rig, machine: Machine, content: bytes, kind: link_pb2.DataKind.ValueType = link_pb2.DATA_KIND_BUNDLE
) -> None:
    """Send a file over the link, as its machine does."""
    sha256 = hashlib.sha256(content).digest()
    data = link_pb2.Data(sequence=1, kind=kind, stream_id="snap_1", sha256=sha256, payload=content)
    data.total_bytes = len(content)
    async with rig.stream(machine) as stream:
        await stream.next("welcome")
        await stream.send(data=data)
        assert (await stream.next("ack")).sequence == 1


@pytest.mark.parametrize("order", ["carried twice", "sent, then carried", "carried, then sent", "both, twice"])
async def test_however_often_and_whichever_way_a_bundle_comes_it_is_attached_once(rig: Rig, order: str) -> None:
    """One snapshot in the case, one file beside it, and every way is told the same id."""
    machine = await rig.enrol(kind="one_shot", case_id="case_1")
    stream = io.BytesIO()
    snapshot = snapshot_of(machine, flow=snapshot_pb2.FLOW_ONE_SHOT)
    write_bundle(stream, snapshot, {}, "<!doctype html>", signer(machine))
    content = stream.getvalue()
    for way in {"carried twice": "cc", "sent, then carried": "sc", "carried, then sent": "cs", "both, twice": "scsc"}[
        order
    ]:
        if way == "c":
            assert await carry(rig, content) == snapshot.snapshot_id
        else:
            await deliver(rig, machine, content)
    [row] = await rig.evidence.list_by_case(ADMIN, "case_1")
    assert (row.snapshot_id, row.agent_id, row.notice) == (snapshot.snapshot_id, machine.agent_id, "")
    assert len(list(rig.storage.objects.names())) == 1


@pytest.mark.parametrize(
    ("host_name", "label"), [("host-4f7a", "host-4f7a"), ("", "carried by hand"), ("x" * 999, "x" * 200)]
)
async def test_a_carried_machine_goes_by_the_name_in_its_bundle(rig: Rig, host_name: str, label: str) -> None:
    """Of several machines in one case each can be told from the others."""
    stream = io.BytesIO()
    snapshot = snapshot_pb2.Snapshot(snapshot_id=f"snap_{1:032x}", agent_id=OWN)
    snapshot.sections.add(probe="system").system.host_name = host_name
    write_bundle(stream, snapshot, {}, "<!doctype html>", signed)
    await carry(rig, stream.getvalue())
    agent = await rig.storage.fleet.get_agent(OWN, None)
    assert agent is not None and agent.label == label


async def test_what_belongs_to_one_case_is_not_said_to_be_in_another(rig: Rig) -> None:
    """Whoever imports it there is told where it is, and it stays there."""
    machine = await rig.enrol(kind="one_shot", case_id="case_1")
    stream = io.BytesIO()
    write_bundle(stream, snapshot_of(machine, flow=snapshot_pb2.FLOW_ONE_SHOT), {}, "<!doctype html>", signer(machine))
    await carry(rig, stream.getvalue())
    other = Case("case_2", "cust_a", "Again", "", "open", rig.clock.now(), "user_admin")
    await rig.storage.transactions.run(lambda tx: rig.storage.cases.add_case(tx, other))
    with pytest.raises(UsageError, match="belongs to case_1 and stays there"):
        await carry(rig, stream.getvalue(), "case_2")
    assert await rig.evidence.list_by_case(ADMIN, "case_2") == []


def encrypted(content: bytes, rig: Rig) -> bytes:
    """The same for this collector's key."""
    sealed = io.BytesIO()
    encrypt(io.BytesIO(content), sealed, recipient_of(rig.storage.authority.bundle_secret()))
    return sealed.getvalue()


async def test_an_encrypted_bundle_is_opened_wherever_it_comes_from(rig: Rig) -> None:
    """Sent and carried, it is one snapshot, and the file beside it is the bundle itself."""
    machine = await rig.enrol(kind="one_shot", case_id="case_1")
    stream = io.BytesIO()
    snapshot = snapshot_of(machine, flow=snapshot_pb2.FLOW_ONE_SHOT)
    write_bundle(stream, snapshot, {}, "<!doctype html>", signer(machine))
    await deliver(rig, machine, encrypted(stream.getvalue(), rig), link_pb2.DATA_KIND_BUNDLE_SEALED)
    assert await carry(rig, encrypted(stream.getvalue(), rig)) == snapshot.snapshot_id
    [row] = await rig.evidence.list_by_case(ADMIN, "case_1")
    chunks = await rig.evidence.object_chunks(ADMIN, row.snapshot_id, "bundle.zip")
    assert b"".join([chunk async for chunk in chunks]) == stream.getvalue()


async def test_what_is_encrypted_to_another_key_is_refused(rig: Rig) -> None:
    """By hand and over the link; nothing is left of it."""
    sealed = io.BytesIO()
    encrypt(io.BytesIO(b"evidence"), sealed, recipient_of(bytes(range(32))))
    with pytest.raises(Corrupt, match="not encrypted to this collector's key"):
        await carry(rig, sealed.getvalue())
    assert list(rig.storage.objects.names()) == []
