"""The spool's file: opened, checked, locked; one that is damaged is set aside and what can be read goes on.

The argument for correctness. No handle is used again after a failed write or fsync: what the kernel then holds of the
file is not known (it may have dropped the pages and called them clean), so the file is opened and checked anew, and
what a caller was not told as kept may be there or not. A file is never repaired in place: it is moved aside whole and
its sound rows are copied, so that a second accident on the way costs nothing that the first one left. What is missing
afterwards is found by counting (sequences are dense, commits are numbered), not by trusting that damage shows.
A start needs no room that a full disk lacks (`reserve`), for what an agent delivers is what makes room.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from caseprobe.errors import DeliveryError, StorageFull
from caseprobe_agent.durable import sync_folder
from caseprobe_agent.spool.lock import Lock, Note
from caseprobe_agent.spool.record import SCHEMA, expected_schema, lenient_text, schema_of
from caseprobe_agent.spool.reserve import Reserve, Room
from caseprobe_agent.spool.rows import Quota
from caseprobe_agent.spool.salvage import take_over
from caseprobe_agent.spool.store import Store
from caseprobe_agent.spool.upgrade import is_old, upgrade
from caseprobe_agent.spool.writer import damaged, no_room

NAME, FRESH = "spool.db", "spool.db.new"
# Damaged files that are kept for whoever looks into it; each may be as large as the quota.
KEPT_ASIDE = 2
SIDES = ("", "-wal", "-shm")
PRAGMAS = (
    # One process has the folder anyway; so the log's index lies in memory and not in a file, which a start would have
    # to make on a full disk.
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA journal_mode = WAL",
    # NORMAL loses every acknowledged record of the last minutes in a power cut; FULL none (measured).
    "PRAGMA synchronous = FULL",
    "PRAGMA cell_size_check = ON",
    # Small, so that the reserve is enough to bring the log into the file on a full disk.
    "PRAGMA wal_autocheckpoint = 256",
    # The resident process stays small; the spool reads in order and once.
    "PRAGMA cache_size = -512",
    "PRAGMA journal_size_limit = 1048576",
    # Some builds overwrite whatever is deleted: then acknowledging a large record needs its size again in the log.
    "PRAGMA secure_delete = FAST",
)
# Structure of all tables; and of the ledger its index too: an id that is only missing there could start twice.
CHECKS = ("PRAGMA quick_check(1)", "PRAGMA integrity_check('commands')")


def connect(path: Path) -> sqlite3.Connection:
    """A connection that leaves transactions to us, usable from the writer's thread."""
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False)


