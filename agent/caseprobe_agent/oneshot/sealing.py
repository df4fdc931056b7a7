"""A bundle that only its receiver's key opens: written beside the bundle, or nothing leaves."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from caseprobe.bundle.age import encrypt
from caseprobe.errors import RedactionError, UsageError
from caseprobe_agent.oneshot.place import full, open_new

ENDING = ".age"


@dataclass(frozen=True)
class SealedCopy:
    """An encrypted file, as age programs open it, and its SHA-256."""

    path: Path
    sha256: bytes


class _Hashed:
    """A file that is read from its start to its end, and the hash of what was read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        data = self._file.read(size)
        self.digest.update(data)
        return data


def sealed_copy(path: Path, sha256: bytes, recipient: str, known: bytes = b"") -> SealedCopy:
    """The file of this hash, encrypted. known: the hash of the copy that an earlier try left, which is gone on with.

    Raises RedactionError where the file is another, UsageError for what is no key, StorageFull; nothing is left then.
    """
    target = path.with_name(path.name + ENDING)
    if known and target.exists():
        if _sha256(target) == known:
            return SealedCopy(target, known)
        target.unlink()
    with path.open("rb") as plain, open_new(target) as sealed:
        try:
            read = _Hashed(plain)
            encrypt(read, sealed, recipient)
            sealed.flush()
            os.fsync(sealed.fileno())
            if read.digest.digest() != sha256:
                raise RedactionError("not sent: the file was changed after you saw it; make a new bundle")
        except OSError as error:
            target.unlink()
            raise full(target, error) from None
        except (RedactionError, UsageError):
            target.unlink()
            raise
    return SealedCopy(target, _sha256(target))


def _sha256(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
