"""Disks that lose what was not synced.

A machine's files lie in a real folder in memory, one folder for each life of its process: that is what a running
system sees, its page cache. Beside it stands what the platter holds: of each file the bytes of its last sync and the
writes since, of each folder the names of its last sync. A killed process goes on with the first, in a copy, so that
whatever the dead one's last steps still do reaches nobody; after a power cut the second is all there is, with or
without some of the unsynced sectors. A sync that fails loses its writes for good, as Linux does it: the next sync of
the same file succeeds and brings nothing of them back.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.simulation import vfs

SECTOR_BYTES = 512
# How every compressed body begins.
ZSTD = b"\x28\xb5\x2f\xfd"
LOGS = ("-wal", "-journal")
SQLITE_FULL, SQLITE_IOERR_FSYNC = 13, 10 | 4 << 8
# A truncation among the pending writes carries no bytes.
Write = tuple[int, bytes | None]
# What a power cut leaves: only what was synced, all that was written, or some sectors of it.
STRICT, ALL, SOME = "strict", "all", "some"
FATES = (STRICT, SOME, SOME, ALL)


@dataclass
class File:
    """What the platter holds of a file, and what was written since by SQLite's own calls."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[Write] = field(default_factory=list)
    # Whether SQLite writes it, so that every write is known.
    tracked: bool = False
    # Bytes of a file that only holds room: none of them is ever written.
    hole: int = 0

    def sync(self) -> None:
        """All that was written is durable now."""
        for offset, data in self.pending:
            _apply(self.durable, offset, data)
        self.pending.clear()

    def after_cut(self, fate: str, random: Random, current: bytes | None) -> bytes:
        """What is left of it after a power cut; current: what the page cache has of it, None where it is gone."""
        if not self.tracked:
            synced = bytes(self.durable)
            if current is None or fate == STRICT:
                return synced
            grown = current.startswith(synced)
            torn = current[: random.randint(len(synced), len(current))] if grown else random.choice((synced, current))
            return current if fate == ALL else torn
        left = bytearray(self.durable)
        for offset, data in self.pending if fate != STRICT else ():
            for at, piece in _sectors(offset, data):
                if fate == ALL or random.random() < 0.5:
                    _apply(left, at, piece)
        return bytes(left)


def _sectors(offset: int, data: bytes | None) -> Iterator[Write]:
    """A write as the disk may tear it."""
    if not data:
        # A truncation, or room at the end.
        yield offset, data
        return
    for at in range(0, len(data), SECTOR_BYTES):
        yield offset + at, data[at : at + SECTOR_BYTES]


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


@dataclass
class Faults:
    """What this disk does wrong, and when."""

    # Calls until the machine crashes in the middle of one; 0: never.
    crash_in: int = 0
    # Syncs that fail from now on.
    failing_syncs: int = 0
    # Most bytes that fit; None: no limit.
    capacity_bytes: int | None = None


