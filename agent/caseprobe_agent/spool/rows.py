"""The records that wait for the collector, as rows: append, list, acknowledge, drop with a Gap."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from caseprobe.errors import NotFound, StorageFull
from caseprobe.v1 import link_pb2
from caseprobe_agent.spool.record import (
    BULK,
    EVIDENCE,
    GAP,
    HEADER,
    HEADER_WIDTH,
    INLINE_BYTES,
    PLAIN,
    Item,
    holes,
    rank_of,
    runs,
    seal,
    sound,
)
from caseprobe_agent.spool.values import Values, quarantine

# What a record costs beside its body: its header, its page's share, its place in the index.
ROW_BYTES = 128
# Ready texts: a text that is put together anew is looked up anew among the prepared ones, once a record.
ADD = f"INSERT INTO items ({HEADER}, seal, body) VALUES ({','.join('?' * (HEADER_WIDTH + 2))})"


@dataclass(frozen=True)
class Quota:
    """How much may wait, and for how long: bulk a quarter of seconds, evidence four times as long.

    Seconds count while the agent runs, so that no step of the wall clock makes anything old.
    """

    total_bytes: int
    seconds: float

    def seconds_of(self, rank: int) -> float:
        """How long a record of this rank may wait."""
        return self.seconds * {BULK: 0.25, PLAIN: 1.0, EVIDENCE: 4.0}[rank]


class Rows:
    """The records of one open file; every method is one step inside the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection, spool_id: str, quota: Quota, lived: Callable[[], float]) -> None:
        """lived: seconds that this spool has been in use, over all lives of the agent."""
        self._connection = connection
        self._meta = Values(connection, "meta")
        self._quota = quota
        self._keeps = [(rank, quota.seconds_of(rank)) for rank in (BULK, PLAIN, EVIDENCE)]
        self._lived = lived
        # Records and bytes that wait, once counted.
        self._totals: tuple[int, int] | None = None
        self._last: int | None = None
        self._acked: int | None = None
        self.spool_id = spool_id
        # Never lowered, not even by a rollback: what goes on after a damaged file counts on from here.
        self.highest_seen = 0

    def forget(self) -> None:
        """The remembered totals and sequences may be wrong after a rollback."""
        self._totals = self._last = self._acked = None

    def append(
        self,
        kind: link_pb2.DataKind.ValueType,
        stream_id: str,
        snapshot_id: str,
        name: str,
        body: bytes,
        evidence: bool = False,
    ) -> int:
        """Add a record and give its sequence; what is too old or too much goes first, each run with a Gap."""
        if len(body) > self._quota.total_bytes:
            raise StorageFull(
                f"{len(body)} bytes are more than the spool may hold ({self._quota.total_bytes}): raise its quota"
            )
        self._make_room(len(body))
        return self._insert(kind, stream_id, snapshot_id, name, body, rank_of(kind, evidence))

    def pending(self, after: int, limit: int) -> list[Item]:
        """Records above a sequence, in order. A damaged one is quarantined, and its Gap comes at the end."""
        while listed := self._listed(after, limit):
            good = [row for row in listed if sound(row)]
            for row in listed:
                if row not in good:
                    self._quarantine(row[0])
            if good:
                return [Item(*(*row[:7], row[HEADER_WIDTH + 1], self.spool_id)) for row in good]
            after = listed[-1][0]
        return []

    def _listed(self, after: int, limit: int) -> list[Any]:
        return self._connection.execute(
            f"SELECT {HEADER}, seal, CASE WHEN size <= {INLINE_BYTES} THEN body END FROM items"
            " WHERE sequence > ? ORDER BY sequence LIMIT ?",
            (after, limit),
        ).fetchall()

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
        chosen = "(SELECT sequence FROM items WHERE sequence <= ? ORDER BY sequence LIMIT ?)"
        gone = self._delete(f"sequence IN {chosen}", sequence, limit)
        if 0 <= limit <= gone:
            return False
        acked = min(sequence, self.last_sequence())
        if acked > self.last_acked():
            self._meta.put("acked", b"%d" % acked)
            self._acked = acked
        return True

    def drop(self, sequence: int, reason: str) -> None:
        """Give one record up; its Gap goes to the collector in its stead. Nothing happens where it is gone."""
        if self._delete("sequence = ?", sequence):
            self.append_gap(sequence, sequence, reason)

    def count(self) -> tuple[int, int]:
        """Records and bytes that wait."""
        if self._totals is None:
            # Not the size column: one flipped bit in it would make the quota throw everything out.
            found = self._connection.execute("SELECT count(*), coalesce(sum(length(body)), 0) FROM items").fetchone()
            self._totals = int(found[0]), int(found[1])
        return self._totals

    def _delete(self, condition: str, *values: int) -> int:
        """Delete records, keep the totals right; gives how many went."""
        items, size = self.count()
        went = self._connection.execute(
            f"SELECT count(*), coalesce(sum(length(body)), 0) FROM items WHERE {condition}", values
        ).fetchone()
        self._connection.execute(f"DELETE FROM items WHERE {condition}", values)
        self._totals = items - int(went[0]), size - int(went[1])
        return int(went[0])

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
        if self._acked is None:
            self._acked = self._meta.number("acked")
        return self._acked

    def append_gap(self, first: int, last: int, reason: str) -> int:
        """Record that these sequences will never come; 0, 0 where it is not known which."""
        gap = link_pb2.Gap(first_sequence=first, last_sequence=last, reason=reason)
        return self._insert(GAP, "", "", "", gap.SerializeToString(), EVIDENCE)

    def account(self) -> int:
        """Declare every record that is neither here nor acknowledged nor in a Gap; gives how many there were.

        Acknowledged records are a prefix, and whatever else leaves writes a Gap in the same commit: a hole in the
        numbers is damage that SQLite's own check did not see.
        """
        numbers = self._connection.execute("SELECT sequence FROM items ORDER BY sequence")
        known = [(number, number) for (number,) in numbers]
        known += self._declared()
        lost = list(holes(self.last_acked() + 1, self.last_sequence(), sorted(known)))
        for first, last in lost:
            self.append_gap(first, last, "corrupt")
        return sum(last - first + 1 for first, last in lost)

    def _declared(self) -> list[tuple[int, int]]:
        """What the Gaps that wait declare; a damaged one declares nothing, so that its range is declared again."""
        found = []
        query = f"SELECT {HEADER}, seal, body FROM items WHERE kind = 0"
        for row in self._connection.execute(query).fetchall():
            try:
                gap = link_pb2.Gap.FromString(row[-1]) if sound(row) else link_pb2.Gap()
            except DecodeError:
                continue
            found.append((gap.first_sequence, gap.last_sequence))
        return found

    def _insert(
        self, kind: link_pb2.DataKind.ValueType, stream_id: str, snapshot_id: str, name: str, body: bytes, rank: int
    ) -> int:
        (items, size), sequence = self.count(), self.last_sequence() + 1
        digest, lived = hashlib.sha256(body).digest(), int(self._lived())
        header = (sequence, int(kind), stream_id, snapshot_id, name, len(body), digest, rank, lived)
        self._connection.execute(ADD, (*header, seal(*header), body))
        self._last = self.highest_seen = sequence
        self._totals = items + 1, size + len(body)
        return sequence

    def _make_room(self, size: int) -> None:
        """Let go of what waited too long, then of the least worth until there is room for so many bytes."""
        lived = self._lived()
        for rank, seconds in self._keeps:
            if lived > seconds:
                self._give_up(self._older(rank, lived - seconds), "age")
        if self._used() + size + ROW_BYTES > self._quota.total_bytes:
            # A little more than needed, so that a full spool does not write a Gap with every record.
            self._give_up(self._least_worth(size + self._quota.total_bytes // 32), "quota")

    def _used(self) -> int:
        items, size = self.count()
        return size + items * ROW_BYTES

    def _older(self, rank: int, limit: float) -> list[int]:
        """Records of a rank from before this moment; they stand in the order of their sequences."""
        found = []
        query = "SELECT sequence, lived_seconds FROM items WHERE rank = ? AND kind <> 0 ORDER BY sequence"
        for sequence, lived in self._connection.execute(query, (rank,)):
            if lived >= limit:
                break
            found.append(sequence)
        return found

    def _least_worth(self, size: int) -> list[int]:
        """The records that go so that this much more fits; Gaps never go."""
        found, used = [], self._used() + size
        query = "SELECT sequence, length(body) FROM items WHERE kind <> 0 ORDER BY rank DESC, sequence"
        for sequence, length in self._connection.execute(query):
            if used <= self._quota.total_bytes:
                break
            found.append(sequence)
            used -= length + ROW_BYTES
        return found

    def _give_up(self, sequences: Iterable[int], reason: str) -> None:
        for first, last in runs(sorted(sequences)):
            self._delete("sequence BETWEEN ? AND ?", first, last)
            self.append_gap(first, last, reason)

    def _quarantine(self, sequence: int) -> None:
        row = self._connection.execute("SELECT name, body FROM items WHERE sequence = ?", (sequence,)).fetchone()
        quarantine(self._connection, "items", sequence, *row)
        self.drop(sequence, "corrupt")
