"""Room on the disk that is not left to chance: held back for cleaning up, and claimed before a commit needs it.

The argument for a start on a full disk. Two things need room that a full disk does not have: bringing the log into the
file, which every start does, and the small writes that end what was begun (an acknowledgement, an outcome). The first
has its room before there is anything to bring: no transaction commits until the file has blocks for every page that it
will have (`Room`). The second live on the reserve (`Reserve`). An append asks for the whole reserve before it writes
anything, and the reserve is lent only to a transaction that the one writing thread does alone and ends by emptying the
log: so no append is ever committed into room that was released, and what was lent is free to be held again.

A file system that copies on write, or that cannot allocate ahead, promises nothing of this; there it is best effort.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from caseprobe.errors import StorageFull

# A full log's worth (see wal_autocheckpoint), and some for the transaction that is written behind it.
RESERVE_BYTES = 1536 * 1024
STEP_BYTES = 64 * 1024
# Not EFBIG: where a file may not grow, what is held back does not help.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC


class Reserve:
    """A file that only holds room. Used by one thread at a time."""

    def __init__(self, path: Path, size_bytes: int = RESERVE_BYTES) -> None:
        self._path, self._size = path, size_bytes
        self._whole = False

    def take(self) -> bool:
        """Hold back as much as there is; False where the disk does not have all of it.

        What it cannot hold whole it holds in part: the next small write needs only some of it.
        """
        if not self._whole:
            with contextlib.suppress(OSError), _opened(self._path, os.O_RDWR | os.O_CREAT) as file:
                self._whole = _allocated(file, self._size)
                sizes = () if self._whole else range(STEP_BYTES, self._size, STEP_BYTES)
                all(_allocated(file, size) for size in sizes)
        return self._whole

    def claim(self) -> None:
        """Asked by whatever is not cleaning up, before it writes; raises StorageFull where the reserve is not whole."""
        if not self.take():
            raise StorageFull(
                f"what is left on the disk of {self._path.parent} is held back for cleaning up: make room there"
            )

    @contextlib.contextmanager
    def lent(self) -> Iterator[None]:
        """The held room is the disk's while this is open."""
        self._whole = False
        # Not removed: to make it again would need room for its name.
        with contextlib.suppress(OSError), _opened(self._path, os.O_WRONLY | os.O_TRUNC):
            pass
        try:
            yield
        finally:
            self.take()


class Room:
    """The blocks of the database's file; open for as long as its connection is."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | FLAGS)

    def cover(self, size_bytes: int) -> None:
        """Have blocks for so many bytes; raises OSError. Nothing where the file system cannot allocate ahead."""
        if os.fstat(self._file).st_size >= size_bytes:
            return
        try:
            os.posix_fallocate(self._file, 0, size_bytes)
        except OSError as error:
            if error.errno in (*NO_ROOM, errno.EFBIG, errno.EIO):
                raise

    def close(self) -> None:
        """Close the file. After the connection: closing any of a file's descriptors gives up SQLite's lock on it."""
        os.close(self._file)


@contextlib.contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    file = os.open(path, flags | FLAGS, 0o600)
    try:
        yield file
    finally:
        os.close(file)


def _allocated(file: int, size_bytes: int) -> bool:
    """Whether a file has its blocks now, or cannot have any for another reason than want of room."""
    try:
        os.posix_fallocate(file, 0, size_bytes)
    except OSError as error:
        return error.errno not in NO_ROOM
    return True
