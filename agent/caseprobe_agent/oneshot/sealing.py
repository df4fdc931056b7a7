"""A bundle that only its receiver's key opens: written beside the bundle, or nothing leaves."""

from __future__ import annotations

import contextlib
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from caseprobe.bundle.age import encrypt, is_encrypted
from caseprobe.errors import RedactionError, UsageError
from caseprobe_agent.durable import sync_folder
from caseprobe_agent.oneshot.place import full, open_new, sealed_path


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

    Another encrypted file of that name is replaced: the plain one beside it makes it again at any time.
    Raises RedactionError where the file is another, UsageError for what is no key or what is in the way, StorageFull;
    nothing is left then.
    """
    target = sealed_path(path)
    if known and target.exists() and _sha256(target) == known:
        return SealedCopy(target, known)
    _make_way(target)
    # Under its own name only once it is whole: whoever kills this process leaves nothing that looks like a copy.
    fresh = target.with_name(target.name + ".new")
    fresh.unlink(missing_ok=True)
    with path.open("rb") as plain, open_new(fresh) as sealed:
        try:
            read = _Hashed(plain)
            encrypt(read, sealed, recipient)
            sealed.flush()
            os.fsync(sealed.fileno())
            if read.digest.digest() != sha256:
                raise RedactionError("not sent: the file was changed after you saw it; make a new bundle")
            fresh.replace(target)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise full(target, error) from None
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
    sync_folder(target.parent)
    return SealedCopy(target, _sha256(target))


def remove_copy(path: Path, sealed_sha256: bytes) -> None:
    """Nobody needs the encrypted copy of this file any more; another file of that name stays."""
    target = sealed_path(path)
    with contextlib.suppress(OSError):
        if _sha256(target) == sealed_sha256:
            target.unlink()


def _make_way(target: Path) -> None:
    """Raises UsageError where something stands there that is no encrypted file."""
    try:
        with target.open("rb") as file:
            ours = is_encrypted(file)
    except FileNotFoundError:
        return
    except OSError:
        ours = False
    if not ours:
        raise UsageError(f"{target} is in the way and is not replaced: move it away")


def _sha256(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
