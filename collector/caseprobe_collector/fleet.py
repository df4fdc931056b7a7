"""Machines and the join codes by which they come in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from caseprobe import join_code
from caseprobe.errors import CaseClosed, NotAllowed, NotFound, UsageError
from caseprobe.v1 import enrolment_pb2
from caseprobe_collector.access import Action, Principal, decide
from caseprobe_collector.audit import AuditLog
from caseprobe_collector.ports import (
    Bus,
    CaseStore,
    Clock,
    CustomerStore,
    FleetStore,
    JoinCodeStore,
    Transaction,
    Transactions,
)
from caseprobe_collector.records import Agent, Event, JoinCodeRecord
from caseprobe_collector.tickets import LIFETIME, lasting

SECRET_BYTES = 20
MAX_USES = 10_000
# A code that enrols machines is used at once by the one who made it; a bundle code waits for a customer.
LIFETIMES = {
    enrolment_pb2.JOIN_PURPOSE_ENROL_ONE: timedelta(minutes=15),
    enrolment_pb2.JOIN_PURPOSE_ENROL_MANY: timedelta(hours=24),
    enrolment_pb2.JOIN_PURPOSE_BUNDLE: timedelta(hours=72),
}
LONGEST_LIFETIME = timedelta(days=30)
# As the audit log says it.
PURPOSES: dict[int, str] = {
    enrolment_pb2.JOIN_PURPOSE_ENROL_ONE: "to enrol one machine",
    enrolment_pb2.JOIN_PURPOSE_ENROL_MANY: "to enrol machines",
    enrolment_pb2.JOIN_PURPOSE_BUNDLE: "for one bundle",
}


@dataclass(frozen=True)
class Door:
    """Where machines find this collector, and how they know it: host:port of HTTPS, SHA-256 of its CA (DER)."""

    address: str
    ca_sha256: bytes
    # age key that bundles are encrypted to; empty: codes ask for none.
    recipient: str = ""


class Fleet:
    """What staff do with machines."""

    def __init__(
        self,
        transactions: Transactions,
        store: FleetStore,
        codes: JoinCodeStore,
        cases: CaseStore,
        customers: CustomerStore,
        audit: AuditLog,
        bus: Bus,
        clock: Clock,
        new_id: Callable[[str], str],
        random_bytes: Callable[[int], bytes],
        door: Door,
    ) -> None:
        self._transactions = transactions
        self._store = store
        self._codes = codes
        self._cases = cases
        self._customers = customers
        self._audit = audit
        self._bus = bus
        self._clock = clock
        self._new_id = new_id
        self._random_bytes = random_bytes
        self._door = door

    async def get(self, by: Principal, agent_id: str) -> Agent:
        """One machine; raises NotFound."""
        agent = await self._store.get_agent(agent_id, by.customer_ids)
        if agent is None or not decide(by, Action.AGENT_READ, agent.customer_id):
            raise NotFound(f"no machine {agent_id[:60]!r}")
        return agent

    async def list(self, by: Principal, kind: str | None = "enrolled") -> list[Agent]:
        """Machines of a kind, or of any."""
        if not decide(by, Action.AGENT_READ):
            raise NotAllowed("you may not read machines")
        return await self._store.list_agents(by.customer_ids, kind)

    async def revoke(self, by: Principal, agent_id: str) -> Agent:
        """The machine, whose key opens nothing any more; its open stream ends at once."""
        revoked_at = self._clock.now()

        async def work(tx: Transaction) -> Agent:
            agent = await self.get(by, agent_id)
            if not decide(by, Action.AGENT_REVOKE, agent.customer_id):
                raise NotAllowed("only operations and admins may revoke machines")
            if agent.revoked_at is not None:
                return agent
            await self._store.revoke_agent(tx, agent_id, revoked_at)
            await self._audit.record(tx, by, "agent.revoke", agent.customer_id, agent_id)
            return replace(agent, revoked_at=revoked_at)

        agent = await self._transactions.run(work)
        # Told again where it was revoked before: a stream that outlived the first telling ends now.
        body = {"agent_id": agent_id, "revoked": True}
        for topic in ("fleet", f"agent:{agent_id}"):
            self._bus.publish(Event(topic, "agent", agent.customer_id, body))
        return agent

    async def create_join_code(
        self,
        by: Principal,
        purpose: int,
        customer_id: str,
        case_id: str = "",
        uses: int = 1,
        lifetime: timedelta | None = None,
    ) -> tuple[JoinCodeRecord, str]:
        """A join code and its text, which is shown once: only the hash of its secret is kept.

        A bundle code belongs to an open case, whose customer it takes. Raises UsageError, NotFound, CaseClosed.
        """
        if purpose == enrolment_pb2.JOIN_PURPOSE_BUNDLE:
            customer_id = await self._customer_of(by, case_id)
        self._require(by, purpose, customer_id)
        if await self._customers.get_customer(customer_id, by.customer_ids) is None:
            raise NotFound(f"no customer {customer_id[:60]!r}")
        secret = self._random_bytes(SECRET_BYTES)
        record = self._record(by, purpose, customer_id, case_id, uses, lifetime, secret)

        async def work(tx: Transaction) -> None:
            await self._codes.add_join_code(tx, record)
            detail = f"{PURPOSES[record.purpose]}, uses: {uses} {case_id}".strip()
            await self._audit.record(tx, by, "join_code.create", customer_id, record.join_code_id, detail)

        await self._transactions.run(work)
        return record, self._text(purpose, secret)

    async def list_join_codes(self, by: Principal) -> Sequence[JoinCodeRecord]:
        """The codes that may still be used or were withdrawn, newest first, of those that one may make oneself."""
        codes = await self._lasting_codes(by)
        return [code for code in codes if decide(by, _action_of(code.purpose), code.customer_id)]

    async def revoke_join_code(self, by: Principal, join_code_id: str) -> JoinCodeRecord:
        """The code, which lets nobody in any more; who came in by it stays. Raises NotFound, NotAllowed."""
        revoked_at = self._clock.now()

        async def work(tx: Transaction) -> JoinCodeRecord:
            code = await self._code(by, join_code_id)
            if not decide(by, _action_of(code.purpose), code.customer_id):
                raise NotAllowed("you may withdraw only join codes of a kind that you may make")
            if code.revoked_at is not None:
                return code
            await self._codes.revoke_join_code(tx, join_code_id, revoked_at)
            await self._audit.record(tx, by, "join_code.revoke", code.customer_id, join_code_id)
            return replace(code, revoked_at=revoked_at)

        return await self._transactions.run(work)

    async def _lasting_codes(self, by: Principal) -> Sequence[JoinCodeRecord]:
        """Those that have not ended; one that a key redeemed ends with that key's ticket."""
        now = self._clock.now()
        codes = await self._codes.list_join_codes(by.customer_ids, now - LIFETIME)
        return [
            code for code in codes if code.expires_at + (timedelta() if code.uses_left else lasting(code.purpose)) > now
        ]

    async def _code(self, by: Principal, join_code_id: str) -> JoinCodeRecord:
        for code in await self._lasting_codes(by):
            if code.join_code_id == join_code_id:
                return code
        raise NotFound(f"no join code {join_code_id[:60]!r} that has not ended")

    def _record(
        self,
        by: Principal,
        purpose: int,
        customer_id: str,
        case_id: str,
        uses: int,
        lifetime: timedelta | None,
        secret: bytes,
    ) -> JoinCodeRecord:
        now = self._clock.now()
        return JoinCodeRecord(
            join_code_id=self._new_id("join"),
            secret_sha256=hashlib.sha256(secret).digest(),
            purpose=purpose,
            customer_id=customer_id,
            case_id=case_id if purpose == enrolment_pb2.JOIN_PURPOSE_BUNDLE else "",
            uses_left=_checked_uses(purpose, uses),
            expires_at=now + _checked_lifetime(purpose, lifetime),
            created_by=by.id,
            created_at=now,
        )

    async def _customer_of(self, by: Principal, case_id: str) -> str:
        case = await self._cases.get_case(case_id, by.customer_ids)
        if case is None:
            raise NotFound(f"no case {case_id[:60]!r}")
        if case.state != "open":
            raise CaseClosed(f"{case_id} is closed; reopen it to ask for a bundle")
        return case.customer_id

    def _require(self, by: Principal, purpose: int, customer_id: str) -> None:
        if purpose not in LIFETIMES:
            raise UsageError("purpose: must be bundle, enrol_one or enrol_many")
        if not decide(by, _action_of(purpose), customer_id):
            bundle = purpose == enrolment_pb2.JOIN_PURPOSE_BUNDLE
            raise NotAllowed(
                "you may not make join codes" if bundle else "only operations and admins may enrol machines"
            )

    def _text(self, purpose: int, secret: bytes) -> str:
        code = enrolment_pb2.JoinCode(address=self._door.address, ca_sha256=self._door.ca_sha256, secret=secret)
        if purpose == enrolment_pb2.JOIN_PURPOSE_BUNDLE:
            code.recipient = self._door.recipient
        code.purpose = purpose  # type: ignore[assignment]  # checked by _require
        return join_code.encode(code)


def _action_of(purpose: int) -> Action:
    bundle = purpose == enrolment_pb2.JOIN_PURPOSE_BUNDLE
    return Action.JOIN_CODE_BUNDLE if bundle else Action.JOIN_CODE_ENROL


def _checked_uses(purpose: int, uses: int) -> int:
    limit = MAX_USES if purpose == enrolment_pb2.JOIN_PURPOSE_ENROL_MANY else 1
    if not 1 <= uses <= limit:
        raise UsageError(f"uses: must be 1 to {limit} for this purpose")
    return uses


def _checked_lifetime(purpose: int, lifetime: timedelta | None) -> timedelta:
    chosen = LIFETIMES[purpose] if lifetime is None else lifetime  # type: ignore[index]
    if not timedelta(seconds=1) <= chosen <= LONGEST_LIFETIME:
        raise UsageError(f"lifetime: must be 1 second to {LONGEST_LIFETIME.days} days")
    return chosen
