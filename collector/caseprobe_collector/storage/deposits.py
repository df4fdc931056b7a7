"""Deposits: the one hot path, in hand-written SQL that is prepared once and executed for a whole commit at a time.

The database layer's own work for each statement costs more than SQLite's (six statements a snapshot: measured 320 us
of 550). So the deposits of all callers of one commit are stored together: one executemany for each table. They stay
one unit each in what they promise: if storing them together fails, each is stored alone, and only those that fail
alone are refused.

Why an answer means durable: `Database.join` returns after COMMIT did, and every file that a row names was put, which
is an fsync of file and folder, before its row was handed to the writer.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from caseprobe.errors import Corrupt, NotAllowed
from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import Delivery, Deposit, GapDeposit
from caseprobe_collector.storage.chain import append_entries
from caseprobe_collector.storage.columns import LARGEST
from caseprobe_collector.storage.database import Database
from caseprobe_collector.storage.inserts import insert_rows
from caseprobe_collector.storage.objects import FileObjects
from caseprobe_collector.storage.rowform import COLUMNS, microseconds, row_sha256, stored_values
from caseprobe_collector.storage.unit import finished, unit_of
from caseprobe_collector.storage.writer import Group, Refused

# Up to here a body shares its row's commit; above it a file costs less than the database's pages.
IN_DATABASE_BYTES = 256 << 10

ADD = ("snapshots", (*COLUMNS, "row_sha256"))
ADD_BODY = ("snapshot_bodies", ("snapshot_id", "body", "object"))
ADD_FINDING = ("findings", ("snapshot_id", "check_id", "object", "state"))
ADD_OBJECT = ("snapshot_objects", ("snapshot_id", "name", "object", "size_bytes", "sha256"))
KNOWN = "SELECT snapshot_id FROM snapshots WHERE snapshot_id IN ({})"
# Never back: items of one spool are stored side by side, and an earlier one may commit after a later one.
MOVE = (
    "INSERT INTO spool_positions (agent_id, spool_id, sequence) VALUES (?, ?, ?) "
    "ON CONFLICT (agent_id, spool_id) DO UPDATE SET sequence = max(sequence, excluded.sequence)"
)
ADD_GAP = (
    "INSERT INTO gaps (agent_id, spool_id, first, last, reason, at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
DELIVERED = "SELECT actor FROM audit WHERE object = ? AND action = 'snapshot.store' ORDER BY number LIMIT 1"
# Tables whose rows are a snapshot's own.
PARTS = ("snapshot_bodies", "findings", "snapshot_objects", "damages")
NAMED_BY = (
    "SELECT object FROM snapshot_bodies WHERE snapshot_id = :mine AND object IS NOT NULL "
    "UNION SELECT object FROM snapshot_objects WHERE snapshot_id = :mine"
)
STILL_NAMED = (
    "SELECT 1 FROM snapshot_bodies WHERE object = :name UNION SELECT 1 FROM snapshot_objects WHERE object = :name"
)


class _Ready(NamedTuple):
    """A deposit whose files are durable; body_object names the file of a body that is too large for its row."""

    deposit: Deposit
    body_object: str | None


# A delivery, and the file of its body where that is too large for its row.
Asked = tuple[Delivery, str | None]
# What was made of it, and whether that was stored as new; or why nothing could be made of it.
Answer = tuple[Deposit, bool] | Refused


class SqlDeposits:
    """Implements the port `DepositStore`."""

    def __init__(self, database: Database, objects: FileObjects) -> None:
        self._database = database
        self._objects = objects

    async def deposit(self, delivery: Delivery) -> tuple[Deposit, bool]:
        """Make a deposit of it and store that durably; False where its id was there already (then only the spool's
        place moves).

        Raises Corrupt where the body is not what its hash says: that would be an error found too late.
        """
        return await self._store(store_deliveries, delivery)

    async def replace_damaged(self, delivery: Delivery) -> tuple[Deposit, bool]:
        """Put it in the place of a damaged one of its id; False where another machine delivered that.

        The damaged row's own word for whose it is counts for nothing; the audit's chain is proof.
        """
        return await self._store(replace_deliveries, delivery)

    async def _store(self, group: Group, delivery: Delivery) -> tuple[Deposit, bool]:
        """What the group answers; until then nobody removes the files that were put for it."""
        held, outside = [record.object for record in delivery.objects], None
        try:
            if len(delivery.body) > IN_DATABASE_BYTES:
                outside = await self._outside(delivery.sha256, delivery.body)
                held.append(outside)
            stored: tuple[Deposit, bool] = await self._database.join(group, (delivery, outside))
            return stored
        finally:
            if held:
                self._objects.settle(held)

    async def delete_snapshot(self, tx: Transaction, snapshot_id: str) -> list[str]:
        """Remove a snapshot with all that is its own; gives the objects that nothing names any more.

        A body's file is named by its hash, so another snapshot with the same bytes may still need it.
        """
        unit, mine = unit_of(tx), {"mine": snapshot_id}
        named = [row[0] for row in await unit.rows(sa.text(NAMED_BY), mine)]
        for table in (*PARTS, "snapshots"):
            await unit.write(sa.text(f"DELETE FROM {table} WHERE snapshot_id = :mine"), mine)
        return [name for name in named if not await unit.rows(sa.text(STILL_NAMED), {"name": name})]

    async def free_objects(self, names: Sequence[str]) -> None:
        """Remove these objects, but for those that a row names again or that were put for one that is on its way.

        Why no row loses its file: this is decided on the writer's thread, between commits, where a row is either there
        or still to come; and the file of one that is still to come is held from before it has its name.
        """
        if names:
            await self._database.join(free_objects, (self._objects, names))

    async def deposit_gap(self, gap: GapDeposit) -> None:
        """Record what an agent had to drop; the same gap again changes nothing."""
        await self._database.join(store_gaps, gap)

    async def ready(self) -> None:
        """Raise what keeps deposits from being stored now: a full or damaged disk, a stopping collector."""
        await self._database.join(touch, None)

    async def _outside(self, sha256: bytes, body: bytes) -> str:
        """Put a body that is too large for its row into a file.

        Named by its hash: no id that a machine chose becomes a path, and no other's file can be replaced. If the
        commit fails the file is an orphan that the next start sweeps away; the other order would acknowledge a row
        whose bytes are not durable yet.
        """
        name = body_object(sha256)
        await self._objects.put_bytes(name, body)
        return name


def body_object(sha256: bytes) -> str:
    """Where a body lies that is too large for its row."""
    return f"bodies/{sha256.hex()[:2]}/{sha256.hex()}"


def store_deliveries(connection: sqlite3.Connection, asked: Sequence[Asked]) -> list[Answer]:
    """Make deposits of all of them and store these, each with whether its id was new; what cannot be one is refused."""
    made = [_made(*one) for one in asked]
    added = iter(store_deposits(connection, [one for one in made if isinstance(one, _Ready)]))
    return [one if isinstance(one, Refused) else (one.deposit, next(added)) for one in made]


def replace_deliveries(connection: sqlite3.Connection, asked: Sequence[Asked]) -> list[Answer]:
    """Make deposits of all of them and put each in the place of what the same machine delivered under its id."""
    made = [_made(*one) for one in asked]
    return [one if isinstance(one, Refused) else (one.deposit, _replaced(connection, one)) for one in made]


def store_deposits(connection: sqlite3.Connection, ready: Sequence[_Ready]) -> list[bool]:
    """Store all of them inside the transaction that is open; gives for each whether its id was new."""
    fresh, added = _fresh(connection, ready)
    rows = [stored_values(one.deposit.snapshot.row) for one in fresh]
    insert_rows(connection, ADD, [(*row, row_sha256(row)) for row in rows])
    insert_rows(connection, ADD_BODY, [_body(one) for one in fresh])
    insert_rows(connection, ADD_FINDING, _each(fresh, lambda deposit: deposit.snapshot.findings))
    insert_rows(connection, ADD_OBJECT, _each(fresh, lambda deposit: map(_object, deposit.objects)))
    connection.executemany(MOVE, _positions(one.deposit for one in ready))
    append_entries(connection, [one.deposit.entry for one in fresh])
    return added


def free_objects(connection: sqlite3.Connection, asked: Sequence[tuple[FileObjects, Sequence[str]]]) -> list[None]:
    """Remove what nothing names; a file that stays by a power cut is an orphan, which a start sweeps."""
    for objects, names in asked:
        for name in names:
            if connection.execute(STILL_NAMED, {"name": name}).fetchone() is None:
                objects.remove_unheld(name)
    return [None] * len(asked)


def store_gaps(connection: sqlite3.Connection, gaps: Sequence[GapDeposit]) -> list[None]:
    """Record these gaps, each once, and move their spools past the records that told of them."""
    rows = [
        (one.agent_id, one.spool_id, min(one.first, LARGEST), min(one.last, LARGEST), one.reason, microseconds(one.at))
        for one in gaps
    ]
    connection.executemany(ADD_GAP, rows)
    connection.executemany(MOVE, [(one.agent_id, one.spool_id, min(one.sequence, LARGEST)) for one in gaps])
    return [None] * len(gaps)


def touch(connection: sqlite3.Connection, nothing: Sequence[None]) -> list[None]:
    """Write a page, so that the commit makes a real fsync and not an empty promise."""
    connection.execute("UPDATE progress SET store_id = store_id")
    return [None] * len(nothing)


def _made(delivery: Delivery, body_object: str | None) -> _Ready | Refused:
    """What a machine sent wrong costs no other a second try, as what the database raises does."""
    try:
        if hashlib.sha256(delivery.body).digest() != delivery.sha256:
            raise Corrupt("the snapshot's bytes do not match their SHA-256; it was not stored")
        return _Ready(finished(delivery.make()), body_object)
    except (Corrupt, NotAllowed) as error:
        return Refused(error)


def _replaced(connection: sqlite3.Connection, ready: _Ready) -> bool:
    row = ready.deposit.snapshot.row
    if connection.execute(DELIVERED, (row.snapshot_id,)).fetchone() != (row.agent_id,):
        return False
    for table in (*PARTS, "snapshots"):
        connection.execute(f"DELETE FROM {table} WHERE snapshot_id = ?", (row.snapshot_id,))
    store_deposits(connection, [ready])
    return True


def _fresh(connection: sqlite3.Connection, ready: Sequence[_Ready]) -> tuple[list[_Ready], list[bool]]:
    """(those whose id is new, for each whether it was); of two with one id in one commit the first is new."""
    ids = [one.deposit.snapshot.row.snapshot_id for one in ready]
    seen = {name for (name,) in connection.execute(KNOWN.format(", ".join("?" * len(ids))), ids)}
    fresh, added = [], []
    for name, one in zip(ids, ready, strict=True):
        added.append(name not in seen)
        if name not in seen:
            fresh.append(one)
            seen.add(name)
    return fresh, added


def _body(ready: _Ready) -> tuple[str, bytes | None, str | None]:
    snapshot = ready.deposit.snapshot
    inside = snapshot.body if ready.body_object is None else None
    return snapshot.row.snapshot_id, inside, ready.body_object


def _object(record: Any) -> tuple[Any, ...]:
    return record.name, record.object, record.size_bytes, record.sha256


def _each(ready: Sequence[_Ready], parts: Callable[[Deposit], Iterable[tuple[Any, ...]]]) -> list[tuple[Any, ...]]:
    """The parts of all deposits, each behind its snapshot's id."""
    return [(one.deposit.snapshot.row.snapshot_id, *part) for one in ready for part in parts(one.deposit)]


def _positions(deposits: Iterable[Deposit]) -> list[tuple[str, str, int]]:
    """Where each spool stands after these deposits."""
    last: dict[tuple[str, str], int] = {}
    for deposit in deposits:
        if deposit.spool_id:
            key = (deposit.snapshot.row.agent_id, deposit.spool_id)
            last[key] = max(last.get(key, 0), min(deposit.sequence, LARGEST))
    return [(*key, sequence) for key, sequence in last.items()]
