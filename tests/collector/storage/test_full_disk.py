"""A disk that is full: deliveries wait, staff can clean, and it goes on by itself."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from caseprobe.errors import StorageFull
from caseprobe_collector.ports import Transaction
from caseprobe_collector.storage.objects import FileObjects
from caseprobe_collector.storage.reserve import Reserve
from caseprobe_collector.storage.unit import unit_of
from caseprobe_collector.storage.writer import Writer

NUMBERS = sa.Table("numbers", sa.MetaData(), sa.Column("number", sa.Integer, primary_key=True))


class SmallDisk:
    """A database that may have so many pages, some of which are kept for cleaning; implements `Tending`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pages, self.kept = 8, 8

    def connect(self) -> sqlite3.Connection:
        """A connection that meets SQLITE_FULL at the end of the pages."""
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA max_page_count = {self.pages}")
        return connection

    def opening(self) -> None:
        """Nothing is suspected."""

    def committing(self, connection: sqlite3.Connection) -> None:
        """Nothing is counted."""

    def committed(self, connection: sqlite3.Connection) -> None:
        """Nothing is due."""

    def reopened(self, connection: sqlite3.Connection) -> None:
        """Any connection is good."""

    def admits(self, connection: sqlite3.Connection) -> bool:
        """While the reserve is whole."""
        return self.kept > 0

    def make_room(self) -> bool:
        """Give up the reserve."""
        had, self.kept = self.kept, 0
        self.pages += had
        return had > 0


@pytest.fixture
def disk(tmp_path: Path) -> SmallDisk:
    """With an empty table of numbers."""
    made = SmallDisk(tmp_path / "one.sqlite3")
    connection = made.connect()
    connection.execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY, body BLOB)")
    connection.close()
    return made


@pytest.fixture
async def writer(disk: SmallDisk) -> AsyncIterator[Writer]:
    """A writer on that disk."""
    engine = sa.create_engine("sqlite://", creator=disk.connect, poolclass=NullPool)
    made = Writer(engine, disk)
    made.start()
    yield made
    await made.close()
    engine.dispose()


def store(connection: sqlite3.Connection, numbers: object) -> list[None]:
    """What machines deliver: 4 KiB each."""
    assert isinstance(numbers, list)
    connection.executemany("INSERT INTO numbers VALUES (?, zeroblob(4096))", [(number,) for number in numbers])
    return [None] * len(numbers)


async def clean(writer: Writer) -> None:
    """What staff do about it."""

    async def work(tx: Transaction) -> None:
        await unit_of(tx).write(sa.insert(NUMBERS), {"number": 1_000_000})
        await unit_of(tx).write(sa.delete(NUMBERS))

    await writer.run(work)


async def test_staff_can_clean_a_full_disk_and_machines_must_wait(writer: Writer, disk: SmallDisk) -> None:
    """Deliveries stop at the reserve and do not touch it; a unit beside them is stored; afterwards they go on."""
    stored = 0
    with pytest.raises(StorageFull):
        for number in range(100):
            await writer.join(store, number)
            stored += 1
    assert 0 < stored < 8
    with pytest.raises(StorageFull):
        await writer.join(store, 200)
    outcomes = await asyncio.gather(clean(writer), writer.join(store, 300), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), StorageFull]
    disk.kept = 8
    await writer.join(store, 400)
    assert [row[0] for row in _rows(disk)] == [400]


async def test_a_unit_in_the_commit_that_found_the_disk_full_is_stored(writer: Writer, disk: SmallDisk) -> None:
    """It is done again with the room that was kept, its neighbours are refused, and nothing is half there."""
    outcomes = await asyncio.gather(
        writer.join(store, 1),
        *(writer.join(store, number) for number in range(2, 40)),
        clean(writer),
        return_exceptions=True,
    )
    assert outcomes[-1] is None
    assert [type(outcome) for outcome in outcomes[1:-1]] == [StorageFull] * 38
    assert _rows(disk) == []


async def test_what_a_machine_causes_never_uses_the_room_that_is_kept(writer: Writer, disk: SmallDisk) -> None:
    """An enrolment on a full disk is refused, as a delivery is, and its join code stays good."""

    async def enrol(tx: Transaction) -> None:
        """Nothing of it is done."""
        raise AssertionError("it was begun")

    with pytest.raises(StorageFull):
        for number in range(100):
            await writer.join(store, number)
    with pytest.raises(StorageFull):
        await writer.run(enrol, spare_room=False)
    await clean(writer)


def _rows(disk: SmallDisk) -> list[tuple[int]]:
    connection = sqlite3.connect(disk.path)
    try:
        return connection.execute("SELECT number FROM numbers").fetchall()
    finally:
        connection.close()


def test_the_reserve_takes_real_blocks_and_gives_them_back_once(tmp_path: Path) -> None:
    """Not a hole, which would keep nothing free; and it is tried again only now and then."""
    now = [0.0]
    reserve = Reserve(tmp_path / "reserve", 1 << 20, lambda: now[0])
    assert (reserve.whole, reserve.fill()) == (False, True)
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= 1 << 20
    assert (reserve.release(), reserve.release(), reserve.whole) == (True, False, False)
    assert not (tmp_path / "reserve").exists()
    assert not reserve.due()
    now[0] += 5
    assert reserve.due()


def test_a_reserve_that_finds_no_room_leaves_none_taken(tmp_path: Path) -> None:
    """Half a reserve would hold room that neither side may use."""
    reserve = Reserve(tmp_path / "missing/reserve", 1 << 20)
    assert not reserve.fill()
    assert not reserve.whole


def test_objects_do_not_eat_the_room_for_cleaning(tmp_path: Path) -> None:
    """Nothing is begun while only the reserve is left."""
    objects = FileObjects(tmp_path, lambda: False)
    with pytest.raises(StorageFull):
        objects.stage()
    assert list(tmp_path.iterdir()) == []
