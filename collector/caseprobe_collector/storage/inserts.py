"""Many rows into one table, by hand-written statements that stay prepared."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cache
from typing import Any

# Rows of one statement, largest first: seven texts a table, which stay prepared. A statement of many rows costs a
# fifth less than as many statements, and gives the interpreter up once instead of once a row.
STEPS = (64, 32, 16, 8, 4, 2, 1)


def insert_rows(
    connection: sqlite3.Connection, into: tuple[str, tuple[str, ...]], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert these rows with as few statements as a few prepared ones allow."""
    first = 0
    for size in STEPS:
        while len(rows) - first >= size:
            part = rows[first : first + size]
            connection.execute(_statement(*into, size), [value for row in part for value in row])
            first += size


@cache
def _statement(table: str, columns: tuple[str, ...], rows: int) -> str:
    places = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([places] * rows)}"
