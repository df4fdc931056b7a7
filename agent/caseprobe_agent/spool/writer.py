"""Group commit: the work of many callers in one transaction, on the one thread that touches the database.

The argument for correctness. There is one queue and one thread, so whoever was answered before another asked is in the
file before that other. A caller is answered after the commit that holds its work, never between: an fsync shared by
many costs each of them a wait and none of them a promise. A group that fails is rolled back whole before each of its
units is tried alone, so nothing of it is in the file twice, and one that cannot succeed fails nobody else. After an
error that leaves the file's state in doubt the handle is replaced before anything else is tried; as long as there is
no other, everything fails and nothing is half done. What may use the held-back room has the thread to itself from the
moment in which that is lent until it is taken back.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from caseprobe.errors import CaseprobeError, Corrupt, DeliveryError, StorageFull

# Most of the gain of grouping is there at 16; above 256 only the wait of the first grows.
LARGEST_GROUP = 256


class Database(Protocol):
    """What the thread works on."""

    connection: sqlite3.Connection

    def stamp(self) -> None:
        """Last step of every transaction, before its commit."""
        ...

    def forget(self) -> None:
        """Drop what was remembered of the tables, after a rollback."""
        ...

    def empty_log(self) -> None:
        """Give back the room that the log has taken; never raises."""
        ...

    def close(self) -> None:
        """Close the connection; never raises."""
        ...


Lent = Callable[[], AbstractContextManager[None]]
D = TypeVar("D", bound=Database)
T = TypeVar("T")


class Worker(Protocol):
    """Who does what the queue holds: a thread of its own; in a simulation, a moment of its clock."""

    def begin(self, step: Callable[[], bool]) -> None:
        """From now on call step, one call at a time, until it gives False; it waits where nothing is queued."""
        ...

    def notify(self) -> None:
        """Something was queued."""
        ...

    async def ended(self) -> None:
        """Return after step gave False."""
        ...


class OwnThread:
    """A daemon thread: a process that ends without closing loses nothing that was acknowledged."""

    def begin(self, step: Callable[[], bool]) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=_turn, args=(step,), name="spool", daemon=True)
        self._thread.start()

    def notify(self) -> None:
        """Nothing to do: the thread waits at the queue itself."""

    async def ended(self) -> None:
        """Wait for the thread."""
        await asyncio.to_thread(self._thread.join)


def _turn(step: Callable[[], bool]) -> None:
    while step():
        pass


@dataclass(frozen=True)
class _Unit(Generic[D]):
    work: Callable[[D], Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    # Gives the disk room that is held back, for this unit alone.
    lent: Lent | None


@dataclass(frozen=True)
class _Result:
    future: asyncio.Future[Any]
    value: Any = None
    error: Exception | None = None


class Writer(Generic[D]):
    """Runs units of work in the order in which they came; each is durable when its caller goes on."""

    def __init__(
        self,
        database: D,
        replace: Callable[[D, Exception], D],
        committed: Callable[[D], None],
        worker: Worker | None = None,
    ) -> None:
        """replace gives the database to go on with after the file or the handle failed; it may raise CaseprobeError.

        committed is called after each commit, before the callers are told.
        """
        self.database = database
        self._replace = replace
        self._committed = committed
        self._failed: Exception | None = None
        self._queue: queue.SimpleQueue[_Unit[D] | None] = queue.SimpleQueue()
        self._closed = False
        self._worker = worker or OwnThread()
        self._worker.begin(self._step)

    async def run(self, work: Callable[[D], T], lent: Lent | None = None) -> T:
        """Do the work inside a transaction and commit it; raises what the work raised, StorageFull, Corrupt.

        lent: held open around this work, which then has a transaction to itself.
        A caller that is cancelled does not know whether its work was done.
        """
        if self._closed:
            raise DeliveryError("the spool is closed: this process is ending")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put(_Unit(work, future, loop, lent))
        self._worker.notify()
        return await future

    async def close(self) -> None:
        """Finish what waits, then close the database."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._worker.notify()
        await self._worker.ended()

    def _step(self) -> bool:
        """Commit what waits, after waiting for the first; False where the end was asked for."""
        first = self._queue.get()
        group, more = self._take([first]) if first is not None else ([], False)
        for alone, units in itertools.groupby(group, key=lambda unit: unit.lent is not None):
            (self._commit_each if alone else self._commit)(list(units))
        if not more:
            self.database.close()
        return more

    def _take(self, group: list[_Unit[D]]) -> tuple[list[_Unit[D]], bool]:
        """The group with what waits by now, and False where the end was asked for."""
        while len(group) < LARGEST_GROUP:
            try:
                unit = self._queue.get_nowait()
            except queue.Empty:
                return group, True
            if unit is None:
                return group, False
            group.append(unit)
        return group, True

    def _commit_each(self, group: Sequence[_Unit[D]]) -> None:
        """One by one, and nothing of anybody else between lending the room and taking it back."""
        for unit in group:
            with unit.lent() if unit.lent else contextlib.nullcontext():
                self._commit([unit])
                # What it wrote has room in the file: out of the log, the reserve finds its own room again.
                self.database.empty_log()

    def _commit(self, group: Sequence[_Unit[D]]) -> None:
        """One transaction for all; where that fails, one for each, so that only the guilty one fails."""
        try:
            values = self._transact(group)
        except Exception as error:
            if len(group) > 1:
                for unit in group:
                    self._commit([unit])
            else:
                _tell(group, [_Result(group[0].future, error=_as_ours(error))])
        else:
            self._committed(self.database)
            pairs = zip(group, values, strict=True)
            _tell(group, [_Result(unit.future, value) for unit, value in pairs])

    def _transact(self, group: Sequence[_Unit[D]]) -> list[Any]:
        if self._failed:
            self._renew()
        database = self.database
        try:
            database.connection.execute("BEGIN IMMEDIATE")
            values = [unit.work(database) for unit in group]
            database.stamp()
            database.connection.execute("COMMIT")
        except Exception as error:
            with contextlib.suppress(sqlite3.Error):
                database.connection.execute("ROLLBACK")
            database.forget()
            # After a failed write or fsync the handle's idea of the file may be wrong: it is never used again.
            if damaged(error) or _primary_code(error) == sqlite3.SQLITE_IOERR:
                self._failed = error
                with contextlib.suppress(CaseprobeError):
                    self._renew()
            raise
        return values

    def _renew(self) -> None:
        """Another handle in place of the one that failed; raises where there is none yet, and nothing is done then."""
        if self._failed:
            self.database = self._replace(self.database, self._failed)
            self._failed = None


DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def damaged(error: Exception) -> bool:
    """True where SQLite says that the file is not what it wrote."""
    # Python fails to decode the message where SQLite quotes a garbled name in it.
    return _primary_code(error) in DAMAGED or isinstance(error, UnicodeDecodeError)


def _primary_code(error: Exception) -> int:
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def no_room(error: Exception) -> bool:
    """True where the disk is full, or a file may not grow."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return isinstance(error, StorageFull) or _primary_code(error) == sqlite3.SQLITE_FULL


def _as_ours(error: Exception) -> Exception:
    """SQLite's errors and the disk's in our tree; others as they are."""
    if damaged(error):
        return Corrupt("the spool file was damaged: it was set aside and a new one goes on")
    if not isinstance(error, sqlite3.Error | OSError):
        return error
    if no_room(error):
        return StorageFull("no room to keep a measurement durably: make room on the disk of the data folder")
    return DeliveryError(f"cannot write the spool ({error}): check the disk of the data folder")


def _tell(group: Sequence[_Unit[Any]], results: Sequence[_Result]) -> None:
    """Wake the callers: one call into each event loop for the whole group."""
    for loop in {unit.loop for unit in group}:
        mine = [result for unit, result in zip(group, results, strict=True) if unit.loop is loop]
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, mine)


def _settle(results: Sequence[_Result]) -> None:
    for result in results:
        if result.future.done():
            continue
        if result.error:
            result.future.set_exception(result.error)
        else:
            result.future.set_result(result.value)
