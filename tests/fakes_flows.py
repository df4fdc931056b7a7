"""A clock, an owner, a signer and a ledger that a test turns by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from caseprobe_agent.consent import Ask
from caseprobe_agent.gate import Answer

MORNING = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


class FakeClock:
    """A wall clock that moves only when told to."""

    def __init__(self, now: datetime = MORNING) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """The time that a test set."""
        return self.now

    def forward(self, seconds: float) -> None:
        """Let time pass, or step back with a negative number."""
        self.now += timedelta(seconds=seconds)


class FakeOwner:
    """An owner who says what a test wants, after the test lets them; remembers what they were asked."""

    def __init__(self, answer: Answer | None) -> None:
        self._answer = answer
        self.asked: list[Ask] = []
        self.meanwhile: Callable[[], None] = lambda: None

    async def answer(self, ask: Ask) -> Answer:
        """The prepared answer; without one nobody ever answers."""
        self.asked.append(ask)
        self.meanwhile()
        if self._answer is None:
            await asyncio.Event().wait()
        assert self._answer is not None
        return self._answer


class FakeLedger:
    """Start markers in memory, in the order in which they were made."""

    def __init__(self) -> None:
        self.started: dict[str, bytes] = {}

    async def start(self, command_id: str, request: bytes) -> bool:
        """True for a command that was not seen before."""
        if command_id in self.started:
            return False
        self.started[command_id] = request
        return True


async def fake_sign(data: bytes) -> tuple[str, bytes]:
    """A signature that fake_verify knows."""
    return "key-1", b"signed:" + data


async def fake_verify(key_id: str, data: bytes, signature: bytes) -> bool:
    """True for what fake_sign signed."""
    return key_id == "key-1" and signature == b"signed:" + data
