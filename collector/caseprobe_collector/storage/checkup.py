"""A whole store, read and proved.

Every row, body and file by its hash, the findings' index by the snapshots that it was made of, the audit by its chain,
the newest commits by the note beside the database.

It only reads, in small steps that hold nobody up, so the collector may run meanwhile. What is deleted while it is
looked at is not damage: before something is reported its row must still be there.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from caseprobe.errors import ConfigurationError, Corrupt
from caseprobe_collector.audit import GENESIS, verify
from caseprobe_collector.ingest.forms import read_snapshot
from caseprobe_collector.records import AuditRow, SnapshotRow, finding_index
from caseprobe_collector.storage.columns import EPOCH, MICROSECOND
from caseprobe_collector.storage.database import TEXT
from caseprobe_collector.storage.names import DATABASE, NOTE, OBJECT_NAME, OBJECTS
from caseprobe_collector.storage.note import read_note
from caseprobe_collector.storage.progress import found_in, loss_of
from caseprobe_collector.storage.rowform import COLUMNS, ROW_DAMAGE, checked_row
from caseprobe_collector.storage.sealed import ALL, Sealed

AT_ONCE = 200
# Problems that are kept; all are counted.
MOST_PROBLEMS = 1000
ENTRY = "number, at, actor, action, customer_id, object, detail, previous_sha256, sha256"
UNAUDITED = (
    "SELECT snapshot_id FROM snapshots WHERE snapshot_id NOT IN "
    "(SELECT object FROM audit WHERE action IN ('snapshot.store', 'snapshot.repair'))"
)
Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Problem:
    """What is not as it was written.

    kind: database, loss, a kind of `sealed.ALL`, snapshot, body, file, index or audit.
    """

    kind: str
    object: str
    why: str


@dataclass
class Checkup:
    """What was read, and what is wrong with it."""

    snapshots_total: int = 0
    files_total: int = 0
    audit_entries_total: int = 0
    problems_total: int = 0
    problems: list[Problem] = field(default_factory=list)

    def add(self, kind: str, name: object, why: str) -> None:
        """One more; what was said just before, of another part of the same thing, is said once."""
        problem = Problem(kind, str(name)[:200], why)
        if self.problems[-1:] == [problem]:
            return
        self.problems_total += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)


def check_store(folder: Path, told: Told = lambda done, total: None) -> Checkup:
    """Read all of a collector's folder; told hears how many snapshots are done of how many.

    Raises ConfigurationError where there is no store.
    """
    if not (folder / DATABASE).exists():
        raise ConfigurationError(f"data_folder: {folder} holds no collector's data")
    found = Checkup()
    # Before the database: a note that is read first is never ahead of a store that goes on.
    noted = read_note(folder / NOTE)
    with closing(sqlite3.connect(f"file:{folder / DATABASE}?mode=ro", uri=True, timeout=30)) as connection:
        connection.text_factory = TEXT
        _Look(folder, connection, found, told).all(noted)
    return found


class _Look:
    def __init__(self, folder: Path, connection: sqlite3.Connection, found: Checkup, told: Told) -> None:
        self._objects = folder / OBJECTS
        self._connection = connection
        self._found = found
        self._told = told

    def all(self, noted: Any) -> None:
        """Each part for itself: where one cannot be read, the others are."""
        parts: tuple[Callable[[], None], ...] = (
            self._structure,
            lambda: self._commits(noted),
            *(partial(self._sealed, rows) for rows in ALL),
            self._snapshots,
            self._audit,
            self._unaudited,
        )
        for part in parts:
            try:
                part()
            except (sqlite3.Error, UnicodeDecodeError) as error:
                self._found.add("database", DATABASE, f"a part of it cannot be read ({error})")

    def _structure(self) -> None:
        for (verdict,) in self._connection.execute("PRAGMA integrity_check(20)"):
            if verdict != "ok":
                self._found.add("database", DATABASE, str(verdict))

    def _commits(self, noted: Any) -> None:
        if what := loss_of(noted, found_in(self._connection)):
            self._found.add("loss", "", what)
        for (what,) in self._connection.execute("SELECT what FROM losses WHERE settled_at IS NULL ORDER BY number"):
            self._found.add("loss", "", str(what))

    def _sealed(self, rows: Sealed) -> None:
        cursor = self._connection.execute(f"SELECT * FROM {rows.table.name}")
        names = [column[0] for column in cursor.description]
        for values in cursor:
            row = dict(zip(names, values, strict=True))
            if not rows.sound(row):
                self._found.add(rows.word, row[rows.key], ROW_DAMAGE)

    def _snapshots(self) -> None:
        (total,) = self._connection.execute("SELECT count(*) FROM snapshots").fetchone()
        for number, *values, sha256 in self._pages():
            self._found.snapshots_total += 1
            before = self._found.problems_total
            self._snapshot(number, checked_row(values, sha256))
            if self._found.problems_total == before or self._found.snapshots_total % AT_ONCE == 0:
                self._told(self._found.snapshots_total, total)
        self._told(self._found.snapshots_total, self._found.snapshots_total)

    def _pages(self) -> Iterator[Any]:
        query = (
            f"SELECT number, {', '.join(COLUMNS)}, row_sha256 FROM snapshots WHERE number > ? ORDER BY number LIMIT ?"
        )
        last = 0
        while page := self._connection.execute(query, (last, AT_ONCE)).fetchall():
            yield from page
            last = page[-1][0]

    def _snapshot(self, number: int, row: SnapshotRow) -> None:
        wrong = [("snapshot", row.damage)] if row.damage else [*self._body(row), *self._files(row)]
        if not wrong or self._connection.execute("SELECT 1 FROM snapshots WHERE number = ?", (number,)).fetchone():
            for kind, why in wrong:
                self._found.add(kind, row.snapshot_id, why)

    def _body(self, row: SnapshotRow) -> Iterator[tuple[str, str]]:
        query = "SELECT body, object FROM snapshot_bodies WHERE snapshot_id = ?"
        body, name = self._connection.execute(query, (row.snapshot_id,)).fetchone() or (None, None)
        if name is not None:
            self._found.files_total += 1
            body = self._bytes(name)
        if not isinstance(body, bytes) or hashlib.sha256(body).digest() != row.sha256:
            yield "body", "its bytes are gone or no longer match their SHA-256"
            return
        try:
            expected = sorted(finding_index(read_snapshot(body)), key=repr)
        except Corrupt as error:
            yield "body", str(error)
            return
        query = "SELECT check_id, object, state FROM findings WHERE snapshot_id = ?"
        indexed = self._connection.execute(query, (row.snapshot_id,)).fetchall()
        if sorted(indexed, key=repr) != expected:
            yield "index", "the index of its findings is not what the snapshot says"

    def _files(self, row: SnapshotRow) -> Iterator[tuple[str, str]]:
        query = "SELECT name, object, size_bytes, sha256 FROM snapshot_objects WHERE snapshot_id = ?"
        for name, place, size, sha256 in self._connection.execute(query, (row.snapshot_id,)).fetchall():
            self._found.files_total += 1
            if self._hash(place) != (size, sha256):
                yield "file", f"its file {name!r} is gone or no longer matches its SHA-256"

    def _bytes(self, name: Any) -> bytes | None:
        try:
            return (self._objects / name).read_bytes() if OBJECT_NAME.fullmatch(name) else None
        except (OSError, TypeError):
            return None

    def _hash(self, name: Any) -> tuple[int, bytes] | None:
        try:
            if not OBJECT_NAME.fullmatch(name):
                return None
            with (self._objects / name).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
                return file.tell(), digest
        except (OSError, TypeError):
            return None

    def _audit(self) -> None:
        last, previous = 0, GENESIS
        query = f"SELECT {ENTRY} FROM audit WHERE number > ? ORDER BY number LIMIT ?"
        while page := self._connection.execute(query, (last, AT_ONCE)).fetchall():
            self._found.audit_entries_total += len(page)
            try:
                rows = [AuditRow(number, EPOCH + at * MICROSECOND, *rest) for number, at, *rest in page]
                wrong = verify(rows, previous, last + 1)
            except (TypeError, AttributeError, OverflowError):
                wrong = f"an entry after {last} cannot be read"
            if wrong:
                self._found.add("audit", "", wrong)
                return
            last, previous = page[-1][0], page[-1][-1]

    def _unaudited(self) -> None:
        for (name,) in self._connection.execute(UNAUDITED):
            self._found.add("audit", name, "the audit has no entry of its delivery")
