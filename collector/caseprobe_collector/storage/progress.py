"""How far the store came, so that what SQLite loses without a word is told.

SQLite ends the replay of its log at the first frame that does not fit its checksum. A bit that flips in the log, a
log that was cut or removed, takes every commit from there on, and what is left is a sound database of an earlier
moment. So each commit that changes anything also raises `commits`, in the same transaction, and a note beside the
database holds the number of the last one (`note`).

Why a loss cannot hide: the page with the number is written by every commit, so whatever part of the log is replayed
shows the number of the newest commit in it, and the file below shows the newest that was brought into it. The number
is the note's or a later one only where that commit is there, and commits are there in their order.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import shutil
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from caseprobe.errors import StorageDamaged
from caseprobe_collector.records import AuditEntry
from caseprobe_collector.storage.chain import append_entries
from caseprobe_collector.storage.note import Note, NoteFile
from caseprobe_collector.storage.rowform import microseconds

FOUND = (
    "SELECT store_id, commits, last.number, last.sha256 FROM progress "
    "LEFT JOIN (SELECT number, sha256 FROM audit ORDER BY number DESC LIMIT 1) AS last"
)
BEGUN = "INSERT OR IGNORE INTO progress (number, store_id, commits) VALUES (1, ?, 0)"
STAMP = "UPDATE progress SET commits = commits + 1"
ENTRY = "SELECT sha256 FROM audit WHERE number = ?"
DECLARE = "INSERT INTO losses (found_at, what, commits, entries) VALUES (?, ?, ?, ?)"
NOTE_GONE = (
    "the note beside the database is gone or cannot be read: nobody can tell whether the newest commits are there"
)
SYNC_SECONDS = 1.0
# Damaged logs that are kept for whoever looks into them.
KEPT_ASIDE = 2

log = logging.getLogger("caseprobe.collector")


class Progress:
    """Called on the thread of the one connection that writes."""

    def __init__(
        self,
        log_path: Path,
        note: NoteFile,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._log_path = log_path
        self._note = note
        self._monotonic = monotonic
        self._now = now
        self._changes = 0
        self._synced_at = float("-inf")
        # What callers were told is durable; None until the store was compared with its note.
        self._noted: Note | None = None
        self._last: bytes | None = None
        # How far the transaction comes that is about to be committed, and the hash of its last audit entry.
        self._stamped: tuple[Note, bytes | None] | None = None

    def opened(self, connection: sqlite3.Connection) -> None:
        """A new connection: compare it with the note, or after a failure with what callers were told.

        Raises StorageDamaged where that is not there any more, and what SQLite raises where it cannot be declared.
        """
        if self._noted is None:
            self._begin(connection)
        elif not self._shows(connection, self._noted):
            raise StorageDamaged(
                f"commit {self._noted.commits} was acknowledged and is not on the disk any more: "
                "stop the collector, look at the disk, restore a backup"
            )
        self._changes, self._stamped = connection.total_changes, None

    def stamp(self, connection: sqlite3.Connection) -> None:
        """Count the transaction that is about to be committed, if it changed anything."""
        if connection.total_changes != self._changes:
            connection.execute(STAMP)
            self._changes = connection.total_changes
            # Inside the transaction, where reading takes no locks of its own.
            self._stamped = _found(connection)

    def committed(self) -> None:
        """Note how far the store came, before anybody is told."""
        if self._stamped is not None:
            (self._noted, self._last), self._stamped = self._stamped, None
            self._write(self._noted)

    def close(self) -> None:
        """The note is durable."""
        self._note.close()

    def _shows(self, connection: sqlite3.Connection, noted: Note) -> bool:
        """Whether what was acknowledged can be read back: the commit's number, and its audit entry by its hash, which
        holds those of all before it."""
        found, _ = _found(connection)
        entry = connection.execute(ENTRY, (noted.entries,)).fetchone()
        return found.commits >= noted.commits and (entry[0] if entry else None) == self._last

    def _begin(self, connection: sqlite3.Connection) -> None:
        self._note.open()
        noted = self._note.read()
        connection.execute(BEGUN, (secrets.token_hex(8),))
        found, last = _found(connection)
        if what := loss_of(noted, found):
            found, last = self._declare(connection, what, noted, found)
        if noted is None or what:
            self._note.write(found, durably=True)
        self._noted, self._last = found, last

    def _declare(
        self, connection: sqlite3.Connection, what: str, noted: Note | None, found: Note
    ) -> tuple[Note, bytes | None]:
        """Say once, where it stays, what is missing; the count goes on above every number that was given out."""
        # Before anything is written over it: what lies behind the bad frame may still be read by hand.
        _set_aside(self._log_path)
        same = noted is not None and noted.store_id == found.store_id
        commits = max(noted.commits - found.commits, 0) if noted and same else 0
        entries = max(noted.entries - found.entries, 0) if noted and same else 0
        at = self._now()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(DECLARE, (microseconds(at), what, commits, entries))
        connection.execute("UPDATE progress SET commits = ?", (max(found.commits, noted.commits if noted else 0) + 1,))
        append_entries(connection, [AuditEntry(at, "collector", "store.loss", "", "", what)])
        connection.execute("COMMIT")
        log.error("the store lost what was acknowledged: %s", what)
        return _found(connection)

    def _write(self, note: Note) -> None:
        """A note that cannot be written costs no commit: it says too little then, as after a power cut."""
        due = self._monotonic() - self._synced_at >= SYNC_SECONDS
        try:
            self._note.write(note, durably=due)
        except OSError as error:
            log.warning("the note beside the database cannot be written: %s", error.strerror)
        if due:
            self._synced_at = self._monotonic()


def loss_of(noted: Note | None, found: Note) -> str:
    """What is missing, in a sentence; empty where nothing is.

    >>> loss_of(Note("a", 7, 5), Note("a", 7, 5))
    ''
    >>> loss_of(Note("a", 9, 8), Note("a", 7, 5))
    'the database ends 2 commits before the last one that was acknowledged; 3 audit entries are missing, from number 6'
    """
    if noted is None:
        return NOTE_GONE if found.commits else ""
    if not noted.commits:
        return ""
    if noted.store_id != found.store_id:
        return f"the database is not the one that was here before, which had {noted.commits} commits"
    if noted.commits <= found.commits:
        return ""
    gone = f"the database ends {noted.commits - found.commits} commits before the last one that was acknowledged"
    if noted.entries > found.entries:
        gone += f"; {noted.entries - found.entries} audit entries are missing, from number {found.entries + 1}"
    return gone


def found_in(connection: sqlite3.Connection) -> Note:
    """How far a database came, by itself."""
    return _found(connection)[0]


def _found(connection: sqlite3.Connection) -> tuple[Note, bytes | None]:
    """How far a database came, and the hash of its last audit entry; a number that rotted counts as none."""
    row = connection.execute(FOUND).fetchone() or ("", 0, None, None)
    commits = row[1] if isinstance(row[1], int) else 0
    return Note(str(row[0]), commits, row[2] or 0), row[3]


def _set_aside(path: Path) -> None:
    """Keep a copy of the log, where the disk has the room."""
    kept = sorted(path.parent.glob(f"{path.name}.damaged-*"), key=lambda one: one.stat().st_mtime)
    with contextlib.suppress(OSError):
        if path.stat().st_size:
            for old in kept[: max(0, len(kept) - KEPT_ASIDE + 1)]:
                old.unlink()
            copy = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
            shutil.copyfile(path, copy)
            copy.chmod(0o600)
