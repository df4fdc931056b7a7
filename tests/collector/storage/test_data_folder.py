"""The data folder: private, opened once at a time, and honest about what it finds."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from caseprobe.errors import ConfigurationError, Corrupt, StorageDamaged
from caseprobe_collector.audit import verify
from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import Damage
from caseprobe_collector.storage import create_storage, open_storage
from caseprobe_collector.storage.objects import FileObjects
from caseprobe_collector.storage.rowform import ROW_DAMAGE
from caseprobe_collector.storage.schema import NEWEST
from caseprobe_collector.storage.unit import unit_of
from tests.fakes_storage import NOW, agent, customer, deliver, delivery, deposit, snapshot

DATABASE = "collector.sqlite3"


@pytest.fixture
def folder(empty_folder: Path, tmp_path: Path) -> Path:
    """An empty collector's folder."""
    return Path(shutil.copytree(empty_folder, tmp_path / "data"))


async def test_only_the_owner_reads_any_of_it(tmp_path: Path) -> None:
    """Folders 0700, files 0600, whatever the umask; the CA's key above all."""
    before = os.umask(0)
    try:
        create_storage(tmp_path / "data")
        async with open_storage(tmp_path / "data") as storage:
            await storage.objects.put("a/b", _nothing())
            await storage.transactions.run(lambda tx: storage.customers.add_customer(tx, customer()))
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").rglob("*")}
    finally:
        os.umask(before)
    assert {name for name, mode in modes.items() if mode not in (0o600, 0o700)} == set()
    assert modes["ca.key"] == 0o600
    assert {DATABASE, DATABASE + "-wal", "b", "lock"} <= set(modes)


async def _nothing() -> AsyncIterator[bytes]:
    yield b""


async def test_made_twice_is_made_once(tmp_path: Path) -> None:
    """The CA that machines trust is never replaced."""
    create_storage(tmp_path / "data")
    first = (tmp_path / "data/authority/ca.key").read_bytes()
    create_storage(tmp_path / "data")
    assert (tmp_path / "data/authority/ca.key").read_bytes() == first


async def test_without_a_ca_it_says_what_to_do(tmp_path: Path) -> None:
    """A folder that was never made."""
    with pytest.raises(ConfigurationError, match="caseprobe-collector init"):
        async with open_storage(tmp_path / "nothing"):
            pass


async def test_a_key_that_others_can_read_is_refused(folder: Path) -> None:
    """It may have been copied."""
    (folder / "authority/ca.key").chmod(0o644)
    with pytest.raises(ConfigurationError, match="can be read by others"):
        async with open_storage(folder):
            pass


async def test_a_key_of_another_ca_is_refused(folder: Path, tmp_path: Path) -> None:
    """Half a restored backup."""
    create_storage(tmp_path / "other")
    shutil.copy(tmp_path / "other/authority/ca.key", folder / "authority/ca.key")
    with pytest.raises(ConfigurationError, match="do not belong together"):
        async with open_storage(folder):
            pass


async def test_a_second_collector_is_refused(folder: Path) -> None:
    """Two writers would break the audit's one chain; once the first ended the folder is free."""
    async with open_storage(folder):
        with pytest.raises(ConfigurationError, match="another collector"):
            async with open_storage(folder):
                pass
    async with open_storage(folder):
        pass


async def test_a_newer_schema_is_left_alone(folder: Path) -> None:
    """An older program neither starts on it nor changes a byte."""
    _execute(folder / DATABASE, f"UPDATE schema_version SET version = {NEWEST + 6}")
    with pytest.raises(ConfigurationError, match=f"schema {NEWEST + 6}, this version knows schema {NEWEST}"):
        async with open_storage(folder):
            pass
    assert _execute(folder / DATABASE, "SELECT version FROM schema_version") == [(NEWEST + 6,)]


async def test_another_programs_database_is_left_alone(folder: Path) -> None:
    """A wrong data_folder does no harm."""
    (folder / DATABASE).unlink()
    _execute(folder / DATABASE, "CREATE TABLE bookmarks (url TEXT)")
    with pytest.raises(Corrupt, match="something else"):
        async with open_storage(folder):
            pass


async def test_a_file_that_is_no_database_is_reported(folder: Path) -> None:
    """Overwritten with something else."""
    (folder / DATABASE).write_bytes(b"not a database at all, but long enough to be one" * 100)
    with pytest.raises(StorageDamaged, match="damaged"):
        async with open_storage(folder):
            pass


async def test_commits_are_real(folder: Path) -> None:
    """The writer's connection fsyncs on each commit and holds references."""
    async with open_storage(folder) as storage:

        async def work(tx: Transaction) -> list[int]:
            names = ("synchronous", "foreign_keys")
            return [int((await unit_of(tx).rows(sa.text(f"PRAGMA {name}")))[0][0]) for name in names]

        assert await storage.transactions.run(work) == [2, 1]


