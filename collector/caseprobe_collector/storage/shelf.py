"""Unfinished items, each in a file whose name says all that there is to know of it, from its first piece on.

Why an upload goes on after either side was killed: a piece gives its credit back once `write` returned, and what was
written is the kernel's then, whatever becomes of this process. Pieces are appended in their order, so what lies there
is a beginning of the item, the last piece perhaps cut, and its length is where the machine goes on.

Why nothing wrong comes of it: nothing here was acknowledged and nothing is trusted. The bytes were not fsynced; after
a power cut they may be anything. But the whole must have the hash that stands in the name, so a file that is cut,
mixed up or altered costs its machine the bytes once, and nothing else. Names that this program does not make are
removed unread.

Why no file has two writers: a name ends in the mark of the process that has it open, or in "free". A process opens
what bears another mark than its own, by giving it its own; only one process at a time has the data folder open.
"""

from __future__ import annotations

import contextlib
import io
import re
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from caseprobe.errors import CaseprobeError, StorageFull
from caseprobe.v1 import link_pb2
from caseprobe_collector.ports import Staged
from caseprobe_collector.storage.durable import make_folder
from caseprobe_collector.storage.objects import FileObjects, StagedFile

# agent id, stream id, kind, bytes of the whole, SHA-256 of the whole, who has it open
NAME = re.compile(
    r"((agent_[a-z2-7]{26})\.([a-z0-9_]{1,64})\.([0-9]{1,3})\.([0-9]{1,12})\.([0-9a-f]{64}))\.(free|[0-9a-f]{8})"
)
FREE = "free"
MOST_FILES = 1000
# Of one machine: a stream may have few unfinished items, and what was given up must not fill its places.
MOST_EACH = 2
MOST_BYTES = 2 << 30
# As long as a machine may go on with a bundle without a new join code.
KEPT = timedelta(hours=72)


class FileShelf:
    """Implements the port `Shelf`."""

    def __init__(self, folder: Path, objects: FileObjects, most_bytes: int = MOST_BYTES) -> None:
        """objects: makes an item that became whole an object; on the same disk."""
        make_folder(folder)
        self._folder = folder
        self._objects = objects
        self._most_bytes = most_bytes
        self._mark = secrets.token_hex(4)

    def begin(self, agent_id: str, first: link_pb2.Data) -> Staged:
        """A file for an item; one without a name where it cannot have its own. Raises StorageFull."""
        name = f"{agent_id}.{first.stream_id}.{first.kind}.{first.total_bytes}.{first.sha256.hex()}.{self._mark}"
        try:
            # Two streams of one key may send the same item at once: the second goes without.
            if NAME.fullmatch(name) and not (self._folder / name).exists():
                return self._objects.stage(self._folder / name)
            return self._objects.stage()
        except StorageFull:
            # Room is for what is being sent, before what may never go on.
            self._trim(0)
            raise

    def leave(self, staged: Staged) -> None:
        """Let go of an item's file; any other is discarded. No byte moves."""
        path = staged.leave() if isinstance(staged, StagedFile) else None
        parts = NAME.fullmatch(path.name) if path is not None and path.parent == self._folder else None
        if path is None or parts is None:
            staged.discard()
            if path is not None:
                path.unlink(missing_ok=True)
            return
        with contextlib.suppress(OSError):
            path.replace(self._folder / f"{parts[1]}.{FREE}")

    def take(self, agent_id: str) -> list[tuple[link_pb2.Data, Staged, int]]:
        """A machine's items that nobody has open, the newest of them; they are the caller's now."""
        newest = [path for _, _, path in self._by_age(f"{agent_id}.")]
        for path in newest[MOST_EACH:]:
            path.unlink(missing_ok=True)
        return [found for path in newest[:MOST_EACH] if (found := self._open(path)) is not None]

    def sweep(self, now: datetime) -> None:
        """Remove what nobody went on with in time, what is none of ours, and the oldest where there is too much."""
        for written_at, _, path in self._by_age():
            if not NAME.fullmatch(path.name) or now.timestamp() - written_at >= KEPT.total_seconds():
                path.unlink(missing_ok=True)
        self._trim(self._most_bytes)

    def _trim(self, most_bytes: int) -> None:
        """Keep the newest that fit."""
        for number, (_, size, path) in enumerate(self._by_age()):
            most_bytes -= size
            if most_bytes < 0 or number >= MOST_FILES:
                path.unlink(missing_ok=True)

    def _by_age(self, prefix: str = "") -> list[tuple[float, int, Path]]:
        """When it was last written, size and path of what nobody has open, the newest first."""
        found = []
        for path in self._free(prefix):
            with contextlib.suppress(OSError):
                found.append((path.stat().st_mtime, path.stat().st_size, path))
        return sorted(found, reverse=True)

    def _free(self, prefix: str = "") -> Iterator[Path]:
        """What no stream of this process has open.

        No pattern of a machine's own: a compiled one for each would stay in memory.
        """
        found = sorted(path for path in self._folder.iterdir() if path.name.startswith(prefix))
        yield from (path for path in found if path.suffix != f".{self._mark}")

    def _open(self, path: Path) -> tuple[link_pb2.Data, Staged, int] | None:
        parts = NAME.fullmatch(path.name)
        mine = self._folder / f"{parts[1]}.{self._mark}" if parts else path
        if parts is None or mine.exists():
            path.unlink(missing_ok=True)
            return None
        try:
            staged = self._objects.staged(path.rename(mine))
        except (OSError, CaseprobeError):
            return None
        kind: Any = int(parts[4])
        first = link_pb2.Data(stream_id=parts[3], kind=kind, total_bytes=int(parts[5]), sha256=bytes.fromhex(parts[6]))
        return first, staged, staged.file.seek(0, io.SEEK_END)