class Volume:
    """A machine's disk during one life of its process."""

    def __init__(
        self, folder: Path, crash: Callable[[], None], report: Callable[[str], None], *, settled: bool = True
    ) -> None:
        """crash is told when the machine is to stop in the middle of a call; report gets what must never happen.

        settled: all that lies in the folder is durable.
        """
        self.folder = folder
        self.faults = Faults()
        self.frozen = False
        self.calls = self.failed_syncs = self.refused_writes = 0
        self._crash, self._report = crash, report
        self._files: dict[int, File] = {}
        self._names: dict[Path, dict[str, int]] = {}
        self._distrusted: dict[int, Path] = {}
        for path in _below(folder) if settled else ():
            if path.is_dir():
                self._names[path] = _listing(path)
            else:
                self._files[path.stat().st_ino] = _file_at(path)

    # --- SQLite's calls ---

    def writing(self, path: Path, handle: int, data: bytes, offset: int) -> int:
        """SQLite writes."""
        if not self._goes_on():
            return vfs.OK
        if handle in self._distrusted:
            self._report(f"I4: {path.name} was written through a handle whose sync had failed")
        if not self._fits(offset + len(data) - path.stat().st_size):
            return SQLITE_FULL
        file = self._file(path)
        file.hole = 0
        file.pending.append((offset, data))
        return vfs.OK

    def truncating(self, path: Path, size: int) -> int:
        """SQLite shortens a file."""
        if self._goes_on():
            self._file(path).pending.append((size, None))
        return vfs.OK

    def syncing(self, path: Path, handle: int) -> int:
        """SQLite syncs; the first sync of a new log also syncs the folder, as SQLite's own VFS does."""
        if not self._goes_on():
            return vfs.OK
        file = self._file(path)
        if self._sync_fails():
            file.pending.clear()
            if path.name.endswith("-wal"):
                self._distrusted[handle] = path
            return SQLITE_IOERR_FSYNC
        file.sync()
        if path.name.endswith(LOGS) and self._names.get(path.parent, {}).get(path.name) != path.stat().st_ino:
            self._names[path.parent] = _listing(path.parent)
        return vfs.OK

    def deleted(self, path: Path, durably: bool) -> None:
        """SQLite removed a file."""
        if not self.frozen and durably:
            self._names.setdefault(path.parent, {}).pop(path.name, None)

    def closed(self, handle: int) -> None:
        """SQLite closed a file."""
        self._distrusted.pop(handle, None)

    # --- everybody else's ---

    def sync(self, path: Path) -> None:
        """A file or a folder is synced; raises OSError."""
        if not self._goes_on():
            return
        known = self._tracked(path)
        if self._sync_fails():
            if known:
                known.pending.clear()
            raise OSError(errno.EIO, "Input/output error")
        if path.is_dir():
            self._names[path] = _listing(path)
        elif known:
            known.sync()
        elif path.exists():
            self._files[path.stat().st_ino] = _file_at(path)

    def wrote(self, path: Path, offset: int, data: bytes) -> None:
        """Bytes were written into a file; of one that SQLite writes too it is known which."""
        known = self._tracked(path)
        if known and not self.frozen:
            known.pending.append((offset, data))

    def take_room(self, size: int) -> None:
        """Bytes are about to be written at the end of a file; raises OSError where they do not fit."""
        if self._goes_on() and not self._fits(size):
            raise OSError(errno.ENOSPC, "No space left on device")

    def allocate(self, path: Path, file: int, size: int) -> None:
        """A file is to have blocks for so many bytes; raises OSError. Nothing of it is durable before a sync."""
        found = os.fstat(file)
        self.take_room(size - found.st_size)
        if self.frozen or size <= found.st_size:
            return
        os.ftruncate(file, size)
        known = self._tracked(path)
        if known:
            known.pending.append((size, b""))

    # --- ends of a life ---

    def after_kill(self, folder: Path, crash: Callable[[], None]) -> Volume:
        """The disk as the next process finds it after SIGKILL: nothing is lost, nothing became durable."""
        copy_folder(self.folder, folder)
        volume = Volume(folder, crash, self._report, settled=False)
        for path in _below(folder):
            old = self.folder / path.relative_to(folder)
            if path.is_dir():
                volume._names[path] = self._carried(volume, old, path)
            else:
                volume._files[path.stat().st_ino] = self._files.get(old.stat().st_ino, File())
        return volume

    def after_cut(self, folder: Path, crash: Callable[[], None], fate: str, random: Random) -> Volume:
        """The disk as the next process finds it after a power cut."""
        self.image(folder, fate, random)
        return Volume(folder, crash, self._report)

    def image(self, folder: Path, fate: str, random: Random, wanted: tuple[str, ...] = ("",)) -> None:
        """Write what would be left after a power cut now; wanted: beginnings of the names at the top."""
        self._restore(self.folder, folder, fate, random, wanted)

    def alter(self, path: Path, random: Random) -> bool:
        """Flip a bit inside a body that rests in a file; False where there is none."""
        data = bytearray(path.read_bytes()) if path.exists() else bytearray()
        places = [at.start() for at in re.finditer(re.escape(ZSTD), data)]
        if not places:
            return False
        at = min(random.choice(places) + random.randint(12, 150), len(data) - 1)
        data[at] ^= 1 << random.randrange(8)
        path.write_bytes(data)
        self._files[path.stat().st_ino] = _file_at(path)
        return True

    def used_bytes(self) -> int:
        """What lies on it now."""
        return sum(path.stat().st_size for path in _below(self.folder) if path.is_file())

    def _carried(self, volume: Volume, old: Path, new: Path) -> dict[str, int]:
        """The durable names of a folder, in the next life's numbers; what was removed unsynced keeps its own."""
        names = {}
        for name, number in self._names.get(old, {}).items():
            same = (old / name).exists() and (old / name).stat().st_ino == number
            if same and (new / name).exists():
                names[name] = (new / name).stat().st_ino
            elif number in self._files:
                names[name] = -number
                volume._files[-number] = self._files[number]
        return names

    def _restore(self, old: Path, new: Path, fate: str, random: Random, wanted: tuple[str, ...] = ("",)) -> None:
        """Write what is left of one folder, and of those in it."""
        new.mkdir(mode=0o700, parents=True)
        current = _listing(old) if old.is_dir() else {}
        durable = self._names.get(old, {})
        keep_current = fate == ALL or (fate == SOME and random.random() < 0.5)
        for name, number in sorted((current if keep_current else durable).items()):
            if not name.startswith(wanted):
                continue
            if (old / name).is_dir():
                self._restore(old / name, new / name, fate, random)
            elif not name.endswith("-shm"):
                file = self._files.get(number, File())
                seen = (old / name).read_bytes() if current.get(name) == number and not file.hole else None
                (new / name).write_bytes(file.after_cut(fate, random, seen))
                os.truncate(new / name, file.hole or (new / name).stat().st_size)
                (new / name).chmod(0o600)

    # --- inside ---

    def _goes_on(self) -> bool:
        """Count a call; False where it is not the disk's business any more."""
        if self.frozen:
            return False
        self.calls += 1
        if self.faults.crash_in:
            self.faults.crash_in -= 1
            if not self.faults.crash_in:
                self._crash()
        return not self.frozen

    def _sync_fails(self) -> bool:
        if not self.faults.failing_syncs:
            return False
        self.faults.failing_syncs -= 1
        self.failed_syncs += 1
        return True

    def _fits(self, growth: int) -> bool:
        limit = self.faults.capacity_bytes
        if limit is None or growth <= 0 or self.used_bytes() + growth <= limit:
            return True
        self.refused_writes += 1
        return False

    def _tracked(self, path: Path) -> File | None:
        known = self._files.get(path.stat().st_ino) if path.exists() else None
        return known if known and known.tracked else None

    def _file(self, path: Path) -> File:
        file = self._files.setdefault(path.stat().st_ino, File())
        file.tracked = True
        return file


