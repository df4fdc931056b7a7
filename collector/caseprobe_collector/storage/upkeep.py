"""What the writer's connection needs between commits: a log that stays short, and proof after a failure.

The write-ahead log is what a start after SIGKILL reads first, so its length bounds that start. SQLite checkpoints by
itself after CHECKPOINT_PAGES; readers can hinder that (a checkpoint never passes the oldest reader), so past
LONGEST_LOG_BYTES the writer waits for them instead of letting the log grow with the load.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from caseprobe.errors import StorageDamaged
from caseprobe_collector.storage.reserve import Reserve

CHECKPOINT_PAGES = 4000
LONGEST_LOG_BYTES = 64 << 20
HINDERED_SECONDS = 30.0
LAST_ENTRY = "SELECT number, sha256 FROM audit ORDER BY number DESC LIMIT 1"
ENTRY = "SELECT number, sha256 FROM audit WHERE number = ?"


class Upkeep:
    """Called on the writer's thread alone."""

    def __init__(self, path: Path, reserve: Reserve) -> None:
        self._log = Path(f"{path}-wal")
        self._reserve = reserve
        self._hindered_until = 0.0
        self._last: tuple[int, bytes] | None = None

    def committed(self, connection: sqlite3.Connection) -> None:
        """After each commit: remember the last entry that callers are now told is durable, and bound the log."""
        self._last = connection.execute(LAST_ENTRY).fetchone()
        if self._log.stat().st_size > LONGEST_LOG_BYTES and time.monotonic() >= self._hindered_until:
            hindered, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            # A backup reads for as long as it takes; callers must not wait for it at every commit.
            self._hindered_until = time.monotonic() + HINDERED_SECONDS if hindered else 0.0

    def reopened(self, connection: sqlite3.Connection) -> None:
        """After a failure: what was acknowledged must be read back, or nothing more is acknowledged.

        Every acknowledged deposit has an audit entry before or at the last one, and each entry holds the hash of all
        before it. Raises StorageDamaged.
        """
        if self._last is not None and connection.execute(ENTRY, self._last[:1]).fetchone() != self._last:
            raise StorageDamaged(
                f"audit entry {self._last[0]} was acknowledged and is not on the disk any more: "
                "stop the collector, look at the disk, restore a backup"
            )

    def admits(self, connection: sqlite3.Connection) -> bool:
        """Whether deliveries may be stored: there is room for them beside what cleaning needs."""
        if self._reserve.whole:
            return True
        if not self._reserve.due():
            return False
        # What staff deleted is free inside the database's file; the disk has it only once the file is shorter.
        connection.execute("PRAGMA incremental_vacuum").fetchall()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return self._reserve.fill()

    def make_room(self) -> bool:
        """The disk is full: give up the reserve; False where that was done already."""
        return self._reserve.release()
