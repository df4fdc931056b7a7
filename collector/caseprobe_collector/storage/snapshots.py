"""Reading snapshots: every row and every body is checked against its hash before it is shown to anyone."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from caseprobe.errors import Corrupt, NotFound
from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import Customers, Damage, ObjectRecord, SnapshotRow, StoredSnapshot
from caseprobe_collector.storage.database import Database
from caseprobe_collector.storage.objects import FileObjects
from caseprobe_collector.storage.rowform import COLUMNS, checked_row, row_sha256, stored_values
from caseprobe_collector.storage.rows import first, seen_by, values
from caseprobe_collector.storage.tables import BODIES, DAMAGES, FINDINGS, GAPS, OBJECTS, POSITIONS, SNAPSHOTS
from caseprobe_collector.storage.unit import unit_of

# Without the columns' types: what is compared with the hash is what lies there, not what conversion makes of it.
_RAW = sa.table("snapshots", *(sa.column(name) for name in (*COLUMNS, "row_sha256", "number")))
_FOUND = sa.select(*(_RAW.c[name] for name in (*COLUMNS, "row_sha256")), DAMAGES.c.what).select_from(
    _RAW.outerjoin(DAMAGES, DAMAGES.c.snapshot_id == _RAW.c.snapshot_id)
)
MARK = insert(DAMAGES).on_conflict_do_nothing(["snapshot_id"])
OBJECT_COLUMNS = (OBJECTS.c.name, OBJECTS.c.object, OBJECTS.c.size_bytes, OBJECTS.c.sha256)
BODY_DAMAGE = "its bytes no longer match their SHA-256"


class SqlSnapshots:
    """Implements the port `SnapshotStore`."""

    def __init__(self, database: Database, objects: FileObjects) -> None:
        self._database = database
        self._objects = objects

    async def get_snapshot(self, snapshot_id: str, customers: Customers) -> StoredSnapshot | None:
        """Raises Corrupt where row or bytes no longer match their hash. The findings' index is not read back."""
        row = await self.get_row(snapshot_id, customers)
        if row is None:
            return None
        body = None if row.damage else await self._body(snapshot_id)
        if body is None or hashlib.sha256(body).digest() != row.sha256:
            raise Corrupt(f"{snapshot_id} is damaged on the collector's disk: {row.damage or BODY_DAMAGE}")
        return StoredSnapshot(row, body)

    async def get_row(self, snapshot_id: str, customers: Customers) -> SnapshotRow | None:
        """One row, None where there is none; a damaged one tells its id and its damage alone."""
        return next(iter(await self._list(_RAW.c.snapshot_id == snapshot_id, customers, 1)), None)

    async def list_by_case(self, case_id: str, customers: Customers, limit: int = 100) -> list[SnapshotRow]:
        """Snapshots of a case, newest first, in the order of their arrival."""
        return await self._list(_RAW.c.case_id == case_id, customers, limit)

    async def list_by_agent(self, agent_id: str, customers: Customers, limit: int = 100) -> list[SnapshotRow]:
        """Snapshots of a machine, newest first, in the order of their arrival."""
        return await self._list(_RAW.c.agent_id == agent_id, customers, limit)

    async def get_object(self, snapshot_id: str, name: str) -> ObjectRecord | None:
        """What a file beside a snapshot must be, None where there is none."""
        query = sa.select(*OBJECT_COLUMNS)
        mine = (OBJECTS.c.snapshot_id == snapshot_id) & (OBJECTS.c.name == name)
        return first(ObjectRecord, await self._database.rows(query.where(mine)))

    async def list_ids(self, after: str = "", limit: int = 100) -> list[tuple[str, str]]:
        """All snapshots by id: (id, customer), damaged ones too; after: the last one seen."""
        query = sa.select(SNAPSHOTS.c.snapshot_id, SNAPSHOTS.c.customer_id).where(SNAPSHOTS.c.snapshot_id > after)
        rows = await self._database.rows(query.order_by(SNAPSHOTS.c.snapshot_id).limit(limit))
        return [(one.snapshot_id, one.customer_id or "") for one in rows]

    async def switch_body(self, tx: Transaction, old: SnapshotRow, new: StoredSnapshot, place: str = "") -> list[str]:
        """Other bytes in the place of a snapshot's own, and its index anew; gives the objects that nothing names now.

        place: the object in which the new bytes lie; "": beside the row. Raises NotFound where the row is another.
        """
        unit, mine = unit_of(tx), new.row.snapshot_id
        sealed = {"size_bytes": new.row.size_bytes, "sha256": new.row.sha256}
        rows = sa.update(SNAPSHOTS).where(SNAPSHOTS.c.snapshot_id == mine, SNAPSHOTS.c.sha256 == old.sha256)
        if not await unit.write(rows.values(**sealed, row_sha256=row_sha256(stored_values(new.row)))):
            raise NotFound(f"{mine} does not have the bytes any more that were read")
        before = await unit.rows(sa.select(BODIES.c.object).where(BODIES.c.snapshot_id == mine))
        lies = {"body": None if place else new.body, "object": place or None}
        await unit.write(sa.update(BODIES).where(BODIES.c.snapshot_id == mine).values(lies))
        await unit.write(sa.delete(FINDINGS).where(FINDINGS.c.snapshot_id == mine))
        found = [dict(zip(("check_id", "object", "state"), one, strict=True)) for one in new.findings]
        if found:
            await unit.write(sa.insert(FINDINGS), [{"snapshot_id": mine, **one} for one in found])
        return [row.object for row in before if row.object and row.object != place]

    async def switch_object(self, tx: Transaction, snapshot_id: str, old: ObjectRecord, new: ObjectRecord) -> bool:
        """Another file in the place of one; whether nothing names the old one's bytes any more, so that they can go.

        Raises NotFound where the old one is not what the row names.
        """
        unit = unit_of(tx)
        mine = (OBJECTS.c.snapshot_id == snapshot_id) & (OBJECTS.c.name == old.name) & (OBJECTS.c.sha256 == old.sha256)
        values = {"object": new.object, "size_bytes": new.size_bytes, "sha256": new.sha256}
        if not await unit.write(sa.update(OBJECTS).where(mine).values(values)):
            raise NotFound(f"{snapshot_id} has no file {old.name[:80]!r} any more")
        return not await unit.rows(sa.select(OBJECTS.c.name).where(OBJECTS.c.object == old.object).limit(1))

    async def last_sequence(self, agent_id: str, spool_id: str) -> int:
        """The largest sequence stored of a spool, 0 where there is none."""
        mine = (POSITIONS.c.agent_id == agent_id) & (POSITIONS.c.spool_id == spool_id)
        rows = await self._database.rows(sa.select(POSITIONS.c.sequence).where(mine))
        return int(rows[0].sequence) if rows else 0

    async def list_gaps(self, agent_id: str) -> list[tuple[int, int, str, datetime]]:
        """What an agent had to drop: first, last, reason, when; oldest first."""
        columns = (GAPS.c.first, GAPS.c.last, GAPS.c.reason, GAPS.c.at)
        rows = await self._database.rows(sa.select(*columns).where(GAPS.c.agent_id == agent_id).order_by(GAPS.c.number))
        return [(int(row.first), int(row.last), row.reason, row.at) for row in rows]

    async def mark_damaged(self, damage: Damage) -> None:
        """Remember it, the first finding alone."""

        async def work(tx: Transaction) -> None:
            await unit_of(tx).write(MARK, values(damage))

        await self._database.run(work)

    async def _body(self, snapshot_id: str) -> bytes | None:
        query = sa.select(BODIES.c.body, BODIES.c.object).where(BODIES.c.snapshot_id == snapshot_id)
        rows = await self._database.rows(query)
        if not rows or rows[0].object is None:
            return rows[0].body if rows and isinstance(rows[0].body, bytes) else None
        try:
            return await self._objects.get_bytes(rows[0].object)
        except (NotFound, ValueError):
            return None

    async def _list(self, mine: sa.ColumnElement[bool], customers: Customers, limit: int) -> list[SnapshotRow]:
        query = _FOUND.where(mine, seen_by(_RAW.c.customer_id, customers))
        rows = await self._database.rows(query.order_by(_RAW.c.number.desc()).limit(limit))
        return await asyncio.to_thread(_checked, rows) if len(rows) > 1 else _checked(rows)


def _checked(rows: Sequence[Sequence[Any]]) -> list[SnapshotRow]:
    return [checked_row(row[:-2], row[-2], row[-1] or "") for row in rows]
