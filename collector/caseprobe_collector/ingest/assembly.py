"""Pieces of Data put together again: in order, within limits, and only whole if their hash says so."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, field
from typing import IO

from caseprobe.errors import Corrupt, TooLarge
from caseprobe.v1 import link_pb2

# Below this an item stays in memory; above it goes to an unnamed temporary file.
IN_MEMORY_BYTES = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Caps on what one stream may bring."""

    snapshot_bytes: int = 16 << 20
    bundle_bytes: int = 512 << 20
    open_streams: int = 4

    def of(self, kind: int) -> int:
        """Most bytes that an item of this kind may have; 0 for a kind that is not taken."""
        caps = {link_pb2.DATA_KIND_SNAPSHOT: self.snapshot_bytes, link_pb2.DATA_KIND_BUNDLE: self.bundle_bytes}
        return caps.get(kind, 0)  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True)
class Assembled:
    """A whole item whose hash was right; file stands at its start and belongs to the receiver."""

    kind: int
    sequence: int
    stream_id: str
    size_bytes: int
    sha256: bytes
    file: IO[bytes]


@dataclass
class _Partial:
    first: link_pb2.Data
    file: IO[bytes]
    received: int = 0
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)


class Assembly:
    """The unfinished items of one stream."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._partials: dict[str, _Partial] = {}

    def add(self, data: link_pb2.Data) -> Assembled | None:
        """The whole item once its last piece came, None before.

        Raises TooLarge over a cap and Corrupt on a gap, an overlap or a wrong hash; the item is forgotten then.
        """
        try:
            partial = self._partial(data)
            self._append(partial, data)
            return self._finish(partial) if partial.received == partial.first.total_bytes else None
        except (Corrupt, TooLarge):
            self._forget(data.stream_id)
            raise

    def close(self) -> None:
        """Drop everything unfinished."""
        for stream_id in list(self._partials):
            self._forget(stream_id)

    def _partial(self, data: link_pb2.Data) -> _Partial:
        if data.offset == 0:
            self._forget(data.stream_id)
            self._begin(data)
        if data.stream_id not in self._partials:
            raise Corrupt(f"item {data.stream_id[:40]!r} began in the middle; it must be sent again from its start")
        return self._partials[data.stream_id]

    def _begin(self, data: link_pb2.Data) -> None:
        cap = self._limits.of(data.kind)
        if cap == 0:
            raise Corrupt(f"data of kind {data.kind} is not taken by this version of the collector")
        if data.total_bytes > cap:
            raise TooLarge(f"{data.total_bytes} bytes are over the collector's cap of {cap} for this kind")
        if len(self._partials) >= self._limits.open_streams:
            raise TooLarge("too many unfinished items in one stream")
        file: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115 (closed by its receiver)
        self._partials[data.stream_id] = _Partial(data, file)

    def _append(self, partial: _Partial, data: link_pb2.Data) -> None:
        if data.offset != partial.received:
            raise Corrupt(f"piece at {data.offset} where {partial.received} was due; the item must be sent again")
        if partial.received + len(data.payload) > partial.first.total_bytes:
            raise Corrupt("more bytes than the item said it had")
        partial.file.write(data.payload)
        partial.digest.update(data.payload)
        partial.received += len(data.payload)

    def _finish(self, partial: _Partial) -> Assembled:
        first = partial.first
        if partial.digest.digest() != first.sha256:
            raise Corrupt("the item's bytes do not match its SHA-256; it must be sent again")
        del self._partials[first.stream_id]
        partial.file.seek(0)
        return Assembled(first.kind, first.sequence, first.stream_id, partial.received, first.sha256, partial.file)

    def _forget(self, stream_id: str) -> None:
        partial = self._partials.pop(stream_id, None)
        if partial is not None:
            partial.file.close()
