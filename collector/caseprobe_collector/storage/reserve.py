"""Room that is kept for the day when the disk is full: even a DELETE needs some (measured: SQLite refuses it too).

While the file is whole, machines may deliver. When a commit meets a full disk the file is given up, and what it held
serves staff alone: they can log in, look, delete. Deliveries are refused until the file can be made whole again, so
they never eat the room that cleaning needs, and they begin again by themselves once there is space.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from caseprobe_collector.storage.durable import sync_folder

RESERVE_BYTES = 32 << 20
TRY_EVERY_SECONDS = 1.0


class Reserve:
    """One file; `whole` is read by many threads, everything else is called by the writer's alone."""

    def __init__(
        self, path: Path, size_bytes: int = RESERVE_BYTES, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._size_bytes = size_bytes
        self._monotonic = monotonic
        self._tried_at = float("-inf")
        self.whole = False

    def release(self) -> bool:
        """Give the room up; True where there was some to give."""
        had, self.whole = self.whole, False
        self._path.unlink(missing_ok=True)
        self._tried_at = self._monotonic()
        return had

    def fill(self) -> bool:
        """Make it whole, if the disk has the room; raises nothing."""
        self._tried_at = self._monotonic()
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                # Real blocks, not a hole: a hole keeps nothing free.
                os.posix_fallocate(descriptor, 0, self._size_bytes)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            sync_folder(self._path.parent)
            self.whole = True
        except OSError:
            self._path.unlink(missing_ok=True)
            self.whole = False
        return self.whole

    def due(self) -> bool:
        """Whether it is time to try again."""
        return self._monotonic() - self._tried_at >= TRY_EVERY_SECONDS
