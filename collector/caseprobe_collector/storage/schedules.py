"""Timetables in a table."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import Customers, ScheduleRecord
from caseprobe_collector.storage.database import Database
from caseprobe_collector.storage.rows import seen_by, values
from caseprobe_collector.storage.sealed import SCHEDULE_ROWS
from caseprobe_collector.storage.tables import SCHEDULES
from caseprobe_collector.storage.unit import unit_of


class SqlSchedules:
    """Implements the port `ScheduleStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_schedule(self, tx: Transaction, record: ScheduleRecord) -> None:
        """Store a new timetable."""
        await unit_of(tx).write(sa.insert(SCHEDULES), SCHEDULE_ROWS.sealed(values(record)))

    async def remove_schedule(self, tx: Transaction, schedule_id: str, removed_at: datetime) -> None:
        """End a timetable; its record stays."""
        record = await self.get_schedule(schedule_id, None)
        if record is not None and record.removed_at is None:
            removed = SCHEDULE_ROWS.sealed(values(replace(record, removed_at=removed_at)))
            await unit_of(tx).write(sa.update(SCHEDULES).where(SCHEDULES.c.schedule_id == schedule_id).values(removed))

    async def get_schedule(self, schedule_id: str, customers: Customers) -> ScheduleRecord | None:
        """One timetable, in force or removed, None where there is none for these customers.

        Raises StorageDamaged for a damaged one.
        """
        wanted = (SCHEDULES.c.schedule_id == schedule_id) & seen_by(SCHEDULES.c.customer_id, customers)
        return SCHEDULE_ROWS.first(ScheduleRecord, await self._database.rows(SCHEDULE_ROWS.select().where(wanted)))

    async def list_by_agent(self, agent_id: str, customers: Customers) -> list[ScheduleRecord]:
        """A machine's timetables, removed ones among them, oldest first; a damaged one is not among them."""
        return await self._list((SCHEDULES.c.agent_id == agent_id) & seen_by(SCHEDULES.c.customer_id, customers))

    async def list_all(self, customers: Customers) -> list[ScheduleRecord]:
        """All timetables of these customers but for damaged ones, removed ones among them, oldest first."""
        return await self._list(seen_by(SCHEDULES.c.customer_id, customers))

    async def _list(self, wanted: sa.ColumnElement[bool]) -> list[ScheduleRecord]:
        query = SCHEDULE_ROWS.select().where(wanted).order_by(SCHEDULES.c.schedule_id)
        return SCHEDULE_ROWS.records(ScheduleRecord, await self._database.rows(query))
