"""Group commit: many callers' units of work, one fsync.

Why an answer means durable: `run` returns after COMMIT did, and COMMIT with synchronous=FULL returns after fsync.
Why nothing waits for a timer: whoever comes first is committed at once; those who come meanwhile are the next batch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from dataclasses import dataclass
from threading import get_ident
from typing import Any, TypeVar

import sqlalchemy as sa

from caseprobe.errors import Busy
from caseprobe_collector.ports import Transaction
from caseprobe_collector.storage.failures import failure_of
from caseprobe_collector.storage.unit import Unit, drive

T = TypeVar("T")
Work = Callable[[Transaction], Awaitable[Any]]
MOST_PER_COMMIT = 256
MOST_WAITING = 4096


@dataclass(frozen=True)
class _Pending:
    work: Work
    answer: asyncio.Future[Any]
    context: Context


@dataclass(frozen=True)
class _Failed:
    error: BaseException


class _Lost(Exception):
    """SQLite rolled the whole transaction back by itself."""


class Writer:
    """The one connection that writes, on the one thread that uses it."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._connection: sa.Connection | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._queue: asyncio.Queue[_Pending] = asyncio.Queue(MOST_WAITING)
        self._task: asyncio.Task[None] | None = None
        self._ident = 0
        self._unit: Unit | None = None

    def start(self) -> None:
        """Begin to take units."""
        self._task = asyncio.create_task(self._serve())

    async def run(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Do the work and commit it; what it raises is raised here, after its writes alone were undone.

        Raises StorageFull or Busy where the commit itself failed: nothing of its batch was stored then.
        """
        if self._task is None:
            raise Busy("the collector is stopping; try again")
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        await self._queue.put(_Pending(work, answer, copy_context()))
        return await answer

    def current(self) -> Unit | None:
        """The unit that runs on the calling thread, if it is the writer's."""
        return self._unit if get_ident() == self._ident else None

    async def close(self) -> None:
        """Commit what waits, then end."""
        task, self._task = self._task, None
        if task is not None:
            await self._queue.join()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown()

    async def _serve(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < MOST_PER_COMMIT and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            wanted = [pending for pending in batch if not pending.answer.cancelled()]
            outcomes = await asyncio.get_running_loop().run_in_executor(self._thread, self._commit, wanted)
            for pending, outcome in zip(wanted, outcomes, strict=True):
                _answer(pending.answer, outcome)
            for _ in batch:
                self._queue.task_done()

    # --- on the writer's thread ---

    def _commit(self, batch: Sequence[_Pending]) -> list[Any]:
        """The outcome of each unit; one failure for all where the commit failed."""
        self._ident = get_ident()
        try:
            connection = self._connect()
            driver: Any = connection.connection.driver_connection
            driver.execute("BEGIN IMMEDIATE")
            outcomes = [self._run(connection, driver, pending) for pending in batch]
            driver.execute("COMMIT")
        except Exception as error:
            # After a failed write or fsync neither this connection nor what it remembers is trusted again.
            self._disconnect()
            cause = error.__cause__ if isinstance(error, _Lost) and error.__cause__ else error
            return [_Failed(failure_of(cause)) for _ in batch]
        return outcomes

    def _run(self, connection: sa.Connection, driver: Any, pending: _Pending) -> Any:
        driver.execute("SAVEPOINT unit")
        self._unit = Unit(connection)
        try:
            outcome = pending.context.run(drive, pending.work, self._unit)
        except BaseException as error:
            if not driver.in_transaction:
                raise _Lost from error
            driver.execute("ROLLBACK TO unit")
            outcome = _Failed(failure_of(error))
        finally:
            self._unit = None
        driver.execute("RELEASE unit")
        return outcome

    def _connect(self) -> sa.Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()


def _answer(answer: asyncio.Future[Any], outcome: Any) -> None:
    if answer.done():
        return
    if isinstance(outcome, _Failed):
        answer.set_exception(outcome.error)
    else:
        answer.set_result(outcome)
