"""Pieces of Data put together again: in order, within limits, and only whole if their hash says so.

Why no wrong byte becomes an item: pieces are taken at exactly the offset that is due, never twice and never past the
end that the first one announced, and what they add up to must have the SHA-256 that came with the first one. Every
other order of pieces is Corrupt, the item is forgotten, and its sender begins it again.
Why memory is bounded: an item that fits its first piece is that piece; of any other only the piece at hand is in
memory, the rest lies in a file of the object store, which becomes the object itself without another copy.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from caseprobe.errors import Corrupt, TooLarge
from caseprobe.v1 import link_pb2
from caseprobe.v1.consent_pb2 import SignedConsent
from caseprobe_collector.ports import Staged

READ_BYTES = 256 << 10
Offload = Callable[..., Awaitable[Any]]


@dataclass(frozen=True)
class Limits:
    """Caps on what one stream may bring."""

    snapshot_bytes: int = 16 << 20
    bundle_bytes: int = 512 << 20
    open_streams: int = 4

    def of(self, kind: int) -> int:
        """Most bytes that an item of this kind may have; 0 for a kind that is not taken."""
        caps = {
            link_pb2.DATA_KIND_SNAPSHOT: self.snapshot_bytes,
            link_pb2.DATA_KIND_BUNDLE: self.bundle_bytes,
            link_pb2.DATA_KIND_BUNDLE_PATCH: self.snapshot_bytes,
            link_pb2.DATA_KIND_BUNDLE_SEALED: self.bundle_bytes,
        }
        return caps.get(kind, 0)  # type: ignore[call-overload, no-any-return]


class Assembled(NamedTuple):
    """A whole item whose hash was right: in content, or where it came in many pieces in a file of the object store.

    The file belongs to the receiver, who keeps or discards it.
    """

    kind: int
    sequence: int
    stream_id: str
    size_bytes: int
    sha256: bytes
    content: bytes = b""
    staged: Staged | None = None
    # What was agreed to when it was sent, where that came beside it; not looked at yet.
    consent: SignedConsent | None = None


@dataclass
class Partial:
    """An item of which more is to come."""

    first: link_pb2.Data
    staged: Staged
    received: int = 0
    # None: an earlier process received what there is, and it is to be read for its hash.
    digest: hashlib._Hash | None = field(default_factory=hashlib.sha256)

    def append(self, payload: bytes) -> None:
        """Write and hash one piece; blocking."""
        if self.digest is None:
            self.digest = self._digest_so_far()
        self.staged.write(payload)
        self.digest.update(payload)
        self.received += len(payload)

    def whole(self) -> bool:
        """Whether the bytes are those that the first piece announced."""
        return self.digest is not None and self.digest.digest() == self.first.sha256

    def _digest_so_far(self) -> hashlib._Hash:
        digest = hashlib.sha256()
        self.staged.file.seek(0)
        while chunk := self.staged.file.read(READ_BYTES):
            digest.update(chunk)
        return digest


class Assembly:
    """The unfinished items of one stream.

    stage opens a file for an item of many pieces, and is told what is known of it. offload runs what blocks; a
    simulation runs it in place.
    """

    def __init__(
        self, limits: Limits, stage: Callable[[link_pb2.Data], Staged], offload: Offload = asyncio.to_thread
    ) -> None:
        self._limits = limits
        self._stage = stage
        self._offload = offload
        self._partials: dict[str, Partial] = {}

    async def add(self, data: link_pb2.Data, payload: bytes | None = None) -> Assembled | None:
        """The whole item once its last piece came, None before.

        payload: the piece's own bytes where the caller has them: each look at the field copies them once more.

        Raises TooLarge over a cap and Corrupt on a gap, an overlap or a wrong hash, StorageFull; the item is
        forgotten then.
        """
        payload = data.payload if payload is None else payload
        try:
            if data.offset == 0:
                self._forget(data.stream_id)
                self._check(data)
                if len(payload) == data.total_bytes:
                    return _whole(data, payload)
                first = _announced(data)
                self._partials[data.stream_id] = Partial(first, await self._staged(first))
            partial = self._due(data, len(payload))
            if data.HasField("consent"):
                # It comes again with the first piece of each stream, and what is sent now is what was agreed to last.
                partial.first.consent.CopyFrom(data.consent)
            return await self._append(partial, data.sequence, payload)
        except asyncio.CancelledError:
            # The stream ended; what is whole of the item by now goes on where the machine connects again.
            raise
        except BaseException:
            self._forget(data.stream_id)
            raise

    async def _staged(self, first: link_pb2.Data) -> Staged:
        """A new file; where the stream ends while it is made, it is closed all the same."""
        making = asyncio.ensure_future(self._offload(self._stage, first))
        try:
            staged: Staged = await asyncio.shield(making)
        except asyncio.CancelledError:
            making.add_done_callback(_discard)
            raise
        return staged

    def resume_points(self) -> list[tuple[str, int]]:
        """(stream id, offset that is due) of every unfinished item."""
        return [(stream_id, partial.received) for stream_id, partial in self._partials.items()]

    def adopt(self, partials: dict[str, Partial]) -> None:
        """Go on with items that an earlier stream of the same machine left unfinished."""
        self._partials.update(partials)

    def leave(self) -> dict[str, Partial]:
        """Give the unfinished items away; they belong to the caller now."""
        partials, self._partials = self._partials, {}
        return partials

    def close(self) -> None:
        """Drop everything unfinished."""
        for stream_id in list(self._partials):
            self._forget(stream_id)

    def _check(self, data: link_pb2.Data) -> None:
        cap = self._limits.of(data.kind)
        if cap == 0:
            raise Corrupt(f"data of kind {data.kind} is not taken by this version of the collector")
        if data.total_bytes > cap:
            raise TooLarge(f"{data.total_bytes} bytes are over the collector's cap of {cap} for this kind")
        if len(self._partials) >= self._limits.open_streams:
            raise TooLarge("too many unfinished items in one stream")

    def _due(self, data: link_pb2.Data, size: int) -> Partial:
        partial = self._partials.get(data.stream_id)
        if partial is None:
            raise Corrupt(f"item {data.stream_id[:40]!r} began in the middle; it must be sent again from its start")
        if (data.total_bytes or partial.first.total_bytes) != partial.first.total_bytes:
            raise Corrupt("the item changed its size on its way; it must be sent again")
        if (data.sha256 or partial.first.sha256) != partial.first.sha256:
            raise Corrupt("another item of this name was begun; this one must be sent from its start")
        if data.offset != partial.received:
            raise Corrupt(f"piece at {data.offset} where {partial.received} was due; the item must be sent again")
        if partial.received + size > partial.first.total_bytes:
            raise Corrupt("more bytes than the item said it had")
        return partial

    async def _append(self, partial: Partial, sequence: int, payload: bytes) -> Assembled | None:
        await self._write(partial, payload)
        first = partial.first
        if partial.received < first.total_bytes:
            return None
        if not partial.whole():
            raise Corrupt("the item's bytes do not match its SHA-256; it must be sent again")
        del self._partials[first.stream_id]
        # The sequence is the last piece's: an item that was begun on an earlier stream keeps it, but is asked anew.
        consent = first.consent if first.HasField("consent") else None
        return Assembled(
            first.kind,
            sequence,
            first.stream_id,
            partial.received,
            first.sha256,
            staged=partial.staged,
            consent=consent,
        )

    async def _write(self, partial: Partial, payload: bytes) -> None:
        """Write one piece; a stream that ends meanwhile waits for it, so that no piece is ever half in an item."""
        writing = asyncio.ensure_future(self._offload(partial.append, payload))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            try:
                await asyncio.shield(writing)
            except BaseException:
                self._forget(partial.first.stream_id)
                raise
            raise

    def _forget(self, stream_id: str) -> None:
        partial = self._partials.pop(stream_id, None)
        if partial is not None:
            partial.staged.discard()


def _whole(data: link_pb2.Data, payload: bytes) -> Assembled:
    """An item in one piece: no file, no copy."""
    if hashlib.sha256(payload).digest() != data.sha256:
        raise Corrupt("the item's bytes do not match its SHA-256; it must be sent again")
    consent = data.consent if data.HasField("consent") else None
    return Assembled(data.kind, data.sequence, data.stream_id, len(payload), data.sha256, payload, consent=consent)


def _announced(data: link_pb2.Data) -> link_pb2.Data:
    """What the first piece says of the whole, without its bytes."""
    first = link_pb2.Data(kind=data.kind, stream_id=data.stream_id, total_bytes=data.total_bytes, sha256=data.sha256)
    if data.HasField("consent"):
        first.consent.CopyFrom(data.consent)
    return first


def _discard(made: asyncio.Future[Any]) -> None:
    if not made.cancelled() and made.exception() is None:
        made.result().discard()
