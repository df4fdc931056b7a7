"""Unfinished items that outlive a collector that was stopped: files whose names say all that there is to know of them.

Nothing here was acknowledged and nothing here is trusted: the bytes were not fsynced, and the whole that they become
part of must still have the hash that stands in the name. So a file that is cut, mixed up or too old costs its machine
the bytes, and nothing else; names that this program does not make are removed unread.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from caseprobe.errors import CaseprobeError
from caseprobe.v1 import link_pb2
from caseprobe_collector.ports import Staged
from caseprobe_collector.storage.durable import make_folder
from caseprobe_collector.storage.objects import StagedFile

# agent id, stream id, kind, bytes of the whole, SHA-256 of the whole
NAME = re.compile(r"(agent_[a-z2-7]{26})\.([a-z0-9_]{1,64})\.([0-9]{1,2})\.([0-9]{1,12})\.([0-9a-f]{64})")
MOST_FILES = 1000


class FileShelf:
    """Implements the port `Shelf`."""

    def __init__(self, folder: Path, name: Callable[[Path, str], None]) -> None:
        """name: gives a file that is whole and fsynced the name of an object, as the store of objects does."""
        make_folder(folder)
        self._folder = folder
        self._name = name

    def put(self, agent_id: str, first: link_pb2.Data, staged: Staged) -> None:
        """Put an unfinished item here, or discard it where that cannot be done; blocking, but no byte moves."""
        name = f"{agent_id}.{first.stream_id}.{first.kind}.{first.total_bytes}.{first.sha256.hex()}"
        if not isinstance(staged, StagedFile) or not NAME.fullmatch(name) or len(list(self._files())) >= MOST_FILES:
            staged.discard()
            return
        # Where it cannot be moved it stays a temporary file, which the next start sweeps.
        with contextlib.suppress(OSError):
            staged.move(self._folder / name)

    def take(self, agent_id: str) -> list[tuple[link_pb2.Data, Staged, int]]:
        """A machine's items with what was known of each and how many bytes it has; they are the caller's now."""
        return [found for path in self._files(f"{agent_id}.*") if (found := self._open(path)) is not None]

    def clear(self) -> None:
        """Remove all that nobody came for."""
        for path in self._files():
            path.unlink(missing_ok=True)

    def _files(self, pattern: str = "*") -> Iterator[Path]:
        yield from sorted(self._folder.glob(pattern))

    def _open(self, path: Path) -> tuple[link_pb2.Data, Staged, int] | None:
        parts = NAME.fullmatch(path.name)
        try:
            staged = _Shelved(path, self._name) if parts else None
        except (OSError, CaseprobeError):
            staged = None
        if parts is None or staged is None:
            path.unlink(missing_ok=True)
            return None
        kind: Any = int(parts[3])
        first = link_pb2.Data(stream_id=parts[2], kind=kind, total_bytes=int(parts[4]), sha256=bytes.fromhex(parts[5]))
        return first, staged, staged.file.seek(0, io.SEEK_END)


class _Shelved(StagedFile):
    """A file that was begun by an earlier process."""

    def __init__(self, path: Path, name: Callable[[Path, str], None]) -> None:
        self._name = name
        self._temporary = path
        self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW), "r+b", buffering=0)
