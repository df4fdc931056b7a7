"""Snapshots in tables: the row for lists, the bytes apart, an index of findings, where each spool stands."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from caseprobe.errors import Corrupt, NotFound
from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import Customers, SnapshotRow, StoredSnapshot
from caseprobe_collector.storage.database import Database
from caseprobe_collector.storage.objects import FileObjects
from caseprobe_collector.storage.rows import records, seen_by, values
from caseprobe_collector.storage.tables import BODIES, FINDINGS, GAPS, POSITIONS, SNAPSHOTS
from caseprobe_collector.storage.unit import Unit, unit_of

# Up to here a body shares its row's commit; above it a file costs less than the database's pages.
IN_DATABASE_BYTES = 256 << 10

ADD = insert(SNAPSHOTS).on_conflict_do_nothing(["snapshot_id"])
ADD_BODY = sa.insert(BODIES)
ADD_FINDING = sa.insert(FINDINGS)
_POSITION = insert(POSITIONS)
MOVE = _POSITION.on_conflict_do_update(
    ["agent_id", "spool_id"], set_={"sequence": sa.func.max(POSITIONS.c.sequence, _POSITION.excluded.sequence)}
)
ADD_GAP = insert(GAPS).on_conflict_do_nothing()
COLUMNS = [column for column in SNAPSHOTS.c if column.name != "number"]


class SqlSnapshots:
    """Implements the port `SnapshotStore`."""

    def __init__(self, database: Database, objects: FileObjects) -> None:
        self._database = database
        self._objects = objects

    async def add_snapshot(self, tx: Transaction, snapshot: StoredSnapshot) -> bool:
        """Store it with its findings' index; False where its id was there already (nothing is changed then).

        Raises Corrupt where the body is not what the row's hash says: that would be an error found too late.
        """
        if hashlib.sha256(snapshot.body).digest() != snapshot.row.sha256:
            raise Corrupt(f"{snapshot.row.snapshot_id}: the body does not match its SHA-256; it was not stored")
        unit = unit_of(tx)
        if not await unit.write(ADD, values(snapshot.row)):
            return False
        await self._add_body(unit, snapshot)
        if snapshot.findings:
            await unit.write(ADD_FINDING, [_finding(snapshot.row.snapshot_id, *one) for one in snapshot.findings])
        return True

    async def get_snapshot(self, snapshot_id: str, customers: Customers) -> StoredSnapshot | None:
        """Raises Corrupt where the bytes no longer match their hash. The findings' index is not read back."""
        wanted = (SNAPSHOTS.c.snapshot_id == snapshot_id) & seen_by(SNAPSHOTS.c.customer_id, customers)
        rows = await self._database.rows(sa.select(*COLUMNS).where(wanted))
        if not rows:
            return None
        row = records(SnapshotRow, rows)[0]
        body = await self._body(snapshot_id)
        if body is None or hashlib.sha256(body).digest() != row.sha256:
            raise Corrupt(f"{snapshot_id} is damaged on the collector's disk: its bytes do not match their SHA-256")
        return StoredSnapshot(row, body)

    async def list_by_case(self, case_id: str, customers: Customers, limit: int = 100) -> list[SnapshotRow]:
        """Snapshots of a case, newest first, in the order of their arrival."""
        return await self._list(SNAPSHOTS.c.case_id == case_id, customers, limit)

    async def list_by_agent(self, agent_id: str, customers: Customers, limit: int = 100) -> list[SnapshotRow]:
        """Snapshots of a machine, newest first, in the order of their arrival."""
        return await self._list(SNAPSHOTS.c.agent_id == agent_id, customers, limit)

    async def last_sequence(self, agent_id: str, spool_id: str) -> int:
        """The largest sequence stored of a spool, 0 where there is none."""
        mine = (POSITIONS.c.agent_id == agent_id) & (POSITIONS.c.spool_id == spool_id)
        rows = await self._database.rows(sa.select(POSITIONS.c.sequence).where(mine))
        return int(rows[0].sequence) if rows else 0

    async def set_last_sequence(self, tx: Transaction, agent_id: str, spool_id: str, sequence: int) -> None:
        """Move a spool's last sequence, in the transaction that stores its item; never back."""
        position = {"agent_id": agent_id, "spool_id": spool_id, "sequence": sequence}
        await unit_of(tx).write(MOVE, position)

    async def add_gap(
        self, tx: Transaction, agent_id: str, spool_id: str, first: int, last: int, reason: str, at: datetime
    ) -> None:
        """Record what an agent had to drop; the same gap again changes nothing."""
        gap = {"agent_id": agent_id, "spool_id": spool_id, "first": first, "last": last, "reason": reason, "at": at}
        await unit_of(tx).write(ADD_GAP, gap)

    async def list_gaps(self, agent_id: str) -> list[tuple[int, int, str, datetime]]:
        """What an agent had to drop: first, last, reason, when; oldest first."""
        columns = (GAPS.c.first, GAPS.c.last, GAPS.c.reason, GAPS.c.at)
        rows = await self._database.rows(sa.select(*columns).where(GAPS.c.agent_id == agent_id).order_by(GAPS.c.number))
        return [(int(row.first), int(row.last), row.reason, row.at) for row in rows]

    async def _add_body(self, unit: Unit, snapshot: StoredSnapshot) -> None:
        row = snapshot.row
        if len(snapshot.body) <= IN_DATABASE_BYTES:
            await unit.write(ADD_BODY, {"snapshot_id": row.snapshot_id, "body": snapshot.body, "object": None})
            return
        # Named by its hash: no id that a machine chose becomes a path, and no other's file can be replaced.
        name = f"bodies/{row.sha256.hex()[:2]}/{row.sha256.hex()}"
        self._objects.put_now(name, snapshot.body)
        await unit.write(ADD_BODY, {"snapshot_id": row.snapshot_id, "body": None, "object": name})

    async def _body(self, snapshot_id: str) -> bytes | None:
        query = sa.select(BODIES.c.body, BODIES.c.object).where(BODIES.c.snapshot_id == snapshot_id)
        rows = await self._database.rows(query)
        if not rows or rows[0].object is None:
            return rows[0].body if rows else None
        try:
            return await self._database.call(self._objects.get_now, rows[0].object)
        except NotFound:
            return None

    async def _list(self, mine: sa.ColumnElement[bool], customers: Customers, limit: int) -> list[SnapshotRow]:
        query = sa.select(*COLUMNS).where(mine, seen_by(SNAPSHOTS.c.customer_id, customers))
        return records(SnapshotRow, await self._database.rows(query.order_by(SNAPSHOTS.c.number.desc()).limit(limit)))


def _finding(snapshot_id: str, check_id: str, object: str, state: int) -> dict[str, Any]:
    return {"snapshot_id": snapshot_id, "check_id": check_id, "object": object, "state": state}
