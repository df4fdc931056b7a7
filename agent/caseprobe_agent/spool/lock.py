"""One process per folder, and a small note beside the database of how far it came.

The note is what tells a loss that SQLite cannot see: rot in its log ends the log there, without a word, and an
emptied file is a new one to it. It is written after each commit and not fsynced: it never says more than is durable,
so after a power cut it may say too little, never too much.
"""

from __future__ import annotations

import fcntl
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

from caseprobe.errors import ConfigurationError, UsageError

WIDTH = 160
LARGEST = 2**53


@dataclass(frozen=True)
class Note:
    """The spool's name, the highest sequence it gave out, up to where all was acknowledged, and its last commit."""

    spool_id: str = ""
    highest: int = 0
    acked: int = 0
    commits: int = 0


class Lock:
    """The folder's lock file, held by one process at a time; its content is the note."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor = -1

    def take(self) -> None:
        """Make this process the folder's only one; raises UsageError where another has it, ConfigurationError."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._folder / "spool.lock", flags, 0o600)
        except OSError as error:
            raise ConfigurationError(
                f"cannot use the folder {self._folder}: {error.strerror}: choose another data folder"
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise UsageError(f"another caseprobe is running with the folder {self._folder}: stop it first") from None
        self._descriptor = descriptor

    def release(self) -> None:
        """Let another process have the folder."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def read(self) -> Note | None:
        """The note, None where there is none or it cannot be read."""
        words = os.pread(self._descriptor, WIDTH, 0).decode("ascii", "replace").split()
        # 0.1.0 wrote three words without a checksum.
        if len(words) == 5 and words.pop() != _checksum(words):
            return None
        if len(words) not in (3, 4) or not all(word.isdecimal() for word in words[1:]):
            return None
        note = Note(words[0], *map(int, words[1:]))
        return note if note.acked <= note.highest < LARGEST > note.commits else None

    def write(self, note: Note, *, durably: bool = False) -> None:
        """Replace the note: one small write in place, within one sector."""
        words = [note.spool_id, str(note.highest), str(note.acked), str(note.commits)]
        line = " ".join([*words, _checksum(words)]).ljust(WIDTH - 1) + "\n"
        os.pwrite(self._descriptor, line.encode("ascii"), 0)
        if durably:
            os.fsync(self._descriptor)


def _checksum(words: list[str]) -> str:
    """Without it one flipped bit in the acknowledged sequence would delete what nobody holds."""
    return f"{zlib.crc32(' '.join(words).encode()):08x}"
