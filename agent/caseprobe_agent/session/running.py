"""One session while it runs: what it asks, what it has measured so far, and how it is stopped."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from caseprobe.v1 import link_pb2
from caseprobe_agent.gate import Permit
from caseprobe_agent.session.asks import deadline_seconds
from caseprobe_agent.session.measure import Raw

CANCELLED = link_pb2.OUTCOME_STATE_CANCELLED
REFUSED_USER = link_pb2.OUTCOME_STATE_REFUSED_USER


@dataclass
class Running:
    """A command between its arrival and its outcome. permit is None until the gate let it through."""

    request: link_pb2.CommandRequest
    data: bytes
    # What is left of its deadline where the collector held it back; 0: all of it.
    remaining_seconds: float = 0.0
    raw: Raw = field(default_factory=Raw)
    permit: Permit | None = None
    progress: link_pb2.ProgressState.ValueType = link_pb2.PROGRESS_STATE_RECEIVED
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    stop_state: link_pb2.OutcomeState.ValueType = CANCELLED
    stop_reason: str = ""
    revoked: bool = False
    task: asyncio.Task[None] | None = None

    @property
    def command_id(self) -> str:
        """Also the session's id."""
        return self.request.command_id

    @property
    def seconds(self) -> float:
        """How long it may take from its arrival on."""
        whole = deadline_seconds(self.request)
        return min(whole, self.remaining_seconds) if self.remaining_seconds > 0 else whole

    @property
    def asker(self) -> str:
        """Who asked, for the audit."""
        return self.request.requested_by.user_id or "collector"

    def stop(self, state: link_pb2.OutcomeState.ValueType, reason: str) -> None:
        """End it as soon as possible with this outcome; the first to stop it decides."""
        if not self.stopped.is_set():
            self.stop_state, self.stop_reason = state, reason
            self.stopped.set()

    def revoke(self, reason: str) -> bool:
        """The owner took the permission back: nothing more of it leaves, not even what was measured.

        False where that was so already: it rested on a grant that went first.
        """
        first, self.revoked = not self.revoked, True
        self.stop(REFUSED_USER, reason)
        return first
