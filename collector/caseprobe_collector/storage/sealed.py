"""Rows of cases and machines with a SHA-256 over their columns, checked whenever they are read.

SQLite does not notice a bit that flips in a row. Here such a bit could open a closed case, move a case to another
customer or take a revocation back, so a row that does not match is believed in nothing but its id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect

from caseprobe_collector.storage.rowform import ROW_DAMAGE, row_sha256
from caseprobe_collector.storage.tables import AGENTS, CASES

SEAL = "row_sha256"
DIALECT = DefaultDialect()

__all__ = ["CASE_ROWS", "MACHINE_ROWS", "ROW_DAMAGE", "SEAL", "Sealed"]


class Sealed:
    """How one table's rows are sealed; open_columns are left out: nobody's proof, and they change all the time."""

    def __init__(self, table: sa.Table, open_columns: tuple[str, ...] = ()) -> None:
        self._table = table
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

    def read(self, row: Mapping[str, Any]) -> dict[str, Any] | None:
        """A record's values from a row of `columns`; None where it does not match its hash."""
        if row[SEAL] != self.hash_of(row):
            return None
        return {name: self._plain(name, row[name]) for name in self._names}

    def unsealed(self, connection: sa.Connection) -> Iterable[Mapping[str, Any]]:
        """All rows as they lie there, for a migration that seals them."""
        return [dict(row) for row in connection.execute(sa.select(*self.columns)).mappings()]

    def _bound(self, name: str, value: Any) -> Any:
        kind = self._table.c[name].type
        return kind.process_bind_param(value, DIALECT) if isinstance(kind, sa.types.TypeDecorator) else value

    def _plain(self, name: str, value: Any) -> Any:
        kind = self._table.c[name].type
        return kind.process_result_value(value, DIALECT) if isinstance(kind, sa.types.TypeDecorator) else value


CASE_ROWS = Sealed(CASES)
MACHINE_ROWS = Sealed(AGENTS, ("last_seen_at",))
