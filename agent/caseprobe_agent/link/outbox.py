"""What the link is handed: credentials, and an outbox to take durable records from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from caseprobe.errors import NotFound
from caseprobe.v1 import link_pb2
from caseprobe.v1.consent_pb2 import SignedConsent
from caseprobe_agent.proxies import Proxy


@dataclass(frozen=True)
class Credentials:
    """Where to connect (host:port) and as whom; PEM.

    proxy: leads there where nothing else does.
    """

    address: str
    ca_pem: bytes = field(repr=False)
    certificate_pem: bytes = field(repr=False)
    private_key_pem: bytes = field(repr=False)
    proxy: Proxy | None = None

    @property
    def nearest(self) -> str:
        """host:port of the other end of the line: the collector's, or the proxy's."""
        return self.proxy.place if self.proxy else self.address


class Item(Protocol):
    """A record that waits for the collector. kind 0 is a serialized Gap in body."""

    @property
    def sequence(self) -> int: ...
    @property
    def kind(self) -> link_pb2.DataKind.ValueType: ...
    @property
    def stream_id(self) -> str: ...
    @property
    def snapshot_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def total_bytes(self) -> int: ...
    @property
    def sha256(self) -> bytes: ...
    @property
    def body(self) -> bytes | None:
        """Whole where it fits into one frame; None: read it in pieces."""
        ...

    @property
    def spool_id(self) -> str:
        """Names what the sequence counts in; empty: whatever Hello named."""
        ...

    @property
    def consent(self) -> SignedConsent | None:
        """What was agreed to when this was sent, where that is told beside it."""
        ...


class Outbox(Protocol):
    """Durable records in the order of their sequences."""

    async def pending(self, after: int, limit: int) -> Sequence[Item]:
        """Records above a sequence, in order."""
        ...

    async def read(self, sequence: int, offset: int, size: int) -> bytes:
        """A piece of a body; raises NotFound where the record is gone."""
        ...

    async def acknowledge(self, sequence: int) -> None:
        """The collector holds everything up to here."""
        ...

    async def drop(self, sequence: int, reason: str) -> None:
        """The collector will never take this one; it becomes a Gap."""
        ...


@dataclass(frozen=True)
class _FileItem:
    sequence: int
    kind: link_pb2.DataKind.ValueType
    stream_id: str
    snapshot_id: str
    name: str
    total_bytes: int
    sha256: bytes
    body: bytes | None = None
    spool_id: str = ""
    consent: SignedConsent | None = None


class FileOutbox:
    """An outbox with one record: a file that exists already, such as a finished bundle. Never loaded whole."""

    def __init__(
        self,
        file: BinaryIO,
        kind: link_pb2.DataKind.ValueType,
        snapshot_id: str,
        sha256: bytes = b"",
        consent: SignedConsent | None = None,
    ) -> None:
        """file is open for reading and seekable; the caller closes it. Hello's spool_id must be new for every run.

        sha256: announced as the file's where it is given, so that the receiver refuses any other bytes. consent: what
        was agreed to when it was sent.
        """
        self._file = file
        total_bytes, digest = _measure(file)
        self._items: list[Item] = [
            _FileItem(1, kind, snapshot_id, snapshot_id, "", total_bytes, sha256 or digest, consent=consent)
        ]

    async def pending(self, after: int, limit: int) -> list[Item]:
        """The record, until it was acknowledged."""
        return [item for item in self._items if item.sequence > after][:limit]

    async def read(self, sequence: int, offset: int, size: int) -> bytes:
        """A piece of the file."""
        self._file.seek(offset)
        return self._file.read(size)

    async def acknowledge(self, sequence: int) -> None:
        """Forget the record."""
        self._items = [item for item in self._items if item.sequence > sequence]

    async def drop(self, sequence: int, reason: str) -> None:
        """Forget the record; the caller still has the file."""
        await self.acknowledge(sequence)


class NoRecords:
    """An outbox without any: what goes over the stream is live."""

    async def pending(self, after: int, limit: int) -> Sequence[Item]:
        """None."""
        return ()

    async def read(self, sequence: int, offset: int, size: int) -> bytes:
        """Never asked; raises NotFound."""
        raise NotFound(f"there is no record {sequence}")

    async def acknowledge(self, sequence: int) -> None:
        """Nothing waits for it."""

    async def drop(self, sequence: int, reason: str) -> None:
        """Nothing to forget."""


def _measure(file: BinaryIO) -> tuple[int, bytes]:
    """Size and SHA-256."""
    digest, total_bytes = hashlib.sha256(), 0
    file.seek(0)
    while chunk := file.read(1 << 20):
        digest.update(chunk)
        total_bytes += len(chunk)
    return total_bytes, digest.digest()
