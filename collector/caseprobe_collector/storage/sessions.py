"""Live sessions in a table."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import Customers, SessionRecord
from caseprobe_collector.storage.database import Database
from caseprobe_collector.storage.rows import seen_by, values
from caseprobe_collector.storage.sealed import SESSION_ROWS
from caseprobe_collector.storage.tables import SESSIONS
from caseprobe_collector.storage.unit import unit_of

ADD = sa.insert(SESSIONS)
CHANGE = sa.update(SESSIONS).where(SESSIONS.c.session_id == sa.bindparam("mine"))


class SqlSessions:
    """Implements the port `SessionStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_session(self, tx: Transaction, session: SessionRecord) -> None:
        """Store a new session."""
        await unit_of(tx).write(ADD, SESSION_ROWS.sealed(values(session)))

    async def set_state(self, tx: Transaction, session_id: str, state: str) -> None:
        """Move a session that has not ended; one that ended stays as it is."""
        await self._change(tx, session_id, state=state)

    async def end_session(
        self, tx: Transaction, session_id: str, state: str, reason: str, snapshot_id: str, ended_at: datetime
    ) -> bool:
        """False where it had ended already."""
        end = {"state": state, "reason": reason, "snapshot_id": snapshot_id, "ended_at": ended_at}
        return await self._change(tx, session_id, **end)

    async def get_session(self, session_id: str, customers: Customers) -> SessionRecord | None:
        """One session, None where there is none for these customers; raises StorageDamaged for a damaged one."""
        return SESSION_ROWS.first(SessionRecord, await self._database.rows(_one(customers), {"wanted": session_id}))

    async def list_by_case(self, case_id: str, customers: Customers) -> list[SessionRecord]:
        """Sessions of a case, newest first, but for damaged ones."""
        wanted = (SESSIONS.c.case_id == case_id) & seen_by(SESSIONS.c.customer_id, customers)
        query = SESSION_ROWS.select().where(wanted).order_by(SESSIONS.c.session_id.desc())
        return SESSION_ROWS.records(SessionRecord, await self._database.rows(query))

    async def list_open(self, agent_id: str | None = None) -> list[SessionRecord]:
        """Sessions that have not ended, of one agent or of all, oldest first; a damaged one is not among them."""
        query = SESSION_ROWS.select().where(SESSIONS.c.ended_at.is_(None)).order_by(SESSIONS.c.session_id)
        if agent_id is not None:
            query = query.where(SESSIONS.c.agent_id == agent_id)
        return SESSION_ROWS.records(SessionRecord, await self._database.rows(query))

    async def _change(self, tx: Transaction, session_id: str, **changed: Any) -> bool:
        """Change a session that has not ended; False for one that has, or that is not there."""
        session = await self.get_session(session_id, None)
        if session is None or not _open(session):
            return False
        await unit_of(tx).write(
            CHANGE, {"mine": session_id, **SESSION_ROWS.sealed(values(replace(session, **changed)))}
        )
        return True


def _open(session: SessionRecord) -> bool:
    return session.ended_at is None


@lru_cache(maxsize=256)  # on the way of every live request; one for each set of customers that staff see
def _one(customers: Customers) -> sa.Select[Any]:
    wanted = SESSIONS.c.session_id == sa.bindparam("wanted")
    return SESSION_ROWS.select().where(wanted & seen_by(SESSIONS.c.customer_id, customers))
