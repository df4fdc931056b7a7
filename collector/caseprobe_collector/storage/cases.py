"""Cases in a table."""

from __future__ import annotations

from datetime import datetime
from functools import cache, lru_cache
from typing import Any

import sqlalchemy as sa

from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import Case, Customers
from caseprobe_collector.storage.database import Database
from caseprobe_collector.storage.rows import first, records, seen_by, values
from caseprobe_collector.storage.tables import CASES, SNAPSHOTS
from caseprobe_collector.storage.unit import unit_of
from caseprobe_collector.storage.worst import worst_of


class SqlCases:
    """Implements the port `CaseStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_case(self, tx: Transaction, case: Case) -> None:
        """Store a new case."""
        await unit_of(tx).write(sa.insert(CASES), values(case, "worst"))

    async def close_case(self, tx: Transaction, case_id: str, closed_at: datetime) -> None:
        """End a case; one that is closed keeps its time."""
        open_one = (CASES.c.case_id == case_id) & (CASES.c.state == "open")
        await unit_of(tx).write(sa.update(CASES).where(open_one).values(state="closed", closed_at=closed_at))

    async def reopen_case(self, tx: Transaction, case_id: str) -> None:
        """Let a closed case take evidence again."""
        await unit_of(tx).write(sa.update(CASES).where(CASES.c.case_id == case_id).values(state="open", closed_at=None))

    async def get_case(self, case_id: str, customers: Customers) -> Case | None:
        """One case, None where there is none for these customers."""
        return first(Case, await self._database.rows(_one(customers), {"wanted": case_id}))

    async def list_cases(
        self, customers: Customers, state: str | None = None, limit: int = 200, before: str | None = None
    ) -> list[Case]:
        """Cases of these customers, newest first; before: those older than this case."""
        query = _select().where(seen_by(CASES.c.customer_id, customers))
        if state is not None:
            query = query.where(CASES.c.state == state)
        if before is not None:
            query = query.where(CASES.c.case_id < before)
        return records(Case, await self._database.rows(query.order_by(CASES.c.case_id.desc()).limit(limit)))


@cache  # building it costs ten times what running it does
def _select() -> sa.Select[Any]:
    worst = worst_of(SNAPSHOTS.c.case_id == CASES.c.case_id, "case_id", CASES)
    return sa.select(*CASES.c, worst.label("worst"))


@lru_cache(maxsize=256)  # on the way of every live request; one for each set of customers that staff see
def _one(customers: Customers) -> sa.Select[Any]:
    return _select().where((CASES.c.case_id == sa.bindparam("wanted")) & seen_by(CASES.c.customer_id, customers))