def copy_folder(old: Path, new: Path) -> None:
    """A folder as the next process finds it: without what SQLite's processes share, room as room."""
    shutil.copytree(old, new, ignore=_shared_memory, copy_function=_copy)


def make_hole(path: Path) -> None:
    """Make of a file that holds room one that takes none: copied and read a hundred times a run."""
    size = path.stat().st_size
    os.truncate(path, 0)
    os.truncate(path, size)


def _below(folder: Path) -> list[Path]:
    """A folder and all in it, always in the same order."""
    return [folder, *sorted(folder.rglob("*"))]


def _file_at(path: Path) -> File:
    """A file as it lies there, all of it durable."""
    hole = _hole_at(path)
    return File(hole=hole) if hole else File(bytearray(path.read_bytes()))


def _hole_at(path: Path) -> int:
    """The size of a file that only holds room, 0 for any other."""
    found = path.stat()
    return 0 if found.st_blocks else found.st_size


def _copy(old: str, new: str) -> None:
    hole = _hole_at(Path(old))
    shutil.copyfile(old, new) if not hole else Path(new).touch()
    Path(new).chmod(0o600)
    if hole:
        os.truncate(new, hole)


def _shared_memory(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name.endswith("-shm")]


def _listing(folder: Path) -> dict[str, int]:
    return {entry.name: entry.inode() for entry in os.scandir(folder)}


class Disks:
    """All simulated disks, by the folders that they show; implements the shim's Watcher."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._prefix = f"{root}/"
        self.volumes: dict[str, Volume] = {}

    def watches(self, path: Path) -> bool:
        """Whether a file is on one of them."""
        return self._of(str(path)) is not None

    def writing(self, path: Path, handle: int, data: bytes, offset: int) -> int:
        """SQLite writes."""
        volume = self._of(str(path))
        return volume.writing(path, handle, data, offset) if volume else vfs.OK

    def truncating(self, path: Path, size: int) -> int:
        """SQLite shortens a file."""
        volume = self._of(str(path))
        return volume.truncating(path, size) if volume else vfs.OK

    def syncing(self, path: Path, handle: int) -> int:
        """SQLite syncs."""
        volume = self._of(str(path))
        return volume.syncing(path, handle) if volume else vfs.OK

    def deleted(self, path: Path, durably: bool) -> None:
        """SQLite removed a file."""
        volume = self._of(str(path))
        if volume:
            volume.deleted(path, durably)

    def closed(self, handle: int) -> None:
        """SQLite closed a file."""
        for volume in self.volumes.values():
            volume.closed(handle)

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """SQLite's file calls and the syncs and writes of `os` come here meanwhile."""
        names = ("fsync", "fdatasync", "write", "pwrite", "posix_fallocate")
        real: dict[str, Any] = {name: getattr(os, name) for name in names}

        def sync(file: int) -> None:
            volume, path = self._opened(file)
            volume.sync(path) if volume else real["fsync"](file)

        def write(file: int, data: bytes) -> int:
            volume, path = self._opened(file)
            if volume:
                volume.take_room(len(data))
                volume.wrote(path, os.fstat(file).st_size, bytes(data))
            return int(real["write"](file, data))

        def pwrite(file: int, data: bytes, offset: int) -> int:
            volume, path = self._opened(file)
            if volume:
                volume.wrote(path, offset, bytes(data))
            return int(real["pwrite"](file, data, offset))

        def allocate(file: int, offset: int, size: int) -> None:
            volume, path = self._opened(file)
            if volume:
                volume.allocate(path, file, offset + size)
            else:
                real["posix_fallocate"](file, offset, size)

        calls = (sync, sync, write, pwrite, allocate)
        for name, function in zip(names, calls, strict=True):
            setattr(os, name, function)
        try:
            with vfs.watched(self):
                yield
        finally:
            for name, function in real.items():
                setattr(os, name, function)

    def _opened(self, file: int) -> tuple[Volume | None, Path]:
        with contextlib.suppress(OSError):
            path = str(Path(f"/proc/self/fd/{file}").readlink())
            return self._of(path), Path(path)
        return None, Path()

    def _of(self, path: str) -> Volume | None:
        if not path.startswith(self._prefix):
            return None
        return self.volumes.get(path[len(self._prefix) :].split("/", 1)[0])
