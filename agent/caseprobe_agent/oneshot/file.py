"""The bundle's file: a name that is free, written by nobody else, never replaced."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from caseprobe.bundle import BundleReader, Signer, write_bundle
from caseprobe.errors import StorageFull, UsageError
from caseprobe_agent.seal.pipe import Sealed


def bundle_path(output: Path | None, state_folder: Path, now: datetime) -> Path:
    """Where the bundle goes: as asked, else into the working folder, else (it cannot be written) the agent's own."""
    name = f"caseprobe-{now.astimezone(UTC):%Y%m%d-%H%M%S}.zip"
    if output is not None:
        return output.absolute() / name if output.is_dir() else output.absolute()
    folder = Path.cwd()
    if not os.access(folder, os.W_OK):
        folder = state_folder / "bundles"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    taken = (folder / name, *(folder / f"{name[:-4]}-{number}.zip" for number in range(2, 100)))
    return next((path for path in taken if not path.exists()), taken[0])


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


def write(file: BinaryIO, sealed: Sealed, report: str, signer: Signer | None) -> bytes:
    """The bundle, on the disk when this returns; gives its SHA-256. Raises StorageFull; what was written stays."""
    try:
        digest = write_bundle(file, sealed.snapshot, sealed.artifacts, report, signer)
        os.fsync(file.fileno())
        return digest
    except OSError as error:
        name = getattr(file, "name", "the bundle")
        raise StorageFull(f"{name} could not be finished: {error.strerror}; make room and run again") from None


def members_of(path: Path) -> Mapping[str, int]:
    """What is in a bundle, name and size in bytes."""
    with path.open("rb") as file:
        reader = BundleReader(file)
        return {name: reader.size_bytes(name) for name in reader.names()}
