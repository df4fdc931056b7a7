"""Group commit: many callers' units of work, one fsync.

Why an answer means durable: `run` and `join` return after COMMIT did, and COMMIT with synchronous=FULL returns after
fsync. Why it is missed if rot takes it one day: each commit carries its number, and the note of it is written after
COMMIT and before the first answer (`progress`). Why nothing waits for a timer, nor for the event loop: whoever comes
first is committed at once; those who come meanwhile are the next batch, and the thread takes it by itself, so that what
callers do before and after their own commits goes on beside the commits of others. Why a failed fsync is never followed
by an ack: a COMMIT that raises fails every caller of its batch. What the kernel holds of the file after that is not
known (it may drop the pages that it could not write and call them clean), so the connection is closed; before the next
one is opened the log is written once more and synced, and what was acknowledged last must be read back (`Upkeep`). As
long as that fails, so does every commit. Why one caller's failure is no other's: each unit and each group runs in a
savepoint that is undone alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from dataclasses import dataclass
from threading import Lock, get_ident
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa

from caseprobe.errors import Busy, StorageFull
from caseprobe_collector.ports import Transaction
from caseprobe_collector.storage.failures import failure_of, full
from caseprobe_collector.storage.unit import Unit, driver_of, finished

T = TypeVar("T")
Work = Callable[[Transaction], Awaitable[Any]]
# Stores the items of many callers in the open transaction; gives each one's answer, in their order, which is Refused
# for one that left nothing behind. What it awaits of stores sees the transaction.
Group = Callable[[sqlite3.Connection, Sequence[Any]], Sequence[Any]]
MOST_PER_COMMIT = 256
MOST_WAITING = 4096


@dataclass(slots=True, eq=False)
class _Unit:
    work: Work
    answer: asyncio.Future[Any]
    context: Context
    # Whether it may use the room that is kept for a full disk.
    spare_room: bool


@dataclass(slots=True, eq=False)
class _Item:
    group: Group
    item: Any
    answer: asyncio.Future[Any]


@dataclass(frozen=True)
class Refused:
    """The answer of one that was not stored, and why."""

    error: BaseException


class Tending(Protocol):
    """What the connection needs beside commits; `Upkeep` for a collector's own database."""

    def committing(self, connection: sqlite3.Connection) -> None:
        """Called before each commit, inside its transaction; what it raises fails the commit."""

    def committed(self, connection: sqlite3.Connection) -> None:
        """Called after each commit; what it raises undoes nothing, but costs the connection."""

    def opening(self) -> None:
        """Called before each new connection; what it raises refuses it, and all that would be stored through it."""

    def reopened(self, connection: sqlite3.Connection) -> None:
        """Called with each new connection; what it raises refuses it, and all that would be stored through it."""

    def admits(self, connection: sqlite3.Connection) -> bool:
        """Whether what may not use the room that is kept may be stored now."""

    def make_room(self) -> bool:
        """Called where the disk is full; True where there is room for units now that was not there before."""


class _Lost(Exception):
    """SQLite rolled the whole transaction back by itself."""


_Pending = _Unit | _Item

log = logging.getLogger("caseprobe.collector")


