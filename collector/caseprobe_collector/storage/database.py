"""The SQLite database: a writer that commits in groups, a few readers beside it, a schema with a number."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, QueuePool

from caseprobe.errors import StorageDamaged, StorageFull
from caseprobe_collector.ports import Transaction
from caseprobe_collector.storage.failures import failure_of
from caseprobe_collector.storage.progress import Progress
from caseprobe_collector.storage.reserve import Reserve
from caseprobe_collector.storage.schema import migrate
from caseprobe_collector.storage.unit import Parameters
from caseprobe_collector.storage.upkeep import CHECKPOINT_PAGES, Upkeep
from caseprobe_collector.storage.writer import Group, Writer

T = TypeVar("T")
READERS = 4
# FULL, because NORMAL loses acknowledged commits in a power cut; it is per connection, so it stands here.
PRAGMAS = (
    "PRAGMA busy_timeout = 5000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -16384",
    "PRAGMA journal_size_limit = 67108864",
    f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}",
)
# Bytes that were damaged need not be UTF-8 any more: they are shown as such, and fail no list that they stand in.
TEXT = partial(str, encoding="utf-8", errors="replace")


class Database:
    """One file; implements the port `Transactions` and gives stores their reads."""

    def __init__(self, path: Path, reserve: Reserve, progress: Progress) -> None:
        # What a savepoint would undo is remembered in memory: a file for it is made and removed with every commit.
        self._write_engine = _engine(path, (*PRAGMAS, "PRAGMA temp_store = MEMORY"), poolclass=NullPool)
        self._read_engine = _engine(
            path, (*PRAGMAS, "PRAGMA query_only = ON"), poolclass=QueuePool, pool_size=READERS, max_overflow=0
        )
        self._reserve = reserve
        self._progress = progress
        self._broken = ""
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        self._writer = Writer(self._write_engine, Upkeep(log_of(path), reserve, progress))

    async def run(self, work: Callable[[Transaction], Awaitable[T]], spare_room: bool = True) -> T:
        """Do the work and commit it durably, together with whoever else commits now; see `Writer.run`."""
        self._check()
        return await self._writer.run(work, spare_room)

    async def join(self, group: Group, item: Any) -> Any:
        """Store an item durably together with all that others hand to the same group now; see `Writer.join`."""
        self._check()
        return await self._writer.join(group, item)

    async def rows(self, statement: sa.Executable, parameters: Parameters | None = None) -> Sequence[sa.Row[Any]]:
        """The rows of a query; inside a unit of work they are those that the unit sees."""
        self._check()
        unit = self._writer.current()
        if unit is not None:
            with _mapped():
                return await unit.rows(statement, parameters)
        return await self._on_reader(self._read, statement, parameters)

    async def close(self) -> None:
        """Commit what waits and close the file."""
        await self._writer.close()
        self._readers.shutdown()
        self._read_engine.dispose()
        self._write_engine.dispose()
        self._progress.close()

    async def open(self, damaged_too: bool = False) -> None:
        """Create or check the schema, then take work; raises ConfigurationError for a newer schema, StorageDamaged.

        damaged_too: a damaged database is opened as one that refuses everything.
        """
        await asyncio.to_thread(self._reserve.fill)
        try:
            await self._begin()
        except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError, UnicodeDecodeError) as error:
            failure = failure_of(error)
            if not damaged_too or not isinstance(failure, StorageDamaged):
                raise failure from None
            self._broken = str(failure)
        self._writer.start()

    async def _begin(self) -> None:
        """On a full disk with the room that is kept for cleaning: a collector that was killed on it must start."""
        try:
            await self._writer.begin(migrate)
        except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError, UnicodeDecodeError) as error:
            if not isinstance(failure_of(error), StorageFull) or not self._reserve.release():
                raise
            await self._writer.begin(migrate)

    def _check(self) -> None:
        if self._broken:
            raise StorageDamaged(self._broken)

    def _read(self, statement: sa.Executable, parameters: Parameters | None) -> Sequence[sa.Row[Any]]:
        with _mapped(), self._read_engine.connect() as connection:
            return connection.execute(statement, parameters).all()

    async def _on_reader(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, function, *arguments)


@contextlib.contextmanager
def _mapped() -> Iterator[None]:
    """What reading raises, in the words that callers know."""
    try:
        yield
    except (sa.exc.SQLAlchemyError, UnicodeError) as error:
        raise failure_of(error) from error


def log_of(path: Path) -> Path:
    """The write-ahead log of a database."""
    return Path(f"{path}-wal")


def create_private(path: Path) -> None:
    """An empty file that only its owner reads, unless it exists; SQLite gives -wal and -shm the same rights."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))


def _engine(path: Path, pragmas: Sequence[str], **pool: Any) -> sa.Engine:
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False}, **pool)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, entry: ConnectionPoolEntry) -> None:
        # None: the driver begins no transaction by itself, so that BEGIN IMMEDIATE and SAVEPOINT are ours.
        connection.isolation_level = None
        connection.text_factory = TEXT
        # Before anything is written: what is deleted can be given back to the disk. Not again later: it would be a
        # commit of its own for every connection, which nobody counts, over the end of a log that is damaged.
        if connection.execute("PRAGMA auto_vacuum").fetchone() == (0,):
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        for pragma in pragmas:
            connection.execute(pragma)

    return engine
