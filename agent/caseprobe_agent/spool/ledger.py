"""Commands that were started, so that none runs twice; and small durable state."""

from __future__ import annotations

import sqlite3

# Ended and acknowledged commands whose ids are remembered: a replay of an older one is refused by its audit anyway.
REMEMBERED = 10_000


class Ledger:
    """The command ledger of one open file; every method is one step inside the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def start(self, command_id: str, request: bytes) -> bool:
        """Mark a command as started; False where it was seen before, in whatever state."""
        added = self._connection.execute(
            "INSERT INTO commands (command_id, request) VALUES (?, ?) ON CONFLICT DO NOTHING", (command_id, request)
        )
        return added.rowcount == 1

    def end(self, command_id: str, outcome: bytes) -> bool:
        """Keep a command's one outcome; False where it is unknown or had ended: the first outcome stays."""
        ended = self._connection.execute(
            "UPDATE commands SET outcome = ? WHERE command_id = ? AND outcome IS NULL", (outcome, command_id)
        )
        return ended.rowcount == 1

    def open(self) -> list[tuple[str, bytes]]:
        """Id and request of every command without an outcome, oldest first."""
        rows = self._connection.execute(
            "SELECT command_id, request FROM commands WHERE outcome IS NULL ORDER BY number"
        )
        return rows.fetchall()

    def outcome(self, command_id: str) -> bytes | None:
        """A command's outcome, None where it is unknown or has not ended."""
        row = self._connection.execute("SELECT outcome FROM commands WHERE command_id = ?", (command_id,)).fetchone()
        return row[0] if row else None

    def unacked(self) -> list[tuple[str, bytes]]:
        """Id and outcome of every command that ended and whose outcome the collector has not confirmed."""
        rows = self._connection.execute(
            "SELECT command_id, outcome FROM commands WHERE outcome IS NOT NULL AND acked = 0 ORDER BY number"
        )
        return rows.fetchall()

    def forget(self, command_id: str) -> None:
        """The collector holds the outcome: only the id is remembered from now on."""
        self._connection.execute(
            "UPDATE commands SET acked = 1, request = x'' WHERE command_id = ? AND outcome IS NOT NULL", (command_id,)
        )
        self._connection.execute(
            "DELETE FROM commands WHERE acked = 1 AND number <="
            " (SELECT number FROM commands WHERE acked = 1 ORDER BY number DESC LIMIT 1 OFFSET ?)",
            (REMEMBERED,),
        )

    def put_state(self, name: str, value: bytes) -> None:
        """Replace a value."""
        self._connection.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, value))

    def get_state(self, name: str) -> bytes | None:
        """A value, None where it was never put."""
        row = self._connection.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None
