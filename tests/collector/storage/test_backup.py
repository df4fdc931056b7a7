"""A backup is taken while others write, says what it holds, and comes back only if every byte is right."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
from pathlib import Path

import pytest

from caseprobe.errors import CaseprobeError, ConfigurationError, Corrupt, UsageError
from caseprobe_collector.audit import verify
from caseprobe_collector.records import ObjectRecord
from caseprobe_collector.storage import Storage, open_storage
from caseprobe_collector.storage.backup import MANIFEST, back_up, restore
from tests.fakes_storage import NOW, agent, customer, deliver, deposit, snapshot

LARGE = random.Random(1).randbytes(300_000)


async def furnish(storage: Storage) -> None:
    """A small snapshot, a large one, one with a bundle."""
    await storage.transactions.run(lambda tx: storage.customers.add_customer(tx, customer()))
    await storage.transactions.run(lambda tx: storage.fleet.put_agent(tx, agent()))
    for one in (snapshot("snap_1"), snapshot("snap_2", LARGE)):
        await deliver(storage, deposit(one))
    name = "agent_1/snap_3/bundle.zip"
    await storage.objects.put_bytes(name, b"bundle")
    record = ObjectRecord("bundle.zip", name, 6, bytes(32))
    await deliver(storage, deposit(snapshot("snap_3", objects=("bundle.zip",)), objects=(record,)))


@pytest.fixture
async def backup(data_folder: Path, tmp_path: Path) -> Path:
    """A backup of these three, taken while the collector has its folder open."""
    async with open_storage(data_folder) as storage:
        await furnish(storage)
        await asyncio.to_thread(back_up, data_folder, tmp_path / "backup", NOW)
    return tmp_path / "backup"


async def test_what_was_backed_up_comes_back(backup: Path, tmp_path: Path) -> None:
    """Rows, bodies, files, the authority and the audit's chain; the orphans' sweep finds nothing to do."""
    report = restore(backup, tmp_path / "new")
    assert (report.created_at, report.damaged) == (NOW.isoformat(), ("agent_1/snap_3/bundle.zip",))
    async with open_storage(tmp_path / "new") as storage:
        found = [await storage.snapshots.get_snapshot(f"snap_{number}", None) for number in (1, 2, 3)]
        assert [one.body if one else None for one in found] == [b"body", LARGE, b"body"]
        assert await storage.objects.get_bytes("agent_1/snap_3/bundle.zip") == b"bundle"
        rows = await storage.audit.list_audit()
        assert (len(rows), verify(rows)) == (3, None)
        await deliver(storage, deposit(snapshot("snap_4")))


async def test_a_backup_under_load_holds_what_was_acknowledged_before_it(data_folder: Path, tmp_path: Path) -> None:
    """And of what was acknowledged during it, a prefix without holes; nothing half."""
    async with open_storage(data_folder) as storage:
        await furnish(storage)
        stop = asyncio.Event()

        async def load() -> int:
            number = 0
            while not stop.is_set():
                body = LARGE + str(number).encode() if number % 10 == 0 else b"body"
                await deliver(storage, deposit(snapshot(f"snap_x{number}", body)))
                number += 1
            return number

        loading = asyncio.create_task(load())
        while await storage.snapshots.get_row("snap_x20", None) is None:
            await asyncio.sleep(0)
        await asyncio.to_thread(back_up, data_folder, tmp_path / "backup", NOW)
        stop.set()
        total = await loading
    restore(tmp_path / "backup", tmp_path / "new")
    async with open_storage(tmp_path / "new") as storage:
        there = [await storage.snapshots.get_snapshot(f"snap_x{number}", None) is not None for number in range(total)]
        assert sum(there) > 20
        assert there == [True] * sum(there) + [False] * (total - sum(there))


@pytest.mark.parametrize("pattern", ["collector.sqlite3", "authority/ca.key", "objects/bodies/*/*", MANIFEST])
async def test_one_wrong_byte_is_refused(backup: Path, tmp_path: Path, pattern: str) -> None:
    """Wherever it is, nothing is restored; the manifest's own bytes are no exception where they say anything."""
    path = next(backup.glob(pattern))
    body = bytearray(path.read_bytes())
    at = body.index(b'"sha256"') + 13 if pattern == MANIFEST else len(body) // 2
    body[at] ^= 1
    path.write_bytes(body)
    with pytest.raises(Corrupt, match="nothing was restored"):
        restore(backup, tmp_path / "new")
    assert {one.name for one in tmp_path.iterdir()} == {"backup"}


async def test_a_missing_file_is_refused(backup: Path, tmp_path: Path) -> None:
    """Half a backup is none; one that was never finished has no manifest."""
    next((backup / "objects/bodies").rglob("*/*")).unlink()
    with pytest.raises(Corrupt, match="is missing"):
        restore(backup, tmp_path / "new")
    (backup / MANIFEST).unlink()
    with pytest.raises(UsageError, match="no finished backup"):
        restore(backup, tmp_path / "new")


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "objects/.tmp-1", ""])
async def test_a_manifest_cannot_name_what_is_elsewhere(backup: Path, tmp_path: Path, name: str) -> None:
    """A backup that somebody else wrote opens no way out of the folder."""
    manifest = json.loads((backup / MANIFEST).read_bytes())
    manifest["files"].append({"name": name, "size_bytes": 1, "sha256": "00"})
    (backup / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(Corrupt, match="no collector writes"):
        restore(backup, tmp_path / "new")


async def test_nothing_that_exists_is_replaced(backup: Path, data_folder: Path, tmp_path: Path) -> None:
    """Neither another backup nor a folder that is in use; an empty folder may be taken."""
    with pytest.raises(UsageError, match="exists already"):
        back_up(data_folder, backup, NOW)
    with pytest.raises(UsageError, match="not empty"):
        restore(backup, data_folder)
    (tmp_path / "empty").mkdir()
    restore(backup, tmp_path / "empty")
    assert (tmp_path / "empty/collector.sqlite3").exists()


async def test_a_folder_without_a_collector_is_not_backed_up(tmp_path: Path) -> None:
    """A wrong data_folder is told, and leaves nothing behind."""
    (tmp_path / "nothing").mkdir()
    with pytest.raises(ConfigurationError, match="no collector's data"):
        back_up(tmp_path / "nothing", tmp_path / "backup", NOW)
    assert not (tmp_path / "backup").exists()


async def test_a_lost_object_does_not_keep_the_rest_from_being_saved(data_folder: Path, tmp_path: Path) -> None:
    """It is told as damaged, in the report and in the manifest."""
    async with open_storage(data_folder) as storage:
        await furnish(storage)
    shutil.rmtree(data_folder / "objects/bodies")
    report = back_up(data_folder, tmp_path / "backup", NOW)
    assert [name.split("/")[0] for name in sorted(report.damaged)] == ["agent_1", "bodies"]
    assert len(json.loads((tmp_path / "backup" / MANIFEST).read_bytes())["damaged"]) == 2


async def test_a_damaged_database_is_not_backed_up_as_good(data_folder: Path, tmp_path: Path) -> None:
    """A backup that could not be restored would be found out too late."""
    async with open_storage(data_folder) as storage:
        await furnish(storage)
    path = data_folder / "collector.sqlite3"
    body = path.read_bytes()
    path.write_bytes(body[:4096] + b"\xff" * (len(body) - 4096))
    with pytest.raises(CaseprobeError, match="damaged"):
        back_up(data_folder, tmp_path / "backup", NOW)
    assert list(tmp_path.iterdir()) == []
