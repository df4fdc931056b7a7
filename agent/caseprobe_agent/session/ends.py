"""How a session ends, and where that is written down."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Protocol

from caseprobe.errors import CaseprobeError, PolicyRefused
from caseprobe.v1 import link_pb2
from caseprobe_agent.session.running import Running

log = logging.getLogger("caseprobe.session")


class Ledger(Protocol):
    """The parts of the spool that make a command run at most once."""

    async def start_command(self, command_id: str, request: bytes) -> bool: ...
    async def end_command(self, command_id: str, outcome: bytes, record: int = 0) -> bool: ...
    async def command_outcome(self, command_id: str) -> bytes | None: ...
    async def open_commands(self) -> list[tuple[str, bytes]]: ...
    async def unacked_outcomes(self) -> list[tuple[str, bytes]]: ...
    async def waiting_outcomes(self) -> list[str]: ...
    async def forget_outcome(self, command_id: str) -> None: ...


@dataclass(frozen=True)
class End:
    """How a session ended, before it is written down."""

    state: link_pb2.OutcomeState.ValueType
    reason: str = ""
    snapshot_id: str = ""
    detail: str = ""
    # The snapshot's record in the spool, 0 where there is none.
    record: int = 0


def cut_short(running: Running, seconds: float) -> End:
    """How a session ends that was stopped, or that ran out of time."""
    if running.stopped.is_set():
        return End(running.stop_state, running.stop_reason)
    if running.permit is None:
        return End(link_pb2.OUTCOME_STATE_EXPIRED, f"nobody answered on the machine within {seconds:.0f} s")
    return End(link_pb2.OUTCOME_STATE_KILLED_LIMIT, f"it did not end within its {seconds:.0f} s")


def failed(error: Exception) -> End:
    """How a session ends on an error; a fault of ours is named as one."""
    if isinstance(error, PolicyRefused):
        return End(link_pb2.OUTCOME_STATE_REFUSED_POLICY, str(error))
    if isinstance(error, CaseprobeError):
        return End(link_pb2.OUTCOME_STATE_FAILED, str(error))
    log.error("a session failed", exc_info=error)
    return End(link_pb2.OUTCOME_STATE_FAILED, f"a defect in the agent: {type(error).__name__}")
