"""Small private files that survive a power cut: readable by their owner only, replaced whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from caseprobe.errors import ConfigurationError, Corrupt, StorageFull
from caseprobe_agent.durable import sync_folder

LARGEST_BYTES = 1 << 20


def make_private_folder(folder: Path) -> None:
    """A folder of mode 0700; raises ConfigurationError where it cannot be made or others could write in it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except OSError as error:
        raise ConfigurationError(
            f"cannot use the folder {folder}: {error.strerror}: choose another data folder"
        ) from None
    if found.st_mode & 0o022:
        raise ConfigurationError(f"others can write in {folder}: make it private first (chmod 700 {folder})")


def write_private(path: Path, data: bytes) -> None:
    """Replace a file durably: temp file, fsync, rename, fsync of the folder.

    O_EXCL and O_NOFOLLOW: a link that somebody planted under the temp name is never written through.
    Raises StorageFull, or ConfigurationError where the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.unlink(missing_ok=True)
        _write(temporary, data)
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _unwritable(path, error) from None


def read_private(path: Path) -> bytes | None:
    """A file's bytes, None where there is none; raises ConfigurationError where others could have read or put it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}: run as the user that enrolled") from None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_mode & 0o077 or found.st_uid not in (os.geteuid(), 0):
            raise ConfigurationError(f"{path} must be a file that only its owner can read (chmod 600 {path})")
        data = file.read(LARGEST_BYTES + 1)
    if len(data) > LARGEST_BYTES:
        raise Corrupt(f"{path} is too large to be what it should be: move it away and enroll again")
    return data


def _write(path: Path, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _unwritable(path: Path, error: OSError) -> StorageFull | ConfigurationError:
    if isinstance(error, PermissionError):
        return ConfigurationError(f"cannot write {path}: {error.strerror}: choose another data folder or user")
    return StorageFull(f"cannot write {path}: {error.strerror}: make room and try again")
