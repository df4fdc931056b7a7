"""Acknowledged commits that rot took from the log: what is missing is told, and nothing else is."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe_collector.audit import verify
from caseprobe_collector.records import Loss
from caseprobe_collector.storage import Storage, create_storage, open_storage
from caseprobe_collector.storage.backup import back_up, restore
from caseprobe_collector.storage.note import Note, NoteFile, parsed, read_note
from caseprobe_collector.storage.progress import loss_of
from tests.fakes_storage import NOW, agent, customer, deliver, deposit, snapshot

DATABASE, LOG, NOTE = "collector.sqlite3", "collector.sqlite3-wal", "note"
STORED = [f"snap_{number}" for number in range(12)]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as SIGKILL leaves it: half of the snapshots in the database, half in its log."""
    folder = tmp_path_factory.mktemp("losses")
    create_storage(folder / "living")
    asyncio.run(_fill(folder))
    return folder / "killed"


async def _fill(folder: Path) -> None:
    for half in (STORED[:6], STORED[6:]):
        async with open_storage(folder / "living") as storage:
            if "snap_0" in half:
                await storage.transactions.run(lambda tx: storage.customers.add_customer(tx, customer()))
                await storage.transactions.run(lambda tx: storage.fleet.put_agent(tx, agent()))
            for name in half:
                await deliver(storage, deposit(snapshot(name, Random(name).randbytes(900))))
            shutil.copytree(folder / "living", folder / "killed", dirs_exist_ok=True)


async def found(folder: Path) -> tuple[list[Loss], set[str]]:
    """What a start says is missing, and what is there."""
    async with open_storage(folder) as storage:
        return await storage.losses.list_losses(), await _stored(storage)


async def _stored(storage: Storage) -> set[str]:
    assert verify(await storage.audit.list_audit()) is None
    return {row.snapshot_id for row in await storage.snapshots.list_by_agent("agent_1", None)}


def _copy(killed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(killed, tmp_path / "data", ignore=shutil.ignore_patterns("*-shm")))


async def test_a_kill_loses_nothing_and_nothing_is_told(killed: Path, tmp_path: Path) -> None:
    """Nor does a start after an end in order."""
    folder = _copy(killed, tmp_path)
    assert await found(folder) == ([], set(STORED))
    assert await found(folder) == ([], set(STORED))


def _remove(folder: Path) -> None:
    (folder / LOG).unlink()


