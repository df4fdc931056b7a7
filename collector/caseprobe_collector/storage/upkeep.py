"""What the writer's connection needs between commits: a log that stays short, and nothing that is only believed.

The write-ahead log is what a start after SIGKILL reads first, so its length bounds that start. SQLite checkpoints by
itself after CHECKPOINT_PAGES; readers can hinder that (a checkpoint never passes the oldest reader), so past
LONGEST_LOG_BYTES the writer waits for them instead of letting the log grow with the load.

A commit that makes the log's file longer syncs the file's size and blocks beside its bytes, which costs it twice the
time and half again the processor (measured). So zeros are written ahead of the log: SQLite ends its replay in front of
them, as in front of all that has not this log's salt, and commits overwrite what is there already.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path

from caseprobe_collector.storage.progress import STAMP, Progress
from caseprobe_collector.storage.reserve import Reserve

CHECKPOINT_PAGES = 4000
LONGEST_LOG_BYTES = 64 << 20
HINDERED_SECONDS = 30.0
CHUNK_BYTES = 1 << 20
# As much again as there is: a store with little to do does not begin with megabytes of zeros.
LEAST_AHEAD_BYTES, MOST_AHEAD_BYTES = 256 << 10, 4 << 20
# One for good: nobody ever writes to it, so it is address space and no memory. Made anew for each use it came from the
# heap the second time, which keeps it (measured: 4 MiB for ever).
ZEROS = memoryview(bytes(MOST_AHEAD_BYTES))


class Upkeep:
    """Called on the writer's thread alone."""

    def __init__(self, log_path: Path, reserve: Reserve, progress: Progress) -> None:
        self._log = log_path
        self._reserve = reserve
        self._progress = progress
        self._hindered_until = 0.0
        # How long the log's file was when zeros were written ahead of it last.
        self._ahead_bytes = 0

    def committing(self, connection: sqlite3.Connection) -> None:
        """Before each commit: count it, so that one that rot takes is missed."""
        self._progress.stamp(connection)

    def committed(self, connection: sqlite3.Connection) -> None:
        """After each commit: note how far the store came, of which callers are told next, and bound the log."""
        self._progress.committed()
        size = self._log.stat().st_size
        if size > LONGEST_LOG_BYTES and time.monotonic() >= self._hindered_until:
            hindered, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            # A backup reads for as long as it takes; callers must not wait for it at every commit.
            self._hindered_until = time.monotonic() + HINDERED_SECONDS if hindered else 0.0
        elif size != self._ahead_bytes and self._reserve.whole:
            # Not from the room that is kept for cleaning.
            self._ahead_bytes = go_ahead(self._log, size)

    def opening(self) -> None:
        """Before a connection: nothing that it will read in the log is only believed to be on the disk.

        Before, and not after: SQLite brings a log into the file by itself when its last connection ends. Raises OSError
        where the log cannot be made durable.
        """
        write_anew(self._log)

    def reopened(self, connection: sqlite3.Connection) -> None:
        """A new connection: what was acknowledged is read back. Raises StorageDamaged where it is not there."""
        self._progress.opened(connection)

    def admits(self, connection: sqlite3.Connection) -> bool:
        """Whether deliveries may be stored: there is room for them beside what cleaning needs."""
        if self._reserve.whole:
            return True
        if not self._reserve.due():
            return False
        # What staff deleted is free inside the database's file; the disk has it only once the file is shorter.
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("PRAGMA incremental_vacuum").fetchall()
        # A commit as all others: `progress` says why each must be counted.
        connection.execute(STAMP)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return self._reserve.fill()

    def make_room(self) -> bool:
        """The disk is full: give up the reserve; False where that was done already."""
        return self._reserve.release()


def write_anew(path: Path) -> None:
    """Write a log once more, byte for byte, and sync it; one that is not there is none. Raises OSError.

    Why syncing alone would prove nothing: a sync that failed may have left its pages in the kernel's cache, marked as
    written, and not on the disk. Whoever opens the log reads them there, of this process or of one that was killed,
    and every later sync succeeds without them. A power cut would then end the log in front of commits that were
    acknowledged behind them. Bytes that are written again are written to the disk, or the sync says so.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    try:
        at = 0
        while chunk := os.pread(descriptor, CHUNK_BYTES, at):
            at += os.pwrite(descriptor, chunk, at)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def go_ahead(path: Path, size: int) -> int:
    """Write zeros at the end of a log of this size, where there is room for them; gives how long it is now.

    Not synced: the next commit's sync is theirs. On the thread of the one writer, since nobody else may make it longer.
    """
    zeros = ZEROS[: max(size, LEAST_AHEAD_BYTES)]
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        with contextlib.suppress(OSError):
            os.write(descriptor, zeros)
        return os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)
