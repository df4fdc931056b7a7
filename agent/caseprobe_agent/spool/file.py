"""The spool's file: opened, checked, locked; one that is damaged is set aside and what can be read goes on."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from caseprobe.errors import ConfigurationError, DeliveryError, UsageError
from caseprobe_agent.spool.ledger import Ledger
from caseprobe_agent.spool.rows import SCHEMA, Rows, lenient_text
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


@dataclass
class SpoolFile:
    """Where the spool lives, and what became of damaged predecessors. Held by one process at a time."""

    folder: Path
    quota_bytes: int
    wall: Callable[[], float]
    new_id: Callable[[], str]
    # Names of files that were set aside because they were damaged.
    set_aside: list[str] = field(default_factory=list)
    # Records that damage took, all declared as Gaps.
    lost_records: int = 0
    _lock: int = -1
    _reserved: bool = False

    def lock(self) -> None:
        """Make this process the folder's only one; raises UsageError where another has it."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.folder / "spool.lock", flags, 0o600)
        except OSError as error:
            raise ConfigurationError(
                f"cannot use the folder {self.folder}: {error.strerror}: choose another data folder"
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise UsageError(f"another caseprobe is running with the folder {self.folder}: stop it first") from None
        self._lock = descriptor

    def unlock(self) -> None:
        """Let another process have the folder."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def keep_reserve(self) -> None:
        """Hold some room back, so that acknowledging still works on a full disk; where there is none, without it."""
        path = self.folder / "spool.reserve"
        if self._reserved or path.is_symlink():
            return
        with contextlib.suppress(OSError), path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
            self._reserved = True

    def release_reserve(self) -> None:
        """Give the held room back to the disk."""
        self._reserved = False
        with contextlib.suppress(OSError):
            (self.folder / "spool.reserve").unlink()

    def open(self) -> Store:
        """The file, checked; a damaged one is set aside and replaced. Raises ConfigurationError, DeliveryError."""
        try:
            store = self._open_or_start_anew()
            self._compare_name(store)
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from None
        self.keep_reserve()
        return store

    def _open_or_start_anew(self) -> Store:
        try:
            return self._open()
        except sqlite3.Error as error:
            if not damaged(error):
                raise
        return self._start_anew(0)

    def _compare_name(self, store: Store) -> None:
        """The lock file remembers the spool's name: a file that was emptied or removed is a loss, and is told."""
        remembered = os.pread(self._lock, 200, 0).decode("ascii", "replace")
        name = store.rows.spool_id
        if remembered == name:
            return
        if remembered and not self.set_aside:
            store.rows.append_gap(0, 0, "corrupt")
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, name.encode("ascii"), 0)
        os.fsync(self._lock)

    def replace(self, store: Store, error: Exception) -> Store:
        """The store to go on with after this error of a running one: never the same handle."""
        store.close()
        try:
            # Numbers go on above those of the old file: a late ack for it must not hit new records.
            fresh = self._start_anew(store.rows.highest_seen) if damaged(error) else self._open()
            self._compare_name(fresh)
        except (sqlite3.Error, OSError) as failed:
            raise self._unusable(failed) from None
        return fresh

    def _open(self) -> Store:
        _create_private(self.folder / NAME)
        connection = sqlite3.connect(self.folder / NAME, isolation_level=None, check_same_thread=False)
        connection.text_factory = lenient_text
        try:
            for pragma in PRAGMAS:
                connection.execute(pragma)
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise _damage()
            connection.executescript(SCHEMA)
            store = self._store(connection)
            self.lost_records += store.rows.account()
        except BaseException:
            connection.close()
            raise
        return store

    def _store(self, connection: sqlite3.Connection) -> Store:
        connection.execute("INSERT OR IGNORE INTO meta VALUES ('spool_id', ?)", (self.new_id(),))
        (spool_id,) = connection.execute("SELECT value FROM meta WHERE name = 'spool_id'").fetchone()
        rows = Rows(connection, str(spool_id), self.quota_bytes, self.wall)
        rows.last_sequence()
        return Store(connection, rows, Ledger(connection))

    def _start_anew(self, above: int) -> Store:
        """Set the file aside, take over what can be read of it, and count on above every number that it gave out."""
        old = self._put_aside()
        store = self._open()
        store.connection.execute("BEGIN IMMEDIATE")
        acked = take_over(old, store.connection)
        store.rows.forget()
        store.rows.count_on_above(above)
        self.lost_records += store.rows.account()
        if not acked:
            # Which numbers were lost is not known any more; that some were is said all the same.
            store.rows.append_gap(0, 0, "corrupt")
        store.connection.execute("COMMIT")
        return store

    def _put_aside(self) -> Path:
        number = 1
        while (kept := self.folder / f"{NAME}.damaged-{number}").exists():
            number += 1
        for side in SIDES:
            with contextlib.suppress(FileNotFoundError):
                (self.folder / f"{NAME}{side}").rename(f"{kept}{side}")
        self.set_aside.append(kept.name)
        return kept

    def _unusable(self, error: Exception) -> DeliveryError:
        return DeliveryError(f"cannot use the spool in {self.folder}: {error}: check the disk and the folder's rights")


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
