"""Objects as files under one folder.

A file gets its name only when it is whole and fsynced, and the name is durable once its folder is fsynced too, so a
name that a row may mention always has its bytes, after a power cut as well. Files on their way lie in the top folder
under a name that no object can have; whatever of them a killed process left goes at the next start.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, ParamSpec, TypeVar, cast

from caseprobe.errors import NotFound
from caseprobe_collector.storage.durable import (
    TEMPORARY,
    make_folder,
    sweep_temporaries,
    sync_folder,
    temporary_in,
    write_whole,
)
from caseprobe_collector.storage.failures import failure_of, full
from caseprobe_collector.storage.names import OBJECT_NAME

P = ParamSpec("P")
T = TypeVar("T")
READ_BYTES = 256 << 10
# A new file, where there must be none; a file of an earlier process, written on at its end.
FRESH, BEGUN = os.O_CREAT | os.O_EXCL, os.O_APPEND


class FileObjects:
    """Implements the port `Objects`. has_room: False while what is left of the disk is kept for cleaning it."""

    def __init__(self, folder: Path, has_room: Callable[[], bool] = lambda: True) -> None:
        make_folder(folder)
        sweep_temporaries(folder)
        self._folder = folder
        self._has_room = has_room
        self._naming = threading.Lock()
        # Names given since the start; None once nobody looks for orphans any more.
        self._fresh: set[str] | None = set()
        # Names given for rows that are not committed yet, each as often as that is so.
        self._held: Counter[str] = Counter()

    def stage(self, path: Path | None = None) -> StagedFile:
        """An empty file that has no object's name yet; raises StorageFull.

        path: where it lies, on the same disk, if it is to outlive this process; FileExistsError where there is one.
        """
        if not self._has_room():
            raise full()
        return _mapped(StagedFile, path or temporary_in(self._folder), self.name_file)

    def staged(self, path: Path) -> StagedFile:
        """A file on its way that an earlier process began; raises NotFound, and Busy where the disk fails."""
        return _mapped(StagedFile, path, self.name_file, BEGUN)

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> tuple[int, bytes]:
        """Store all chunks durably and give (size, SHA-256); replaces an object of this name at once or not at all.

        Raises StorageFull, or what the chunks raise; nothing is stored then.
        """
        self._path(name)
        size, digest = 0, hashlib.sha256()
        staged = await _blocking(self.stage)
        try:
            async for chunk in chunks:
                await _blocking(staged.write, chunk)
                digest.update(chunk)
                size += len(chunk)
            await staged.keep(name)
        finally:
            staged.discard()
        return size, digest.digest()

    async def put_bytes(self, name: str, data: bytes) -> None:
        """Store bytes durably; raises StorageFull."""
        await _blocking(self._put, name, data)

    async def get(self, name: str) -> AsyncIterator[bytes]:
        """The object's bytes in chunks; raises NotFound before the first."""
        descriptor = await _blocking(self._open, name)
        try:
            while chunk := await _blocking(os.read, descriptor, READ_BYTES):
                yield chunk
        finally:
            os.close(descriptor)

    async def get_bytes(self, name: str) -> bytes:
        """All of an object's bytes; raises NotFound."""
        return await _blocking(self._path(name).read_bytes)

    async def delete(self, name: str) -> None:
        """Remove an object durably; nothing where there is none."""
        await _blocking(self._delete, self._path(name))

    async def size(self, name: str) -> int | None:
        """An object's size in bytes, None where there is none."""
        path = self._path(name)
        try:
            return (await _blocking(path.stat)).st_size
        except NotFound:
            return None

    def names(self) -> Iterator[str]:
        """The names of all objects; blocking."""
        for folder, _, files in os.walk(self._folder):
            inner = Path(folder).relative_to(self._folder)
            yield from (str(inner / file) for file in files if not file.startswith(TEMPORARY))

    def remove_orphan(self, name: str) -> bool:
        """Remove an object that no row names, unless it was stored anew since the start; blocking."""
        with self._naming:
            if self._fresh is None or name in self._fresh:
                return False
            self._path(name).unlink(missing_ok=True)
            return True

    def settle(self, names: Iterable[str]) -> None:
        """The rows for which these were put are committed, or will not be."""
        with self._naming:
            self._held.subtract(names)
            self._held = +self._held

    def remove_unheld(self, name: str) -> bool:
        """Remove an object, unless it was put for a row that is on its way; blocking. Not durable before its folder."""
        with self._naming:
            if self._held[name]:
                return False
            self._path(name).unlink(missing_ok=True)
            return True

    def end_sweep(self) -> None:
        """Nobody looks for orphans any more: names need not be remembered."""
        self._fresh = None

    def name_file(self, temporary: Path, name: str) -> None:
        """Give a file that is fsynced its name, durably."""
        path = self._path(name)
        make_folder(path.parent)
        with self._naming:
            if self._fresh is not None:
                self._fresh.add(name)
            self._held[name] += 1
            temporary.rename(path)
        # The name is durable only once the folder is.
        sync_folder(path.parent)

    def _put(self, name: str, data: bytes) -> None:
        staged = self.stage()
        try:
            staged.write(data)
            staged.keep_now(name)
        finally:
            staged.discard()

    def _path(self, name: str) -> Path:
        if not OBJECT_NAME.fullmatch(name):
            raise ValueError(f"{name[:80]!r} is not a name that this program makes")
        return self._folder / name

    def _open(self, name: str) -> int:
        return os.open(self._path(name), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)

    def _delete(self, path: Path) -> None:
        if path.exists():
            path.unlink()
            sync_folder(path.parent)


class StagedFile:
    """Implements the port `Staged`; name gives a file its name durably."""

    def __init__(self, path: Path, name: Callable[[Path, str], None], flags: int = FRESH) -> None:
        self._name = name
        self._temporary: Path | None = path
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | flags, 0o600)
        self._file = os.fdopen(descriptor, "r+b", buffering=0)

    @property
    def file(self) -> BinaryIO:
        """The file; where it stands is the reader's to set."""
        return cast(BinaryIO, self._file)

    def write(self, data: bytes) -> None:
        """Append; raises StorageFull, and Busy where the disk fails."""
        _mapped(write_whole, self._file.fileno(), data)

    async def keep(self, name: str) -> None:
        """Make it durable under this name; whatever fails, it is discarded and the name is as it was."""
        await _blocking(self.keep_now, name)

    def keep_now(self, name: str) -> None:
        """The same, blocking."""
        try:
            _mapped(self._keep, name)
        finally:
            self.discard()

    def leave(self) -> Path | None:
        """Let go of the bytes so far without removing them; gives where they lie, None where nothing does."""
        self._file.close()
        temporary, self._temporary = self._temporary, None
        return temporary

    def discard(self) -> None:
        """Remove it, unless it was kept."""
        self._file.close()
        temporary, self._temporary = self._temporary, None
        if temporary is not None:
            temporary.unlink(missing_ok=True)

    def _keep(self, name: str) -> None:
        if self._temporary is None:
            raise FileNotFoundError(f"{name} was kept or discarded already")
        # A failed fsync raises here: the file is discarded, nothing names it, nothing of it is acknowledged.
        os.fsync(self._file.fileno())
        self._name(self._temporary, name)
        self._temporary = None


def _mapped(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    try:
        return function(*arguments, **named)
    except FileNotFoundError:
        raise NotFound("the collector has no such object") from None
    except OSError as error:
        raise failure_of(error) from error


async def _blocking(function: Callable[..., T], *arguments: Any) -> T:
    return await asyncio.to_thread(_mapped, function, *arguments)
