"""The records that wait for the collector, as rows: append, list, acknowledge, drop with a Gap."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from typing import Any

from caseprobe.errors import NotFound, StorageFull
from caseprobe.v1 import link_pb2
from caseprobe_agent.spool.record import BULK, GAP, HEADER, INLINE_BYTES, Item, holes, runs, seal, sound


class Rows:
    """The records of one open file; every method is one step inside the caller's transaction."""

    def __init__(
        self, connection: sqlite3.Connection, spool_id: str, quota_bytes: int, wall: Callable[[], float]
    ) -> None:
        self._connection = connection
        self._quota_bytes = quota_bytes
        self._wall = wall
        # Records and bytes that wait, once counted.
        self._totals: tuple[int, int] | None = None
        self._last: int | None = None
        self.spool_id = spool_id
        # Never lowered, not even by a rollback: what goes on after a damaged file counts on from here.
        self.highest_seen = 0

    def forget(self) -> None:
        """The remembered totals and sequence may be wrong after a rollback."""
        self._totals = self._last = None

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
        """Records above a sequence, in order. A damaged one is quarantined, and its Gap comes at the end."""
        while listed := self._listed(after, limit):
            good = [row for row in listed if sound(row)]
            for row in listed:
                if row not in good:
                    self._quarantine(row[0])
            if good:
                return [Item(*(*row[:7], row[8], self.spool_id)) for row in good]
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
        self._connection.execute(
            "INSERT INTO meta VALUES ('acked', ?1) ON CONFLICT (name) DO UPDATE SET value = max(value, ?1)",
            (min(sequence, self.last_sequence()),),
        )
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
        (items, size), sequence = self.count(), self.last_sequence() + 1
        header = (sequence, kind, stream_id, snapshot_id, name, len(body), hashlib.sha256(body).digest())
        self._connection.execute(
            f"INSERT INTO items ({HEADER}, seal, bulk, appended_at, body) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            (*header, seal(header), int(kind in BULK), self._wall(), body),
        )
        self._last = self.highest_seen = sequence
        self._totals = items + 1, size + len(body)
        return sequence

    def _make_room(self, size: int) -> None:
        dropped = []
        while self.count()[1] + size > self._quota_bytes:
            row = self._connection.execute(
                "SELECT sequence FROM items WHERE kind <> 0 ORDER BY bulk DESC, sequence LIMIT 1"
            ).fetchone()
            if row is None:
                break
            self._delete("sequence = ?", row[0])
            dropped.append(row[0])
        for first, last in runs(sorted(dropped)):
            self.append_gap(first, last, "quota")

    def _quarantine(self, sequence: int) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO quarantine SELECT sequence, name, body FROM items WHERE sequence = ?", (sequence,)
        )
        self.drop(sequence, "corrupt")
