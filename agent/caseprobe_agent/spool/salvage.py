"""What can still be read of a damaged spool goes on in a new one."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from caseprobe_agent.spool.record import HEADER, expected_schema, lenient_text, seal, sound

LARGEST = 2**53


def take_over(old: Path, new: sqlite3.Connection) -> bool:
    """Copy every sound row of the old file into the new one, inside its transaction.

    False where the old file does not even tell which numbers it gave out, so that losses cannot be counted.
    """
    mend_schema(old)
    with contextlib.closing(sqlite3.connect(old, isolation_level=None)) as source:
        source.text_factory = lenient_text
        _copy(source, "items", f"{HEADER}, seal, body", "sequence", new, lambda row: row[-1] is not None and sound(row))
        columns = "command_id, request, outcome, acked, record, seal"
        _copy(source, "commands", columns, "number", new, _sealed)
        _copy(source, "state", "name, value, seal", "name", new, _sealed)
        _copy(source, "meta WHERE name = 'acked'", "name, value, seal", "name", new, _sealed)
        return _copy_sequence(source, new)


def mend_schema(path: Path) -> None:
    """Write the one declaration that is garbled as it was, so that damage to a name does not cost all its rows."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.text_factory = lenient_text
        with contextlib.suppress(sqlite3.Error, UnicodeDecodeError):
            connection.execute("PRAGMA writable_schema = ON")
            rows = connection.execute("SELECT rowid, type, name, tbl_name, sql FROM sqlite_master").fetchall()
            expected = expected_schema()
            strange = [row for row in rows if row[1:] not in expected]
            missing = [row for row in expected if row not in [found[1:] for found in rows]]
            if len(strange) == len(missing) == 1:
                connection.execute(
                    "UPDATE sqlite_master SET type = ?, name = ?, tbl_name = ?, sql = ? WHERE rowid = ?",
                    (*missing[0], strange[0][0]),
                )


def _copy(
    source: sqlite3.Connection,
    table: str,
    columns: str,
    order: str,
    new: sqlite3.Connection,
    good: Callable[[tuple[Any, ...]], bool],
) -> None:
    """Row by row from the front until a broken page, then from the back until one."""
    marks = ",".join("?" * (columns.count(",") + 1))
    insert = f"INSERT OR IGNORE INTO {table.partition(' ')[0]} ({columns}) VALUES ({marks})"
    for direction in ("ASC", "DESC"):
        for row in _rows(source, f"SELECT {columns} FROM {table} ORDER BY {order} {direction}"):
            if good(row):
                with contextlib.suppress(sqlite3.IntegrityError, sqlite3.InterfaceError):
                    new.execute(insert, row)


def _rows(source: sqlite3.Connection, query: str) -> Iterator[Any]:
    with contextlib.suppress(sqlite3.DatabaseError, UnicodeDecodeError):
        yield from source.execute(query)


def _sealed(row: tuple[Any, ...]) -> bool:
    return bool(seal(*row[:-1]) == row[-1])


def _copy_sequence(source: sqlite3.Connection, new: sqlite3.Connection) -> bool:
    given_out = next(_rows(source, "SELECT seq FROM sqlite_sequence WHERE name = 'items'"), None)
    if given_out is None or not isinstance(given_out[0], int) or not 0 <= given_out[0] < LARGEST:
        return False
    new.execute("DELETE FROM sqlite_sequence WHERE name = 'items'")
    new.execute("INSERT INTO sqlite_sequence VALUES ('items', ?)", given_out)
    return True
