"""One unit of work, and how the writer's thread runs it without an event loop."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, TypeVar, cast

import sqlalchemy as sa

from caseprobe_collector.ports import Transaction

T = TypeVar("T")
Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class Unit:
    """The transaction that stores write through; good until its work returns."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection: sa.Connection | None = connection

    async def write(self, statement: sa.Executable, parameters: Parameters | None = None) -> int:
        """Execute a statement and give how many rows it changed."""
        return self.connection.execute(statement, parameters).rowcount

    async def rows(self, statement: sa.Executable, parameters: Parameters | None = None) -> Sequence[sa.Row[Any]]:
        """Execute a statement and give its rows, with this unit's own writes among them."""
        return self.connection.execute(statement, parameters).all()

    @property
    def connection(self) -> sa.Connection:
        """The connection, while the work runs; RuntimeError after it."""
        if self._connection is None:
            raise RuntimeError(
                "this transaction is over: everything that writes through it must be awaited in its work"
            )
        return self._connection

    def end(self) -> None:
        """Nothing can be written through it any more."""
        self._connection = None


def unit_of(transaction: Transaction) -> Unit:
    """The transaction as the stores of this package know it; another adapter's raises TypeError."""
    if not isinstance(transaction, Unit):
        raise TypeError(f"a {type(transaction).__name__} is not a transaction of this database")
    return transaction


def driver_of(connection: sa.Connection) -> sqlite3.Connection:
    """The connection as the sqlite3 module knows it."""
    driver: Any = connection.connection.driver_connection
    return cast(sqlite3.Connection, driver)


def finished(work: Awaitable[T]) -> T:
    """What work gives that awaits stores only, which never suspend on the writer's thread.

    Work that waited for anything else would make every other caller of its commit wait too. Such work is refused with
    RuntimeError, and rolled back.
    """
    steps = work.__await__()
    try:
        next(steps)
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        close = getattr(steps, "close", None)
        if close is not None:
            close()
    raise RuntimeError("a unit of work may await stores only: do everything else before or after it")
