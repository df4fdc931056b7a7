"""Rounds of every path that is measured, on their way past the machine's history."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import TYPE_CHECKING

from caseprobe.v1 import link_pb2, path_pb2
from caseprobe_agent.session.measure import Opened, OpenPath

if TYPE_CHECKING:
    from caseprobe_agent.path import Permit

Note = Callable[[tuple[str, str], float], None]


def noted(open_path: OpenPath, note: Note) -> OpenPath:
    """Opens the same traces; note is told of each round how long the target took, or that it did not answer."""

    @contextlib.asynccontextmanager
    async def opened(action: link_pb2.PathAction, permit: Permit, ask_servers: bool) -> AsyncIterator[Opened]:
        async with open_path(action, permit, ask_servers) as (header, rounds):
            yield header, _passed(header.target, rounds, note)

    return opened


async def _passed(
    target: str, rounds: AsyncGenerator[path_pb2.PathRound, None], note: Note
) -> AsyncGenerator[path_pb2.PathRound, None]:
    async for one in rounds:
        answers = [reply.rtt_seconds for reply in one.replies if reply.from_target and reply.HasField("rtt_seconds")]
        if one.sent:
            note(("path.loss_ratio", target), 0.0 if answers else 1.0)
        for seconds in answers:
            note(("path.rtt_seconds", target), seconds)
        yield one