@pytest.mark.parametrize("size", [1000, 300_000])
async def test_rot_on_the_disk_is_found(folder: Path, size: int) -> None:
    """One flipped bit in a stored body, in the database or in a file, is Corrupt and never shown as good."""
    body = bytes(size)
    async with open_storage(folder) as storage:

        async def work(tx: Transaction) -> None:
            await storage.customers.add_customer(tx, customer())
            await storage.fleet.put_agent(tx, agent())

        await storage.transactions.run(work)
        await deliver(storage, deposit(snapshot(body=body)))
    rotten = b"\x01" + body[1:]
    if size < 10_000:
        _execute(folder / DATABASE, "UPDATE snapshot_bodies SET body = ?", rotten)
    else:
        next((folder / "objects/bodies").rglob("*/*")).write_bytes(rotten)
    async with open_storage(folder) as storage:
        with pytest.raises(Corrupt, match="snap_1 is damaged"):
            await storage.snapshots.get_snapshot("snap_1", None)
        assert len(await storage.snapshots.list_by_agent("agent_1", None)) == 1


@pytest.mark.parametrize(
    "change", ["worst = 1", "customer_id = 'cust_b'", "started_at = 'soon'", "objects = '[['", "profile = x'ff'"]
)
async def test_a_row_that_rotted_tells_nothing_but_that(folder: Path, change: str) -> None:
    """Whatever a flipped bit makes of a column, the row is told as damaged, without its words, and lists go on."""
    async with open_storage(folder) as storage:
        await storage.transactions.run(lambda tx: storage.customers.add_customer(tx, customer("cust_a")))
        await storage.transactions.run(lambda tx: storage.customers.add_customer(tx, customer("cust_b")))
        await storage.transactions.run(lambda tx: storage.fleet.put_agent(tx, agent()))
        for name in ("snap_1", "snap_2"):
            await deliver(storage, deposit(snapshot(name, worst=4)))
    _execute(folder / DATABASE, f"UPDATE snapshots SET {change} WHERE snapshot_id = 'snap_1'")
    async with open_storage(folder) as storage:
        good, bad = await storage.snapshots.list_by_agent("agent_1", None)
        assert (good.damage, good.worst) == ("", 4)
        assert (bad.snapshot_id, bad.damage, bad.worst, bad.profile) == ("snap_1", ROW_DAMAGE, 0, "")
        with pytest.raises(Corrupt, match="snap_1 is damaged"):
            await storage.snapshots.get_snapshot("snap_1", None)


@pytest.mark.parametrize("change", ["snapshots SET worst = 1", "snapshot_bodies SET body = x'00'"])
async def test_a_damaged_snapshot_is_replaced_by_its_own_machine_alone(folder: Path, change: str) -> None:
    """The audit says whose it was, whatever the damaged row says; the chain goes on."""
    async with open_storage(folder) as storage:
        await storage.transactions.run(lambda tx: storage.customers.add_customer(tx, customer()))
        for name in ("agent_1", "agent_2"):
            await storage.transactions.run(lambda tx, name=name: storage.fleet.put_agent(tx, agent(name)))  # type: ignore[misc]
        await deliver(storage, deposit(snapshot(worst=4)))
    _execute(folder / DATABASE, f"UPDATE {change}")
    async with open_storage(folder) as storage:
        await storage.snapshots.mark_damaged(Damage("snap_1", "found", NOW))
        other = await storage.deposits.replace_damaged(delivery(deposit(snapshot(agent_id="agent_2"))))
        assert not other[1]
        with pytest.raises(Corrupt):
            await storage.snapshots.get_snapshot("snap_1", None)
        same = await storage.deposits.replace_damaged(delivery(deposit(snapshot(worst=4))))
        assert same[1]
        assert await storage.snapshots.get_snapshot("snap_1", None) == snapshot(worst=4)
        assert verify(await storage.audit.list_audit()) is None


async def test_an_audit_whose_end_rotted_takes_nothing_and_says_so(folder: Path) -> None:
    """Neither a defect nor a second chain: machines are told to keep what they have."""
    async with open_storage(folder) as storage:
        await storage.transactions.run(lambda tx: storage.customers.add_customer(tx, customer()))
        await storage.transactions.run(lambda tx: storage.fleet.put_agent(tx, agent()))
        await deliver(storage, deposit(snapshot()))
        _execute(folder / DATABASE, "UPDATE audit SET sha256 = 'text'")
        with pytest.raises(StorageDamaged, match="last entry is damaged"):
            await deliver(storage, deposit(snapshot("snap_2")))
        with pytest.raises(StorageDamaged, match="last entry is damaged"):
            await storage.transactions.run(
                lambda tx: storage.audit.append_audit(tx, NOW, "user:1", "case.close", "cust_a", "case_1", "")
            )


