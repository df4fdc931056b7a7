"""A record of the spool: its form in the database, and how damage to it is seen."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from caseprobe.v1 import link_pb2

# Up to here a body is listed with its record: it fits into one frame.
INLINE_BYTES = 256 * 1024
GAP = link_pb2.DATA_KIND_UNSPECIFIED
BULK_KINDS = (link_pb2.DATA_KIND_ARTIFACT, link_pb2.DATA_KIND_BUNDLE_MEMBER, link_pb2.DATA_KIND_LOG_LINES)
# How soon a record goes where there is no room: the highest rank first, within a rank the oldest.
EVIDENCE, PLAIN, BULK = range(3)
HEADER = "sequence, kind, stream_id, snapshot_id, name, size, sha256, rank, lived_seconds"
HEADER_WIDTH = 9

# No row of this schema is believed without its seal: SQLite sees damage to its pages' structure, not to their content
# (215 of 300 flipped bits were read as good data).
SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL, seal INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS items (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, stream_id TEXT NOT NULL,
  snapshot_id TEXT NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL, sha256 BLOB NOT NULL,
  rank INTEGER NOT NULL, lived_seconds INTEGER NOT NULL, seal INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS ranked_items ON items (rank, sequence) WHERE kind <> 0;
CREATE TABLE IF NOT EXISTS quarantine (source TEXT NOT NULL, sequence INTEGER NOT NULL, name, body);
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value BLOB NOT NULL, seal INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS commands (
  number INTEGER PRIMARY KEY AUTOINCREMENT, command_id TEXT NOT NULL UNIQUE, request BLOB NOT NULL, outcome BLOB,
  acked INTEGER NOT NULL, record INTEGER NOT NULL, seal INTEGER NOT NULL);
"""
Schema = list[tuple[str, str, str, str | None]]


def schema_of(connection: sqlite3.Connection) -> Schema:
    """Type, name, table and text of everything that a database declares, sorted."""
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name")
    return rows.fetchall()


def expected_schema() -> Schema:
    """What a sound spool declares."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(SCHEMA)
        return schema_of(connection)


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
    # What the spool keeps rests on policy and grants, which are in the snapshot itself.
    consent: None = None


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


def seal(*values: Any) -> int:
    """A checksum over the values of a row and their types: one that came back as another type does not fit either.

    >>> seal("a", 1) == seal("a", 1), seal("a", 1) == seal("a", "1"), seal(b"", None) == seal(None, b"")
    (True, False, False)
    """
    return zlib.crc32(repr(values).encode())


def rank_of(kind: link_pb2.DataKind.ValueType, evidence: bool) -> int:
    """What is bulk goes first whatever it shows; what has a finding or belongs to a case goes last."""
    if kind in BULK_KINDS:
        return BULK
    return EVIDENCE if evidence else PLAIN


def sound(row: tuple[Any, ...]) -> bool:
    """True where header (covering the body's hash), seal and, if it is listed, body are what was written."""
    header, sealed, body = row[:HEADER_WIDTH], row[HEADER_WIDTH], row[HEADER_WIDTH + 1]
    if seal(*header) != sealed:
        return False
    return body is None or (isinstance(body, bytes) and hashlib.sha256(body).digest() == header[6])
