"""Objects as files under one folder."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, BinaryIO, ParamSpec, TypeVar, cast

from caseprobe.errors import NotFound
from caseprobe_collector.storage.durable import (
    durable_file,
    make_folder,
    sweep_temporaries,
    sync_folder,
    temporary_in,
    write_whole,
)
from caseprobe_collector.storage.failures import failure_of

P = ParamSpec("P")
T = TypeVar("T")
READ_BYTES = 256 << 10
# Parts of ids and fixed words; no part begins with a dot, so none climbs out and none meets a temporary file.
NAME = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,99}(/[a-z0-9_][a-z0-9_.-]{0,99}){0,4}")


class FileObjects:
    """Implements the port `Objects`."""

    def __init__(self, folder: Path) -> None:
        make_folder(folder)
        sweep_temporaries(folder)
        self._folder = folder

    def stage(self) -> StagedFile:
        """An empty file beside the objects, swept at the next start if nobody keeps it; raises StorageFull."""
        return _mapped(StagedFile, self._folder, self._path)

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> tuple[int, bytes]:
        """Store all chunks durably and give (size, SHA-256); replaces an object of this name at once or not at all.

        Raises StorageFull, or what the chunks raise; nothing is stored then.
        """
        path = self._path(name)
        await _blocking(make_folder, path.parent)
        size, digest = 0, hashlib.sha256()
        file = durable_file(path)
        descriptor = await _blocking(file.__enter__)
        try:
            async for chunk in chunks:
                await _blocking(write_whole, descriptor, chunk)
                digest.update(chunk)
                size += len(chunk)
        except BaseException as error:
            # Ends the file the way that `with` would; it raises the error again.
            await _blocking(file.__exit__, type(error), error, error.__traceback__)
            raise
        await _blocking(file.__exit__, None, None, None)
        return size, digest.digest()

    async def get(self, name: str) -> AsyncIterator[bytes]:
        """The object's bytes in chunks; raises NotFound before the first."""
        descriptor = await _blocking(self._open, name)
        try:
            while chunk := await _blocking(os.read, descriptor, READ_BYTES):
                yield chunk
        finally:
            os.close(descriptor)

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

    async def put_bytes(self, name: str, data: bytes) -> None:
        """Store bytes durably; raises StorageFull."""
        await _blocking(_put, self._path(name), data)

    async def get_bytes(self, name: str) -> bytes:
        """All of an object's bytes; raises NotFound."""
        return await _blocking(self._path(name).read_bytes)

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise ValueError(f"{name[:80]!r} is not a name that this program makes")
        return self._folder / name

    def _open(self, name: str) -> int:
        return os.open(self._path(name), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)

    def _delete(self, path: Path) -> None:
        if path.exists():
            path.unlink()
            sync_folder(path.parent)


class StagedFile:
    """Implements the port `Staged`."""

    def __init__(self, folder: Path, path_of: Callable[[str], Path]) -> None:
        self._path_of = path_of
        self._temporary: Path | None = temporary_in(folder)
        descriptor = os.open(self._temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
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
        try:
            await _blocking(self._keep, self._path_of(name))
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove it, unless it was kept."""
        self._file.close()
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)
            self._temporary = None

    def _keep(self, path: Path) -> None:
        if self._temporary is None:
            raise FileNotFoundError(f"{path.name} was kept or discarded already")
        os.fsync(self._file.fileno())
        make_folder(path.parent)
        self._temporary.rename(path)
        self._temporary = None
        # The name is durable only once the folder is.
        sync_folder(path.parent)


def _put(path: Path, data: bytes) -> None:
    make_folder(path.parent)
    with durable_file(path) as descriptor:
        write_whole(descriptor, data)


def _mapped(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    try:
        return function(*arguments, **named)
    except FileNotFoundError:
        raise NotFound("the collector has no such object") from None
    except OSError as error:
        raise failure_of(error) from error


async def _blocking(function: Callable[..., T], *arguments: Any) -> T:
    return await asyncio.to_thread(_mapped, function, *arguments)
