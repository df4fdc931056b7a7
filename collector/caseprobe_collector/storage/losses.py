"""What was found missing when the store was opened, in a table."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import Loss
from caseprobe_collector.storage.database import Database
from caseprobe_collector.storage.rows import records
from caseprobe_collector.storage.tables import LOSSES
from caseprobe_collector.storage.unit import unit_of


class SqlLosses:
    """Implements the port `LossStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_losses(self) -> list[Loss]:
        """All of them, oldest first."""
        return records(Loss, await self._database.rows(sa.select(LOSSES).order_by(LOSSES.c.number)))

    async def settle_losses(self, tx: Transaction, settled_at: datetime) -> int:
        """Those that stand are dealt with; gives how many."""
        standing = sa.update(LOSSES).where(LOSSES.c.settled_at.is_(None))
        return await unit_of(tx).write(standing.values(settled_at=settled_at))
