"""Archives of other programs, carried to a case: converted in a child, redacted, attached once, not kept."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from caseprobe.errors import Corrupt
from caseprobe_collector.app.conversion import ChildConverter
from caseprobe_collector.ingest import Evidence
from caseprobe_collector.ingest.assembly import Limits
from caseprobe_collector.storage import open_storage
from tests import fakes_sos as sos
from tests.desk import ADMIN, Rig


def evidence_of(rig: Rig) -> Evidence:
    """What staff have of a collector that takes archives, too."""
    store = rig.storage
    converter = ChildConverter(lambda customer_id: store.authority.secret_for(customer_id))
    parts = (store.transactions, store.snapshots, store.cases, store.fleet, store.objects)
    return Evidence(*parts, rig.ingest, rig.audit, rig.clock, Limits(), converter)


async def chunks(data: bytes) -> AsyncIterator[bytes]:
    """A request's body."""
    for start in range(0, len(data), 1000):
        yield data[start : start + 1000]


async def test_an_archive_is_attached_once_and_redacted(rig: Rig) -> None:
    """The same file twice is one snapshot with findings; no name of the machine is in its bundle, nor the archive."""
    evidence, data = evidence_of(rig), sos.sosreport()
    once = await evidence.import_bundle(ADMIN, "case_1", chunks(data))
    twice = await evidence.import_bundle(ADMIN, "case_1", chunks(data))
    assert once.snapshot_id == twice.snapshot_id and once.case_id == "case_1"
    assert [row.snapshot_id for row in await evidence.list_by_case(ADMIN, "case_1")] == [once.snapshot_id]
    row, snapshot = await evidence.get(ADMIN, once.snapshot_id)
    assert snapshot.origin.kind == "sosreport" and "disk.space" in {one.check_id for one in snapshot.findings}
    bundle = b"".join([part async for part in await evidence.object_chunks(ADMIN, row.snapshot_id, "bundle.zip")])
    log = b"".join(
        [part async for part in await evidence.object_chunks(ADMIN, row.snapshot_id, "artifacts/system.log")]
    )
    assert bundle.startswith(b"PK") and b"sshd" in log
    assert not any(
        name in log + snapshot.SerializeToString() for name in (sos.HOST.encode(), b"miriam", b"10.20.30.31")
    )


async def test_the_same_report_is_attached_once(rig: Rig) -> None:
    """A report has no name of its own here: its text is what it is known by, and where it lay is not told."""
    hub = {"count": 1, "host": "192.0.2.1", "Loss%": 0.0, "Snt": 10, "Avg": 1.1, "Best": 1.0, "Wrst": 1.4}
    data = json.dumps({"report": {"mtr": {"dst": "192.0.2.1"}, "hubs": [hub]}}).encode()
    evidence = evidence_of(rig)
    held = os.open(os.devnull, os.O_RDONLY)  # so that the second upload has another descriptor
    once = await evidence.import_bundle(ADMIN, "case_1", chunks(data))
    os.close(held)
    twice = await evidence.import_bundle(ADMIN, "case_1", chunks(data))
    _, snapshot = await evidence.get(ADMIN, once.snapshot_id)
    assert once.snapshot_id == twice.snapshot_id
    assert b"192.0.2.1" not in snapshot.SerializeToString() and snapshot.origin.kind == "mtr"


@pytest.mark.parametrize("data", [b"rubbish" * 100])
async def test_what_is_no_archive_is_refused_and_leaves_nothing(rig: Rig, data: bytes) -> None:
    """One line that says why; no snapshot, no file in the store."""
    evidence = evidence_of(rig)
    with pytest.raises(Corrupt) as error:
        await evidence.import_bundle(ADMIN, "case_1", chunks(data))
    assert "\n" not in str(error.value) and "/proc/" not in str(error.value)
    assert await evidence.list_by_case(ADMIN, "case_1") == []


async def test_the_key_of_imports_follows_from_the_authority_alone(data_folder: Path) -> None:
    """Another customer has another key, a restored collector the same; the CA's key cannot be told from it."""
    async with open_storage(data_folder) as storage:
        first, other = storage.authority.secret_for("a"), storage.authority.secret_for("b")
    async with open_storage(data_folder) as storage:
        assert storage.authority.secret_for("a") == first != other and len(first) == 32
