"""Rows with a SHA-256 over their columns, checked whenever they are read.

SQLite does not notice a bit that flips in a row. Here such a bit could open a closed case, move a case to another
customer, give a person another role or take a revocation back, so a row that does not match is believed in nothing but
its id: asked for by that, it is an error that says so; in a list of sound ones it does not stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect

from caseprobe.errors import StorageDamaged
from caseprobe_collector.storage.rowform import ROW_DAMAGE, row_sha256
from caseprobe_collector.storage.tables import AGENTS, CASES, CUSTOMERS, SCHEDULES, SESSIONS, TOKENS, USERS

R = TypeVar("R")
SEAL = "row_sha256"
DIALECT = DefaultDialect()


class Sealed:
    """How one table's rows are sealed; open_columns are left out: nobody's proof, and they change all the time.

    word: what one row is, for people.
    """

    def __init__(self, word: str, table: sa.Table, open_columns: tuple[str, ...] = ()) -> None:
        self.word, self.table = word, table
        (key,) = table.primary_key.columns
        self.key = str(key.name)
        self._names = tuple(column.name for column in table.columns if column.name != SEAL)
        self._open = open_columns
        # Without their types: what is compared with the hash is what lies there, not what conversion makes of it.
        raw = sa.types.NULLTYPE
        self.columns: tuple[sa.ColumnElement[Any], ...] = tuple(
            sa.type_coerce(table.c[name], raw).label(name) for name in (*self._names, SEAL)
        )

    def sealed(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """A record's values with the row's hash, as an insert takes them."""
        return {**values, SEAL: self.hash_of({name: self._bound(name, values[name]) for name in self._names})}

    def hash_of(self, stored: Mapping[str, Any]) -> bytes:
        """The hash over values as they lie in the table."""
        return row_sha256([stored[name] for name in self._names if name not in self._open])

    def sound(self, row: Mapping[str, Any]) -> bool:
        """Whether a row of `columns` matches its hash."""
        return bool(row[SEAL] == self.hash_of(row))

    def read(self, row: Mapping[str, Any]) -> dict[str, Any] | None:
        """A record's values from a row of `columns`; None where it does not match its hash."""
        return {name: self._plain(name, row[name]) for name in self._names} if self.sound(row) else None

    def select(self) -> sa.Select[Any]:
        """All rows, in the columns that `read` takes."""
        return sa.select(*self.columns)

    def records(self, kind: type[R], rows: Iterable[sa.Row[Any]]) -> list[R]:
        """Those of these rows that are sound, as records."""
        read = (self.read(row._asdict()) for row in rows)
        return [kind(**values) for values in read if values is not None]

    def first(self, kind: type[R], rows: Iterable[sa.Row[Any]]) -> R | None:
        """The first of these rows as a record, None where there is none; raises StorageDamaged where it is damaged."""
        row = next(iter(rows), None)
        if row is None:
            return None
        values = self.read(row._asdict())
        if values is None:
            name = str(getattr(row, self.key))[:60]
            raise StorageDamaged(f"{self.word} {name} is damaged on the collector's disk: {ROW_DAMAGE}")
        return kind(**values)

    def _bound(self, name: str, value: Any) -> Any:
        kind = self.table.c[name].type
        return kind.process_bind_param(value, DIALECT) if isinstance(kind, sa.types.TypeDecorator) else value

    def _plain(self, name: str, value: Any) -> Any:
        kind = self.table.c[name].type
        return kind.process_result_value(value, DIALECT) if isinstance(kind, sa.types.TypeDecorator) else value


CUSTOMER_ROWS = Sealed("customer", CUSTOMERS)
CASE_ROWS = Sealed("case", CASES)
MACHINE_ROWS = Sealed("machine", AGENTS, ("last_seen_at",))
USER_ROWS = Sealed("user", USERS)
TOKEN_ROWS = Sealed("token", TOKENS)
SESSION_ROWS = Sealed("session", SESSIONS)
SCHEDULE_ROWS = Sealed("timetable", SCHEDULES)
ALL = (CUSTOMER_ROWS, CASE_ROWS, MACHINE_ROWS, USER_ROWS, TOKEN_ROWS, SESSION_ROWS, SCHEDULE_ROWS)
