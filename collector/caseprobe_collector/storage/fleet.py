"""Machines in tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

import sqlalchemy as sa

from caseprobe.errors import StorageDamaged
from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import Agent, Customers
from caseprobe_collector.storage.columns import EPOCH
from caseprobe_collector.storage.database import Database
from caseprobe_collector.storage.rowform import ROW_DAMAGE
from caseprobe_collector.storage.rows import seen_by, values
from caseprobe_collector.storage.sealed import MACHINE_ROWS
from caseprobe_collector.storage.tables import AGENTS, SNAPSHOTS
from caseprobe_collector.storage.unit import unit_of
from caseprobe_collector.storage.worst import worst_of

NOT_STORED = ("worst", "damage")
BEFORE = sa.select(AGENTS.c.revoked_at, AGENTS.c.last_seen_at).where(AGENTS.c.agent_id == sa.bindparam("wanted"))
SEEN = (
    sa.update(AGENTS).where(AGENTS.c.agent_id == sa.bindparam("who")).values(last_seen_at=sa.bindparam("last_seen_at"))
)


class SqlFleet:
    """Implements the port `FleetStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put_agent(self, tx: Transaction, agent: Agent) -> None:
        """Store a machine, new or changed. A record read before a revocation does not undo it."""
        unit = unit_of(tx)
        before = next(iter(await unit.rows(BEFORE, {"wanted": agent.agent_id})), None)
        if before is None:
            await unit.write(sa.insert(AGENTS), MACHINE_ROWS.sealed(values(agent, *NOT_STORED)))
            return
        revoked_at = before.revoked_at or agent.revoked_at
        last_seen_at = agent.last_seen_at or before.last_seen_at
        await self._replace(tx, replace(agent, revoked_at=revoked_at, last_seen_at=last_seen_at))

    async def revoke_agent(self, tx: Transaction, agent_id: str, revoked_at: datetime) -> None:
        """End a machine's enrolment, for good: a key that was revoked stays so."""
        agent = await self.get_agent(agent_id, None)
        if agent is not None and agent.revoked_at is None:
            await self._replace(tx, replace(agent, revoked_at=revoked_at))

    async def _replace(self, tx: Transaction, agent: Agent) -> None:
        changed = MACHINE_ROWS.sealed(values(agent, *NOT_STORED))
        await unit_of(tx).write(sa.update(AGENTS).where(AGENTS.c.agent_id == agent.agent_id).values(changed))

    async def get_agent(self, agent_id: str, customers: Customers) -> Agent | None:
        """One machine, None where there is none for these customers; raises StorageDamaged for a damaged row."""
        agent = next(map(_record, await self._database.rows(_one(customers), {"wanted": agent_id})), None)
        if agent is not None and agent.damage:
            raise StorageDamaged(f"machine {agent_id} is damaged on the collector's disk: {agent.damage}")
        return agent

    async def list_agents(self, customers: Customers, kind: str | None = "enrolled") -> list[Agent]:
        """Machines of these customers by label; of a damaged one only its id."""
        query = _select().where(seen_by(AGENTS.c.customer_id, customers))
        if kind is not None:
            query = query.where(AGENTS.c.kind == kind)
        rows = await self._database.rows(query.order_by(AGENTS.c.label, AGENTS.c.agent_id))
        return [_record(row) for row in rows]

    async def mark_seen(self, tx: Transaction, seen: Mapping[str, datetime]) -> None:
        """Remember when machines last spoke; a name that is not enrolled is passed over."""
        if seen:
            await unit_of(tx).write(SEEN, [{"who": agent_id, "last_seen_at": at} for agent_id, at in seen.items()])


def _record(row: sa.Row[Any]) -> Agent:
    found = MACHINE_ROWS.read(row._asdict())
    if found is None:
        name = row.agent_id if isinstance(row.agent_id, str) else ""
        return Agent(name, "", ROW_DAMAGE, "", "", "enrolled", EPOCH, EPOCH, damage=ROW_DAMAGE)
    return Agent(**found, worst=row.worst)


@cache  # building it costs ten times what running it does
def _select() -> sa.Select[Any]:
    worst = worst_of(SNAPSHOTS.c.agent_id == AGENTS.c.agent_id, "agent_id", AGENTS)
    return sa.select(*MACHINE_ROWS.columns, worst.label("worst"))


@lru_cache(maxsize=256)  # on the way of every live request; one for each set of customers that staff see
def _one(customers: Customers) -> sa.Select[Any]:
    return _select().where((AGENTS.c.agent_id == sa.bindparam("wanted")) & seen_by(AGENTS.c.customer_id, customers))
