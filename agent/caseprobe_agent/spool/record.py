"""A record of the spool: its form in the database, and how damage to it is seen."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from caseprobe.v1 import link_pb2

# Up to here a body is listed with its record: it fits into one frame.
INLINE_BYTES = 256 * 1024
BULK = (link_pb2.DATA_KIND_ARTIFACT, link_pb2.DATA_KIND_BUNDLE_MEMBER, link_pb2.DATA_KIND_LOG_LINES)
GAP = link_pb2.DATA_KIND_UNSPECIFIED
HEADER = "sequence, kind, stream_id, snapshot_id, name, size, sha256"

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS items (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, stream_id TEXT NOT NULL,
  snapshot_id TEXT NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL, sha256 BLOB NOT NULL, seal INTEGER NOT NULL,
  bulk INTEGER NOT NULL, appended_at REAL NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS bulk_items ON items (sequence) WHERE bulk = 1;
CREATE TABLE IF NOT EXISTS quarantine (sequence INTEGER PRIMARY KEY, name TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS commands (
  number INTEGER PRIMARY KEY AUTOINCREMENT, command_id TEXT NOT NULL UNIQUE, request BLOB NOT NULL, outcome BLOB,
  acked INTEGER NOT NULL DEFAULT 0);
"""


@dataclass(frozen=True)
class Item:
    """A record that waits. body is whole up to 256 KiB, None above (read it in pieces).

    kind 0 (unspecified) is a Gap: body is the serialized message.
    """

    sequence: int
    kind: link_pb2.DataKind.ValueType
    stream_id: str
    snapshot_id: str
    name: str
    total_bytes: int
    sha256: bytes
    body: bytes | None
    # Names the file that the sequence counts in.
    spool_id: str


def lenient_text(data: bytes) -> str:
    """Text of a column; what is no UTF-8 any more still gives a string, whose seal is then wrong."""
    return data.decode("utf-8", "surrogateescape")


def runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Ascending numbers as ranges without holes.

    >>> list(runs([1, 2, 3, 7, 9, 10]))
    [(1, 3), (7, 7), (9, 10)]
    """
    first = last = None
    for number in numbers:
        if last is not None and number == last + 1:
            last = number
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = number
    if first is not None and last is not None:
        yield first, last


def holes(first: int, last: int, known: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """What of first..last no range covers; known is ascending by its first numbers.

    >>> list(holes(1, 9, [(2, 3), (3, 3), (6, 7)]))
    [(1, 1), (4, 5), (8, 9)]
    """
    for begin, end in known:
        if first < begin <= last:
            yield first, begin - 1
        first = max(first, end + 1)
    if first <= last:
        yield first, last


def seal(header: tuple[int, int, str, str, str, int, bytes]) -> int:
    """A checksum over everything about a record but its body, whose hash it covers."""
    sequence, kind, stream_id, snapshot_id, name, size, sha256 = header
    texts = "\0".join((stream_id, snapshot_id, name)).encode("utf-8", "surrogateescape")
    return zlib.crc32(struct.pack(">QIQ", sequence, kind, size) + sha256 + texts)


def sound(row: tuple[int, int, str, str, str, int, bytes, int, bytes | None]) -> bool:
    """True where header and, if it is listed, body are what was written."""
    header, sealed, body = row[:7], row[7], row[8]
    try:
        return seal(header) == sealed and (body is None or hashlib.sha256(body).digest() == header[6])
    except (TypeError, ValueError, struct.error, AttributeError):
        return False
