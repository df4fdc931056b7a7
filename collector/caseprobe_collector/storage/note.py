"""A small note beside the database of how far it came: the one thing that rot in the database's log cannot take along.

It is written after each commit and before its callers are told, in place, within one sector, and synced once a second:
a process that is killed loses nothing of it, and a power cut at most the last second. So it may say too little and
never too much: what it says was durable.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

from caseprobe_collector.storage.durable import sync_folder

WIDTH = 128
LARGEST = 1 << 62


@dataclass(frozen=True)
class Note:
    """Which store it is, how many commits changed it, and the number of its last audit entry."""

    store_id: str
    commits: int
    entries: int


class NoteFile:
    """The file that holds the note; held open from `open` to `close`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def open(self) -> None:
        """Make it, durably under its name, where there is none; raises OSError."""
        if self._descriptor >= 0:
            return
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(self._path, flags, 0o600)
        sync_folder(self._path.parent)

    def close(self) -> None:
        """Make durable what was written last."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            with contextlib.suppress(OSError):
                os.fsync(descriptor)
            os.close(descriptor)

    def read(self) -> Note | None:
        """The note, None where none was written or it cannot be read."""
        return parsed(os.pread(self._descriptor, WIDTH, 0))

    def write(self, note: Note, *, durably: bool = False) -> None:
        """Replace the note; raises OSError."""
        words = f"{note.store_id} {note.commits} {note.entries}"
        line = f"{words} {_checksum(words)}".ljust(WIDTH - 1) + "\n"
        os.pwrite(self._descriptor, line.encode("ascii"), 0)
        if durably:
            os.fdatasync(self._descriptor)


def read_note(path: Path) -> Note | None:
    """The note in a folder that another process may have open, None where there is none or it cannot be read."""
    try:
        return parsed(path.read_bytes()[:WIDTH])
    except OSError:
        return None


def parsed(content: bytes) -> Note | None:
    """The note in these bytes, None where they are none.

    >>> parsed(b"abc 3 4 00000000")
    """
    words, _, checksum = content.decode("ascii", "replace").rstrip().rpartition(" ")
    parts = words.split(" ")
    if len(parts) != 3 or checksum != _checksum(words) or not all(part.isdecimal() for part in parts[1:]):
        return None
    note = Note(parts[0], int(parts[1]), int(parts[2]))
    return note if max(note.commits, note.entries) < LARGEST else None


def _checksum(words: str) -> str:
    """Without it one flipped bit would tell of a loss that there is not, or hide one."""
    return f"{zlib.crc32(words.encode('ascii', 'replace')):08x}"
