"""Timetables in a table."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import Customers, ScheduleRecord
from caseprobe_collector.storage.database import Database
from caseprobe_collector.storage.rows import first, records, seen_by, values
from caseprobe_collector.storage.tables import SCHEDULES
from caseprobe_collector.storage.unit import unit_of


class SqlSchedules:
    """Implements the port `ScheduleStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_schedule(self, tx: Transaction, record: ScheduleRecord) -> None:
        """Store a new timetable."""
        await unit_of(tx).write(sa.insert(SCHEDULES), values(record))

    async def remove_schedule(self, tx: Transaction, schedule_id: str, removed_at: datetime) -> None:
        """End a timetable; its record stays."""
        standing = (SCHEDULES.c.schedule_id == schedule_id) & SCHEDULES.c.removed_at.is_(None)
        await unit_of(tx).write(sa.update(SCHEDULES).where(standing).values(removed_at=removed_at))

    async def get_schedule(self, schedule_id: str, customers: Customers) -> ScheduleRecord | None:
        """One timetable, in force or removed, None where there is none for these customers."""
        wanted = (SCHEDULES.c.schedule_id == schedule_id) & seen_by(SCHEDULES.c.customer_id, customers)
        return first(ScheduleRecord, await self._database.rows(sa.select(SCHEDULES).where(wanted)))

    async def list_by_agent(self, agent_id: str, customers: Customers) -> list[ScheduleRecord]:
        """A machine's timetables, removed ones among them, oldest first."""
        return await self._list((SCHEDULES.c.agent_id == agent_id) & seen_by(SCHEDULES.c.customer_id, customers))

    async def list_all(self, customers: Customers) -> list[ScheduleRecord]:
        """All timetables of these customers, removed ones among them, oldest first."""
        return await self._list(seen_by(SCHEDULES.c.customer_id, customers))

    async def _list(self, wanted: sa.ColumnElement[bool]) -> list[ScheduleRecord]:
        query = sa.select(SCHEDULES).where(wanted).order_by(SCHEDULES.c.schedule_id)
        return records(ScheduleRecord, await self._database.rows(query))
