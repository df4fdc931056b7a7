"""Reads the collector's store past the product: rows and bytes as they lie in the file, and the audit's chain."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from caseprobe_collector.audit import verify
from caseprobe_collector.records import AuditRow
from tests.torture.oracle import Held

DATABASE = "collector.sqlite3"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ROWS = """
SELECT s.number, s.snapshot_id, s.agent_id, s.sequence, s.sha256, b.body, b.object, o.object
FROM snapshots s LEFT JOIN snapshot_bodies b USING (snapshot_id)
LEFT JOIN snapshot_objects o ON o.snapshot_id = s.snapshot_id AND o.name = 'bundle.zip'
WHERE s.number > ? ORDER BY s.number
"""
STORED = "SELECT object, count(*) FROM audit WHERE action = 'snapshot.store' GROUP BY object"


class Store:
    """A collector's data folder, read again and again while it grows; what was read before is not read again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last = 0
        self._held = Held()
        self._places: Counter[tuple[str, int]] = Counter()

    def gaps(self) -> list[tuple[str, int, int, str]]:
        """What machines say that they had to drop: spool, first, last, reason."""
        with closing(sqlite3.connect(self._folder / DATABASE, timeout=10)) as connection:
            return connection.execute("SELECT spool_id, first, last, reason FROM gaps").fetchall()

    def read(self) -> Held:
        """What is there now."""
        with closing(sqlite3.connect(self._folder / DATABASE, timeout=10)) as connection:
            for row in connection.execute(ROWS, (self._last,)):
                self._take(row)
            stored = dict(connection.execute(STORED).fetchall())
        held = self._held
        held.duplicates |= {name for name, times in stored.items() if times > 1}
        unaudited = (held.hashes.keys() | held.unreadable) - stored.keys()
        held.wrong = [f"{len(unaudited)} stored without an audit entry"] if unaudited else []
        return held

    def _take(self, row: tuple[int, str, str, int, bytes, bytes | None, str | None, str | None]) -> None:
        number, snapshot_id, agent_id, sequence, digest, body, name, bundle = row
        self._last = number
        # A resident agent of this version leaves it at 0.
        self._places[agent_id, sequence] += bool(sequence)
        if self._places[agent_id, sequence] > 1:
            self._held.duplicates.add(snapshot_id)
        data = body if name is None else self._object(name)
        if data is None or hashlib.sha256(data).digest() != digest:
            self._held.unreadable.add(snapshot_id)
        elif bundle is not None:
            self._take_bundle(snapshot_id, bundle)
        else:
            self._held.hashes[snapshot_id] = digest

    def _take_bundle(self, snapshot_id: str, name: str) -> None:
        """A bundle was sent as its file: that is what must be there."""
        data = self._object(name)
        if data is None:
            self._held.unreadable.add(snapshot_id)
        else:
            self._held.hashes[snapshot_id] = hashlib.sha256(data).digest()

    def _object(self, name: str) -> bytes | None:
        try:
            return (self._folder / "objects" / name).read_bytes()
        except OSError:
            return None


def chain_fault(folder: Path) -> str:
    """What is wrong with the audit's chain; empty where it is whole."""
    with closing(sqlite3.connect(folder / DATABASE, timeout=10)) as connection:
        return verify(_entries(connection)) or ""


def _entries(connection: sqlite3.Connection) -> Iterator[AuditRow]:
    columns = "number, at, actor, action, customer_id, object, detail, previous_sha256, sha256"
    for number, at, *texts, previous, digest in connection.execute(f"SELECT {columns} FROM audit ORDER BY number"):
        actor, action, customer_id, name, detail = texts
        yield AuditRow(number, _instant(at), actor, action, customer_id, name, detail, previous, digest)


def _instant(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)
