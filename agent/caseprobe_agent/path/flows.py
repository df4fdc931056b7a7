"""Many UDP flows to one target, each a socket of its own, and the discovery of all ways that they serve."""

from __future__ import annotations

import asyncio
import contextlib
import math
import secrets
import time
from collections.abc import Iterator
from itertools import zip_longest

from caseprobe.v1 import path_pb2
from caseprobe_agent.path.echoes import Echo
from caseprobe_agent.path.multipath import CONFIDENCE, Discovery, FlowEcho, HopWays
from caseprobe_agent.path.target import ResolvedTarget
from caseprobe_agent.path.udp import UdpNetwork
from caseprobe_agent.path.waiting import wait_until

TOKEN_BYTES = 4


class FlowNetwork:
    """UDP flows that differ in their source port only; a flow is opened with its first echo."""

    def __init__(self, target: ResolvedTarget, discovery: Discovery, port: int = 0) -> None:
        self._target = target
        self._port = port
        self._discovery = discovery
        self._flows: dict[int, UdpNetwork] = {}
        self.changed = asyncio.Event()

    def send(self, echo: FlowEcho) -> None:
        """Send one echo; one that cannot leave goes unanswered."""
        flow = self._flows.get(echo.flow) or self._open(echo.flow)
        if flow is not None:
            flow.send(Echo(echo.sequence, echo.ttl, 0))

    def _open(self, number: int) -> UdpNetwork | None:
        with contextlib.suppress(OSError):
            flow = UdpNetwork(self._target, secrets.token_bytes(TOKEN_BYTES), self._port)
            self._flows[number] = flow
            asyncio.get_running_loop().add_reader(flow.fileno(), self._take, number)
            return flow
        return None

    def _take(self, number: int) -> None:
        for reply in self._flows[number].receive():
            end = reply.from_target or bool(reply.unreachable)
            self._discovery.on_reply(number, reply.sequence, reply.address, reply.received_at, end)
        self.changed.set()

    def close(self) -> None:
        """Give every socket back."""
        for flow in self._flows.values():
            asyncio.get_running_loop().remove_reader(flow.fileno())
            flow.close()
        self._flows.clear()


async def find_ways(target: ResolvedTarget, port: int = 0) -> path_pb2.PathWays:
    """All ways to the target at once, over UDP, which every machine may send."""
    discovery, began = Discovery(), time.monotonic()
    network = FlowNetwork(target, discovery, port)
    try:
        await _drive(discovery, network)
    finally:
        network.close()
    return describe_ways(discovery, time.monotonic() - began)


async def _drive(discovery: Discovery, network: FlowNetwork) -> None:
    """Send what is due and take in what comes until every hop is settled."""
    while True:
        for echo in discovery.poll(time.monotonic()):
            network.send(echo)
        now = time.monotonic()
        if discovery.done(now):
            return
        await wait_until(network.changed, discovery.wake_at(now))


def describe_ways(discovery: Discovery, seconds: float) -> path_pb2.PathWays:
    """The ways as they travel: every hop with its routers, and to which routers of the next hop each leads."""
    hops = discovery.hops()
    ways = path_pb2.PathWays(confidence=CONFIDENCE, echoes=discovery.echoes, duration_seconds=seconds)
    for hop, behind in zip_longest(hops, hops[1:]):
        message = ways.hops.add(ttl=hop.ttl, complete=hop.complete, balancing=hop.balancing)
        message.routers.extend(_routers(hop, behind))
    return ways


def _routers(hop: HopWays, behind: HopWays | None) -> Iterator[path_pb2.PathWay]:
    known = behind.routers if behind is not None else []
    for address in hop.routers:
        flows = [flow for flow, seen in hop.flows.items() if seen == address]
        onward = {behind.flows[flow] for flow in flows if flow in behind.flows} if behind is not None else set()
        if behind is not None and (behind.is_target or (behind.complete and len(known) == 1)):
            onward.update(known)  # all ways lead to it: it is not asked over every flow
        rtts = hop.rtts[address]
        yield path_pb2.PathWay(
            address=address,
            flows=len(flows),
            avg_seconds=math.fsum(rtts) / len(rtts),
            best_seconds=min(rtts),
            next=[index for index, one in enumerate(known) if one in onward],
        )
