"""The spool's file: opened, checked, locked; one that is damaged is set aside and what can be read goes on."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from caseprobe.errors import DeliveryError
from caseprobe_agent.spool.ledger import Ledger
from caseprobe_agent.spool.lock import Lock, Note
from caseprobe_agent.spool.record import SCHEMA, lenient_text
from caseprobe_agent.spool.rows import Rows
from caseprobe_agent.spool.salvage import take_over
from caseprobe_agent.spool.writer import damaged

NAME = "spool.db"
# A full log's worth for the checkpoint, and some for the next commits.
RESERVE_BYTES = 1536 * 1024
SIDES = ("", "-wal", "-shm")
PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    # NORMAL loses every acknowledged record of the last minutes in a power cut; FULL none (measured).
    "PRAGMA synchronous = FULL",
    "PRAGMA cell_size_check = ON",
    # Small, so that the reserve is enough to bring the log into the file on a full disk.
    "PRAGMA wal_autocheckpoint = 256",
    # The resident process stays small; the spool reads in order and once.
    "PRAGMA cache_size = -512",
    "PRAGMA journal_size_limit = 1048576",
)


@dataclass
class Store:
    """An open file: its connection and what is done on it."""

    connection: sqlite3.Connection
    rows: Rows
    ledger: Ledger

    def forget(self) -> None:
        """Drop what was remembered of the tables, after a rollback."""
        self.rows.forget()

    def close(self) -> None:
        """Close the connection; never raises."""
        with contextlib.suppress(sqlite3.Error):
            self.connection.close()


class SpoolFile:
    """Where the spool lives, and what became of damaged predecessors. Held by one process at a time."""

    def __init__(self, folder: Path, quota_bytes: int, wall: Callable[[], float], new_id: Callable[[], str]) -> None:
        self._folder, self._quota_bytes, self._wall, self._new_id = folder, quota_bytes, wall, new_id
        self._reserved = False
        self._noted = Note()
        self.lock = Lock(folder)
        # Names of files that were set aside because they were damaged.
        self.set_aside: list[str] = []
        # Records that damage took, all declared as Gaps.
        self.lost_records = 0

    def open(self) -> Store:
        """The file, checked; a damaged one is set aside and replaced. Raises DeliveryError where it cannot be used."""
        try:
            try:
                store = self._open()
            except sqlite3.Error as error:
                if not damaged(error):
                    raise
                store = self._start_anew(None)
            self._reconcile(store, self.lock.read())
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from None
        self.keep_reserve()
        return store

    def replace(self, store: Store, error: Exception) -> Store:
        """The store to go on with after this error of a running one: never the same handle."""
        store.close()
        note = Note(store.rows.spool_id, store.rows.highest_seen, (self.lock.read() or Note()).acked)
        try:
            fresh = self._start_anew(note) if damaged(error) else self._open()
            self._reconcile(fresh, note)
        except (sqlite3.Error, OSError) as failed:
            raise self._unusable(failed) from None
        return fresh

    def committed(self, store: Store) -> None:
        """Note how far the store came; called after each commit."""
        note = Note(store.rows.spool_id, store.rows.last_sequence(), store.rows.last_acked())
        if note != self._noted:
            with contextlib.suppress(OSError):
                self.lock.write(note)
                self._noted = note

    def keep_reserve(self) -> None:
        """Hold some room back, so that acknowledging still works on a full disk; where there is none, without it."""
        path = self._folder / "spool.reserve"
        if self._reserved or path.is_symlink():
            return
        with contextlib.suppress(OSError), path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
            self._reserved = True

    def release_reserve(self) -> None:
        """Give the held room back to the disk."""
        self._reserved = False
        with contextlib.suppress(OSError):
            (self._folder / "spool.reserve").unlink()

    def _open(self) -> Store:
        _create_private(self._folder / NAME)
        connection = sqlite3.connect(self._folder / NAME, isolation_level=None, check_same_thread=False)
        connection.text_factory = lenient_text
        try:
            for pragma in PRAGMAS:
                connection.execute(pragma)
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise _damage()
            connection.executescript(SCHEMA)
            return self._store(connection)
        except BaseException:
            connection.close()
            raise

    def _store(self, connection: sqlite3.Connection) -> Store:
        connection.execute("INSERT OR IGNORE INTO meta VALUES ('spool_id', ?)", (self._new_id(),))
        (spool_id,) = connection.execute("SELECT value FROM meta WHERE name = 'spool_id'").fetchone()
        rows = Rows(connection, str(spool_id), self._quota_bytes, self._wall)
        return Store(connection, rows, Ledger(connection))

    def _reconcile(self, store: Store, note: Note | None) -> None:
        """Go on above every number that was given out, and declare what is not there any more."""
        store.connection.execute("BEGIN IMMEDIATE")
        if note:
            # A late ack for an old number must never hit a new record.
            store.rows.count_on_above(note.highest)
            store.rows.acknowledge(note.acked)
        self.lost_records += store.rows.account()
        store.connection.execute("COMMIT")
        self._noted = Note(store.rows.spool_id, store.rows.last_sequence(), store.rows.last_acked())
        self.lock.write(self._noted, durably=True)

    def _start_anew(self, note: Note | None) -> Store:
        """Set the file aside and take over what can be read of it."""
        old = self._put_aside()
        store = self._open()
        store.connection.execute("BEGIN IMMEDIATE")
        counted = take_over(old, store.connection)
        store.rows.forget()
        if not counted and note is None and self.lock.read() is None:
            # Which numbers were lost is not known any more; that some were is said all the same.
            store.rows.append_gap(0, 0, "corrupt")
        store.connection.execute("COMMIT")
        return store

    def _put_aside(self) -> Path:
        number = 1
        while (kept := self._folder / f"{NAME}.damaged-{number}").exists():
            number += 1
        for side in SIDES:
            with contextlib.suppress(FileNotFoundError):
                (self._folder / f"{NAME}{side}").rename(f"{kept}{side}")
        self.set_aside.append(kept.name)
        return kept

    def _unusable(self, error: Exception) -> DeliveryError:
        return DeliveryError(f"cannot use the spool in {self._folder}: {error}: check the disk and the folder's rights")


def _create_private(path: Path) -> None:
    """The file exists and only its owner can read it; SQLite gives its side files the same rights."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _damage() -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError("quick_check failed")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error
