"""Writes a bundle: every member is finished before the next begins, so a killed program leaves all that was done.

Each local header holds the final sizes (they are known, since members are deflated in memory), so a reader needs no
central directory; programs that want one find it at the end.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import BinaryIO

from caseprobe.bundle.layout import (
    DEFLATED,
    PART_BYTES,
    STORED,
    Entry,
    directory_end,
    name_fault,
    part_name,
)
from caseprobe.bundle.manifest import KEY_KINDS, LeftOut, Manifest, Signature, Signer
from caseprobe.bundle.snapshot_json import snapshot_to_json
from caseprobe.errors import TooLarge, UsageError
from caseprobe.texts import finding_json
from caseprobe.v1.snapshot_pb2 import RedactionReport, Snapshot

LAST_OFFSET = 0xFFFF_FFFF
MOST_MEMBERS = 0xFFFE


class BundleWriter:
    """Writes members to a stream that need not seek."""

    def __init__(self, stream: BinaryIO) -> None:
        """stream: open for writing, at its start; it is flushed after every member and never closed here."""
        self._stream = stream
        self._offset = 0
        self._entries: list[Entry] = []
        self._digests: dict[str, bytes] = {}
        self._left_out: tuple[LeftOut, ...] = ()
        self._file_hash = sha256()

    def add(self, name: str, data: bytes) -> None:
        """Writes one member, in parts where it is over 4 MiB; on return all of it was handed to the stream.

        Raises UsageError for a name that readers would refuse or that is there already, TooLarge where ZIP ends.
        """
        if len(data) <= PART_BYTES:
            self._add_part(name, data)
            return
        for number, start in enumerate(range(0, len(data), PART_BYTES), 1):
            self._add_part(part_name(name, number), data[start : start + PART_BYTES])

    def leave_out(self, left_out: LeftOut) -> None:
        """Notes in the manifest what was measured and is not in this file."""
        self._left_out = (*self._left_out, left_out)

    def statement(self, snapshot_id: str = "") -> bytes:
        """What close() will have signed, for a signer that is not a plain function: sign this, then close."""
        return Manifest(snapshot_id, self._digests, left_out=self._left_out).statement()

    def close(self, signer: Signer | None, snapshot_id: str = "") -> bytes:
        """Writes the manifest and the directory; gives the SHA-256 of the whole file."""
        manifest = Manifest(snapshot_id, dict(self._digests), left_out=self._left_out)
        if signer is not None:
            kind, key_id, value, public_key = signer(manifest.statement())
            if kind not in KEY_KINDS:
                raise UsageError(f"a bundle is signed as one of {', '.join(KEY_KINDS)}, not {kind!r}")
            manifest = replace(manifest, signature=Signature(kind, key_id, value, public_key))
        self._add_part("manifest.json", manifest.to_json())
        return self.end()

    def end(self) -> bytes:
        """Writes the directory alone, after a manifest that was added as it stood; gives the file's SHA-256."""
        self._write(self.directory())
        return self._file_hash.digest()

    def directory(self) -> bytes:
        """What ends a file that holds what was added up to here."""
        directory = b"".join(entry.directory_entry() for entry in self._entries)
        return directory + directory_end(self._entries, len(directory), self._offset)

    def _add_part(self, name: str, data: bytes) -> None:
        """One entry of the ZIP."""
        fault = name_fault(name) or ("is there already" if name in self._digests else "")
        if fault:
            raise UsageError(f"a bundle cannot have a member {name!r}: the name {fault}")
        packed, method = _packed(data)
        if len(self._entries) >= MOST_MEMBERS or self._offset + len(packed) > LAST_OFFSET - (64 << 20):
            raise TooLarge("the bundle is over what one file can hold; take a smaller profile or a shorter time")
        entry = Entry(name, method, zlib.crc32(data), len(packed), len(data), self._offset)
        self._write(entry.local_header() + packed)
        self._entries.append(entry)
        self._digests[name] = sha256(data).digest()

    def _write(self, data: bytes) -> None:
        self._stream.write(data)
        self._stream.flush()
        self._file_hash.update(data)
        self._offset += len(data)


def _packed(data: bytes) -> tuple[bytes, int]:
    """A member's bytes as they stand in the file, and how."""
    compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = compressor.compress(data) + compressor.flush()
    return (packed, DEFLATED) if len(packed) < len(data) else (data, STORED)


def write_bundle(
    stream: BinaryIO, snapshot: Snapshot, artifacts: Mapping[str, bytes], report_html: str, signer: Signer | None
) -> bytes:
    """Writes a whole bundle; gives the SHA-256 of the file.

    snapshot: redacted and judged. artifacts: by name inside the bundle ("artifacts/…"), redacted.
    signer None: the bundle is unsigned.
    """
    writer = BundleWriter(stream)
    for name, data in bundle_members(snapshot, artifacts, report_html):
        writer.add(name, data)
    return writer.close(signer, snapshot.snapshot_id)


def bundle_members(snapshot: Snapshot, artifacts: Mapping[str, bytes], report_html: str) -> Iterator[tuple[str, bytes]]:
    """Names and bytes of the members before the manifest: what tells most first, in case the file is cut."""
    yield "snapshot.json", snapshot_to_json(snapshot)
    yield "report.html", report_html.encode("utf-8", "replace")
    yield "findings.json", _json([finding_json(finding) for finding in snapshot.findings])
    yield "redaction.json", _json(_redaction(snapshot.redaction))
    yield from artifacts.items()


def _redaction(report: RedactionReport) -> dict[str, object]:
    counts = {count.rule: count.total for count in report.counts}
    return {"ruleset_version": report.ruleset_version, "counts": counts, "withheld": list(report.withheld)}


def _json(content: object) -> bytes:
    return json.dumps(content, indent=1, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
