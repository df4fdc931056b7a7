"""Live requests: asked by a person, audited, dispatched, streamed, ended exactly once.

`executed` is a subset of `audited` because `request` dispatches only after the transaction that holds the session
and its audit entry is durable, and `on_connect` dispatches only sessions read back from that store.
A session is sent again to an agent that reconnects; the agent's own ledger makes the second time harmless.

Every session ends once: with the outcome that its machine reports, or here, when its deadline and a grace are over. The
first end is a transition from open to ended in one transaction, so whatever comes later changes nothing; and a machine
that comes back with a session that has ended here is told to stop it. Deadlines run on the monotonic clock, from when
this process first saw the session: a step of the wall clock ends none.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from caseprobe.errors import CaseClosed, NotAllowed, NotFound, StorageDamaged, TooLarge
from caseprobe.v1 import link_pb2
from caseprobe_collector.access import Action, Principal, decide
from caseprobe_collector.audit import AuditLog
from caseprobe_collector.ports import Bus, CaseStore, Clock, FleetStore, Links, SessionStore, Transaction, Transactions
from caseprobe_collector.records import Agent, Case, Event, SessionRecord
from caseprobe_collector.sessions.live import SECTIONS_BYTES, Live, LiveSessions
from caseprobe_collector.sessions.request import describe, session_of

# After its deadline a session gets this long for its outcome to arrive; one that has ended on its machine and waits for
# its snapshot to go out before it, so much longer.
GRACE_SECONDS = 30.0
DELIVERY_SECONDS = 3600.0
OUTCOMES = {
    link_pb2.OUTCOME_STATE_OK: "ok",
    link_pb2.OUTCOME_STATE_FAILED: "failed",
    link_pb2.OUTCOME_STATE_REFUSED_POLICY: "refused_policy",
    link_pb2.OUTCOME_STATE_REFUSED_USER: "refused_user",
    link_pb2.OUTCOME_STATE_EXPIRED: "expired",
    link_pb2.OUTCOME_STATE_CANCELLED: "cancelled",
    link_pb2.OUTCOME_STATE_KILLED_LIMIT: "killed_limit",
    link_pb2.OUTCOME_STATE_UNKNOWN_AFTER_CRASH: "unknown_after_crash",
}
PROGRESS = {
    link_pb2.PROGRESS_STATE_RECEIVED: "received",
    link_pb2.PROGRESS_STATE_AWAITING_CONSENT: "awaiting_consent",
    link_pb2.PROGRESS_STATE_RUNNING: "running",
    link_pb2.PROGRESS_STATE_DELIVERING: "delivering",
}


class Sessions:
    """Asks machines for measurements, one session each."""

    def __init__(
        self,
        transactions: Transactions,
        store: SessionStore,
        cases: CaseStore,
        fleet: FleetStore,
        links: Links,
        audit: AuditLog,
        bus: Bus,
        clock: Clock,
        new_id: Callable[[str], str],
    ) -> None:
        self._transactions = transactions
        self._store = store
        self._cases = cases
        self._fleet = fleet
        self._links = links
        self._audit = audit
        self._bus = bus
        self._clock = clock
        self._new_id = new_id
        self._live = LiveSessions(bus)
        # When the deadline of each open session is over, on the monotonic clock.
        self._deadlines: dict[str, float] = {}

    # --- what people ask ---

    async def request(
        self,
        by: Principal,
        case_id: str,
        agent_id: str,
        request: link_pb2.CommandRequest,
        idempotency_key: str = "",
    ) -> SessionRecord:
        """Record, audit, then dispatch a request that holds an action and deadline_seconds.

        An agent that is offline gets it when it comes back before the deadline.
        Raises NotFound, NotAllowed, CaseClosed, UsageError.
        """

        async def work(tx: Transaction) -> SessionRecord:
            # Reads stand inside the unit of work: what was decided on is what is committed, and in one hop.
            case, agent = await self._parties(by, case_id, agent_id)
            if request.HasField("reveal") and not decide(by, Action.REVEAL, case.customer_id):
                raise NotAllowed("you may not ask for true names")
            session_id, now = self._new_id("sess"), self._clock.now()
            session = session_of(session_id, by, case, agent, request, idempotency_key, now)
            detail = describe(agent_id, request)
            await self._audit.record(tx, by, "session.request", case.customer_id, session.session_id, detail)
            await self._store.add_session(tx, session)
            return session

        session = await self._transactions.run(work)
        self._live.remember(session)
        self._remaining(session)
        self._dispatch(session)
        self._live.announce(session, "requested")
        return session

    async def cancel(self, by: Principal, session_id: str) -> None:
        """Ask the machine to stop; the session ends with the outcome that the machine reports."""
        session = await self.get(by, session_id)
        if not decide(by, Action.SESSION_START, session.customer_id):
            raise NotAllowed("you may not cancel sessions")

        async def work(tx: Transaction) -> None:
            await self._audit.record(tx, by, "session.cancel", session.customer_id, session_id)

        await self._transactions.run(work)
        frame = link_pb2.LinkResponse(cancel=link_pb2.Cancel(command_id=session_id))
        if not self._links.send(session.agent_id, frame) and session.state == "requested":
            await self._end(session, "cancelled", "cancelled before the machine saw it", "")

    async def get(self, by: Principal, session_id: str) -> SessionRecord:
        """One session; raises NotFound."""
        session = await self._store.get_session(session_id, by.customer_ids)
        if session is None or not decide(by, Action.SESSION_READ, session.customer_id):
            raise NotFound(f"no session {session_id[:60]!r}")
        return session

    async def list_by_case(self, by: Principal, case_id: str) -> list[SessionRecord]:
        """A case's sessions, newest first."""
        if not decide(by, Action.SESSION_READ):
            raise NotAllowed("you may not read sessions")
        return await self._store.list_by_case(case_id, by.customer_ids)

    async def recent_rounds(self, by: Principal, session_id: str) -> link_pb2.Rounds:
        """The rounds of a running session so far (the newest 600), with its header."""
        await self.get(by, session_id)
        live = self._live.get(session_id)
        if live is None:
            return link_pb2.Rounds(session_id=session_id)
        return link_pb2.Rounds(session_id=session_id, rounds=live.rounds, header=live.header)

    async def recent_sections(self, by: Principal, session_id: str) -> list[link_pb2.Sections]:
        """The rounds of sections of a running session so far, the newest that are kept."""
        await self.get(by, session_id)
        live = self._live.get(session_id)
        return list(live.sections) if live is not None else []

    # --- what machines answer ---

    async def on_connect(self, agent: Agent, open_commands: frozenset[str]) -> None:
        """Send again what this machine may not have seen."""
        sessions = await self._store.list_open(agent.agent_id)
        for session in sessions:
            self._live.remember(session)
            remaining = self._remaining(session)
            if session.session_id not in open_commands and remaining > 0:
                self._dispatch(session, remaining)
        for command_id in open_commands - {session.session_id for session in sessions}:
            # It ended here while the machine was away: nothing more of it is wanted.
            frame = link_pb2.LinkResponse(cancel=link_pb2.Cancel(command_id=command_id))
            self._links.send(agent.agent_id, frame)

    async def on_progress(self, agent: Agent, progress: link_pb2.Progress) -> None:
        """Note where a session stands; another machine's is ignored."""
        state = PROGRESS.get(progress.state)
        live = await self._own(agent, progress.command_id) if state is not None else None
        if state is None or live is None:
            return

        async def work(tx: Transaction) -> None:
            await self._store.set_state(tx, progress.command_id, state)

        await self._transactions.run(work)
        self._live.publish(live, progress.command_id, {"state": state})

    async def on_rounds(self, agent: Agent, rounds: link_pb2.Rounds) -> None:
        """Pass rounds on at once: nothing durable stands between the probe and the page."""
        live = await self._own(agent, rounds.session_id)
        if live is None:
            return
        live.rounds.extend(rounds.rounds)
        if rounds.HasField("header"):
            live.header = rounds.header
        body = {"session_id": rounds.session_id}
        for topic in (f"session:{rounds.session_id}", f"case:{live.case_id}"):
            self._bus.publish(Event(topic, "rounds", live.customer_id, body, rounds))

    async def on_sections(self, agent: Agent, sections: link_pb2.Sections) -> None:
        """Pass a round of sections on, as on_rounds does those of a path. Raises TooLarge."""
        if sections.ByteSize() > SECTIONS_BYTES:
            raise TooLarge(f"a round of sections is at most {SECTIONS_BYTES >> 10} KiB")
        live = await self._own(agent, sections.session_id)
        if live is None:
            return
        live.add_sections(sections)
        body = {"session_id": sections.session_id, "number": sections.number}
        topic = f"session:{sections.session_id}"
        self._bus.publish(Event(topic, "sections", live.customer_id, body, sections=tuple(sections.sections)))

    async def on_outcome(self, agent: Agent, outcome: link_pb2.Outcome) -> bool:
        """End a session once; True where the agent may forget the outcome."""
        session = await self._sound(agent, outcome.command_id)
        state = OUTCOMES.get(outcome.state)
        if session is None or session.agent_id != agent.agent_id or state is None:
            return True
        await self._end(session, state, outcome.reason[:500], outcome.snapshot_id[:60])
        return True

    async def expire(self) -> None:
        """End what is past its deadline, with its grace, and whose machine did not say how it ended."""
        sessions = await self._store.list_open()
        for session in sessions:
            grace = DELIVERY_SECONDS if session.state == "delivering" else GRACE_SECONDS
            if self._remaining(session) < -grace:
                await self._give_up(session)
        known, now = {session.session_id for session in sessions}, self._clock.monotonic()
        self._deadlines = {name: at for name, at in self._deadlines.items() if name in known or at > now}

    async def _give_up(self, session: SessionRecord) -> None:
        """expired where the machine cannot have seen it, lost where it may have run."""
        try:
            agent = await self._fleet.get_agent(session.agent_id, None)
        except StorageDamaged:
            agent = None  # one machine's damage must not keep the sessions of others open
        seen_at = agent.last_seen_at if agent is not None else None
        here = self._links.online(session.agent_id) or (seen_at is not None and seen_at >= session.requested_at)
        if session.state == "requested" and not here:
            await self._end(session, "expired", "the machine was not online before the deadline", "")
        else:
            await self._end(session, "lost", "no outcome came within the deadline; it may have run", "")

    def _remaining(self, session: SessionRecord) -> float:
        """Seconds until its deadline, negative after it.

        A session that an earlier process asked for is judged by the wall clock once, and no worse than as just over.
        """
        now = self._clock.monotonic()
        if session.session_id not in self._deadlines:
            passed = (self._clock.now() - session.requested_at).total_seconds()
            left = session.deadline_seconds - min(max(passed, 0.0), session.deadline_seconds)
            self._deadlines[session.session_id] = now + left
        return self._deadlines[session.session_id] - now

    # --- inside ---

    async def _parties(self, by: Principal, case_id: str, agent_id: str) -> tuple[Case, Agent]:
        case = await self._cases.get_case(case_id, by.customer_ids)
        if case is None:
            raise NotFound(f"no case {case_id[:60]!r}")
        if not decide(by, Action.SESSION_START, case.customer_id):
            raise NotAllowed("you may not start live sessions")
        if case.state != "open":
            raise CaseClosed(f"{case_id} is closed; reopen it to measure for it")
        agent = await self._fleet.get_agent(agent_id, by.customer_ids)
        if agent is None or agent.customer_id != case.customer_id or agent.kind != "enrolled":
            raise NotFound(f"the case's customer has no enrolled machine {agent_id[:60]!r}")
        if agent.revoked_at is not None:
            raise NotAllowed(f"{agent_id} was revoked and takes no requests")
        return case, agent

    def _dispatch(self, session: SessionRecord, remaining_seconds: float = 0.0) -> None:
        command = link_pb2.Command(request=session.request, remaining_seconds=remaining_seconds)
        self._links.send(session.agent_id, link_pb2.LinkResponse(command=command))

    async def _end(self, session: SessionRecord, state: str, reason: str, snapshot_id: str) -> None:
        async def work(tx: Transaction) -> bool:
            ended_at = self._clock.now()
            return await self._store.end_session(tx, session.session_id, state, reason, snapshot_id, ended_at)

        if await self._transactions.run(work):
            self._live.forget(session.session_id)
            self._live.announce(session, state, reason, snapshot_id)

    async def _sound(self, agent: Agent, session_id: str) -> SessionRecord | None:
        """A session that a machine speaks of; None for a damaged one, which must not end the machine's stream."""
        with contextlib.suppress(StorageDamaged):
            return await self._store.get_session(session_id, frozenset({agent.customer_id}))
        return None

    async def _own(self, agent: Agent, session_id: str) -> Live | None:
        live = self._live.get(session_id)
        if live is None:
            session = await self._sound(agent, session_id)
            if session is None or session.ended_at is not None:
                return None
            live = self._live.remember(session)
        return live if live.agent_id == agent.agent_id else None
