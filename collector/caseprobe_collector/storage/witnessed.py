"""What machines told of their own audit chains, in a table."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import Checkpoint
from caseprobe_collector.storage.database import Database
from caseprobe_collector.storage.tables import WITNESSED
from caseprobe_collector.storage.unit import unit_of


class SqlWitnessed:
    """Implements the port `WitnessStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_witnessed(self, agent_id: str) -> Checkpoint | None:
        """The newest entry of a machine's chain that was noted."""
        wanted = sa.select(WITNESSED.c.number, WITNESSED.c.sha256).where(WITNESSED.c.agent_id == agent_id)
        rows = await self._database.rows(wanted)
        return Checkpoint(rows[0].number, rows[0].sha256) if rows else None

    async def put_witnessed(self, tx: Transaction, agent_id: str, newest: Checkpoint) -> None:
        """Note it in place of the one before."""
        values = {"number": newest.number, "sha256": newest.sha256}
        noted = insert(WITNESSED).values(agent_id=agent_id, **values)
        await unit_of(tx).write(noted.on_conflict_do_update(index_elements=["agent_id"], set_=values))
