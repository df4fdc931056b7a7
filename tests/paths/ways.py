"""How often and how soon all ways of a wide path are found, over many runs in virtual time.

python -m tests.paths.ways [RUNS [WIDTH]]
"""

from __future__ import annotations

import heapq
import ipaddress
import random
import struct
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from caseprobe.path_stats import p95
from caseprobe.path_stats.chance import interval
from caseprobe_agent.path.multipath import MOST_FLOWS, Discovery, HopWays
from tests.fakes_path import diamond
from tests.paths.packets import UDP, Packet, ip_packet
from tests.paths.simulation import Simulation

SOURCE, TARGET = (ipaddress.ip_address(text).packed for text in ("198.18.0.1", "198.19.0.1"))
PORTS = range(32_768, 61_000)  # net.ipv4.ip_local_port_range
AIM_SECONDS = 3.0


def limited(width: int) -> dict[str, Any]:
    """So many routers side by side on a path of 100 ms, each router with Linux's limiter."""
    return diamond(width, hop_ms=12.5, icmp_rate=1.0, icmp_burst=6.0)


@dataclass
class Flows:
    """A path of a scenario over UDP flows in virtual time."""

    simulation: Simulation
    ports: Sequence[int]
    now: float = 0.0
    due: list[tuple[float, int, int, bytes]] = field(default_factory=list)

    def run(self, discovery: Discovery) -> None:
        """Drive a discovery to its end; raises where it has none."""
        for _ in range(100_000):
            while self.due and self.due[0][0] <= self.now:
                at, flow, sequence, address = heapq.heappop(self.due)
                discovery.on_reply(flow, sequence, address, at, address == TARGET)
            for echo in discovery.poll(self.now):
                self._send(echo.flow, echo.ttl, echo.sequence)
            if discovery.done(self.now):
                return
            self.now = max(self.now, min(discovery.wake_at(self.now), self.due[0][0] if self.due else float("inf")))
        raise AssertionError("the discovery does not end")

    def _send(self, flow: int, ttl: int, sequence: int) -> None:
        body = struct.pack("!HHHH", self.ports[flow], 33434, 16, 0) + b"caseprob"
        outcome = self.simulation.walk(Packet(bytearray(ip_packet(False, SOURCE, TARGET, UDP, ttl, body))), self.now)
        if outcome.rtt_seconds is not None:
            address = Packet(bytearray(outcome.answer)).source
            heapq.heappush(self.due, (self.now + outcome.rtt_seconds, flow, sequence, address))


def discovered(spec: dict[str, Any], seed: int = 0) -> tuple[Discovery, float]:
    """A discovery that has ended, and after how many seconds; the seed draws the flows' source ports."""
    flows, discovery = Flows(Simulation(spec), random.Random(seed).sample(PORTS, MOST_FLOWS)), Discovery()
    flows.run(discovery)
    return discovery, flows.now


def found(spec: dict[str, Any], seed: int = 0) -> tuple[list[HopWays], float]:
    """The hops that were found, and after how many seconds."""
    discovery, seconds = discovered(spec, seed)
    return discovery.hops(), seconds


def main(runs: int = 400, width: int = 16) -> None:
    """Print how many runs found every router, how many within the aim, and how long they took."""
    ended = [found(limited(width), seed) for seed in range(runs)]
    missing = Counter(width - len(hops[3].rtts) for hops, _ in ended)
    seconds = sorted(seconds for _, seconds in ended)
    low, high = interval(missing[0], runs)
    print(f"{width} routers, {runs} runs: all found in {missing[0] / runs:.1%} ({low:.1%} to {high:.1%})")
    print(f"  routers missing, runs: {dict(sorted(missing.items()))}")
    print(f"  within {AIM_SECONDS:g} s {sum(one <= AIM_SECONDS for one in seconds) / runs:.1%}", end=", ")
    print(f"median {seconds[runs // 2]:.2f} s, p95 {p95(seconds):.2f} s, slowest {seconds[-1]:.2f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
