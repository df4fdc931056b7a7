"""What can still be read of a damaged spool goes on in a new one."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from caseprobe_agent.spool.record import HEADER, lenient_text, sound

LARGEST = 2**53
ITEMS = f"SELECT {HEADER}, seal, body, bulk, appended_at FROM items ORDER BY sequence"
INSERT_ITEM = f"INSERT OR IGNORE INTO items ({HEADER}, seal, body, bulk, appended_at) VALUES (?,?,?,?,?,?,?,?,?,?,?)"
# The ledger and the state have no checksum of their own: what cannot be read is left out.
OTHERS = (
    ("SELECT number, command_id, request, outcome, acked FROM commands ORDER BY number", "commands", 5),
    ("SELECT name, value FROM state ORDER BY name", "state", 2),
    ("SELECT name, value FROM meta WHERE name = 'acked' ORDER BY name", "meta", 2),
)


def take_over(old: Path, new: sqlite3.Connection) -> bool:
    """Copy every sound row of the old file into the new one, inside its transaction.

    False where the old file does not even tell which numbers it gave out, so that losses cannot be counted.
    """
    with contextlib.closing(sqlite3.connect(old, isolation_level=None)) as source:
        source.text_factory = lenient_text
        _copy(source, ITEMS, new, INSERT_ITEM, _sound_item)
        for query, table, width in OTHERS:
            insert = f"INSERT OR IGNORE INTO {table} VALUES ({','.join('?' * width)})"
            _copy(source, query, new, insert, _plausible)
        return _copy_sequence(source, new)


def _copy(
    source: sqlite3.Connection, query: str, new: sqlite3.Connection, insert: str, good: Callable[[Any], bool]
) -> None:
    """Row by row from the front until a broken page, then from the back until one."""
    for direction in ("ASC", "DESC"):
        for row in _rows(source, f"{query} {direction}"):
            if good(row):
                with contextlib.suppress(sqlite3.IntegrityError, sqlite3.InterfaceError):
                    new.execute(insert, row)


def _rows(source: sqlite3.Connection, query: str) -> Iterator[Any]:
    with contextlib.suppress(sqlite3.DatabaseError):
        yield from source.execute(query)


def _sound_item(row: Any) -> bool:
    return isinstance(row[8], bytes) and sound(row[:9])


def _plausible(row: Any) -> bool:
    """No number that damage made absurd, and a number where one belongs."""
    if row[0] == "acked" and not isinstance(row[1], int):
        return False
    return all(0 <= value < LARGEST for value in row if isinstance(value, int))


def _copy_sequence(source: sqlite3.Connection, new: sqlite3.Connection) -> bool:
    given_out = next(_rows(source, "SELECT seq FROM sqlite_sequence WHERE name = 'items'"), None)
    if given_out is None or not isinstance(given_out[0], int) or not 0 <= given_out[0] < LARGEST:
        return False
    new.execute("DELETE FROM sqlite_sequence WHERE name = 'items'")
    new.execute("INSERT INTO sqlite_sequence VALUES ('items', ?)", given_out)
    return True
