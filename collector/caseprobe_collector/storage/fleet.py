"""Machines in tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import Agent, Customers
from caseprobe_collector.storage.database import Database
from caseprobe_collector.storage.rows import first, records, seen_by, values
from caseprobe_collector.storage.tables import AGENTS, SNAPSHOTS
from caseprobe_collector.storage.unit import unit_of
from caseprobe_collector.storage.worst import worst_of

# What a machine's record may still become; when it was revoked and last seen is nobody's to take back.
CHANGEABLE = (
    "customer_id",
    "label",
    "system",
    "version",
    "kind",
    "enrolled_at",
    "certificate_expires_at",
    "case_id",
    "policy",
    "capabilities",
)

SEEN = (
    sa.update(AGENTS).where(AGENTS.c.agent_id == sa.bindparam("who")).values(last_seen_at=sa.bindparam("last_seen_at"))
)


class SqlFleet:
    """Implements the port `FleetStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put_agent(self, tx: Transaction, agent: Agent) -> None:
        """Store a machine, new or changed. A record read before a revocation does not undo it."""
        new = insert(AGENTS)
        changed: dict[str, sa.ColumnElement[Any]] = {name: new.excluded[name] for name in CHANGEABLE}
        changed["revoked_at"] = sa.func.coalesce(AGENTS.c.revoked_at, new.excluded.revoked_at)
        changed["last_seen_at"] = sa.func.coalesce(new.excluded.last_seen_at, AGENTS.c.last_seen_at)
        await unit_of(tx).write(new.on_conflict_do_update(["agent_id"], set_=changed), values(agent, "worst"))

    async def revoke_agent(self, tx: Transaction, agent_id: str, revoked_at: datetime) -> None:
        """End a machine's enrolment, for good: a key that was revoked stays so."""
        standing = (AGENTS.c.agent_id == agent_id) & AGENTS.c.revoked_at.is_(None)
        await unit_of(tx).write(sa.update(AGENTS).where(standing).values(revoked_at=revoked_at))

    async def get_agent(self, agent_id: str, customers: Customers) -> Agent | None:
        """One machine, None where there is none for these customers."""
        return first(Agent, await self._database.rows(_one(customers), {"wanted": agent_id}))

    async def list_agents(self, customers: Customers, kind: str | None = "enrolled") -> list[Agent]:
        """Machines of these customers by label."""
        query = _select().where(seen_by(AGENTS.c.customer_id, customers))
        if kind is not None:
            query = query.where(AGENTS.c.kind == kind)
        return records(Agent, await self._database.rows(query.order_by(AGENTS.c.label, AGENTS.c.agent_id)))

    async def mark_seen(self, tx: Transaction, seen: Mapping[str, datetime]) -> None:
        """Remember when machines last spoke; a name that is not enrolled is passed over."""
        if seen:
            await unit_of(tx).write(SEEN, [{"who": agent_id, "last_seen_at": at} for agent_id, at in seen.items()])


@cache  # building it costs ten times what running it does
def _select() -> sa.Select[Any]:
    worst = worst_of(SNAPSHOTS.c.agent_id == AGENTS.c.agent_id, "agent_id", AGENTS)
    return sa.select(*AGENTS.c, worst.label("worst"))


@lru_cache(maxsize=256)  # on the way of every live request; one for each set of customers that staff see
def _one(customers: Customers) -> sa.Select[Any]:
    return _select().where((AGENTS.c.agent_id == sa.bindparam("wanted")) & seen_by(AGENTS.c.customer_id, customers))