class SpoolFile:
    """Where the spool lives, and what became of damaged predecessors. Held by one process at a time."""

    def __init__(
        self,
        folder: Path,
        quota: Quota,
        elapsed: Callable[[], float],
        new_id: Callable[[], str],
        connect: Callable[[Path], sqlite3.Connection] = connect,
    ) -> None:
        self._folder, self._quota, self._elapsed, self._new_id = folder, quota, elapsed, new_id
        self._connect = connect
        self._noted = Note()
        self.lock = Lock(folder)
        self.reserve = Reserve(folder / "spool.reserve")
        # Names of files that were set aside because they were damaged.
        self.set_aside: list[str] = []
        # Records and rows that damage took, all declared as Gaps.
        self.lost_records = 0

    def open(self) -> Store:
        """The file, checked; a damaged one is set aside and replaced. Raises DeliveryError where it cannot be used."""
        try:
            store = self._opened()
        except (sqlite3.Error, OSError, StorageFull) as error:
            raise self._unusable(error) from None
        self.reserve.take()
        return store

    def _opened(self) -> Store:
        """Without the reserve where that does: what another process takes of it meanwhile does not come back."""
        try:
            return self._reconciled(self._open_or_replace(), self.lock.read())
        except (sqlite3.Error, OSError, StorageFull):
            with self.reserve.lent():
                store = self._reconciled(self._open_or_replace(), self.lock.read())
                store.empty_log()
            return store

    def replace(self, store: Store, error: Exception) -> Store:
        """The store to go on with after this error of a running one: never the same handle."""
        note = self._noted
        store.close()
        try:
            return self._reconciled(self._start_anew(note) if damaged(error) else self._open(), note)
        except (sqlite3.Error, OSError) as failed:
            raise self._unusable(failed) from None

    def committed(self, store: Store) -> None:
        """Note how far the store came; called after each commit."""
        note = store.note()
        if note != self._noted:
            with contextlib.suppress(OSError):
                self.lock.write(note)
            self._noted = note

    def _open_or_replace(self) -> Store:
        try:
            return self._open()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            if not damaged(error):
                raise
        return self._start_anew(None)

    def _open(self, name: str = NAME) -> Store:
        self._finish_change()
        _create_private(self._folder / name)
        connection = self._connect(self._folder / name)
        connection.text_factory = lenient_text
        try:
            for pragma in PRAGMAS:
                connection.execute(pragma)
            _begin_log_anew(connection)
            if is_old(connection):
                upgrade(connection)
                _begin_log_anew(connection)
            if (found := schema_of(connection)) and found != expected_schema():
                # Before anything is made by name: a garbled name would get an empty table beside it.
                raise _damage("schema")
            connection.executescript(SCHEMA)
            for check in CHECKS:
                if connection.execute(check).fetchone() != ("ok",):
                    raise _damage(check)
            return self._store(connection, Room(self._folder / name))
        except BaseException:
            connection.close()
            raise

    def _store(self, connection: sqlite3.Connection, room: Room) -> Store:
        store = Store(connection, "", self._quota, self._elapsed, room)
        try:
            spool_id = store.meta.get("spool_id")
            if spool_id is None:
                spool_id = self._new_id().encode()
                connection.execute("BEGIN IMMEDIATE")
                store.meta.put("spool_id", spool_id)
                connection.execute("COMMIT")
        except BaseException:
            store.close()
            raise
        store.rows.spool_id = spool_id.decode()
        return store

    def _reconciled(self, store: Store, note: Note | None) -> Store:
        """Compare the file with the note, declare what is missing, and go on from the higher of the two."""
        try:
            store.connection.execute("BEGIN IMMEDIATE")
            lost = store.reconcile(note)
            store.stamp()
            store.connection.execute("COMMIT")
            self._noted = store.note()
            self.lock.write(self._noted, durably=True)
        except BaseException:
            store.close()
            raise
        self.lost_records += lost
        return store

    def _start_anew(self, note: Note | None) -> Store:
        """Another file in place of the damaged one, with what can be read of that.

        It takes its place when it is whole: a process that dies or a disk that fills before that begins again.
        """
        self._remove(FRESH)
        store = self._open(FRESH)
        try:
            store.connection.execute("BEGIN IMMEDIATE")
            counted = take_over(self._folder / NAME, store.connection)
            store.forget()
            # The pages that could not be read may have held start markers.
            store.ledger.doubt()
            if not counted and note is None and self.lock.read() is None:
                # Which numbers were lost is not known any more; that some were is said all the same.
                store.declare_unknown("corrupt")
            store.cover()
            store.connection.execute("COMMIT")
        finally:
            store.close()
        self._put_aside()
        self._finish_change()
        return self._open()

    def _finish_change(self) -> None:
        """Give the new file its name where the old one was moved away already."""
        if (self._folder / FRESH).exists() and not (self._folder / NAME).exists():
            for side in ("-wal", ""):
                with contextlib.suppress(FileNotFoundError):
                    (self._folder / f"{FRESH}{side}").rename(self._folder / f"{NAME}{side}")

    def _put_aside(self) -> None:
        taken = [path.name.rpartition("-")[2] for path in self._folder.glob(f"{NAME}.damaged-*")]
        number = max((int(name) for name in taken if name.isdecimal()), default=0) + 1
        kept = f"{NAME}.damaged-{number}"
        # The file itself last: as long as it has its name, the new one does not take it.
        for side in reversed(SIDES):
            with contextlib.suppress(FileNotFoundError):
                (self._folder / f"{NAME}{side}").rename(self._folder / f"{kept}{side}")
        self.set_aside.append(kept)
        self._remove(f"{NAME}.damaged-{number - KEPT_ASIDE}")

    def _remove(self, name: str) -> None:
        for side in SIDES:
            with contextlib.suppress(FileNotFoundError):
                (self._folder / f"{name}{side}").unlink()

    def _unusable(self, error: Exception) -> DeliveryError:
        if no_room(error):
            return StorageFull(
                f"no room for the spool in {self._folder}: make some MiB free on its disk, then start again"
            )
        return DeliveryError(f"cannot use the spool in {self._folder}: {error}: check the disk and the folder's rights")


def _begin_log_anew(connection: sqlite3.Connection) -> None:
    """Bring the log into the file and empty it, so that no commit ever follows frames that may not be durable.

    A sync that failed leaves its frames in the page cache and not on the disk, and no later sync brings them there:
    what recovery reads after it, here or in the next process, may be gone after a power cut, and with it all that
    was written behind it. Copied into the file, it is written once more.
    """
    (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise sqlite3.OperationalError("the log could not be brought into the file")


def _create_private(path: Path) -> None:
    """The file exists and only its owner can read it; SQLite gives its side files the same rights."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    sync_folder(path.parent)


def _damage(check: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(f"{check} failed")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error
