"""SQLite's own file calls, seen and answered by the simulated disk.

The default VFS of the library that the sqlite3 module uses is replaced by a copy of itself whose write, truncate,
sync and delete ask the disk first. So the product's connections, pragmas and commits are the real ones: that
`synchronous = FULL` syncs before it answers is observed here, not assumed.
"""

from __future__ import annotations

import _sqlite3
import contextlib
import ctypes
import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

OK, DELETE_FAILED = 0, 10 | 10 << 8
NAME = b"caseprobe-simulation"
POINTER, INT, LONG, TEXT = ctypes.c_void_p, ctypes.c_int, ctypes.c_longlong, ctypes.c_char_p
# The name goes through as the pointer that it is: SQLite keeps it for as long as the file is open.
OPEN = ctypes.CFUNCTYPE(INT, POINTER, POINTER, POINTER, INT, POINTER)
DELETE = ctypes.CFUNCTYPE(INT, POINTER, TEXT, INT)
CLOSE = ctypes.CFUNCTYPE(INT, POINTER)
WRITE = ctypes.CFUNCTYPE(INT, POINTER, POINTER, INT, LONG)
TRUNCATE = ctypes.CFUNCTYPE(INT, POINTER, LONG)
SYNC = ctypes.CFUNCTYPE(INT, POINTER, INT)
# Places in sqlite3_io_methods, behind its version.
METHODS, CLOSE_AT, WRITE_AT, TRUNCATE_AT, SYNC_AT = 18, 0, 2, 3, 4


class Vfs(ctypes.Structure):
    """sqlite3_vfs."""

    _fields_ = (
        ("version", INT),
        ("file_bytes", INT),
        ("path_bytes", INT),
        ("next", POINTER),
        ("name", TEXT),
        ("data", POINTER),
        ("open", OPEN),
        ("delete", DELETE),
        ("others", POINTER * 15),
    )


class Methods(ctypes.Structure):
    """sqlite3_io_methods."""

    _fields_ = (("version", INT), ("calls", POINTER * METHODS))


class Watcher(Protocol):
    """Who answers for the disk. What gives an int gives SQLite's result code; anything but OK ends the call there."""

    def watches(self, path: Path) -> bool:
        """Whether a file is on a simulated disk."""
        ...

    def writing(self, path: Path, handle: int, data: bytes, offset: int) -> int: ...
    def truncating(self, path: Path, size: int) -> int: ...
    def syncing(self, path: Path, handle: int) -> int: ...
    def deleted(self, path: Path, durably: bool) -> None: ...
    def closed(self, handle: int) -> None: ...


def available() -> bool:
    """Whether the sqlite3 module's library lets itself be reached here."""
    try:
        return bool(_library().sqlite3_vfs_find)
    except (OSError, AttributeError):
        return False


@contextlib.contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Every file that SQLite opens meanwhile and the watcher watches is shown to it."""
    library, shim = _library(), _shim()
    shim.watcher = watcher
    library.sqlite3_vfs_register(ctypes.byref(shim.vfs), 1)
    try:
        yield
    finally:
        library.sqlite3_vfs_unregister(ctypes.byref(shim.vfs))
        shim.watcher = None


@functools.cache
def _shim() -> Shim:
    """One for the process: a connection that is closed late still calls it."""
    return Shim(ctypes.cast(_library().sqlite3_vfs_find(None), ctypes.POINTER(Vfs)))


def _library() -> Any:
    library = ctypes.CDLL(_sqlite3.__file__)
    library.sqlite3_vfs_find.restype = POINTER
    library.sqlite3_vfs_find.argtypes = [TEXT]
    return library


class Shim:
    """The copy of the default VFS, and of each set of file methods that it hands out."""

    def __init__(self, real: Any) -> None:
        self.watcher: Watcher | None = None
        self._real = real.contents
        self._real_address = ctypes.addressof(real.contents)
        self._paths: dict[int, Path] = {}
        self._tables: dict[int, tuple[Methods, Methods]] = {}
        self.vfs = Vfs.from_buffer_copy(self._real)
        self.vfs.name = NAME
        self._callbacks = (OPEN(self._open), DELETE(self._delete), CLOSE(self._close), WRITE(self._write))
        self._more = (TRUNCATE(self._truncate), SYNC(self._sync))
        self.vfs.open, self.vfs.delete = self._callbacks[0], self._callbacks[1]

    def _open(self, vfs: int, name: int | None, file: int, flags: int, out: int) -> int:
        result = int(self._real.open(self._real_address, name, file, flags, out))
        path = Path(os.fsdecode(ctypes.string_at(name)) if name else "")
        if result == OK and name and self.watcher and self.watcher.watches(path) and not path.name.endswith("-shm"):
            slot = POINTER.from_address(file)
            self._paths[file] = path
            slot.value = ctypes.addressof(self._table(slot.value or 0)[1])
        return result

    def _table(self, address: int) -> tuple[Methods, Methods]:
        """The real methods at an address, and the copy with ours in it."""
        if address not in self._tables:
            real = Methods.from_address(address)
            copy = Methods.from_buffer_copy(real)
            ours = (self._callbacks[2], self._callbacks[3], *self._more)
            for place, call in zip((CLOSE_AT, WRITE_AT, TRUNCATE_AT, SYNC_AT), ours, strict=True):
                copy.calls[place] = ctypes.cast(call, POINTER).value
            self._tables[address] = (real, copy)
        return self._tables[address]

    def _original(self, file: int, place: int, kind: Any) -> Any:
        """The real method of an open file."""
        address = POINTER.from_address(file).value
        real = next(real for real, copy in self._tables.values() if ctypes.addressof(copy) == address)
        return kind(real.calls[place])

    def _write(self, file: int, data: int, size: int, offset: int) -> int:
        result = OK
        if self.watcher:
            result = self.watcher.writing(self._paths[file], file, ctypes.string_at(data, size), offset)
        return result or int(self._original(file, WRITE_AT, WRITE)(file, data, size, offset))

    def _truncate(self, file: int, size: int) -> int:
        result = self.watcher.truncating(self._paths[file], size) if self.watcher else OK
        return result or int(self._original(file, TRUNCATE_AT, TRUNCATE)(file, size))

    def _sync(self, file: int, flags: int) -> int:
        return self.watcher.syncing(self._paths[file], file) if self.watcher else OK

    def _close(self, file: int) -> int:
        close = self._original(file, CLOSE_AT, CLOSE)
        self._paths.pop(file, None)
        if self.watcher:
            self.watcher.closed(file)
        return int(close(file))

    def _delete(self, vfs: int, name: bytes, durably: int) -> int:
        result = int(self._real.delete(self._real_address, name, 0))
        path = Path(os.fsdecode(name))
        if result == OK and self.watcher and self.watcher.watches(path):
            self.watcher.deleted(path, bool(durably))
        return result
