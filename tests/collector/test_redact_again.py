"""Stored snapshots pass today's rules: what these find goes, the rest stays byte for byte, each step is audited."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import cast

import zstandard

from caseprobe.bundle import BundleReader, write_bundle
from caseprobe.errors import StorageFull
from caseprobe.redaction import RULESET_VERSION
from caseprobe.v1.snapshot_pb2 import Snapshot
from caseprobe_collector.app.again import redact_again
from caseprobe_collector.audit import AuditLog
from caseprobe_collector.ingest.forms import read_snapshot
from caseprobe_collector.records import ObjectRecord, finding_index
from caseprobe_collector.storage import Storage, open_storage
from caseprobe_collector.storage.deposits import IN_DATABASE_BYTES
from caseprobe_collector.storage.snapshots import SqlSnapshots
from tests.fakes_storage import SteppedClock, agent, customer, deliver, deposit, snapshot

LEAKING = b"Nov 22 app: password=violet-lantern-77 from 10.1.2.3\nNov 22 app: fine\n"
CLEAN = b"nothing here at all\n"


def measured(snapshot_id: str, text: bytes) -> Snapshot:
    """A snapshot whose lines, finding and artifact say the text, as an older version let it pass."""
    made = Snapshot(snapshot_id=snapshot_id, agent_id="agent_1")
    made.artifacts.add(name="artifacts/app.log", source="/var/log/app.log", size_bytes=len(text))
    made.sections.add(probe="system_log").lines.add(text=text.decode())
    made.findings.add(check_id="log", object=text.decode()[:40])
    made.consent.text_shown = "your password=violet-lantern-77 is shown to nobody"
    made.redaction.ruleset_version = "1"
    return made


def packed(made: Snapshot) -> bytes:
    """Its bytes as they are stored."""
    return zstandard.compress(made.SerializeToString())


def bundle(snapshot_id: str, text: bytes) -> bytes:
    """A bundle with one artifact."""
    made = measured(snapshot_id, text)
    stream = io.BytesIO()
    write_bundle(stream, made, {"artifacts/app.log": text}, "<html></html>", None)
    return stream.getvalue()


async def furnish(storage: Storage) -> None:
    """One bundle in which a secret was left, and one without."""
    await storage.transactions.run(lambda tx: storage.customers.add_customer(tx, customer()))
    await storage.transactions.run(lambda tx: storage.fleet.put_agent(tx, agent()))
    for snapshot_id, text in (("snap_1", LEAKING), ("snap_2", CLEAN)):
        data, name = bundle(snapshot_id, text), f"agent_1/{snapshot_id}/bundle.zip"
        await storage.objects.put_bytes(name, data)
        record = ObjectRecord("bundle.zip", name, len(data), hashlib.sha256(data).digest())
        made = measured(snapshot_id, text)
        stored = snapshot(snapshot_id, packed(made), finding_index(made), objects=("bundle.zip",))
        await deliver(storage, deposit(stored, objects=(record,)))


async def again(storage: Storage) -> tuple[int, int]:
    """(bundles looked at, changed) of one run."""
    result = await redact_again(storage, AuditLog(storage.audit, SteppedClock()), "terminal", lambda line: None)
    return result.looked_at, result.changed


async def test_a_leak_of_older_rules_goes_and_the_rest_stays(data_folder: Path) -> None:
    """New file, row switched, old one gone, one audit entry; a second run finds nothing more."""
    async with open_storage(data_folder) as storage:
        await furnish(storage)
        assert await again(storage) == (2, 1)
        record = await storage.snapshots.get_object("snap_1", "bundle.zip")
        assert record is not None
        data = await storage.objects.get_bytes(record.object)
        assert hashlib.sha256(data).digest() == record.sha256 and len(data) == record.size_bytes
        text = BundleReader(io.BytesIO(data)).read("artifacts/app.log")
        told = BundleReader(io.BytesIO(data)).snapshot()
        assert "violet" not in str(told.sections) + str(told.findings)
        assert b"violet" not in text and b"10.1.2.3" not in text and text.endswith(b"Nov 22 app: fine\n")
        assert await storage.objects.size("agent_1/snap_1/bundle.zip") is None
        assert await storage.objects.get_bytes("agent_1/snap_2/bundle.zip") == bundle("snap_2", CLEAN)
        entries = await storage.audit.list_audit(1, 100)
        assert [one.object for one in entries if one.action == "snapshot.redact_again"] == ["snap_1"]
        assert await again(storage) == (2, 0)


async def test_what_was_streamed_loses_it_too_and_the_consent_stays(data_folder: Path) -> None:
    """Body, row and index of findings say the same; the report names the rules; what nobody needs stays as it was."""
    async with open_storage(data_folder) as storage:
        await furnish(storage)
        drawn = Random(1).randbytes(IN_DATABASE_BYTES + 9000).hex().encode()
        long = b"\n".join(drawn[at : at + 80] for at in range(0, len(drawn), 80))
        for snapshot_id, text in (("snap_3", LEAKING), ("snap_4", CLEAN), ("snap_5", LEAKING + long)):
            made = measured(snapshot_id, text)
            await deliver(storage, deposit(snapshot(snapshot_id, packed(made), finding_index(made))))
        assert await again(storage) == (5, 3)
        for snapshot_id in ("snap_1", "snap_3", "snap_5"):
            stored = await storage.snapshots.get_snapshot(snapshot_id, None)
            assert stored is not None and len(stored.body) == stored.row.size_bytes
            assert (len(stored.body) > IN_DATABASE_BYTES) is (snapshot_id == "snap_5")
            made = read_snapshot(stored.body)
            assert "violet" not in str(made.sections) + str(made.findings) and "10.1.2.3" not in str(made)
            assert made.consent == measured(snapshot_id, LEAKING).consent
            assert made.redaction.ruleset_version == RULESET_VERSION
        untouched = await storage.snapshots.get_snapshot("snap_4", None)
        assert untouched is not None and untouched.body == packed(measured("snap_4", CLEAN))
        assert await again(storage) == (5, 0)


class Refusing:
    """A store of snapshots whose rows cannot be switched."""

    def __init__(self, snapshots: SqlSnapshots) -> None:
        self.list_ids, self.get_snapshot = snapshots.list_ids, snapshots.get_snapshot
        self.get_object = snapshots.get_object

    async def switch_body(self, *_: object) -> bool:
        """As on a full disk."""
        raise StorageFull("no room")


async def test_what_fails_on_the_way_leaves_the_old_file(data_folder: Path) -> None:
    """Where the row cannot be switched, the old file is still what the row names; the new one is an orphan."""
    async with open_storage(data_folder) as storage:
        await furnish(storage)
        assert await again(replace(storage, snapshots=cast(SqlSnapshots, Refusing(storage.snapshots)))) == (2, 0)
        record = await storage.snapshots.get_object("snap_1", "bundle.zip")
        assert record is not None and record.object == "agent_1/snap_1/bundle.zip"
        assert await storage.objects.get_bytes(record.object) == bundle("snap_1", LEAKING)
