"""The audit's hash chain in a table."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from caseprobe_collector.audit import entry_sha256
from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import AuditRow, Checkpoint
from caseprobe_collector.storage.chain import link_of
from caseprobe_collector.storage.database import Database
from caseprobe_collector.storage.rows import records, values
from caseprobe_collector.storage.tables import AUDIT
from caseprobe_collector.storage.unit import unit_of

LAST = sa.select(AUDIT.c.number, AUDIT.c.sha256).order_by(AUDIT.c.number.desc()).limit(1)
APPEND = sa.insert(AUDIT)


class SqlAudit:
    """Implements the port `AuditStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append_audit(
        self, tx: Transaction, at: datetime, actor: str, action: str, customer_id: str, object: str, detail: str
    ) -> AuditRow:
        """Chain one entry to the last, inside the transaction: the one writer is what keeps the chain single."""
        unit = unit_of(tx)
        rows = await unit.rows(LAST)
        number, previous = link_of(tuple(rows[0]) if rows else None)
        digest = entry_sha256(number + 1, at, actor, action, customer_id, object, detail, previous)
        row = AuditRow(number + 1, at, actor, action, customer_id, object, detail, previous, digest)
        await unit.write(APPEND, values(row))
        return row

    async def list_audit(self, first: int = 1, limit: int = 1000) -> list[AuditRow]:
        """Entries in the order of the chain, from this number on."""
        query = sa.select(AUDIT).where(AUDIT.c.number >= first).order_by(AUDIT.c.number).limit(limit)
        return records(AuditRow, await self._database.rows(query))

    async def newest_audit(self) -> Checkpoint | None:
        """The last entry of the chain."""
        rows = await self._database.rows(LAST)
        return Checkpoint(rows[0].number, rows[0].sha256) if rows else None
