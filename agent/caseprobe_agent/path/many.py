"""Many targets in one process: a trace each, a few sockets for all of them, one loop that wakes for whoever is due."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import secrets
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from caseprobe.errors import MachineDenied
from caseprobe.v1 import link_pb2, path_pb2
from caseprobe_agent.path.echoes import SEQUENCES, Echo, Reply
from caseprobe_agent.path.icmp import TIER, IcmpSocket
from caseprobe_agent.path.rounds import Trace
from caseprobe_agent.path.target import ResolvedTarget
from caseprobe_agent.path.trace import plan_of
from caseprobe_agent.path.waiting import wait_until

TOKEN_BYTES = 4
# So few that a socket uses its sequences again only after the half minute for which a trace remembers an echo.
TARGETS_PER_SOCKET = 64
START_GAP_SECONDS = 0.001  # between the first echoes of two targets: all at once would overflow queues on the way
TICK_SECONDS = 0.005  # a trace is looked after at most so often, whatever comes in for it


class SharedIcmp:
    """One ICMP socket for some targets of a family; an echo's sequence on the wire says whose it is."""

    tier = TIER

    def __init__(self, v6: bool) -> None:
        """Raises OSError where the kernel denies such sockets (net.ipv4.ping_group_range)."""
        self._socket = IcmpSocket(v6, secrets.token_bytes(TOKEN_BYTES))
        self.echo_bytes = self._socket.echo_bytes
        self._owners: dict[int, tuple[Lane, int]] = {}
        self._next = 0

    def fileno(self) -> int:
        """Readable when receive has something."""
        return self._socket.fileno()

    def send(self, lane: Lane, echo: Echo) -> float | None:
        """Send one echo of a lane; None where it could not leave."""
        self._next = (self._next + 1) % SEQUENCES
        self._owners[self._next] = lane, echo.sequence
        sent_at, failure = self._socket.send(self._next, echo.ttl, lane.endpoint)
        return None if failure else sent_at

    def receive(self) -> Iterator[tuple[Lane, Reply]]:
        """Every reply that waits, with the lane that it belongs to."""
        for reply in self._socket.receive():
            lane, sequence = self._owners.get(reply.sequence, (None, 0))
            if lane is not None:
                reply.sequence, reply.address = sequence, reply.address or lane.address
                yield lane, reply

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()


@dataclass(eq=False)
class Lane:
    """One target of many: its trace, the socket that it shares, and when it is looked after next.

    following is the lane that begins after this one has, not by the clock: a machine that is behind would begin with
    all of them at once. over: nothing more is expected; replies may come all the same.
    """

    index: int
    address: bytes
    endpoint: tuple[Any, ...]
    trace: Trace
    shared: SharedIcmp
    following: Lane | None = None
    wake_at: float = 0.0
    over: bool = False

    def poll(self, now: float) -> Iterator[path_pb2.PathRound]:
        """Send what is due, and give the rounds of which nothing more is expected."""
        for echo in self.trace.poll(now):
            self.trace.on_sent(echo, self.shared.send(self, echo))
        while (round_ := self.trace.finished(now)) is not None:
            yield round_


class _Lanes:
    """All lanes by the time at which they are due."""

    def __init__(self) -> None:
        self._queue: list[tuple[float, int, Lane]] = []

    def wake(self, lane: Lane, at: float) -> None:
        """Have a lane looked after at a time, or sooner where that is already planned."""
        if not lane.wake_at or at < lane.wake_at:
            lane.wake_at = at
            heapq.heappush(self._queue, (at, lane.index, lane))

    def due(self, now: float) -> Iterator[Lane]:
        """Every lane whose time has come."""
        while self._queue and self._queue[0][0] <= now:
            at, _, lane = heapq.heappop(self._queue)
            if lane.wake_at == at:
                lane.wake_at = 0.0
                yield lane

    @property
    def next_at(self) -> float:
        """When the next one is due."""
        return self._queue[0][0]


async def trace_many(
    targets: Sequence[ResolvedTarget], action: link_pb2.PathAction
) -> AsyncGenerator[tuple[int, path_pb2.PathRound]]:
    """Rounds of every target as they finish, each with its target's place in targets.

    By ICMP datagrams whatever protocol the action names; MachineDenied where this machine does not let them be sent,
    UsageError for what cannot be.
    """
    shared = _open(targets)
    try:
        async for found in _drive(_lanes(targets, action, shared), shared):
            yield found
    finally:
        for one in shared:
            one.close()


def _open(targets: Sequence[ResolvedTarget]) -> list[SharedIcmp]:
    """The sockets, in the order in which the targets of each family fill them."""
    opened: list[SharedIcmp] = []
    try:
        for v6 in (False, True):
            count = sum(target.v6 == v6 for target in targets)
            for _ in range(0, count, TARGETS_PER_SOCKET):
                opened.append(SharedIcmp(v6))
    except OSError as error:
        for one in opened:
            one.close()
        raise MachineDenied(
            "this machine does not let you send ICMP echoes, by which many targets are asked; allow your group in the"
            " sysctl net.ipv4.ping_group_range, or ask one target at a time",
            needs="net.ipv4.ping_group_range",
        ) from error
    return opened


def _lanes(targets: Sequence[ResolvedTarget], action: link_pb2.PathAction, shared: Sequence[SharedIcmp]) -> list[Lane]:
    order = sorted(range(len(targets)), key=lambda index: targets[index].v6)
    first_of_6 = -(-sum(not target.v6 for target in targets) // TARGETS_PER_SOCKET)
    counts = [0, 0]
    lanes = []
    for index in order:
        target = targets[index]
        socket = shared[first_of_6 * target.v6 + counts[target.v6] // TARGETS_PER_SOCKET]
        counts[target.v6] += 1
        trace = Trace(plan_of(action, target, socket))
        lanes.append(Lane(index, target.address.packed, target.endpoint(0), trace, socket))
    for lane, following in itertools.pairwise(lanes):
        lane.following = following
    return lanes


async def _drive(lanes: Sequence[Lane], shared: Sequence[SharedIcmp]) -> AsyncGenerator[tuple[int, path_pb2.PathRound]]:
    loop, changed, planned = asyncio.get_running_loop(), asyncio.Event(), _Lanes()

    def drain(one: SharedIcmp) -> None:
        now = loop.time()
        for lane, reply in one.receive():
            if not lane.over:
                lane.trace.on_reply(reply, now)
                planned.wake(lane, now + TICK_SECONDS)
        changed.set()

    left = len(lanes)
    if lanes:
        planned.wake(lanes[0], loop.time())
    for one in shared:
        loop.add_reader(one.fileno(), drain, one)
    try:
        while left:
            now = loop.time()
            for lane in planned.due(now):
                if lane.over:
                    continue
                if lane.following is not None:
                    planned.wake(lane.following, now + START_GAP_SECONDS)
                    lane.following = None
                for round_ in lane.poll(now):
                    yield lane.index, round_
                drain(lane.shared)  # what a burst of echoes brings back does not fit the queue of the socket
                if lane.trace.done(now):
                    lane.over = True
                    left -= 1
                else:
                    planned.wake(lane, max(now + TICK_SECONDS, lane.trace.wake_at(now)))
            if left:
                await wait_until(changed, planned.next_at)
    finally:
        for one in shared:
            loop.remove_reader(one.fileno())
