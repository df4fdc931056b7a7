"""Disks that fail, units that misbehave: nothing is acknowledged that is not stored, and it heals by itself."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from caseprobe.errors import Busy, CaseprobeError, StorageFull
from caseprobe_collector.ports import Transaction
from caseprobe_collector.storage.unit import unit_of
from caseprobe_collector.storage.writer import Writer

NUMBERS = sa.Table("numbers", sa.MetaData(), sa.Column("number", sa.Integer, primary_key=True))


class NoUpkeep:
    """For a database without an audit."""

    def opening(self) -> None:
        """Nothing is suspected."""

    def committing(self, connection: sqlite3.Connection) -> None:
        """Nothing is counted."""

    def committed(self, connection: sqlite3.Connection) -> None:
        """Nothing is due."""

    def reopened(self, connection: sqlite3.Connection) -> None:
        """Any connection is good."""

    def admits(self, connection: sqlite3.Connection) -> bool:
        """There is room."""
        return True

    def make_room(self) -> bool:
        """There is no more."""
        return False


class Disk:
    """What the next commits meet, and how many connections were opened on it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # Statements that fail once each, with SQLite's code for it.
        self.failures: dict[str, int] = {}
        self.opened = 0

    def connect(self) -> sqlite3.Connection:
        """A connection through which the failures happen."""
        self.opened += 1
        disk = self

        class Faulty(sqlite3.Connection):
            def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
                code = disk.failures.pop(sql, None)
                if code is None:
                    return super().execute(sql, *parameters)
                if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL):
                    # As SQLite does it: the whole transaction is gone.
                    super().execute("ROLLBACK")
                error = sqlite3.OperationalError("disk I/O error")
                error.sqlite_errorcode = code
                raise error

        return sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, factory=Faulty)

    def stored(self) -> list[int]:
        """What a new process finds."""
        connection = sqlite3.connect(self.path)
        try:
            return [number for (number,) in connection.execute("SELECT number FROM numbers ORDER BY number")]
        finally:
            connection.close()


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """A disk with an empty table of numbers."""
    made = Disk(tmp_path / "one.sqlite3")
    connection = made.connect()
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY)")
    connection.close()
    made.opened = 0
    return made


@pytest.fixture
async def writer(disk: Disk) -> AsyncIterator[Writer]:
    """A writer on that disk."""
    engine = sa.create_engine("sqlite://", creator=disk.connect, poolclass=NullPool)
    made = Writer(engine, NoUpkeep())
    made.start()
    yield made
    await made.close()
    engine.dispose()


async def put(writer: Writer, number: int) -> int:
    """Store a number; gives it once it is durable."""

    async def work(tx: Transaction) -> int:
        await unit_of(tx).write(sa.insert(NUMBERS), {"number": number})
        return number

    return await writer.run(work)


async def put_all(writer: Writer, numbers: range) -> list[int | BaseException]:
    """Store all of them from as many callers."""
    return await asyncio.gather(*(put(writer, number) for number in numbers), return_exceptions=True)


@pytest.mark.parametrize(
    ("code", "kind"), [(sqlite3.SQLITE_IOERR, Busy), (sqlite3.SQLITE_FULL, StorageFull), (sqlite3.SQLITE_BUSY, Busy)]
)
async def test_a_commit_that_fails_fails_every_caller_of_it(
    writer: Writer, disk: Disk, code: int, kind: type[CaseprobeError]
) -> None:
    """No caller is told yes, nothing of it is stored, and the connection that failed is not used again."""
    assert await put(writer, 1) == 1
    disk.failures["COMMIT"] = code
    outcomes = await put_all(writer, range(2, 6))
    refused = [number for number, outcome in zip(range(2, 6), outcomes, strict=True) if type(outcome) is kind]
    assert refused == [number for number in range(2, 6) if number not in disk.stored()]
    assert refused != []
    assert await put(writer, 9) == 9
    assert disk.opened == 2
    assert disk.stored() == sorted({1, 9, *(set(range(2, 6)) - set(refused))})


async def test_no_two_callers_share_one_error(writer: Writer, disk: Disk) -> None:
    """Each caller of a failed commit may add to its own error's traceback."""
    blocker = asyncio.create_task(put(writer, 1))
    await asyncio.sleep(0)
    disk.failures["COMMIT"] = sqlite3.SQLITE_IOERR
    outcomes = [outcome for outcome in await put_all(writer, range(2, 9)) if isinstance(outcome, Busy)]
    await asyncio.gather(blocker, return_exceptions=True)
    assert len({id(outcome) for outcome in outcomes}) == len(outcomes)


