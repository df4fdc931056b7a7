"""What was put for a commit that never came goes; what a row names, or may name soon, stays."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from caseprobe.errors import Busy, NotFound, StorageDamaged
from caseprobe_collector.records import ObjectRecord
from caseprobe_collector.storage import Storage, open_storage
from caseprobe_collector.storage.database import Database, create_private, log_of
from caseprobe_collector.storage.note import NoteFile
from caseprobe_collector.storage.objects import FileObjects
from caseprobe_collector.storage.orphans import sweep_orphans
from caseprobe_collector.storage.progress import Progress
from caseprobe_collector.storage.reserve import Reserve
from tests.fakes_storage import agent, customer, deliver, deposit, snapshot

LARGE = random.Random(1).randbytes(300_000)
BUNDLE = "agent_1/snap_2/bundle.zip"


async def furnish(storage: Storage) -> None:
    """A snapshot with a large body, one with a bundle, one of an older version with a bundle, and an orphan."""
    await storage.transactions.run(lambda tx: storage.customers.add_customer(tx, customer()))
    await storage.transactions.run(lambda tx: storage.fleet.put_agent(tx, agent()))
    await deliver(storage, deposit(snapshot("snap_1", LARGE)))
    for name in ("agent_1/snap_2/bundle.zip", "agent_1/snap_3/bundle.zip", "agent_1/snap_4/bundle.zip", "bodies/0/0"):
        await storage.objects.put_bytes(name, b"bundle")
    record = ObjectRecord("bundle.zip", BUNDLE, 6, bytes(32))
    await deliver(storage, deposit(snapshot("snap_2"), objects=(record,)))
    await deliver(storage, deposit(snapshot("snap_3", objects=("bundle.zip",))))


async def sweep(folder: Path, *fresh: str) -> tuple[int, set[str]]:
    """(how many went, what is left) after a start, during which these were put anew."""
    create_private(folder / "collector.sqlite3")
    path = folder / "collector.sqlite3"
    database = Database(path, Reserve(folder / "reserve", 4096), Progress(log_of(path), NoteFile(folder / "note")))
    objects = FileObjects(folder / "objects")
    await database.open()
    try:
        for name in fresh:
            await objects.put_bytes(name, b"anew")
        return await sweep_orphans(database, objects), set(objects.names())
    finally:
        await database.close()


async def test_only_orphans_go(data_folder: Path) -> None:
    """By row, by record, and what an older version named by its snapshot alone."""
    async with open_storage(data_folder) as storage:
        await furnish(storage)
    removed, left = await sweep(data_folder)
    body = next(name for name in left if name.startswith("bodies/"))
    assert (removed, left) == (2, {BUNDLE, "agent_1/snap_3/bundle.zip", body})
    assert len(body) > len("bodies/0/0")


async def test_what_was_put_since_the_start_stays(data_folder: Path) -> None:
    """Its row may be on its way to the writer."""
    async with open_storage(data_folder) as storage:
        await furnish(storage)
    _, left = await sweep(data_folder, "agent_1/snap_4/bundle.zip", "agent_1/snap_5/bundle.zip")
    assert {"agent_1/snap_4/bundle.zip", "agent_1/snap_5/bundle.zip"} <= left


async def test_a_start_sweeps_by_itself(data_folder: Path) -> None:
    """No hand is needed after a kill."""
    async with open_storage(data_folder) as storage:
        await furnish(storage)
    async with open_storage(data_folder) as storage:
        for _ in range(500):
            if await storage.objects.size("bodies/0/0") is None:
                break
            await storage.snapshots.list_by_agent("agent_1", None)
        with pytest.raises(NotFound):
            await storage.objects.get_bytes("bodies/0/0")
        assert await storage.snapshots.get_snapshot("snap_1", None) is not None


async def test_a_database_that_cannot_be_opened_can_be_served(data_folder: Path) -> None:
    """The collector starts, and everything that needs the database says why it cannot; no circle of restarts."""
    path = data_folder / "collector.sqlite3"
    path.write_bytes(b"\xff" * 4096 + path.read_bytes()[4096:])
    with pytest.raises(StorageDamaged):
        async with open_storage(data_folder):
            pass
    async with open_storage(data_folder, damaged_too=True) as storage:
        for use in (
            storage.deposits.ready(),
            deliver(storage, deposit()),
            storage.snapshots.get_row("snap_1", None),
            storage.fleet.get_agent("agent_1", None),
        ):
            with pytest.raises(StorageDamaged, match="restore a backup"):
                await use


async def test_an_acknowledged_entry_that_is_gone_stops_all_acknowledging(data_folder: Path) -> None:
    """After a failure the connection must show what was acknowledged last; one that cannot is not trusted."""
    async with open_storage(data_folder) as storage:
        await furnish(storage)
        outside = sqlite3.connect(data_folder / "collector.sqlite3")
        outside.execute("DELETE FROM audit WHERE number = (SELECT max(number) FROM audit)")
        outside.commit()
        outside.execute("BEGIN IMMEDIATE")
        outside.execute("PRAGMA busy_timeout = 0")
        with pytest.raises(Busy):
            await deliver(storage, deposit(snapshot("snap_8")))
        outside.execute("ROLLBACK")
        outside.close()
        with pytest.raises(StorageDamaged, match="was acknowledged and is not on the disk"):
            await deliver(storage, deposit(snapshot("snap_9")))
