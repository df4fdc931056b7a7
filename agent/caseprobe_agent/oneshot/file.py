"""The bundle's file: written, and looked into."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from caseprobe.bundle import BundleReader, Signer, write_bundle
from caseprobe_agent.oneshot.place import full
from caseprobe_agent.seal.pipe import Sealed


def write(path: Path, file: BinaryIO, sealed: Sealed, report: str, signer: Signer | None) -> bytes:
    """The bundle, on the disk when this returns; gives its SHA-256. Raises StorageFull; what was written stays."""
    try:
        digest = write_bundle(file, sealed.snapshot, sealed.artifacts, report, signer)
        os.fsync(file.fileno())
        return digest
    except OSError as error:
        raise full(path, error) from None


def members_of(path: Path) -> Mapping[str, int]:
    """What is in a bundle, name and size in bytes."""
    with path.open("rb") as file:
        reader = BundleReader(file)
        return {name: reader.size_bytes(name) for name in reader.names()}
