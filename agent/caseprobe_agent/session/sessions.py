"""Commands from their frame to their outcome.

The argument for at most once, and for one end. A command is known by its id: one that runs is not started again, one
that ended is answered with its outcome, and one that a crash interrupted ends as unknown_after_crash. Between its
arrival and its first packet stands the gate, whose start marker is durable when it says yes and is given once for an
id; whatever comes after that, another delivery, a cancel, a lost line or a new process, finds the marker. The outcome
is written where none stands yet, so the first one stays, and it is tried until the disk takes it.

Stopping a session (cancel, deadline, revoking) ends the measurement at once; what was measured by then is kept, unless
the owner took the permission back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace

from google.protobuf.message import DecodeError

from caseprobe.errors import Corrupt
from caseprobe.v1 import link_pb2, path_pb2, snapshot_pb2
from caseprobe.v1.consent_pb2 import (
    POLICY_DECISION_ALLOW,
    POLICY_DECISION_ASK,
    POLICY_KIND_PATH_NEAR,
    POLICY_KIND_REVEAL,
)
from caseprobe_agent.gate import Denied, Gate, Permit
from caseprobe_agent.session.asks import CAPABILITIES, choose, command_ask
from caseprobe_agent.session.delivery import Delivery
from caseprobe_agent.session.ends import End, cut_short, failed
from caseprobe_agent.session.frames import Wire
from caseprobe_agent.session.measure import Measurements
from caseprobe_agent.session.outcomes import CRASHED, Outcomes
from caseprobe_agent.session.running import CANCELLED, Running
from caseprobe_agent.session.spans import span_of

log = logging.getLogger("caseprobe.session")
MOST_AT_ONCE = 8
OK, FAILED = link_pb2.OUTCOME_STATE_OK, link_pb2.OUTCOME_STATE_FAILED
RECEIVED = link_pb2.PROGRESS_STATE_RECEIVED
AWAITING, RUNNING = link_pb2.PROGRESS_STATE_AWAITING_CONSENT, link_pb2.PROGRESS_STATE_RUNNING


class Sessions:
    """Runs what the collector asks, as far as the gate lets it."""

    def __init__(
        self,
        agent_id: str,
        gate: Gate,
        wire: Wire,
        measurements: Measurements,
        delivery: Delivery,
        near: Callable[[str], bool],
        outcomes: Outcomes,
    ) -> None:
        """near: whether a target is the gateway, a resolver or the collector."""
        self._agent_id = agent_id
        self._gate = gate
        self._outcomes = outcomes
        self._wire = wire
        self._measurements = measurements
        self._delivery = delivery
        self._near = near
        self._running: dict[str, Running] = {}

    # --- what the collector sends ---

    async def command(self, command: link_pb2.Command) -> None:
        """Begin a session and return at once; a command that is known already is answered as it stands."""
        try:
            request = link_pb2.CommandRequest.FromString(command.request)
        except DecodeError:
            raise Corrupt("a command that cannot be read was ignored") from None
        running = self._running.get(request.command_id)
        if running is None:
            running = Running(request, command.request, command.remaining_seconds)
            self._running[request.command_id] = running
            running.task = asyncio.create_task(self._session(running))
        else:
            self._wire.progress(running.command_id, running.progress)

    async def cancel(self, command_id: str) -> None:
        """Stop a session; one that never came is remembered as cancelled, so that it does not run when it comes."""
        running = self._running.get(command_id)
        if running is not None:
            running.stop(CANCELLED, "cancelled by support")
            return
        await self._outcomes.cancelled_unseen(command_id)

    async def welcomed(self) -> None:
        """A stream begins: say again what the collector may have missed."""
        await self._outcomes.welcomed()
        for running in self._running.values():
            self._wire.progress(running.command_id, running.progress)

    async def confirmed(self, command_id: str) -> None:
        """The collector holds the outcome."""
        await self._outcomes.confirmed(command_id)

    async def settled(self) -> None:
        """The collector acknowledged records: tell the outcomes that waited for them."""
        await self._outcomes.settled()

    # --- what happens on this machine ---

    async def recover(self) -> None:
        """After a start: what ran when the last process died is not known to have ended, and never runs again."""
        await self._outcomes.recover()

    def open_commands(self) -> list[str]:
        """Ids of the sessions that run now, for Hello."""
        return list(self._running)

    def describe(self) -> list[dict[str, str]]:
        """The sessions that run now, for `caseprobe status`."""
        names = {RECEIVED: "received", AWAITING: "awaiting consent", RUNNING: "running"}
        return [
            {
                "session_id": one.command_id,
                "action": one.request.WhichOneof("action") or "",
                "case_id": one.request.case_id,
                "asked_by": one.request.requested_by.name or one.asker,
                "state": names.get(one.progress, "?"),
            }
            for one in self._running.values()
        ]

    def revoke(self, grant_id: str, reason: str) -> int:
        """End every session that rests on a grant; gives how many."""
        resting = [one for one in self._running.values() if one.permit and one.permit.grant_id == grant_id]
        return sum([running.revoke(reason) for running in resting])

    def stop_session(self, session_id: str, reason: str) -> bool:
        """End one session because the owner says so, whatever it rests on; False where it runs no more."""
        running = self._running.get(session_id)
        return running is not None and running.revoke(reason)

    async def close(self) -> None:
        """End all sessions in order: each has its outcome, durably, when this returns."""
        self._outcomes.stop_trying()
        for running in list(self._running.values()):
            running.stop(CANCELLED, "the agent was stopped on the machine")
        tasks = [running.task for running in self._running.values() if running.task]
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- one session ---

    async def _session(self, running: Running) -> None:
        """From arrival to outcome; nothing that goes wrong inside escapes."""
        try:
            end = await self._supervised(running)
            if end is not None:
                await self._outcomes.keep(running.command_id, running.asker, end, running)
        except Exception as error:
            log.error("session %s: %s", running.command_id, error or type(error).__name__)
        finally:
            del self._running[running.command_id]

    async def _supervised(self, running: Running) -> End | None:
        """Gate and measurement, ended early by a stop or the deadline, then what is kept; None: nothing to say."""
        work = asyncio.create_task(self._work(running))
        stop = asyncio.create_task(running.stopped.wait())
        seconds = running.seconds
        await asyncio.wait({work, stop}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if work.done() and not running.stopped.is_set():
            end = work.result()
        else:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work
            end = cut_short(running, seconds)
        if end is None or running.permit is None or running.revoked or not running.raw.worth_keeping:
            return end
        return await self._kept(running, running.permit, end)

    async def _work(self, running: Running) -> End | None:
        """Gate and measurement; every refusal and failure is an end of its own."""
        try:
            if await self._outcomes.tell(running.command_id):
                return None
            refusal = self._unfit(running)
            return End(FAILED, refusal) if refusal else await self._admitted(running)
        except Exception as error:
            return failed(error)

    def _unfit(self, running: Running) -> str:
        """Why this agent cannot even ask its policy; empty where it can."""
        request = running.request
        if request.agent_id and request.agent_id != self._agent_id:
            return "the command is for another machine"
        action = request.WhichOneof("action") or "nothing"
        if action not in CAPABILITIES:
            return f"this agent cannot do {action}; it can do {', '.join(CAPABILITIES)}"
        return f"the machine runs {MOST_AT_ONCE} sessions already" if len(self._running) > MOST_AT_ONCE else ""

    async def _admitted(self, running: Running) -> End | None:
        """What the gate says, and then the measurement."""
        ask = command_ask(running.request, self._near, self._measurements.collector)
        foreseen = self._gate.foresee(ask).decision
        if ask.kind == POLICY_KIND_REVEAL and foreseen in (POLICY_DECISION_ALLOW, POLICY_DECISION_ASK):
            # Before the owner is asked: they must read what they would tell.
            ask = replace(ask, reveals=await self._measurements.true_name(ask.target))
        awaiting = foreseen == POLICY_DECISION_ASK
        self._progress(running, AWAITING if awaiting else RECEIVED)
        verdict = await self._gate.admit(ask, running.data, running.seconds)
        if verdict is None:
            # recover() ended all that is known to have been started; this one only may have been.
            return End(CRASHED, "the record of what ran on this machine was damaged; ask again")
        if isinstance(verdict, Denied):
            return End(verdict.state, verdict.reason)
        running.permit = verdict
        self._progress(running, RUNNING)
        await self._measure(running, verdict)
        return End(OK)

    async def _measure(self, running: Running, permit: Permit) -> None:
        """The action itself; rounds leave as they come."""
        request = running.request
        if request.HasField("path"):
            servers = self._gate.foresee(replace(permit.ask, kind=POLICY_KIND_PATH_NEAR, target=""))
            await self._measurements.path(
                request.path,
                lambda address: self._gate.admit_address(permit, address),
                running.raw,
                lambda *both: self._round(running, *both),
                servers.decision == POLICY_DECISION_ALLOW,
            )
            return
        if request.HasField("reveal"):
            self._measurements.reveal(permit.ask.target, permit.ask.reveals, running.raw)
            return
        if permit.ask.every_seconds:
            await self._measurements.watch(span_of(request), running.raw, lambda one: self._sections(running, one))
            return
        action = request.snapshot
        own = self._measurements.own_probes()
        choice = choose(action, permit.ask.kind, lambda kind: self._gate.foresee(replace(permit.ask, kind=kind)), own)
        profile = action.profile or "quick"
        await self._measurements.snapshot(choice, profile, running.seconds, running.raw)

    def _round(self, running: Running, header: path_pb2.PathFacts | None, round_: path_pb2.PathRound) -> None:
        """One round to the collector, at once, with the header where that tells anything new."""
        if not running.revoked:
            self._wire.round(running.command_id, round_, header)

    def _sections(self, running: Running, sections: link_pb2.Sections) -> None:
        """One round of a watch or of a log to the collector, at once."""
        if not running.revoked:
            self._wire.sections(running.command_id, sections)

    async def _kept(self, running: Running, permit: Permit, end: End) -> End:
        """The end with the snapshot that the session became."""
        try:
            delivered = await self._delivery.keep(
                running.raw,
                permit.consent,
                flow=snapshot_pb2.FLOW_LIVE,
                case_id=running.request.case_id,
                session_id=running.command_id,
                still_allowed=lambda: not running.revoked,
            )
        except Exception as error:
            return failed(error)
        if delivered is None:
            return End(running.stop_state, running.stop_reason)
        return replace(end, snapshot_id=delivered.snapshot_id, detail=str(delivered), record=delivered.record)

    def _progress(self, running: Running, state: link_pb2.ProgressState.ValueType) -> None:
        """Note where a session stands, and say so."""
        running.progress = state
        self._wire.progress(running.command_id, state)
