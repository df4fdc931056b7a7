"""The only way to permission: policy, then grant or owner, then the machine's own audit, then the start marker.

All three flows pass here. What holds a Permit may run; nothing else makes one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from caseprobe.errors import PolicyRefused
from caseprobe.v1.consent_pb2 import (
    CONSENT_MODE_GRANT,
    CONSENT_MODE_POLICY,
    POLICY_DECISION_ALLOW,
    POLICY_DECISION_ASK,
    ConsentRecord,
    Grant,
    GrantTerms,
)
from caseprobe.v1.link_pb2 import (
    OUTCOME_STATE_EXPIRED,
    OUTCOME_STATE_REFUSED_POLICY,
    OUTCOME_STATE_REFUSED_USER,
    OutcomeState,
)
from caseprobe_agent.audit import Audit
from caseprobe_agent.consent import Ask, Basis, Decision, Origin, decide
from caseprobe_agent.consent.policy import Policy, kind_name
from caseprobe_agent.consent.targets import Address
from caseprobe_agent.grants import Grants

# A grant that answers one request outlives it by this much, so that a session is not cut at its last round.
GRACE = timedelta(minutes=1)


@dataclass(frozen=True)
class Answer:
    """What the owner said: who, to which text, in which language."""

    allowed: bool
    by: str
    text: str = ""
    language: str = "en"


class Owner(Protocol):
    """The person whom the machine belongs to, however they are reached."""

    async def answer(self, ask: Ask) -> Answer:
        """What they say; waits for as long as it takes."""
        ...


@dataclass(frozen=True)
class Permit:
    """May run now: what was asked, why it may, and the consent that travels with the result."""

    ask: Ask
    decision: Decision
    consent: ConsentRecord
    grant: Grant | None = None

    @property
    def grant_id(self) -> str:
        """The grant that it rests on; empty where policy alone allows it."""
        return GrantTerms.FromString(self.grant.terms).grant_id if self.grant else ""


@dataclass(frozen=True)
class Denied:
    """May not run, and how the command ends."""

    state: OutcomeState.ValueType
    reason: str
    by: str = "policy"


class Gate:
    """Decides with this machine's policy and grants, asks its owner, and writes down what was decided.

    start commits the start marker of a command and gives False for one that was started before;
    new_grant_id gives a fresh id; clock is aware and in the machine's own time zone.
    """

    def __init__(
        self,
        policy: Policy,
        grants: Grants,
        audit: Audit,
        owner: Owner,
        start: Callable[[str, bytes], Awaitable[bool]],
        clock: Callable[[], datetime],
        new_grant_id: Callable[[], str],
        ask_timeout_seconds: float,
    ) -> None:
        self._policy = policy
        self._grants = grants
        self._audit = audit
        self._owner = owner
        self._start = start
        self._clock = clock
        self._new_grant_id = new_grant_id
        self._ask_timeout_seconds = ask_timeout_seconds

    def foresee(self, ask: Ask) -> Decision:
        """What would be decided now, without asking anybody or writing anything down."""
        return decide(self._policy, self._grants.terms(), ask, self._clock())

    async def admit(self, ask: Ask, request: bytes = b"", wait_seconds: float | None = None) -> Permit | Denied | None:
        """A Permit once everything that must be durable before the first packet or read is; or why not.

        None: this command was started before and must not run again. wait_seconds: how long the asker waits at most.
        Raises StorageFull where it could not be written down, in which case nothing may run.
        """
        verdict = await self._decide(self._counted(ask), wait_seconds)
        if isinstance(verdict, Denied):
            await self._audit.record("refused", ask.command_id, _asker(ask), f"{_what(ask)}: {verdict.reason}")
            return verdict
        started, _ = await asyncio.gather(self._mark(ask, request), self._admitted(verdict))
        return verdict if started else None

    def admit_address(self, permit: Permit, address: Address) -> None:
        """Let through the address that a permitted name turned out to be, before the first packet, or PolicyRefused."""
        decision = self.foresee(replace(permit.ask, address=address))
        if decision.decision != POLICY_DECISION_ALLOW:
            raise PolicyRefused(decision.reason)

    async def _decide(self, ask: Ask, wait_seconds: float | None) -> Permit | Denied:
        """Policy and grants, then the owner where they must be asked, then both again: time has passed."""
        decision = self.foresee(ask)
        grant = None
        if decision.decision == POLICY_DECISION_ASK:
            answer = await self._ask_owner(ask, wait_seconds)
            if isinstance(answer, Denied):
                return answer
            grant = await self._grants.make(self._terms(ask, answer))
            decision = self.foresee(ask)
        if decision.decision != POLICY_DECISION_ALLOW:
            return Denied(OUTCOME_STATE_REFUSED_POLICY, decision.reason)
        return self._permit(ask, decision, grant)

    async def _ask_owner(self, ask: Ask, wait_seconds: float | None) -> Answer | Denied:
        """The owner's yes, or their no, or that nobody answered in time; a timetable has nobody in front of it."""
        if ask.origin is Origin.SCHEDULE:
            reason = f"policy asks the owner about {kind_name(ask.kind)}, and a scheduled run finds nobody to ask"
            return Denied(OUTCOME_STATE_REFUSED_POLICY, reason)
        limit = min(self._ask_timeout_seconds, wait_seconds or self._ask_timeout_seconds)
        await self._audit.record("asked", ask.command_id, _asker(ask), _what(ask))
        try:
            async with asyncio.timeout(limit):
                answer = await self._owner.answer(ask)
        except TimeoutError:
            return Denied(OUTCOME_STATE_EXPIRED, f"nobody answered on the machine within {limit:.0f} s", "nobody")
        if not answer.allowed:
            return Denied(OUTCOME_STATE_REFUSED_USER, "the owner of the machine said no", answer.by)
        return answer

    def _terms(self, ask: Ask, answer: Answer) -> GrantTerms:
        """What the owner's yes grants: this one request, for as long as it may take."""
        now = self._clock()
        terms = GrantTerms(
            grant_id=self._new_grant_id(),
            kind=ask.kind,
            case_id=ask.case_id,
            requested_by=ask.requested_by,
            targets=[ask.target] if ask.target else [],
            granted_by=answer.by,
            text_shown=answer.text,
            language=answer.language,
            command_id=ask.command_id,
        )
        terms.granted_at.FromDatetime(now.astimezone(UTC))
        terms.expires_at.FromDatetime((now + timedelta(seconds=ask.duration_seconds) + GRACE).astimezone(UTC))
        return terms

    def _permit(self, ask: Ask, decision: Decision, grant: Grant | None) -> Permit:
        """The permit with its consent record."""
        grant = grant or self._grants.get(decision.grant_id)
        if decision.basis is not Basis.GRANT or grant is None:
            consent = ConsentRecord(mode=CONSENT_MODE_POLICY, text_shown=decision.reason, language="en")
            consent.granted_at.FromDatetime(self._clock().astimezone(UTC))
            return Permit(ask, decision, consent)
        terms = GrantTerms.FromString(grant.terms)
        consent = ConsentRecord(
            mode=CONSENT_MODE_GRANT,
            granted_by=terms.granted_by,
            granted_at=terms.granted_at,
            text_shown=terms.text_shown,
            language=terms.language,
            grant=grant,
        )
        return Permit(ask, decision, consent, grant)

    async def _admitted(self, permit: Permit) -> None:
        """The audit entry without which nothing runs."""
        ask = permit.ask
        await self._audit.record(
            _admission(ask), ask.command_id, _asker(ask), f"{_what(ask)}: {permit.decision.reason}"
        )

    async def _mark(self, ask: Ask, request: bytes) -> bool:
        """The start marker of a remote command; what has no command id (the owner's own run) needs none."""
        return await self._start(ask.command_id, request) if ask.command_id else True

    def _counted(self, ask: Ask) -> Ask:
        """The request with how often its kind was admitted today."""
        if self._policy.rule(ask.kind).sessions_per_day is None:
            return ask
        day = self._clock().astimezone(UTC).date().isoformat()
        return replace(ask, sessions_today=self._audit.count_on(day, _admission(ask)))


def _admission(ask: Ask) -> str:
    """The audit's name for an admitted request of a kind, by which a day's sessions are counted."""
    return f"admitted:{kind_name(ask.kind)}"


def _asker(ask: Ask) -> str:
    """Who asks, for the audit."""
    return ask.requested_by or ask.origin.value


def _what(ask: Ask) -> str:
    """What is asked, for the audit."""
    parts = (kind_name(ask.kind), ask.target, ask.case_id, *ask.details)
    return " ".join(part for part in parts if part)
