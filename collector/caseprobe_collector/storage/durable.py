"""Files that are there whole or not at all, after a power cut too."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

TEMPORARY = ".tmp-"


@contextlib.contextmanager
def durable_file(path: Path, mode: int = 0o600) -> Iterator[int]:
    """A descriptor to write to; on a clean exit the file appears under its name, durably, replacing one before it.

    Raises OSError, and leaves nothing behind then.
    """
    temporary = temporary_in(path.parent)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(temporary, flags, mode)
    try:
        yield descriptor
        os.fsync(descriptor)
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    # The name is durable only once the folder is.
    sync_folder(path.parent)


def temporary_in(folder: Path) -> Path:
    """A new name for a file that is not whole yet."""
    return folder / f"{TEMPORARY}{secrets.token_hex(8)}"


def write_whole(descriptor: int, data: bytes) -> None:
    """Write all of it; a short write is tried again, and a full disk raises OSError."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """A folder that only its owner enters, durably with all that are missing above it."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)
        sync_folder(path.parent)


def sweep_temporaries(folder: Path) -> int:
    """Remove what a killed process left half-written in this folder; gives how many files."""
    found = list(folder.glob(f"{TEMPORARY}*"))
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)
