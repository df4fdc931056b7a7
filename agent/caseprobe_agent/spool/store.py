"""An open spool file: its connection, what is done on it, and the stamp that each commit carries."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable

from caseprobe_agent.spool.ledger import Ledger
from caseprobe_agent.spool.lock import Note
from caseprobe_agent.spool.reserve import Room
from caseprobe_agent.spool.rows import Quota, Rows
from caseprobe_agent.spool.values import Values


class Store:
    """One open file. Everything but `close` happens inside the caller's transaction."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        spool_id: str,
        quota: Quota,
        elapsed: Callable[[], float],
        room: Room | None = None,
    ) -> None:
        """elapsed: seconds that no clock step moves, sleep included; only differences count. room: of its file."""
        self.connection = connection
        self._room = room
        (self._page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
        self.meta, self.state = Values(connection, "meta"), Values(connection, "state")
        self._elapsed, self._began = elapsed, elapsed()
        self._lived_before = self.meta.number("lived")
        # Commits of this file, once read.
        self._commits: int | None = None
        self._changes = connection.total_changes
        self.rows = Rows(connection, spool_id, quota, self.lived)
        self.ledger = Ledger(connection)

    def lived(self) -> float:
        """Seconds that this spool was in use, over all lives of the agent."""
        return self._lived_before + max(0.0, self._elapsed() - self._began)

    def stamp(self) -> None:
        """Count this commit, where it changes anything: what the note beside the file knows and the file does not
        is a commit that rot took."""
        if self.connection.total_changes == self._changes:
            return
        self._commits = self.commits() + 1
        self.meta.put("commits", b"%d" % self._commits)
        self.meta.put("lived", b"%d" % self.lived())
        self._changes = self.connection.total_changes
        self.cover()

    def cover(self) -> None:
        """Have room in the file for all that this transaction brings into the log, before it commits: whoever starts
        on a full disk must be able to bring it over. Raises StorageFull."""
        if self._room is not None:
            (pages,) = self.connection.execute("PRAGMA page_count").fetchone()
            self._room.cover(pages * self._page_bytes)

    def empty_log(self) -> None:
        """Bring the log into the file and give its room back; what cannot be brought over now stays in it."""
        with contextlib.suppress(sqlite3.Error):
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def note(self) -> Note:
        """How far this file came."""
        return Note(self.rows.spool_id, self.rows.last_sequence(), self.rows.last_acked(), self.commits())

    def commits(self) -> int:
        """How many commits changed this file."""
        if self._commits is None:
            self._commits = self.meta.number("commits")
        return self._commits

    def forget(self) -> None:
        """Drop what was remembered of the tables, after a rollback."""
        self.rows.forget()
        self._commits = None
        self._changes = self.connection.total_changes

    def reconcile(self, note: Note | None) -> int:
        """Take out damaged rows, go on above every number that was given out, and declare what is not there any
        more; gives how many records and rows were lost. note: how far the file came by what stands beside it."""
        damaged = [f"{table} {name}" for table in ("meta", "state") for name in Values(self.connection, table).sweep()]
        if any(name.startswith("meta") for name in damaged) or (note and self._behind(note)):
            self.ledger.doubt()
        damaged += ["command"] * self.ledger.sweep()
        behind = note is not None and self._behind(note)
        if note:
            # A late ack for an old number must never hit a new record.
            self.rows.count_on_above(note.highest)
            self.rows.acknowledge(note.acked)
        lost = self.rows.account()
        if damaged or (behind and not lost):
            lost += len(damaged) or 1
            self.declare_unknown("corrupt: state or command ledger" if damaged else "corrupt: the newest commits")
        return lost

    def declare_unknown(self, reason: str) -> None:
        """Say once that something was lost whose numbers are not known, or that never had one."""
        self.rows.append_gap(0, 0, reason)

    def _behind(self, note: Note) -> bool:
        """Whether the file is another one, or lacks commits that it once had."""
        return note.spool_id != self.rows.spool_id or note.commits > self.commits()

    def close(self) -> None:
        """Close the connection; never raises."""
        with contextlib.suppress(sqlite3.Error):
            self.connection.close()
        if self._room is not None:
            self._room.close()
            self._room = None