async def test_a_disk_that_fails_inside_a_unit_fails_its_commit(writer: Writer, disk: Disk) -> None:
    """Where SQLite rolled everything back by itself, units that seemed done are not acknowledged."""
    disk.failures["SAVEPOINT unit"] = sqlite3.SQLITE_IOERR
    outcomes = await put_all(writer, range(3))
    acknowledged = [outcome for outcome in outcomes if isinstance(outcome, int)]
    assert disk.stored() == acknowledged
    assert await put(writer, 9) == 9


async def test_a_disk_that_is_full_says_so_and_heals(writer: Writer, disk: Disk) -> None:
    """A real SQLITE_FULL: what was acknowledged stays, what was not is refused, and room makes it work again."""

    async def limit(pages: int) -> None:
        async def work(tx: Transaction) -> None:
            unit_of(tx).connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

        await writer.run(work)

    async def put_many(first: int) -> None:
        async def work(tx: Transaction) -> None:
            rows = [{"number": number} for number in range(first, first + 5000)]
            await unit_of(tx).write(sa.insert(NUMBERS), rows)

        await writer.run(work)

    await put(writer, 1)
    await limit(3)
    with pytest.raises(StorageFull, match="full"):
        await put_many(10)
    assert disk.stored() == [1]
    await limit(100_000)
    await put_many(10)
    assert len(disk.stored()) == 5001


async def test_a_unit_that_waits_is_refused(writer: Writer, disk: Disk) -> None:
    """Whatever a unit waited for, all others would wait for too; it is undone and they are not."""

    async def waits(tx: Transaction) -> None:
        await unit_of(tx).write(sa.insert(NUMBERS), {"number": 1})
        await asyncio.sleep(0)

    outcomes = await asyncio.gather(writer.run(waits), put(writer, 2), return_exceptions=True)
    assert isinstance(outcomes[0], RuntimeError)
    assert "await stores only" in str(outcomes[0])
    assert disk.stored() == [2]


async def test_the_next_batch_does_not_wait_for_the_event_loop(writer: Writer) -> None:
    """Whoever came while others were committed is committed behind them, whatever else the process is doing."""
    begun, came, done = threading.Event(), threading.Event(), threading.Event()

    async def holds_up(tx: Transaction) -> bool:
        begun.set()
        return came.wait(10)

    async def follows(tx: Transaction) -> None:
        done.set()

    first = asyncio.create_task(writer.run(holds_up))
    await asyncio.sleep(0)
    assert begun.wait(10)
    second = asyncio.create_task(writer.run(follows))
    await asyncio.sleep(0)
    came.set()
    # The event loop stands still here.
    assert done.wait(10)
    assert await first
    await second


async def test_close_commits_what_waits(disk: Disk) -> None:
    """Whoever was told to wait is answered before the end; who comes after it is refused."""
    engine = sa.create_engine("sqlite://", creator=disk.connect, poolclass=NullPool)
    writer = Writer(engine, NoUpkeep())
    writer.start()
    waiting = [asyncio.create_task(put(writer, number)) for number in range(300)]
    await asyncio.sleep(0)
    await writer.close()
    assert await asyncio.gather(*waiting) == list(range(300))
    with pytest.raises(Busy, match="stopping"):
        await put(writer, 999)
    engine.dispose()
    assert len(disk.stored()) == 300


async def test_a_caller_that_gave_up_too_late_is_stored_anyway(writer: Writer, disk: Disk) -> None:
    """Cancelled while it commits: nobody hears of it, and those beside it are answered."""
    lone = asyncio.create_task(put(writer, 1))
    beside = asyncio.create_task(put(writer, 2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    lone.cancel()
    await asyncio.gather(lone, return_exceptions=True)
    assert await beside == 2
    assert 2 in disk.stored()


async def test_a_defect_in_what_looks_after_the_store_keeps_nobody_waiting(disk: Disk) -> None:
    """On a full disk the making of room itself breaks: the caller is told, and the next one is served."""

    class Broken(NoUpkeep):
        def make_room(self) -> bool:
            raise RuntimeError("a defect")

    engine = sa.create_engine("sqlite://", creator=disk.connect, poolclass=NullPool)
    writer = Writer(engine, Broken())
    writer.start()
    disk.failures["COMMIT"] = sqlite3.SQLITE_FULL
    with pytest.raises(RuntimeError, match="a defect"):
        await asyncio.wait_for(put(writer, 1), 60)
    assert await asyncio.wait_for(put(writer, 2), 60) == 2
    assert disk.stored() == [2]
    await writer.close()
    engine.dispose()
