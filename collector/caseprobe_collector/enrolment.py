"""How a key becomes an agent: a good join code, a certificate for exactly that key, both in one transaction.

An answer may be lost on its way. Whoever asks again with the same key and the same code, while that is good, is
answered as the first time: no use is taken, nothing of the machine's record changes, its certificate ends no later.
Once the machine has connected, the answer was not lost, and its code is as used as any other.

An upload may be cut, too. Whoever redeemed a bundle's code goes on with its case, on a certificate of another hour,
until the bundle arrived or the ticket (`tickets`) ended; a code that was withdrawn and a case that was closed refuse.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from caseprobe.errors import (
    CaseClosed,
    CaseUnknown,
    JoinCodeExpired,
    JoinCodeUnknown,
    JoinCodeUsed,
    Refused,
    Revoked,
)
from caseprobe.v1 import enrolment_pb2
from caseprobe_collector.audit import AuditLog
from caseprobe_collector.bases import last_bundle
from caseprobe_collector.ports import (
    Authority,
    CaseStore,
    Clock,
    FleetStore,
    JoinCodeStore,
    SnapshotStore,
    Transaction,
    Transactions,
)
from caseprobe_collector.records import Agent, Case, JoinCodeRecord
from caseprobe_collector.tickets import LIFETIME, Tickets, lasting

ENROLLED_LIFETIME = timedelta(days=90)
ONE_SHOT_LIFETIME = timedelta(hours=1)
MAX_LABEL = 200


class Enrolment:
    """Answers those who hold a join code."""

    def __init__(
        self,
        transactions: Transactions,
        fleet: FleetStore,
        codes: JoinCodeStore,
        cases: CaseStore,
        tickets: Tickets,
        snapshots: SnapshotStore,
        authority: Authority,
        audit: AuditLog,
        clock: Clock,
        link_address: str,
        collector_name: str,
        recipient: str = "",
    ) -> None:
        """recipient: the age key that bundles may be encrypted to; empty: there is none."""
        self._transactions = transactions
        self._fleet = fleet
        self._codes = codes
        self._cases = cases
        self._tickets = tickets
        self._snapshots = snapshots
        self._authority = authority
        self._audit = audit
        self._clock = clock
        self._link_address = link_address
        self._collector_name = collector_name
        self._recipient = recipient

    async def enrol(self, request: enrolment_pb2.EnrolRequest, source: str) -> enrolment_pb2.EnrolResponse:
        """A certificate for the CSR's key; the code's use and the machine's entry commit together.

        source: the caller's address, for the audit. Raises JoinCodeUnknown, JoinCodeExpired, JoinCodeUsed,
        CaseUnknown, CaseClosed, Revoked, Refused (another customer's machine), Corrupt (the CSR).
        """
        # Who holds no good code costs no signature; all of it is checked again where it is committed.
        found = await self._good_code(request.secret, went_on=True)
        one_shot = found.purpose == enrolment_pb2.JOIN_PURPOSE_BUNDLE
        not_after = self._clock.now() + (ONE_SHOT_LIFETIME if one_shot else ENROLLED_LIFETIME)
        agent_id, certificate = self._authority.sign(request.csr, not_after)
        # Only a key that is known already may have used it: who comes for the first time waits for no search.
        enrolled = await self._fleet.get_agent(agent_id, None) is not None
        again = enrolled and await self._codes.used_at(found.join_code_id, agent_id) is not None
        until = await self._tickets.until(found, agent_id) if again else None

        async def work(tx: Transaction) -> enrolment_pb2.EnrolResponse:
            code = await self._good_code(request.secret, went_on=until is not None)
            case = await self._case_of(code)
            known = await self._fleet.get_agent(agent_id, None)
            self._check_known(known, code)
            if again and known is not None and known.last_seen_at is None and until is None:
                return await self._answer_again(tx, known, code, case, request.csr, not_after, source)
            agent = self._agent(agent_id, code, request, not_after, known)
            await self._enter(tx, agent, code, source, until)
            return self._response(agent, code, case, certificate, until)

        # A code must not be used up by a run whose evidence is refused a moment later.
        response = await self._transactions.run(work, spare_room=False)
        if one_shot and enrolled:
            await self._offer_base(response, found.customer_id)
        return response

    async def _offer_base(self, response: enrolment_pb2.EnrolResponse, customer_id: str) -> None:
        """Tell a machine which bundle of its own the next one may be sent in terms of."""
        from caseprobe.bundle import packer

        base = await last_bundle(self._snapshots, response.agent_id, customer_id)
        if base is not None:
            response.base_sha256, response.packer = base.sha256, packer()

    async def _answer_again(
        self,
        tx: Transaction,
        known: Agent,
        code: JoinCodeRecord,
        case: Case | None,
        csr: bytes,
        not_after: datetime,
        source: str,
    ) -> enrolment_pb2.EnrolResponse:
        """What was answered before; a code is no way to make a certificate last longer."""
        until = min(not_after, known.certificate_expires_at)
        if until <= self._clock.now():
            raise JoinCodeUsed("this join code was used already, and what it gave has ended; ask for a new one")
        detail = f"{code.join_code_id} from {source}, answered again"[:500]
        await self._audit.record(tx, known.agent_id, "agent.enrol", code.customer_id, known.agent_id, detail)
        return self._response(known, code, case, self._authority.sign(csr, until)[1])

    async def _enter(
        self, tx: Transaction, agent: Agent, code: JoinCodeRecord, source: str, until: datetime | None
    ) -> None:
        """until: when the ticket ends of a key that redeemed the code before, which takes no use of it."""
        if until is None and not await self._codes.use_join_code(tx, code.join_code_id):
            raise JoinCodeUsed("this join code was used already; ask for a new one")
        await self._fleet.put_agent(tx, agent)
        detail = f"{code.join_code_id} from {source}"[:480] + (", going on" if until else "")
        await self._audit.record(tx, agent.agent_id, "agent.enrol", code.customer_id, agent.agent_id, detail)

    async def _good_code(self, secret: bytes, went_on: bool = False) -> JoinCodeRecord:
        """The code of this secret; went_on: also one whose time is over, while a ticket of it may stand."""
        code = await self._codes.get_join_code(hashlib.sha256(secret).digest())
        if code is None or code.revoked_at is not None:
            raise JoinCodeUnknown("this collector does not know this join code; ask for a new one")
        ends_at = code.expires_at + (lasting(code.purpose) if went_on else timedelta())
        if ends_at <= self._clock.now():
            raise JoinCodeExpired(f"this join code expired at {code.expires_at:%Y-%m-%d %H:%M} UTC; ask for a new one")
        return code

    async def _case_of(self, code: JoinCodeRecord) -> Case | None:
        if not code.case_id:
            return None
        case = await self._cases.get_case(code.case_id, frozenset({code.customer_id}))
        if case is None:
            raise CaseUnknown("the case of this join code does not exist any more; ask for a new code")
        if case.state != "open":
            raise CaseClosed("the case of this join code is closed; ask support to reopen it")
        return case

    def _check_known(self, known: Agent | None, code: JoinCodeRecord) -> None:
        if known is None:
            return
        if known.revoked_at is not None:
            raise Revoked(
                "this machine's key was revoked; leave with `caseprobe leave --purge` and enrol with a new key"
            )
        if known.customer_id != code.customer_id:
            raise Refused("this machine's key belongs to another customer; use a key of its own for this one")

    def _agent(
        self,
        agent_id: str,
        code: JoinCodeRecord,
        request: enrolment_pb2.EnrolRequest,
        not_after: datetime,
        known: Agent | None,
    ) -> Agent:
        one_shot = code.purpose == enrolment_pb2.JOIN_PURPOSE_BUNDLE
        # A key that is enrolled stays so, with its longer certificate, when it also sends one bundle.
        enrolled = known is not None and known.kind == "enrolled"
        if enrolled and known is not None:
            not_after = max(not_after, known.certificate_expires_at)
        return Agent(
            agent_id=agent_id,
            customer_id=code.customer_id,
            label=request.machine_label[:MAX_LABEL],
            system=request.system[:MAX_LABEL],
            version=request.agent_version[:MAX_LABEL],
            kind="one_shot" if one_shot and not enrolled else "enrolled",
            enrolled_at=known.enrolled_at if known is not None else self._clock.now(),
            certificate_expires_at=not_after,
            case_id=code.case_id,
        )

    def _response(
        self,
        agent: Agent,
        code: JoinCodeRecord,
        case: Case | None,
        certificate: bytes,
        until: datetime | None = None,
    ) -> enrolment_pb2.EnrolResponse:
        response = enrolment_pb2.EnrolResponse(
            agent_id=agent.agent_id,
            certificate=certificate,
            link_address=self._link_address,
            case_id=code.case_id,
            case_title=case.title if case is not None else "",
            collector_name=self._collector_name,
            resumed=until is not None,
        )
        response.purpose = code.purpose  # type: ignore[assignment]
        response.received_at.FromDatetime(self._clock.now())
        if code.purpose == enrolment_pb2.JOIN_PURPOSE_BUNDLE:
            response.recipient = self._recipient
            response.ticket_until.FromDatetime(until or self._clock.now() + LIFETIME)
        return response
