"""The records that wait for the collector, as rows: append, list, acknowledge, drop with a Gap."""

from __future__ import annotations

import hashlib
import sqlite3
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from caseprobe.errors import NotFound, StorageFull
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


class Rows:
    """The records of one open file; every method is one step inside the caller's transaction."""

    def __init__(
        self, connection: sqlite3.Connection, spool_id: str, quota_bytes: int, wall: Callable[[], float]
    ) -> None:
        self._connection = connection
        self._quota_bytes = quota_bytes
        self._wall = wall
        self._size: int | None = None
        self._last: int | None = None
        self.spool_id = spool_id
        # Never lowered, not even by a rollback: what goes on after a damaged file counts on from here.
        self.highest_seen = 0

    def forget(self) -> None:
        """The remembered size and sequence may be wrong after a rollback."""
        self._size = self._last = None

    def append(
        self, kind: link_pb2.DataKind.ValueType, stream_id: str, snapshot_id: str, name: str, body: bytes
    ) -> int:
        """Add a record and give its sequence; over the quota the oldest bulk goes first, each run with a Gap."""
        if len(body) > self._quota_bytes:
            raise StorageFull(
                f"{len(body)} bytes are more than the spool may hold ({self._quota_bytes}): raise its quota"
            )
        self._make_room(len(body))
        return self._insert(kind, stream_id, snapshot_id, name, body)

    def pending(self, after: int, limit: int) -> list[Item]:
        """Records above a sequence, in order. A damaged one is quarantined, and its Gap is listed in its place."""
        listed = self._connection.execute(
            f"SELECT {HEADER}, seal, CASE WHEN size <= {INLINE_BYTES} THEN body END FROM items"
            " WHERE sequence > ? ORDER BY sequence LIMIT ?",
            (after, limit),
        ).fetchall()
        good = [row for row in listed if sound(row)]
        for row in listed:
            if row not in good:
                self._quarantine(row[0])
        return [Item(*(*row[:7], row[8], self.spool_id)) for row in good]

    def read(self, sequence: int, offset: int, size: int) -> bytes:
        """A piece of a body; raises NotFound where the record is gone."""
        try:
            with self._connection.blobopen("items", "body", sequence, readonly=True) as blob:
                blob.seek(min(offset, len(blob)))
                return blob.read(size)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_ERROR:
                raise
            raise NotFound(f"record {sequence} is no longer in the spool") from None

    def acknowledge(self, sequence: int, limit: int = -1) -> bool:
        """The collector holds everything up to here: forget it, at most limit records; False where some are left."""
        if sequence <= 0:
            return True
        gone = self._connection.execute(
            "DELETE FROM items WHERE sequence IN"
            " (SELECT sequence FROM items WHERE sequence <= ? ORDER BY sequence LIMIT ?)",
            (sequence, limit),
        ).rowcount
        self._size = None
        if 0 <= limit <= gone:
            return False
        self._connection.execute(
            "INSERT INTO meta VALUES ('acked', ?1) ON CONFLICT (name) DO UPDATE SET value = max(value, ?1)",
            (min(sequence, self.last_sequence()),),
        )
        return True

    def drop(self, sequence: int, reason: str) -> None:
        """Give one record up; its Gap goes to the collector in its stead. Nothing happens where it is gone."""
        if self._connection.execute("DELETE FROM items WHERE sequence = ?", (sequence,)).rowcount:
            self._size = None
            self.append_gap(sequence, sequence, reason)

    def count(self) -> tuple[int, int]:
        """Records and bytes that wait."""
        (items,) = self._connection.execute("SELECT count(*) FROM items").fetchone()
        return int(items), self._bytes()

    def last_sequence(self) -> int:
        """The highest sequence ever given out."""
        if self._last is None:
            row = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'items'").fetchone()
            self._last = int(row[0]) if row else 0
            self.highest_seen = max(self.highest_seen, self._last)
        return self._last

    def count_on_above(self, sequence: int) -> None:
        """Give out only sequences above this one."""
        if sequence > self.last_sequence():
            self._connection.execute("DELETE FROM sqlite_sequence WHERE name = 'items'")
            self._connection.execute("INSERT INTO sqlite_sequence VALUES ('items', ?)", (sequence,))
            self._last = self.highest_seen = sequence

    def last_acked(self) -> int:
        """Everything up to here was acknowledged."""
        row = self._connection.execute("SELECT value FROM meta WHERE name = 'acked'").fetchone()
        return int(row[0]) if row else 0

    def append_gap(self, first: int, last: int, reason: str) -> int:
        """Record that these sequences will never come."""
        gap = link_pb2.Gap(first_sequence=first, last_sequence=last, reason=reason)
        return self._insert(GAP, "", "", "", gap.SerializeToString())

    def account(self) -> int:
        """Declare every record that is neither here nor acknowledged nor in a Gap; gives how many there were.

        Acknowledged records are a prefix, and whatever else leaves writes a Gap in the same commit: a hole in the
        numbers is damage that SQLite's own check did not see.
        """
        numbers = self._connection.execute("SELECT sequence FROM items ORDER BY sequence")
        known = [(number, number) for (number,) in numbers]
        for (body,) in self._connection.execute("SELECT body FROM items WHERE kind = 0").fetchall():
            gap = link_pb2.Gap.FromString(body)
            known.append((gap.first_sequence, gap.last_sequence))
        lost = list(holes(self.last_acked() + 1, self.last_sequence(), sorted(known)))
        for first, last in lost:
            self.append_gap(first, last, "corrupt")
        return sum(last - first + 1 for first, last in lost)

    def _insert(
        self, kind: link_pb2.DataKind.ValueType, stream_id: str, snapshot_id: str, name: str, body: bytes
    ) -> int:
        sequence = self.last_sequence() + 1
        header = (sequence, kind, stream_id, snapshot_id, name, len(body), hashlib.sha256(body).digest())
        self._connection.execute(
            f"INSERT INTO items ({HEADER}, seal, bulk, appended_at, body) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            (*header, _seal(header), int(kind in BULK), self._wall(), body),
        )
        self._last = self.highest_seen = sequence
        if self._size is not None:
            self._size += len(body)
        return sequence

    def _make_room(self, size: int) -> None:
        dropped = []
        while self._bytes() + size > self._quota_bytes:
            row = self._connection.execute(
                "SELECT sequence, size FROM items WHERE kind <> 0 ORDER BY bulk DESC, sequence LIMIT 1"
            ).fetchone()
            if row is None:
                break
            self._connection.execute("DELETE FROM items WHERE sequence = ?", (row[0],))
            self._size = self._bytes() - row[1]
            dropped.append(row[0])
        for first, last in runs(sorted(dropped)):
            self.append_gap(first, last, "quota")

    def _bytes(self) -> int:
        if self._size is None:
            (size,) = self._connection.execute("SELECT coalesce(sum(size), 0) FROM items").fetchone()
            self._size = int(size)
        return self._size

    def _quarantine(self, sequence: int) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO quarantine SELECT sequence, name, body FROM items WHERE sequence = ?", (sequence,)
        )
        self.drop(sequence, "corrupt")


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


def _seal(header: tuple[int, int, str, str, str, int, bytes]) -> int:
    """A checksum over everything about a record but its body, whose hash it covers."""
    sequence, kind, stream_id, snapshot_id, name, size, sha256 = header
    texts = "\0".join((stream_id, snapshot_id, name)).encode("utf-8", "surrogateescape")
    return zlib.crc32(struct.pack(">QIQ", sequence, kind, size) + sha256 + texts)


def sound(row: tuple[int, int, str, str, str, int, bytes, int, bytes | None]) -> bool:
    """True where header and, if it is listed, body are what was written."""
    header, seal, body = row[:7], row[7], row[8]
    try:
        return _seal(header) == seal and (body is None or hashlib.sha256(body).digest() == header[6])
    except (TypeError, ValueError, struct.error, AttributeError):
        return False
