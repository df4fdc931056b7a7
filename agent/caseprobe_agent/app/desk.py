"""What the owner may ask the resident agent over its socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from caseprobe.errors import NotFound, UsageError
from caseprobe.v1.consent_pb2 import GrantTerms
from caseprobe_agent.app.control import Document
from caseprobe_agent.app.questions import Questions
from caseprobe_agent.audit import Audit
from caseprobe_agent.consent.policy import ASK, Policy, kind_name, kinds
from caseprobe_agent.grants import Grants
from caseprobe_agent.session import Sessions

LONGEST_GRANT = timedelta(days=366)


@dataclass(frozen=True)
class Desk:
    """Answers one request of the owner; uid is as the kernel says. state gives what `status` shows of the link.

    stand_in gives what a person is called in a grant, which travels with the case; the machine's own audit names them.
    """

    policy: Policy
    questions: Questions
    grants: Grants
    sessions: Sessions
    audit: Audit
    clock: Callable[[], datetime]
    new_id: Callable[[str], str]
    name_of: Callable[[int], str]
    state: Callable[[], Awaitable[Document]]
    stop: Callable[[], None]
    agent_id: str
    stand_in: Callable[[str], str] = str

    async def answer(self, request: Document, uid: int) -> Document:
        """The answer; raises UsageError for what is no request, NotFound for what is not there."""
        by = self.name_of(uid)
        match request.get("do"):
            case "status":
                return {**await self.state(), **self._consent(), "sessions": self.sessions.describe()}
            case "list":
                return self._consent()
            case "allow" | "deny" as verb:
                return await self._settle(str(request.get("id", "")), verb == "allow", by, request)
            case "grant":
                return await self._grant(request, by)
            case "revoke":
                return await self._revoke(str(request.get("id", "")), by)
            case "stop":
                self.stop()
                return {"stopping": True}
        raise UsageError("the agent does not know this request; is it another version?")

    def _consent(self) -> Document:
        """Open questions and grants in force."""
        now = self.clock()
        held = [terms for terms in self.grants.terms() if terms.expires_at.ToDatetime(tzinfo=UTC) > now]
        return {
            "questions": self.questions.waiting(),
            "grants": [grant_document(terms) for terms in held],
            "distrusted": list(self.grants.distrusted),
        }

    async def _settle(self, name: str, allowed: bool, by: str, request: Document) -> Document:
        """The owner's yes or no to an open question."""
        ask = self.questions.settle(name, allowed, self.stand_in(by), str(request.get("language", "")))
        await self.audit.record("allowed" if allowed else "denied", ask.command_id, by, kind_name(ask.kind))
        return {"session_id": ask.command_id, "allowed": allowed}

    async def _grant(self, request: Document, by: str) -> Document:
        """A standing grant, for requests that are still to come."""
        terms = self._terms(request, by)
        await self.grants.make(terms)
        await self.audit.record("granted", terms.grant_id, by, f"{kind_name(terms.kind)} {terms.case_id}".strip())
        return grant_document(terms)

    def _terms(self, request: Document, by: str) -> GrantTerms:
        """What the owner grants; raises UsageError."""
        kind = kinds().get(str(request.get("kind", "")))
        if kind is None:
            raise UsageError(f"a grant needs one of these kinds: {', '.join(kinds())}")
        if self.policy.rule(kind).decision > ASK:
            raise UsageError(f"policy denies {kind_name(kind)}; a grant cannot change that, agent.toml can")
        seconds = float(request.get("seconds", 0))
        if not 0 < seconds <= LONGEST_GRANT.total_seconds():
            raise UsageError("a grant lasts from one second to a year")
        now = self.clock()
        terms = GrantTerms(
            grant_id=self.new_id("grant"),
            agent_id=self.agent_id,
            kind=kind,
            case_id=str(request.get("case_id", "")),
            requested_by=str(request.get("requested_by", "")),
            targets=[str(target) for target in request.get("targets", [])],
            granted_by=self.stand_in(by),
            text_shown=str(request.get("text", "")),
            language=str(request.get("language", "")),
        )
        terms.granted_at.FromDatetime(now.astimezone(UTC))
        terms.expires_at.FromDatetime((now + timedelta(seconds=seconds)).astimezone(UTC))
        return terms

    async def _revoke(self, name: str, by: str) -> Document:
        """End a grant and what rests on it, or a session; without a name everything."""
        held = [terms.grant_id for terms in self.grants.terms()]
        running = [session["session_id"] for session in self.sessions.describe()]
        chosen = [one for one in (*held, *running) if not name or one == name]
        if not chosen and name:
            raise NotFound(f"no grant or session {name!r}; `caseprobe consent list` shows them")
        stopped = sum(self._revoke_one(one, held) for one in chosen)
        for one in chosen:
            await self.audit.record("revoked", one, by)
        return {"revoked": chosen, "sessions_stopped": stopped}

    def _revoke_one(self, name: str, held: list[str]) -> int:
        """First what runs, then the record: at no time does something run whose grant is gone."""
        reason = "the owner of the machine took the permission back"
        if name not in held:
            return int(self.sessions.stop_session(name, reason))
        stopped = self.sessions.revoke(name, reason)
        self.grants.revoke(name)
        return stopped


def grant_document(terms: GrantTerms) -> Document:
    """A grant for `caseprobe consent list`."""
    return {
        "grant_id": terms.grant_id,
        "kind": kind_name(terms.kind),
        "case_id": terms.case_id,
        "requested_by": terms.requested_by,
        "targets": list(terms.targets),
        "command_id": terms.command_id,
        "granted_by": terms.granted_by,
        "granted_at": terms.granted_at.ToDatetime(tzinfo=UTC).isoformat(timespec="seconds"),
        "expires_at": terms.expires_at.ToDatetime(tzinfo=UTC).isoformat(timespec="seconds"),
    }
