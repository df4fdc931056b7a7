"""A child that stays: asked again and again, it starts and loads once; one that was lost is started anew."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from types import TracebackType

from caseprobe.errors import MeasurementError
from caseprobe_agent.worker.child import Child
from caseprobe_agent.worker.frames import Limits
from caseprobe_agent.worker.names import reference


class Kept:
    """The child of one function, or of a class whose object keeps what it knows from request to request.

    It is gone with the `async with` block. Whatever ends it before (its limit, a kill) costs that answer, and what it
    knew: the next request starts another one.
    """

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = reference(function)
        self._child: Child | None = None

    async def __aenter__(self) -> Kept:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            await self._child.end()

    async def child(self) -> Child:
        """The one that waits, else a new one; raises MeasurementError where none can be started."""
        if self._child is not None and not self._child.alive:
            await self._child.end()
            self._child = None
        if self._child is None:
            self._child = Child(self._function, kept=True)
        return self._child

    async def call(self, function: Callable[[bytes], bytes], request: bytes, timeout_seconds: float) -> bytes:
        """Its one answer, as worker.call gives it."""
        if reference(function) != self._function:
            raise ValueError(f"this child was started for {self._function}")
        answers: list[bytes] = []
        child = await self.child()
        async with contextlib.aclosing(child.answers(request, timeout_seconds, Limits())) as parts:
            async for part in parts:
                answers.append(part)
        if not answers:
            raise MeasurementError(f"{function.__qualname__} gave no answer")
        return answers[0]
