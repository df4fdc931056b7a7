"""The bundle's file: written, proved, and written anew without what its owner took out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from caseprobe.bundle import LeftOut, Signer
from caseprobe.errors import RedactionError
from caseprobe.report import render_report
from caseprobe_agent.durable import sync_folder
from caseprobe_agent.oneshot.place import full, open_new
from caseprobe_agent.seal.pipe import Sealed, write_guarded


@dataclass(frozen=True)
class BundleFile:
    """One bundle on the disk. strict: a member that must stay here stops the bundle; otherwise it is left out."""

    path: Path
    signer: Signer | None
    language: str
    strict: bool

    def write(self, sealed: Sealed) -> bytes:
        """A new file; gives its SHA-256. Raises UsageError where there is one, StorageFull, RedactionError."""
        return self._write(self.path, sealed, ())

    def rewrite(self, sealed: Sealed, left_out: Sequence[LeftOut]) -> bytes:
        """The file anew, in one pass; the old one stays whole until the new one is on the disk."""
        fresh = self.path.with_name(self.path.name + ".new")
        # A run that was killed may have left one.
        fresh.unlink(missing_ok=True)
        digest = self._write(fresh, sealed, left_out)
        fresh.replace(self.path)
        sync_folder(self.path.parent)
        return digest

    def _write(self, path: Path, sealed: Sealed, left_out: Sequence[LeftOut]) -> bytes:
        report = render_report(sealed.snapshot, self.language)
        sealed.snapshot.consent.shown_sha256 = hashlib.sha256(report.encode("utf-8", "replace")).digest()
        with open_new(path) as file:
            try:
                digest = self._written(file, sealed, report, left_out)
                os.fsync(file.fileno())
                return digest
            except OSError as error:
                raise full(path, error) from None
            except RedactionError:
                path.unlink()
                raise

    def _written(self, file: BinaryIO, sealed: Sealed, report: str, left_out: Sequence[LeftOut]) -> bytes:
        """Every member passes the guard as it is written; then the guard reads the whole as a receiver would."""
        digest = write_guarded(file, sealed, report, self.signer, left_out)
        if self.strict and sealed.guard.closed & {"report.html", "findings.json", "redaction.json"}:
            raise RedactionError("nothing leaves: the second scanner saw a secret in what was made from the snapshot")
        sealed.guard.check_file(file)
        return digest


def proved(file: BinaryIO, sha256: bytes) -> None:
    """Raises RedactionError where a file is not the one that was shown; leaves it at its start."""
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    file.seek(0)
    if digest.digest() != sha256:
        raise RedactionError("not sent: the file was changed after you saw it; make a new bundle")
