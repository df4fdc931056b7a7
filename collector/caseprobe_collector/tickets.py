"""What redeeming a bundle's join code leaves: a ticket for the key that did, so that a cut upload needs no new code.

A ticket is stored nowhere. It follows from what is durable already: the audit's entry of who redeemed the code and
when, the code's record, which is looked at for having been withdrawn, and the case's snapshots. So nothing has to be
kept in step with anything else, and nobody can stretch a ticket without breaking the chain.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from caseprobe.errors import JoinCodeUsed
from caseprobe.v1 import enrolment_pb2, snapshot_pb2
from caseprobe_collector.ports import Clock, JoinCodeStore, SnapshotStore
from caseprobe_collector.records import JoinCodeRecord

LIFETIME = timedelta(hours=72)


def lasting(purpose: int) -> timedelta:
    """How long after a code's last use by a new key it may still let that key go on."""
    return LIFETIME if purpose == enrolment_pb2.JOIN_PURPOSE_BUNDLE else timedelta()


class Tickets:
    """Tells whose upload may go on."""

    def __init__(self, codes: JoinCodeStore, snapshots: SnapshotStore, clock: Clock) -> None:
        self._codes = codes
        self._snapshots = snapshots
        self._clock = clock

    async def until(self, code: JoinCodeRecord, agent_id: str) -> datetime | None:
        """When the ticket of this key ends; None where this key never redeemed the code, or it is for no bundle.

        Raises JoinCodeUsed where its time is over, or the bundle that it was for has arrived: of a key that redeemed
        several codes for one case, as many as it redeemed.
        """
        if code.purpose != enrolment_pb2.JOIN_PURPOSE_BUNDLE:
            return None
        redeemed_at = await self._codes.used_at(code.join_code_id, agent_id)
        if redeemed_at is None:
            return None
        if redeemed_at + LIFETIME <= self._clock.now():
            hours = LIFETIME // timedelta(hours=1)
            raise JoinCodeUsed(
                f"this join code was redeemed more than {hours} hours ago and has ended; ask for a new one"
            )
        if arrived_at := await self._arrived_at(code, agent_id, redeemed_at):
            raise JoinCodeUsed(
                f"this join code was used, its bundle arrived at {arrived_at:%Y-%m-%d %H:%M} UTC; "
                "ask for a new one to send another"
            )
        return redeemed_at + LIFETIME

    async def _arrived_at(self, code: JoinCodeRecord, agent_id: str, since: datetime) -> datetime | None:
        """When the last bundle of this key came that its codes for this case are for; None where one is still to come.

        So many codes, so many bundles: which came by which code is nowhere. One that is damaged has to come again.
        """
        redeemed = await self._redeemed(code, agent_id, since)
        rows = await self._snapshots.list_by_agent(agent_id, frozenset({code.customer_id}))
        one_shot = (row for row in rows if row.flow == snapshot_pb2.FLOW_ONE_SHOT and not row.damage)
        mine = [row.received_at for row in one_shot if row.case_id == code.case_id]
        arrived = [at for at in mine if at >= min(redeemed)]
        return arrived[0] if len(arrived) >= len(redeemed) else None

    async def _redeemed(self, code: JoinCodeRecord, agent_id: str, at: datetime) -> list[datetime]:
        """When this key redeemed this code and each other one for its case whose ticket may overlap this one's."""
        codes = await self._codes.list_join_codes(frozenset({code.customer_id}), at - LIFETIME)
        others = [one for one in codes if one.case_id == code.case_id and one.join_code_id != code.join_code_id]
        used = [await self._codes.used_at(one.join_code_id, agent_id) for one in others]
        return [at, *(one for one in used if one is not None)]
