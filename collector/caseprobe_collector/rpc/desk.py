"""What a stream hands its frames to."""

from __future__ import annotations

from dataclasses import dataclass

from caseprobe_collector.audit import AuditLog
from caseprobe_collector.drafts import Drafts
from caseprobe_collector.ingest import Ingest, Limits
from caseprobe_collector.ports import Clock, FleetStore, SnapshotStore, Transaction, Transactions
from caseprobe_collector.records import Agent
from caseprobe_collector.rpc.links import OpenLinks
from caseprobe_collector.schedules import Schedules
from caseprobe_collector.sessions import Sessions
from caseprobe_collector.witness import Witness


@dataclass(frozen=True)
class Desk:
    """Stores, use cases and the streams that are open."""

    transactions: Transactions
    fleet: FleetStore
    snapshots: SnapshotStore
    ingest: Ingest
    sessions: Sessions
    schedules: Schedules
    links: OpenLinks
    clock: Clock
    limits: Limits
    audit: AuditLog
    witness: Witness
    drafts: Drafts

    async def audit_clone(self, agent: Agent) -> None:
        """Write down that two machines were turned away because they hold one key."""

        async def work(tx: Transaction) -> None:
            await self.audit.record(tx, agent.agent_id, "agent.cloned", agent.customer_id, agent.agent_id)

        await self.transactions.run(work)
