"""A network in virtual time: echoes walk through a scenario, and nobody waits."""

from __future__ import annotations

import heapq
import ipaddress
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from caseprobe.v1 import path_pb2
from caseprobe_agent.path import wire
from caseprobe_agent.path.echoes import Echo, Reply
from caseprobe_agent.path.rounds import Plan, Trace
from tests.paths.packets import ICMP, ICMP6, Packet, ip_packet
from tests.paths.simulation import Outcome, Simulation

TOKEN = b"test"


@dataclass
class FakeNetwork:
    """A path of a scenario; send and receive as a trace sees them, truth as the scenario decided it.

    truth counts by (ttl, verdict); down makes every send fail.
    """

    simulation: Simulation
    target: str = "198.19.0.1"
    source: str = "198.18.0.1"
    now: float = 0.0
    down: bool = False
    truth: Counter[tuple[int, str]] = field(default_factory=Counter)
    sent_at: list[tuple[float, int]] = field(default_factory=list)
    _due: list[tuple[float, int, Reply]] = field(default_factory=list)
    _serial: int = 0

    def send(self, echo: Echo) -> float | None:
        """Let one echo walk; its answer waits for its time."""
        if self.down:
            return None
        self.simulation.advance(self.now)
        source, target = (ipaddress.ip_address(text).packed for text in (self.source, self.target))
        v6 = len(target) == 16
        body = wire.icmp_echo(v6, echo.sequence, TOKEN)
        packet = Packet(bytearray(ip_packet(v6, source, target, ICMP6 if v6 else ICMP, echo.ttl, body)))
        outcome = self.simulation.walk(packet, self.now)
        self.truth[echo.ttl, outcome.verdict] += 1
        self.sent_at.append((self.now, echo.ttl))
        if outcome.rtt_seconds is not None:
            for copy in range(outcome.copies):
                self.inject(self.now + outcome.rtt_seconds + copy * 0.001, self._reply(echo, outcome, target))
        return self.now

    def _reply(self, echo: Echo, outcome: Outcome, target: bytes) -> Reply:
        packet = Packet(bytearray(outcome.answer))
        node = self.simulation.nodes[outcome.by]
        error = wire.KernelError(packet.body[0], packet.body[1], packet.source)
        arrived = packet.source == target
        return Reply(
            echo.sequence,
            0.0,
            packet.source,
            from_target=arrived,
            reply_ttl=packet.ttl,
            mpls_labels=tuple(label for label, _, _ in node.mpls),
            unreachable=wire.unreachable_reason(packet.v6, error)
            if not arrived
            else path_pb2.UNREACHABLE_REASON_UNSPECIFIED,
        )

    def inject(self, at: float, reply: Reply) -> None:
        """Have a reply arrive, whoever it is from."""
        self._serial += 1
        heapq.heappush(self._due, (at, self._serial, replace(reply, received_at=at)))

    def receive(self) -> Iterator[Reply]:
        """What has arrived by now."""
        while self._due and self._due[0][0] <= self.now:
            yield heapq.heappop(self._due)[2]

    def next_at(self) -> float:
        """When the next reply arrives."""
        return self._due[0][0] if self._due else float("inf")


@dataclass
class Run:
    """A finished trace: its rounds, and at which virtual second each was given."""

    rounds: list[path_pb2.PathRound] = field(default_factory=list)
    given_at: list[float] = field(default_factory=list)
    ended_at: float = 0.0

    def replies(self, reply_class: path_pb2.ReplyClass.ValueType) -> list[path_pb2.HopReply]:
        """All replies of one class, in the order given."""
        return [reply for round_ in self.rounds for reply in round_.replies if reply.reply_class == reply_class]


def run(network: FakeNetwork, plan: Plan) -> Run:
    """Drive a trace to its end in virtual time; raises where it does not come to an end."""
    trace, result = Trace(plan), Run()
    for _ in range(1_000_000):
        if trace.done(network.now):
            result.ended_at = network.now
            return result
        step(trace, network, result)
        network.now = max(network.now, min(network.next_at(), trace.wake_at(network.now)))
    raise AssertionError("the trace does not end")


def step(trace: Trace, network: FakeNetwork, result: Run) -> None:
    """One turn of the driver: send what is due, take in what came, collect what is finished."""
    for reply in network.receive():
        trace.on_reply(reply, network.now)
    for echo in trace.poll(network.now):
        trace.on_sent(echo, network.send(echo))
    while (round_ := trace.finished(network.now)) is not None:
        result.rounds.append(round_)
        result.given_at.append(network.now)


def straight_path(hops: int, hop_ms: float = 1.0, **node: Any) -> dict[str, Any]:
    """A scenario of routers r1 … in a row with the target h as the last hop; node fields go to every router."""
    names = [f"r{number}" for number in range(1, hops)]
    nodes: dict[str, Any] = {"src": {"routes": {"*": [[*names, "h"][0]]}}}
    for number, name in enumerate(names, 1):
        onward = [*names, "h"][number]
        nodes[name] = {"addr4": f"198.18.{number}.1", "routes": {"*": [onward]}, **node}
    nodes["h"] = {"addr4": "198.19.0.1", "init_ttl": 64}
    pairs = zip(["src", *names], [*names, "h"], strict=True)
    return {"seed": 7, "nodes": nodes, "links": {f"{a}>{b}": {"delay_ms": hop_ms / 2} for a, b in pairs}}


def diamond(width: int, balancing: str = "flow", hop_ms: float = 5.0, **node: Any) -> dict[str, Any]:
    """Eight hops, of which the fourth is one of so many routers."""
    spec = straight_path(8, hop_ms=hop_ms, **node)
    twins = ["r4", *(f"t{number}" for number in range(1, width))]
    for number, name in enumerate(twins):
        spec["nodes"][name] = {**spec["nodes"]["r4"], "addr4": f"198.18.4.{number + 1}"}
        spec["links"][f"r3>{name}"] = spec["links"][f"{name}>r5"] = {"delay_ms": hop_ms / 2}
    spec["nodes"]["r3"] |= {"routes": {"*": twins}, "lb": balancing}
    return spec
