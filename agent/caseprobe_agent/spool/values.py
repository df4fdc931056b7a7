"""Small named values, each with a checksum of its own."""

from __future__ import annotations

import sqlite3

from caseprobe_agent.spool.record import seal


class Values:
    """One table of names and values; every method is one step inside the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection, table: str) -> None:
        self._connection = connection
        self._table = table

    def put(self, name: str, value: bytes) -> None:
        """Replace a value."""
        row = (name, value, seal(name, value))
        self._connection.execute(f"INSERT OR REPLACE INTO {self._table} VALUES (?, ?, ?)", row)

    def get(self, name: str) -> bytes | None:
        """A value; None where it was never put, or is no longer what was put."""
        query = f"SELECT name, value, seal FROM {self._table} WHERE name = ?"
        row = self._connection.execute(query, (name,)).fetchone()
        return row[1] if row and seal(*row[:2]) == row[2] else None

    def number(self, name: str) -> int:
        """A value that is a number; 0 where there is none."""
        value = self.get(name) or b""
        return int(value) if value.isdigit() else 0

    def sweep(self) -> list[str]:
        """Take out the values that are damaged; gives their names, as far as they can be read."""
        rows = self._connection.execute(f"SELECT name, value, seal FROM {self._table}").fetchall()
        bad = [row for row in rows if seal(*row[:2]) != row[2]]
        for name, value, _ in bad:
            quarantine(self._connection, self._table, 0, name, value)
            self._connection.execute(f"DELETE FROM {self._table} WHERE name IS ?", (name,))
        return [str(row[0]) for row in bad]


# So many damaged rows are kept for whoever looks into it; more of them show nothing new and need room.
QUARANTINED = 32


def quarantine(connection: sqlite3.Connection, source: str, sequence: int, name: object, body: object) -> None:
    """Put a damaged row where it is never sent from; the newest are kept."""
    text = name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name
    connection.execute("INSERT INTO quarantine VALUES (?, ?, ?, ?)", (source, sequence, text, body))
    connection.execute("DELETE FROM quarantine WHERE rowid <= (SELECT max(rowid) FROM quarantine) - ?", (QUARANTINED,))