def _halve(folder: Path) -> None:
    (folder / LOG).write_bytes((folder / LOG).read_bytes()[: (folder / LOG).stat().st_size // 2])


def _flip(folder: Path) -> None:
    data = bytearray((folder / LOG).read_bytes())
    data[len(data) // 3] ^= 4
    (folder / LOG).write_bytes(data)


@pytest.mark.parametrize("hurt", [_remove, _halve, _flip])
async def test_a_log_that_lost_commits_is_told_once(killed: Path, tmp_path: Path, hurt: Callable[[Path], None]) -> None:
    """How many are missing, in the table, in the audit and in a copy of the log; the next start says nothing new."""
    folder = _copy(killed, tmp_path)
    hurt(folder)
    (loss,), stored = await found(folder)
    assert loss.commits == loss.entries == len(STORED) - len(stored) > 0
    assert f"{loss.entries} audit entries are missing" in loss.what
    assert len(list(folder.glob(f"{LOG}.damaged-*"))) == (hurt is not _remove)
    async with open_storage(folder) as storage:
        assert await storage.losses.list_losses() == [loss]
        assert [row.detail for row in await storage.audit.list_audit() if row.action == "store.loss"] == [loss.what]
        await deliver(storage, deposit(snapshot("snap_new")))
    losses, after = await found(folder)
    assert (losses, after) == ([loss], stored | {"snap_new"})


async def test_whatever_rots_in_the_log_is_told(killed: Path, data_folder: Path) -> None:
    """At any place, flipped or cut: all is there, or it is said that something is not."""
    random, size = Random(20261122), (killed / LOG).stat().st_size
    for number in range(24):
        folder = data_folder.with_name(str(number))
        shutil.copytree(killed, folder, ignore=shutil.ignore_patterns("*-shm"))
        data, place = bytearray((folder / LOG).read_bytes()), random.randrange(size)
        if number % 4:
            data[place] ^= 1 << random.randrange(8)
        (folder / LOG).write_bytes(data if number % 4 else data[:place])
        losses, stored = await found(folder)
        assert stored == set(STORED) if not losses else stored < set(STORED) or losses[0].commits, (place, losses)


async def test_another_database_or_none_is_told(killed: Path, tmp_path: Path) -> None:
    """An emptied file is a new database to SQLite."""
    folder = _copy(killed, tmp_path)
    (folder / LOG).unlink()
    (folder / DATABASE).unlink()
    (loss,), stored = await found(folder)
    assert "not the one that was here before" in loss.what
    assert stored == set()


@pytest.mark.parametrize("hurt", [lambda path: path.unlink(), lambda path: path.write_bytes(b"x" * 128)])
async def test_a_note_that_is_gone_is_told(killed: Path, tmp_path: Path, hurt: Callable[[Path], None]) -> None:
    """Without it nobody knows, and that is said; afterwards there is one again."""
    folder = _copy(killed, tmp_path)
    hurt(folder / NOTE)
    (loss,), stored = await found(folder)
    assert (loss.commits, stored) == (0, set(STORED))
    assert "nobody can tell" in loss.what
    assert len((await found(folder))[0]) == 1


async def test_an_older_note_is_no_loss(killed: Path, tmp_path: Path) -> None:
    """After a power cut it may say too little."""
    folder = _copy(killed, tmp_path)
    noted = read_note(folder / NOTE)
    assert noted is not None
    note = NoteFile(folder / NOTE)
    note.open()
    note.write(Note(noted.store_id, noted.commits - 3, noted.entries - 2))
    note.close()
    assert await found(folder) == ([], set(STORED))


async def test_a_restored_backup_misses_nothing(killed: Path, tmp_path: Path) -> None:
    """It is as whole as it was when it was taken."""
    folder = _copy(killed, tmp_path)
    back_up(folder, tmp_path / "backup", NOW)
    restore(tmp_path / "backup", tmp_path / "again")
    assert await found(tmp_path / "again") == ([], set(STORED))


async def test_each_commit_that_changes_something_is_counted(killed: Path, tmp_path: Path) -> None:
    """A gap and readiness as a deposit; a unit that only looks is not one."""
    folder = _copy(killed, tmp_path)
    async with open_storage(folder) as storage:
        counts = [await _commits(storage, folder)]
        for step in (storage.deposits.ready(), deliver(storage, deposit(snapshot("snap_new"))), _look(storage)):
            await step
            counts.append(await _commits(storage, folder))
    assert [after - before for before, after in itertools.pairwise(counts)] == [1, 1, 0]


async def test_files_of_a_store_that_lost_commits_stay(killed: Path, tmp_path: Path) -> None:
    """Until somebody settled it, they may be all that is left of what was acknowledged; then orphans go again."""
    folder, file = _copy(killed, tmp_path), tmp_path / "data/objects/bodies/0/0"
    _remove(folder)
    file.parent.mkdir(parents=True)
    file.write_bytes(b"a body without its row")
    async with open_storage(folder) as storage:
        await _swept(storage)
        assert file.exists()
        assert await storage.transactions.run(lambda tx: storage.losses.settle_losses(tx, NOW)) == 1
    async with open_storage(folder) as storage:
        await _swept(storage)
    assert not file.exists()


async def _swept(storage: Storage) -> None:
    for _ in range(500):
        if storage.objects._fresh is None:  # the sweep is over
            return
        await storage.audit.list_audit()


async def _look(storage: Storage) -> None:
    async def work(tx: object) -> None:
        await storage.audit.list_audit()

    await storage.transactions.run(work)


async def _commits(storage: Storage, folder: Path) -> int:
    """As the note says it, which is what the database says."""
    connection = sqlite3.connect(folder / DATABASE)
    try:
        ((commits,),) = connection.execute("SELECT commits FROM progress").fetchall()
    finally:
        connection.close()
    noted = read_note(folder / NOTE)
    assert noted is not None
    assert noted.commits == commits
    return int(commits)


@given(
    st.builds(Note, st.sampled_from(["a", "b"]), st.integers(0, 9), st.integers(0, 9)),
    st.builds(Note, st.sampled_from(["a", "b"]), st.integers(0, 9), st.integers(0, 9)),
)
def test_only_what_is_behind_is_missing(noted: Note, found: Note) -> None:
    """A store of its own that came as far as its note, or farther, lost nothing."""
    whole = not noted.commits or (noted.store_id == found.store_id and noted.commits <= found.commits)
    assert (loss_of(noted, found) == "") == whole


@given(st.binary(max_size=140))
def test_any_bytes_are_a_note_or_none(content: bytes) -> None:
    """Never an error."""
    assert parsed(content) is None
