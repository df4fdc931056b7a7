"""The one outcome of each command: durable first, told once it is due, and told again until the collector confirms.

An outcome that names a snapshot is due when the collector holds that snapshot (or its Gap): a session that has ended
there shows what it measured, at once and for good. Until then its state is `delivering`, which keeps the collector
from calling it lost while a long backlog goes out before it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from caseprobe.errors import DeliveryError
from caseprobe.v1 import link_pb2
from caseprobe_agent.audit import Audit
from caseprobe_agent.session.ends import End, Ledger
from caseprobe_agent.session.frames import Wire
from caseprobe_agent.session.running import CANCELLED, Running

log = logging.getLogger("caseprobe.session")
DELIVERING = link_pb2.PROGRESS_STATE_DELIVERING
CRASHED, FAILED = link_pb2.OUTCOME_STATE_UNKNOWN_AFTER_CRASH, link_pb2.OUTCOME_STATE_FAILED
FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS = 0.5, 30.0


class Outcomes:
    """Writes outcomes down and tells them. sleep waits between tries where the disk takes nothing."""

    def __init__(
        self, ledger: Ledger, audit: Audit, wire: Wire, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._ledger = ledger
        self._audit = audit
        self._wire = wire
        self._sleep = sleep
        self._ending = False
        # Commands whose outcome waits for its snapshot to be acknowledged.
        self._waiting: set[str] = set()

    async def keep(self, command_id: str, asker: str, end: End, running: Running | None = None) -> None:
        """Write the one outcome down, however long the disk refuses, then tell it; where there was one, that counts.

        A command whose outcome could not be written when the process ends is unknown_after_crash at the next start.
        """
        # What failed may quote the machine; every other reason is a sentence of ours about what was asked.
        reason = self._wire.words(end.reason) if end.state == FAILED and end.reason else end.reason
        outcome = link_pb2.Outcome(command_id=command_id, state=end.state, reason=reason, snapshot_id=end.snapshot_id)
        if running is not None and running.permit and running.permit.grant:
            outcome.grant.CopyFrom(running.permit.grant)
        data = outcome.SerializeToString()
        delay_seconds = FIRST_DELAY_SECONDS
        while not await self._written(command_id, running.data if running else b"", data, end.record):
            await self._sleep(delay_seconds)
            delay_seconds = min(2 * delay_seconds, LONGEST_DELAY_SECONDS)
        state = link_pb2.OutcomeState.Name(end.state).removeprefix("OUTCOME_STATE_").lower()
        await self._audit.record("ended", command_id, asker, f"{state} {end.reason} {end.detail}".strip())
        await self.tell(command_id)

    async def tell(self, command_id: str) -> bool:
        """Answer for a command that has ended; False where it has not."""
        outcome = await self._ledger.command_outcome(command_id)
        if outcome is None:
            return False
        if command_id in await self._ledger.waiting_outcomes():
            self._waiting.add(command_id)
            self._wire.progress(command_id, DELIVERING)
            # The acknowledgement may have come in between.
            await self.settled()
        else:
            self._wire.outcome(outcome)
        return True

    async def settled(self) -> None:
        """The collector acknowledged records: tell the outcomes that waited for them."""
        if not self._waiting:
            return
        still = set(await self._ledger.waiting_outcomes())
        due, self._waiting = self._waiting - still, self._waiting & still
        for command_id in sorted(due):
            outcome = await self._ledger.command_outcome(command_id)
            if outcome is not None:
                self._wire.outcome(outcome)

    async def welcomed(self) -> None:
        """A stream begins: say again what the collector may have missed."""
        for _, outcome in await self._ledger.unacked_outcomes():
            self._wire.outcome(outcome)
        for command_id in await self._ledger.waiting_outcomes():
            self._waiting.add(command_id)
            self._wire.progress(command_id, DELIVERING)

    async def confirmed(self, command_id: str) -> None:
        """The collector holds the outcome."""
        await self._ledger.forget_outcome(command_id)

    async def cancelled_unseen(self, command_id: str) -> None:
        """Remember a command as cancelled that never came, so that it does not run when it comes."""
        if await self.tell(command_id):
            return
        if await self._ledger.start_command(command_id, b""):
            await self.keep(command_id, "collector", End(CANCELLED, "cancelled before it began"))

    async def recover(self) -> None:
        """After a start: what ran when the last process died is not known to have ended, and never runs again."""
        for command_id, _ in await self._ledger.open_commands():
            await self.keep(command_id, "agent", End(CRASHED, "the agent stopped before this session had ended"))

    def stop_trying(self) -> None:
        """The process ends: what the disk does not take now is left to the next start."""
        self._ending = True

    async def _written(self, command_id: str, request: bytes, data: bytes, record: int) -> bool:
        """Whether the ledger holds an outcome now; False where it has to be tried again."""
        try:
            # What the gate turned away was not marked as started; its outcome must be durable all the same.
            await self._ledger.start_command(command_id, request)
            await self._ledger.end_command(command_id, data, record)
        except DeliveryError as error:
            if self._ending:
                raise
            log.warning("the outcome of %s cannot be written yet: %s", command_id, error)
            return False
        return True
