"""Short traces to several targets at once, for a bundle: each to its end, or why it could not begin."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from caseprobe.errors import CaseprobeError
from caseprobe.path_stats import summarize
from caseprobe.v1 import link_pb2, path_pb2
from caseprobe_agent.path.target import resolve
from caseprobe_agent.path.trace import describe, open_network, plan_of, trace

LOOK_UP_SECONDS = 1.0
# Rounds begin within so long, as many as the target's own limiter lets pass, within these bounds.
SENDING_SECONDS, LEAST_ROUNDS, MOST_ROUNDS = 1.0, 3, 5


def trace_briefly(hosts: Sequence[str], interval_seconds: float) -> list[path_pb2.PathFacts | str]:
    """The facts of every path, in the order of the hosts, or the reason why there are none; runs a loop of its own."""

    async def run() -> list[path_pb2.PathFacts | str]:
        actions = [link_pb2.PathAction(target=host, interval_seconds=interval_seconds) for host in hosts]
        return await asyncio.gather(*map(_trace, actions))

    return asyncio.run(run())


async def _trace(action: link_pb2.PathAction) -> path_pb2.PathFacts | str:
    found: list[path_pb2.PathRound] = []
    try:
        target = await resolve(action.target, lambda _address: None, timeout_seconds=LOOK_UP_SECONDS)
        with open_network(target, action) as network:
            action.rounds = _rounds(max(action.interval_seconds, network.tier.target_gap_seconds))
            header, plan = describe(target, network), plan_of(action, target, network)
            async with contextlib.aclosing(trace(target, action, network, plan)) as rounds:
                async for round_ in rounds:
                    found.append(round_)
    except CaseprobeError as error:
        return str(error)
    return summarize(found, header)


def _rounds(gap_seconds: float) -> int:
    """A router answers some six at once and one a second after that: more rounds would show its limit as loss."""
    return min(MOST_ROUNDS, max(LEAST_ROUNDS, 1 + int(SENDING_SECONDS / gap_seconds)))
