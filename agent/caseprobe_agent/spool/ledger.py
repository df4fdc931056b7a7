"""Commands that were started, so that none runs twice.

The argument for at most once. A command's start marker is durable before anything of it runs, and `start` says yes
once for an id. A row whose checksum does not fit, or a file that damage replaced, may have hidden a start marker:
then the ledger is in doubt, and every command that the collector asked for before the doubt was found counts as
started. The collector's ids carry its own clock, so that line is drawn in its time (`settle`), not in ours.
"""

from __future__ import annotations

import sqlite3

from caseprobe_agent.spool.record import seal
from caseprobe_agent.spool.values import Values, quarantine

# Ended and acknowledged commands whose ids are remembered: a replay of an older one is refused by its audit anyway.
REMEMBERED = 10_000
ROW = "command_id, request, outcome, acked, record"
DOUBT = "ledger_doubt"
# Above every id: while it stands, no command is known to be new.
EVERYTHING = b"~"


class Ledger:
    """The command ledger of one open file; every method is one step inside the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._meta = Values(connection, "meta")

    def start(self, command_id: str, request: bytes) -> bool:
        """Mark a command as started; False where it was seen before, in whatever state, or may have been."""
        row = (command_id, request, None, 0, 0)
        added = self._connection.execute(
            f"INSERT INTO commands ({ROW}, seal) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", (*row, seal(*row))
        )
        return added.rowcount == 1 and not self._doubtful(command_id)

    def end(self, command_id: str, outcome: bytes, record: int = 0) -> bool:
        """Keep a command's one outcome; False where it is unknown or had ended: the first outcome stays.

        record: the sequence of the snapshot that the outcome names; the outcome is due once that left the spool.
        """
        row = self._row(command_id)
        if row is None or row[2] is not None:
            return False
        self._replace((command_id, row[1], outcome, 0, record))
        return True

    def open(self) -> list[tuple[str, bytes]]:
        """Id and request of every command without an outcome, oldest first."""
        return [(row[0], row[1]) for row in self._rows("outcome IS NULL")]

    def outcome(self, command_id: str) -> bytes | None:
        """A command's outcome, None where it is unknown or has not ended."""
        row = self._row(command_id)
        return row[2] if row else None

    def unacked(self) -> list[tuple[str, bytes]]:
        """Id and outcome of every command that ended, whose outcome the collector has not confirmed and is due.

        An outcome that names a snapshot is due when that snapshot is no longer here: acknowledged, or declared lost.
        """
        condition = "outcome IS NOT NULL AND acked = 0 AND record NOT IN (SELECT sequence FROM items)"
        return [(row[0], row[2] or b"") for row in self._rows(condition)]

    def waiting(self) -> list[str]:
        """Ids of the commands that ended and whose outcome is not due yet."""
        condition = "outcome IS NOT NULL AND acked = 0 AND record IN (SELECT sequence FROM items)"
        return [row[0] for row in self._rows(condition)]

    def forget(self, command_id: str) -> None:
        """The collector holds the outcome: only the id is remembered from now on."""
        row = self._row(command_id)
        if row is None or row[2] is None:
            return
        self._replace((command_id, b"", row[2], 1, 0))
        self._connection.execute(
            "DELETE FROM commands WHERE acked = 1 AND number <="
            " (SELECT number FROM commands WHERE acked = 1 ORDER BY number DESC LIMIT 1 OFFSET ?)",
            (REMEMBERED,),
        )

    def doubt(self) -> None:
        """Start markers may be missing: no command that was asked for by now is run."""
        self._meta.put(DOUBT, EVERYTHING)

    def settle(self, collector_ms: int) -> None:
        """Draw the line of a doubt in the collector's time: what it asks for later cannot have run before."""
        if self._meta.get(DOUBT) == EVERYTHING:
            self._meta.put(DOUBT, f"{max(collector_ms, 0):012x}".encode())

    def sweep(self) -> int:
        """Take out the rows that are damaged, and doubt the ledger for them; gives how many there were."""
        bad = self._connection.execute(f"SELECT number, seal, {ROW} FROM commands").fetchall()
        bad = [row for row in bad if seal(*row[2:]) != row[1]]
        for number, _, command_id, *values in bad:
            quarantine(self._connection, "commands", number, command_id, repr(values).encode())
            self._connection.execute("DELETE FROM commands WHERE number = ?", (number,))
        if bad:
            self.doubt()
        return len(bad)

    def _doubtful(self, command_id: str) -> bool:
        """Whether it was asked for before the line; ids are `sess_` and a UUIDv7, which begins with the time."""
        line = self._meta.get(DOUBT)
        return line is not None and command_id.rpartition("_")[2][:12].encode() <= line

    def _row(self, command_id: str) -> tuple[str, bytes, bytes | None, int, int] | None:
        return next(iter(self._rows("command_id = ?", command_id)), None)

    def _rows(self, condition: str, *values: str) -> list[tuple[str, bytes, bytes | None, int, int]]:
        """Sound rows, oldest first; a damaged one is no row, and is taken out at the next start."""
        query = f"SELECT {ROW}, seal FROM commands WHERE {condition} ORDER BY number"
        return [row[:5] for row in self._connection.execute(query, values) if seal(*row[:5]) == row[5]]

    def _replace(self, row: tuple[str, bytes, bytes | None, int, int]) -> None:
        self._connection.execute(
            "UPDATE commands SET request = ?, outcome = ?, acked = ?, record = ?, seal = ? WHERE command_id = ?",
            (*row[1:], seal(*row), row[0]),
        )