async def test_a_database_of_0_1_0_is_brought_forward(folder: Path) -> None:
    """Its rows get their hashes, its schema becomes the one that a new folder has."""
    fresh = _schema(folder / DATABASE)
    for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm"):
        (folder / name).unlink(missing_ok=True)
    connection = sqlite3.connect(folder / DATABASE)
    connection.executescript(Path(__file__).with_name("schema_1.sql").read_text())
    connection.executescript(
        "INSERT INTO customers VALUES ('cust_a', 'a', 1);"
        "INSERT INTO agents VALUES ('agent_1', 'cust_a', 'l', 's', 'v', 'enrolled', 1, 1,"
        " NULL, NULL, NULL, '[]', '[]');"
        "INSERT INTO snapshots VALUES (1, 'snap_1', 'agent_1', 'cust_a', NULL, 1, '', '', 'quick', 1, 2, 3, 4, 1, 4,"
        " x'230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5', '[]', '');"
        "INSERT INTO snapshot_bodies VALUES ('snap_1', x'626f6479', NULL);"
    )
    connection.close()
    async with open_storage(folder) as storage:
        found = await storage.snapshots.get_snapshot("snap_1", None)
        # Their rows would be damaged without a hash.
        assert await storage.customers.get_customer("cust_a", None) is not None
        assert await storage.fleet.get_agent("agent_1", None) is not None
    assert found is not None
    assert (found.body, found.row.worst, found.row.damage) == (b"body", 4, "")
    assert _schema(folder / DATABASE) == fresh


def _schema(path: Path) -> set[str]:
    """What a database says of its columns and indexes."""
    tables = [row[0] for row in _execute(path, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    columns = {f"{table} {row[1:]}" for table in tables for row in _execute(path, f"PRAGMA table_info({table})")}
    return columns | {str(row[0]) for row in _execute(path, "SELECT name FROM sqlite_master WHERE type = 'index'")}


async def test_a_body_whose_file_is_gone_is_damaged(folder: Path) -> None:
    """Not found would say that it never was."""
    async with open_storage(folder) as storage:

        async def work(tx: Transaction) -> None:
            await storage.customers.add_customer(tx, customer())
            await storage.fleet.put_agent(tx, agent())

        await storage.transactions.run(work)
        await deliver(storage, deposit(snapshot(body=bytes(300_000))))
        next((folder / "objects/bodies").rglob("*/*")).unlink()
        with pytest.raises(Corrupt, match="damaged"):
            await storage.snapshots.get_snapshot("snap_1", None)


def test_half_written_objects_are_swept(tmp_path: Path) -> None:
    """What a killed process left goes at the next start, and nothing else."""
    (tmp_path / "a").mkdir()
    (tmp_path / ".tmp-0011").write_bytes(b"half")
    (tmp_path / "a/whole").write_bytes(b"whole")
    assert list(FileObjects(tmp_path).names()) == ["a/whole"]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


CHILD = """
import asyncio, sys
from pathlib import Path
from caseprobe_collector.storage import open_storage
from tests.fakes_storage import customer

async def main():
    async with open_storage(Path(sys.argv[1])) as storage:
        async def add(number):
            async def work(tx):
                await storage.customers.add_customer(tx, customer(f"cust_{number:06}"))
            await storage.transactions.run(work)
            print(number, flush=True)
        for first in range(0, 1000000, 8):
            await asyncio.gather(*(add(number) for number in range(first, first + 8)))

asyncio.run(main())
"""


async def test_what_was_acknowledged_survives_a_kill(folder: Path) -> None:
    """SIGKILL in the middle of commits: every number that was printed is there, and the folder opens at once."""
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *sys.path])}
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE, env=environment)
    assert child.stdout is not None
    acknowledged = {int(child.stdout.readline()) for _ in range(60)}
    child.kill()
    acknowledged |= {int(line) for line in child.stdout.read().split(b"\n")[:-1]}
    child.stdout.close()
    child.wait()
    async with open_storage(folder) as storage:
        stored = {int(one.customer_id[5:]) for one in await storage.customers.list_customers(None)}
    assert acknowledged - stored == set()
    assert len(stored - acknowledged) <= 8


def _execute(path: Path, statement: str, *parameters: object) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        with connection:
            return connection.execute(statement, parameters).fetchall()
    finally:
        connection.close()


async def test_a_database_whose_words_are_no_text_is_damaged(folder: Path) -> None:
    """What SQLite quotes of its own schema cannot be read, and it is named as what it is."""
    connection = sqlite3.connect(folder / DATABASE)
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("UPDATE sqlite_master SET sql = sql || CAST(x'20C5C5' AS TEXT) WHERE name = 'agents'")
    connection.commit()
    connection.close()
    with pytest.raises(StorageDamaged, match="its words cannot be read"):
        async with open_storage(folder):
            pass
