"""Cases in a table."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

import sqlalchemy as sa

from caseprobe.errors import StorageDamaged, UsageError
from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import Case, Customers
from caseprobe_collector.storage.columns import EPOCH
from caseprobe_collector.storage.database import Database
from caseprobe_collector.storage.rowform import ROW_DAMAGE
from caseprobe_collector.storage.rows import seen_by, values
from caseprobe_collector.storage.sealed import CASE_ROWS, MACHINE_ROWS
from caseprobe_collector.storage.tables import AGENTS, CASES, SNAPSHOTS
from caseprobe_collector.storage.unit import unit_of
from caseprobe_collector.storage.worst import worst_of

RUNNING = "SELECT 1 FROM sessions WHERE case_id = :mine AND ended_at IS NULL"
FORGET = (
    "DELETE FROM sessions WHERE case_id = :mine",
    "DELETE FROM join_codes WHERE case_id = :mine",
    "DELETE FROM cases WHERE case_id = :mine",
)
NOT_STORED = ("worst", "damage")


class SqlCases:
    """Implements the port `CaseStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_case(self, tx: Transaction, case: Case) -> None:
        """Store a new case."""
        await unit_of(tx).write(sa.insert(CASES), CASE_ROWS.sealed(values(case, *NOT_STORED)))

    async def close_case(self, tx: Transaction, case_id: str, closed_at: datetime) -> None:
        """End a case; one that is closed keeps its time."""
        case = await self.get_case(case_id, None)
        if case is not None and case.state == "open":
            await self._replace(tx, replace(case, state="closed", closed_at=closed_at))

    async def reopen_case(self, tx: Transaction, case_id: str) -> None:
        """Let a closed case take evidence again."""
        case = await self.get_case(case_id, None)
        if case is not None:
            await self._replace(tx, replace(case, state="open", closed_at=None))

    async def delete_case(self, tx: Transaction, case_id: str) -> None:
        """Remove a case that has no snapshots any more, with its sessions and codes; a damaged one too."""
        unit, mine = unit_of(tx), {"mine": case_id}
        if await unit.rows(sa.text(RUNNING), mine):
            raise UsageError("a live session of this case has not ended: cancel it, then delete the case")
        # A one-shot key that may attach nowhere any more.
        for row in await unit.rows(sa.select(AGENTS).where(AGENTS.c.case_id == case_id)):
            freed = MACHINE_ROWS.sealed({**row._asdict(), "case_id": ""})
            await unit.write(sa.update(AGENTS).where(AGENTS.c.agent_id == row.agent_id).values(freed))
        for statement in FORGET:
            await unit.write(sa.text(statement), mine)

    async def get_case(self, case_id: str, customers: Customers) -> Case | None:
        """One case, None where there is none for these customers; raises StorageDamaged for a damaged one."""
        rows = await self._database.rows(_one(customers), {"wanted": case_id})
        case = next(map(_record, rows), None)
        if case is not None and case.damage:
            raise StorageDamaged(f"case {case_id} is damaged on the collector's disk: {case.damage}")
        return case

    async def list_cases(
        self, customers: Customers, state: str | None = None, limit: int = 200, before: str | None = None
    ) -> list[Case]:
        """Cases of these customers, newest first; before: those older than this case. Of a damaged one only its id."""
        query = _select().where(seen_by(CASES.c.customer_id, customers))
        if state is not None:
            query = query.where(CASES.c.state == state)
        if before is not None:
            query = query.where(CASES.c.case_id < before)
        return [_record(row) for row in await self._database.rows(query.order_by(CASES.c.case_id.desc()).limit(limit))]

    async def _replace(self, tx: Transaction, case: Case) -> None:
        changed = CASE_ROWS.sealed(values(case, *NOT_STORED))
        await unit_of(tx).write(sa.update(CASES).where(CASES.c.case_id == case.case_id).values(changed))


def _record(row: sa.Row[Any]) -> Case:
    found = CASE_ROWS.read(row._asdict())
    if found is None:
        name = row.case_id if isinstance(row.case_id, str) else ""
        return Case(name, "", ROW_DAMAGE, "", "damaged", EPOCH, "", damage=ROW_DAMAGE)
    return Case(**found, worst=row.worst)


@cache  # building it costs ten times what running it does
def _select() -> sa.Select[Any]:
    worst = worst_of(SNAPSHOTS.c.case_id == CASES.c.case_id, "case_id", CASES)
    return sa.select(*CASE_ROWS.columns, worst.label("worst"))


@lru_cache(maxsize=256)  # on the way of every live request; one for each set of customers that staff see
def _one(customers: Customers) -> sa.Select[Any]:
    return _select().where((CASES.c.case_id == sa.bindparam("wanted")) & seen_by(CASES.c.customer_id, customers))
