"""Live sessions in a table."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import Customers, SessionRecord
from caseprobe_collector.storage.database import Database
from caseprobe_collector.storage.rows import first, records, seen_by, values
from caseprobe_collector.storage.tables import SESSIONS
from caseprobe_collector.storage.unit import unit_of

ADD = sa.insert(SESSIONS)


class SqlSessions:
    """Implements the port `SessionStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_session(self, tx: Transaction, session: SessionRecord) -> None:
        """Store a new session."""
        await unit_of(tx).write(ADD, values(session))

    async def set_state(self, tx: Transaction, session_id: str, state: str) -> None:
        """Move a session that has not ended; one that ended stays as it is."""
        await unit_of(tx).write(_open(session_id).values(state=state))

    async def end_session(
        self, tx: Transaction, session_id: str, state: str, reason: str, snapshot_id: str, ended_at: datetime
    ) -> bool:
        """False where it had ended already."""
        end = _open(session_id).values(state=state, reason=reason, snapshot_id=snapshot_id, ended_at=ended_at)
        return await unit_of(tx).write(end) == 1

    async def get_session(self, session_id: str, customers: Customers) -> SessionRecord | None:
        """One session, None where there is none for these customers."""
        wanted = (SESSIONS.c.session_id == session_id) & seen_by(SESSIONS.c.customer_id, customers)
        return first(SessionRecord, await self._database.rows(sa.select(SESSIONS).where(wanted)))

    async def list_by_case(self, case_id: str, customers: Customers) -> list[SessionRecord]:
        """Sessions of a case, newest first."""
        wanted = (SESSIONS.c.case_id == case_id) & seen_by(SESSIONS.c.customer_id, customers)
        query = sa.select(SESSIONS).where(wanted).order_by(SESSIONS.c.session_id.desc())
        return records(SessionRecord, await self._database.rows(query))

    async def list_open(self, agent_id: str | None = None) -> list[SessionRecord]:
        """Sessions that have not ended, of one agent or of all, oldest first."""
        query = sa.select(SESSIONS).where(SESSIONS.c.ended_at.is_(None)).order_by(SESSIONS.c.session_id)
        if agent_id is not None:
            query = query.where(SESSIONS.c.agent_id == agent_id)
        return records(SessionRecord, await self._database.rows(query))


def _open(session_id: str) -> sa.Update:
    return sa.update(SESSIONS).where(SESSIONS.c.session_id == session_id, SESSIONS.c.ended_at.is_(None))
