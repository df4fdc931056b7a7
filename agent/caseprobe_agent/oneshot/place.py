"""Where the bundle goes: a name that is free, written by nobody else, never replaced."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from caseprobe.errors import StorageFull, UsageError

# What an encrypted file is called beyond its name.
SEALED_ENDING = ".age"
# More than a bundle has whose logs hardly shrink, by profile.
ROOM_BYTES: Mapping[str, int] = {"quick": 1 << 20, "standard": 4 << 20, "full": 8 << 20}


def bundle_path(output: Path | None, state_folder: Path, now: datetime) -> Path:
    """Where the bundle goes: as asked, else into the working folder, else (it cannot be written) the agent's own."""
    name = f"caseprobe-{now.astimezone(UTC):%Y%m%d-%H%M%S}.zip"
    if output is not None:
        # Path.is_dir raises where the folder above is closed to us.
        return output.absolute() / name if os.path.isdir(output) else output.absolute()  # noqa: PTH112
    folder = Path.cwd()
    if not os.access(folder, os.W_OK):
        folder = state_folder / "bundles"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    taken = (folder / name, *(folder / f"{name[:-4]}-{number}.zip" for number in range(2, 100)))
    return next((path for path in taken if not path.exists()), taken[0])


def sealed_path(path: Path) -> Path:
    """Where the encrypted copy of a file goes."""
    return path.with_name(path.name + SEALED_ENDING)


def check_room(path: Path, profile: str = "quick") -> None:
    """Raises what writing a bundle there would: before a join code is used up for a file that cannot be kept."""
    with open_new(path) as file:
        # Without its name at once: whoever kills this process leaves nothing in the way of the next one.
        path.unlink()
        try:
            os.posix_fallocate(file.fileno(), 0, ROOM_BYTES[profile])
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise full(path, error) from None


@contextmanager
def open_new(path: Path) -> Iterator[BinaryIO]:
    """A new file that only its owner can read; raises UsageError where there is one already or none can be made."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError:
        raise UsageError(f"{path} exists already and is not replaced: choose another --output") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}; choose another --output") from None
    with os.fdopen(descriptor, "w+b") as file:
        yield file


def full(path: Path, error: OSError) -> StorageFull:
    """What is said where there is no room for the file."""
    return StorageFull(f"{path} could not be finished: {error.strerror}; make room or choose another --output")
