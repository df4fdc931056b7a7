"""Runs one function in a child with limits, so that what hangs, allocates or forks never touches this process.

The child is `python -m caseprobe_agent.worker module:qualname`: its limits and the request come on stdin, answers leave
on stdout, all as frames (kind, length, bytes). Who knows early that it will need one starts it early: it loads its
function while the caller still makes up the request. After its last frame the child waits to be killed, or to be
asked again where it is kept: as long as it lives, its number and that of its process group cannot be another's, so
whatever it started ends with it.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import cast

from caseprobe.errors import MeasurementError
from caseprobe_agent.worker.child import Child
from caseprobe_agent.worker.frames import Limits
from caseprobe_agent.worker.kept import Kept
from caseprobe_agent.worker.names import reference, resolve

__all__ = ["Child", "Kept", "Limits", "Single", "Stream", "call", "reference", "resolve", "run"]

Stream = Callable[[bytes], Iterator[bytes]]
Single = Callable[[bytes], bytes]


async def run(
    function: Stream, request: bytes, timeout_seconds: float, limits: Limits = Limits(), child: Child | None = None
) -> AsyncGenerator[bytes, None]:
    """Everything that the function yields, as it comes; close it (contextlib.aclosing) and the child is killed.

    child: one that was started early for the same function. Raises MachineTimeout at the limit, the function's own
    CaseprobeError, MeasurementError for any other end.
    """
    child = child or Child(reference(function))
    if child.function != reference(function):
        raise ValueError(f"this child was started for {child.function}")
    async with contextlib.aclosing(child.answers(request, timeout_seconds, limits)) as answers:
        async for answer in answers:
            yield answer


async def call(function: Single, request: bytes, timeout_seconds: float, limits: Limits = Limits()) -> bytes:
    """The one answer of a function; raises as run does."""
    async with contextlib.aclosing(run(cast(Stream, function), request, timeout_seconds, limits)) as answers:
        async for answer in answers:
            return answer
    raise MeasurementError(f"{function.__qualname__} gave no answer")
