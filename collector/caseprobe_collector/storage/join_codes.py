"""Join codes in a table; who used one stands in the audit's chain."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import Customers, JoinCodeRecord
from caseprobe_collector.storage.database import Database
from caseprobe_collector.storage.rows import first, records, seen_by, values
from caseprobe_collector.storage.tables import AUDIT, JOIN_CODES
from caseprobe_collector.storage.unit import unit_of


class SqlJoinCodes:
    """Implements the port `JoinCodeStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_join_code(self, tx: Transaction, code: JoinCodeRecord) -> None:
        """Store a join code's record; never its secret."""
        await unit_of(tx).write(sa.insert(JOIN_CODES), values(code))

    async def get_join_code(self, secret_sha256: bytes) -> JoinCodeRecord | None:
        """One join code's record, None where there is none."""
        query = sa.select(JOIN_CODES).where(JOIN_CODES.c.secret_sha256 == secret_sha256)
        return first(JoinCodeRecord, await self._database.rows(query))

    async def list_join_codes(self, customers: Customers, since: datetime) -> list[JoinCodeRecord]:
        """Those of these customers that end after this time, newest first; who made them did not see them used up."""
        mine = seen_by(JOIN_CODES.c.customer_id, customers) & (JOIN_CODES.c.expires_at > since)
        query = sa.select(JOIN_CODES).where(mine).order_by(JOIN_CODES.c.created_at.desc(), JOIN_CODES.c.join_code_id)
        return records(JoinCodeRecord, await self._database.rows(query))

    async def use_join_code(self, tx: Transaction, join_code_id: str) -> bool:
        """Take one use; False where none was left or it was withdrawn."""
        usable = (JOIN_CODES.c.uses_left > 0) & JOIN_CODES.c.revoked_at.is_(None)
        change = sa.update(JOIN_CODES).where(JOIN_CODES.c.join_code_id == join_code_id, usable)
        return await unit_of(tx).write(change.values(uses_left=JOIN_CODES.c.uses_left - 1)) == 1

    async def used_at(self, join_code_id: str, agent_id: str) -> datetime | None:
        """When this key became a machine by this code, None where it did not."""
        entry = (AUDIT.c.object == agent_id) & (AUDIT.c.action == "agent.enrol")
        named = AUDIT.c.detail.startswith(f"{join_code_id} ", autoescape=True)
        query = sa.select(AUDIT.c.at).where(entry & named).order_by(AUDIT.c.number).limit(1)
        return next((row.at for row in await self._database.rows(query)), None)

    async def revoke_join_code(self, tx: Transaction, join_code_id: str, revoked_at: datetime) -> None:
        """Withdraw it, for good: a second time does not move the moment."""
        standing = (JOIN_CODES.c.join_code_id == join_code_id) & JOIN_CODES.c.revoked_at.is_(None)
        await unit_of(tx).write(sa.update(JOIN_CODES).where(standing).values(revoked_at=revoked_at))