class Writer:
    """The one connection that writes, on the one thread that uses it."""

    def __init__(self, engine: sa.Engine, upkeep: Tending) -> None:
        self._engine = engine
        self._upkeep = upkeep
        self._connection: sa.Connection | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._waiting: deque[_Pending] = deque()
        # Guards the one moment in which the thread finds nothing waiting while somebody comes.
        self._handing = Lock()
        self._working = False
        self._room = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ident = 0
        self._unit: Unit | None = None

    async def begin(self, prepare: Callable[[sa.Connection], None]) -> None:
        """Open the connection, before `start`; raises what prepare raises of it, and what refuses it."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._begin, prepare)

    def start(self) -> None:
        """Take units from now on."""
        self._loop = asyncio.get_running_loop()

    async def run(self, work: Callable[[Transaction], Awaitable[T]], spare_room: bool = True) -> T:
        """Do the work and commit it; what it raises is raised here, after its writes alone were undone.

        Raises StorageFull, StorageDamaged or Busy where the commit itself failed: nothing of its batch was stored then.
        """
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        await self._admitted()
        self._put(_Unit(work, answer, copy_context(), spare_room))
        return await answer

    async def join(self, group: Group, item: Any) -> Any:
        """Store the item together with all that others hand to the same group meanwhile; gives its answer."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        await self._admitted()
        self._put(_Item(group, item, answer))
        return await answer

    def current(self) -> Unit | None:
        """The unit that runs on the calling thread, if it is the writer's."""
        return self._unit if get_ident() == self._ident else None

    async def close(self) -> None:
        """Commit what waits, then end."""
        self._loop = None
        # Behind the work that is under way, which ends when nothing waits any more.
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown()

    async def _admitted(self) -> None:
        while len(self._waiting) >= MOST_WAITING:
            self._room.clear()
            await self._room.wait()

    def _put(self, pending: _Pending) -> None:
        if self._loop is None:
            raise Busy("the collector is stopping; try again")
        with self._handing:
            self._waiting.append(pending)
            begins, self._working = not self._working, True
        if begins:
            self._loop.run_in_executor(self._thread, self._work, self._loop)

    def _tell(self, outcomes: Mapping[_Pending, Any]) -> None:
        self._room.set()
        for pending, outcome in outcomes.items():
            _answer(pending.answer, outcome)

    # --- on the writer's thread ---

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        """Commit batch after batch until nothing waits."""
        while batch := self._taken():
            wanted = [pending for pending in batch if not pending.answer.cancelled()]
            loop.call_soon_threadsafe(self._tell, self._settled(wanted))

    def _settled(self, batch: Sequence[_Pending]) -> dict[_Pending, Any]:
        """The outcome of each, whatever happens: nobody may wait for good because of a defect in here."""
        try:
            return self._commit(batch)
        except Exception as error:
            log.exception("a batch was not committed")
            return {pending: Refused(failure_of(error)) for pending in batch}

    def _taken(self) -> list[_Pending]:
        """What waits by now; nothing: the next one to come calls the thread again."""
        with self._handing:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_PER_COMMIT))]
            self._working = bool(batch)
        return batch

    def _commit(self, batch: Sequence[_Pending]) -> dict[_Pending, Any]:
        """The outcome of each; one failure for all where the commit failed."""
        self._ident = get_ident()
        try:
            connection = self._connect()
            driver = driver_of(connection)
            refused = self._refused(driver, batch)
            driver.execute("BEGIN IMMEDIATE")
            outcomes = dict(self._outcomes(connection, driver, [one for one in batch if one not in refused]))
            self._upkeep.committing(driver)
            driver.execute("COMMIT")
        except Exception as error:
            # After a failed write or fsync neither this connection nor what it remembers is trusted again.
            self._disconnect()
            return self._failed(batch, error.__cause__ if isinstance(error, _Lost) and error.__cause__ else error)
        self._tend(driver)
        return outcomes | refused

    def _refused(self, driver: sqlite3.Connection, batch: Sequence[_Pending]) -> dict[_Pending, Any]:
        waiting = [pending for pending in batch if not _may_use_spare_room(pending)]
        if not waiting or self._upkeep.admits(driver):
            return {}
        return {pending: Refused(full()) for pending in waiting}

    def _failed(self, batch: Sequence[_Pending], cause: BaseException) -> dict[_Pending, Any]:
        """One failure for all; but where the disk is full and room was kept for them, units have a second try."""
        outcomes: dict[_Pending, Any] = {pending: Refused(failure_of(cause)) for pending in batch}
        if isinstance(failure_of(cause), StorageFull) and self._upkeep.make_room():
            return outcomes | self._commit([pending for pending in batch if _may_use_spare_room(pending)])
        return outcomes

    def _tend(self, driver: sqlite3.Connection) -> None:
        """The batch is durable whatever happens here, so its callers are told so in any case."""
        try:
            self._upkeep.committed(driver)
        except Exception as error:
            log.warning("upkeep failed: %s", error)
            self._disconnect()

    def _outcomes(
        self, connection: sa.Connection, driver: sqlite3.Connection, batch: Sequence[_Pending]
    ) -> Iterator[tuple[_Pending, Any]]:
        groups: dict[Group, list[_Item]] = {}
        for pending in batch:
            if isinstance(pending, _Item):
                groups.setdefault(pending.group, []).append(pending)
            else:
                yield pending, self._run(connection, driver, pending)
        for group, items in groups.items():
            with self._reading(connection):
                answers = _together(driver, group, items)
            yield from zip(items, answers, strict=True)

    def _run(self, connection: sa.Connection, driver: sqlite3.Connection, pending: _Unit) -> Any:
        with self._reading(connection) as unit:
            return _undone_if_it_fails(driver, lambda: pending.context.run(finished, pending.work(unit)))

    @contextlib.contextmanager
    def _reading(self, connection: sa.Connection) -> Iterator[Unit]:
        """A unit that stores read through until it is over."""
        self._unit = unit = Unit(connection)
        try:
            yield unit
        finally:
            self._unit = None
            unit.end()

    def _connect(self) -> sa.Connection:
        if self._connection is None:
            self._connection = self._opened(lambda connection: None)
        return self._connection

    def _opened(self, prepare: Callable[[sa.Connection], None]) -> sa.Connection:
        self._upkeep.opening()
        connection = self._engine.connect()
        try:
            prepare(connection)
            self._upkeep.reopened(driver_of(connection))
        except BaseException:
            connection.invalidate()
            connection.close()
            raise
        return connection

    def _begin(self, prepare: Callable[[sa.Connection], None]) -> None:
        self._connection = self._opened(prepare)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()


def _together(driver: sqlite3.Connection, group: Group, items: Sequence[_Item]) -> Sequence[Any]:
    """The answer of each item; if they fail together each is tried alone, so that one costs the others nothing."""
    answers = _undone_if_it_fails(driver, lambda: group(driver, [one.item for one in items]))
    if not isinstance(answers, Refused):
        return answers  # type: ignore[no-any-return]
    if len(items) == 1:
        return [answers]
    return [_together(driver, group, [one])[0] for one in items]


def _undone_if_it_fails(driver: sqlite3.Connection, step: Callable[[], Any]) -> Any:
    driver.execute("SAVEPOINT unit")
    try:
        outcome = step()
    except BaseException as error:
        if not driver.in_transaction:
            raise _Lost from error
        driver.execute("ROLLBACK TO unit")
        outcome = Refused(failure_of(error))
    driver.execute("RELEASE unit")
    return outcome


def _answer(answer: asyncio.Future[Any], outcome: Any) -> None:
    if answer.done():
        return
    if isinstance(outcome, Refused):
        answer.set_exception(outcome.error)
    else:
        answer.set_result(outcome)


def _may_use_spare_room(pending: _Pending) -> bool:
    return isinstance(pending, _Unit) and pending.spare_room
