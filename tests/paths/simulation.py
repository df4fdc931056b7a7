"""A scripted internet as data: routers, links and hosts, and the walk of one packet through them.

The same graph answers a fake network in virtual time and real packets on a TUN device.
"""

from __future__ import annotations

import ipaddress
import json
import random
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.paths.packets import ICMP, ICMP6, TCP, UDP, Packet, icmp_error, ip_packet

SCENARIOS = Path(__file__).parent / "scenarios"


@dataclass
class Link:
    """One directed adjacency; `r…` fields describe the way back over it (default: as forward)."""

    delay_ms: float = 0.0
    jitter_ms: float = 0.0  # mean of an exponential extra delay
    loss: float = 0.0
    burst: float = 1.0  # mean length of a loss burst (Gilbert-Elliott), 1 = independent
    reorder: float = 0.0  # share of packets held back by reorder_ms
    reorder_ms: float = 5.0
    duplicate: float = 0.0  # share of answers that arrive twice
    mtu: int = 65535
    blackhole: bool = False  # too big packets vanish instead of causing an ICMP error
    rdelay_ms: float | None = None
    rjitter_ms: float | None = None
    rloss: float = 0.0
    bad: bool = False  # Gilbert-Elliott state

    def crossing(self, rng: random.Random, back: bool) -> float | None:
        """Seconds that one packet needs for the link, None when it is lost."""
        if rng.random() < self.rloss if back else self._lost(rng):
            return None
        delay, jitter = self._times(back)
        extra = rng.expovariate(1 / jitter) if jitter else 0.0
        if self.reorder and rng.random() < self.reorder:
            extra += self.reorder_ms
        return (delay + extra) / 1e3

    def _times(self, back: bool) -> tuple[float, float]:
        delay = self.rdelay_ms if back and self.rdelay_ms is not None else self.delay_ms
        return delay, self.rjitter_ms if back and self.rjitter_ms is not None else self.jitter_ms

    def _lost(self, rng: random.Random) -> bool:
        if self.burst <= 1:
            return rng.random() < self.loss
        leave = 1 / self.burst
        enter = leave * self.loss / (1 - self.loss) if self.loss < 1 else 1.0
        self.bad = rng.random() >= leave if self.bad else rng.random() < enter
        return self.bad


@dataclass
class Node:
    """A router; a host where packets are addressed to it."""

    addr4: str = ""
    addr6: str = ""
    routes: dict[str, list[str]] = field(default_factory=dict)  # host name or "*" -> next hops
    lb: str = "flow"  # flow | packet | dest
    silent: bool = False  # forwards, never answers
    icmp_rate: float = 0.0  # ICMP errors a second, 0 = no limit
    icmp_burst: float = 1.0
    icmp_delay_ms: float = 0.0  # slow path: extra time to make an ICMP error
    icmp_jitter_ms: float = 0.0
    icmp_drop: float = 0.0  # share of errors never made (overloaded control plane)
    mpls: list[list[int]] = field(default_factory=list)  # [label, traffic class, ttl] each
    quote_bytes: int = 0  # how much of a packet an error quotes, 0 = as much as fits
    nat: str = ""  # source address that this node gives to forwarded packets
    filter: list[str] = field(default_factory=list)  # icmp | udp | tcp dropped here
    refuse: int = -1  # ICMP(v4) unreachable code with which it answers instead of forwarding
    tcp: str = "synack"  # host: synack | rst | drop
    udp: str = "unreach"  # host: unreach | echo | drop
    set_tos: int = -1  # DSCP/ECN rewriting
    init_ttl: int = 255
    back_extra: int = 0  # extra hops on the way back (shows in the reply's TTL)
    back_ms: float = 0.0  # extra time on the way back
    tokens: float = -1.0
    stamp: float = 0.0

    def may_answer(self, at: float, rng: random.Random) -> bool:
        """Whether its own limiter lets one more ICMP error out."""
        if self.icmp_drop and rng.random() < self.icmp_drop:
            return False
        if not self.icmp_rate:
            return True
        if self.tokens < 0:
            self.tokens, self.stamp = self.icmp_burst, at
        self.tokens = min(self.icmp_burst, self.tokens + max(0.0, at - self.stamp) * self.icmp_rate)
        self.stamp = max(self.stamp, at)
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class Outcome:
    """What became of one packet: the verdict, the nodes it reached, who decided, and the answer with its time."""

    verdict: str
    path: list[str]
    by: str = ""
    rtt_seconds: float | None = None
    answer: bytes = b""
    copies: int = 1


@dataclass
class _Walk:
    """One packet on its way."""

    packet: Packet
    now: float
    ttl: int
    at: str = "src"
    spent: float = 0.0
    tos: int = -1
    nat: bytes = b""
    path: list[str] = field(default_factory=list)
    used: list[Link] = field(default_factory=list)

    def end(self, verdict: str, by: str) -> Outcome:
        """The outcome of a packet that nobody answers."""
        return Outcome(verdict, self.path, by)


def scenario(name: str) -> dict[str, Any]:
    """A scenario of this folder by its name, or any other by its file."""
    file = Path(name) if name.endswith(".json") else SCENARIOS / f"{name}.json"
    spec: dict[str, Any] = json.loads(file.read_text())
    return spec


class Simulation:
    """The graph of a scenario and the walk of packets through it."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.rng = random.Random(spec.get("seed", 1))
        self.nodes = {name: Node(**node) for name, node in spec["nodes"].items()}
        self.links = {(name.split(">")[0], name.split(">")[1]): Link(**link) for name, link in spec["links"].items()}
        self.events = sorted(spec.get("events", []), key=lambda event: float(event["at"]))
        self.names: dict[bytes, str] = {}
        self.addresses: dict[tuple[str, bool], bytes] = {}
        for name, node in self.nodes.items():
            for text in filter(None, (node.addr4, node.addr6)):
                packed = ipaddress.ip_address(text).packed
                self.addresses[name, len(packed) == 16] = packed
                self.names[packed] = name

    def advance(self, elapsed: float) -> None:
        """Apply the scripted changes (route flaps, new loss) whose time has come."""
        while self.events and self.events[0]["at"] <= elapsed:
            for path, value in self.events.pop(0)["set"].items():
                group, name, attribute = path.split("/")
                if group == "nodes":
                    setattr(self.nodes[name], attribute, value)
                else:
                    setattr(self.links[name.split(">")[0], name.split(">")[1]], attribute, value)

    def walk(self, packet: Packet, now: float) -> Outcome:
        """What becomes of one packet that is sent now."""
        walk = _Walk(packet, now, packet.ttl)
        target = self.names.get(packet.target, "")
        while True:
            outcome = self._step(walk, target)
            if outcome is not None:
                return outcome

    def _step(self, walk: _Walk, target: str) -> Outcome | None:
        onward = self._choose(self.nodes[walk.at], target, walk.packet)
        if onward is None:
            return walk.end("no-route", walk.at)
        link = self.links[walk.at, onward]
        if len(walk.packet.raw) > link.mtu and walk.at != "src":
            return self._too_big(walk, link)
        seconds = link.crossing(self.rng, back=False)
        if seconds is None:
            return walk.end("lost-forward", f"{walk.at}>{onward}")
        walk.spent, walk.at = walk.spent + seconds, onward
        walk.used.append(link)
        walk.path.append(onward)
        return self._arrive(walk, target)

    def _arrive(self, walk: _Walk, target: str) -> Outcome | None:
        node = self.nodes[walk.at]
        if walk.packet.kind in node.filter:
            return walk.end("filtered", walk.at)
        if walk.at == target:
            return self._deliver(walk, node)
        walk.ttl -= 1
        if walk.ttl <= 0:
            return self._error(walk, (3, 0) if walk.packet.v6 else (11, 0))
        if node.refuse >= 0:
            return self._error(walk, (1, 1) if walk.packet.v6 else (3, node.refuse))
        walk.tos = node.set_tos if node.set_tos >= 0 else walk.tos
        walk.nat = ipaddress.ip_address(node.nat).packed if node.nat else walk.nat
        return None

    def _choose(self, node: Node, target: str, packet: Packet) -> str | None:
        options = node.routes.get(target) or node.routes.get("*") or []
        if len(options) < 2:
            return options[0] if options else None
        if node.lb == "packet":
            return self.rng.choice(options)
        key = packet.target if node.lb == "dest" else packet.flow()
        return options[zlib.crc32(key + node.addr4.encode()) % len(options)]

    def _too_big(self, walk: _Walk, link: Link) -> Outcome:
        if link.blackhole or walk.packet.may_fragment:
            return walk.end("mtu-blackhole", walk.at)
        return self._error(walk, (2, 0) if walk.packet.v6 else (3, 4), link.mtu)

    def _error(self, walk: _Walk, kind: tuple[int, int], rest: int = 0) -> Outcome:
        node, v6 = self.nodes[walk.at], walk.packet.v6
        if node.silent or (walk.at, v6) not in self.addresses:
            return walk.end("silent", walk.at)
        if not node.may_answer(walk.now + walk.spent, self.rng):
            return walk.end("rate-limited", walk.at)
        extra = self.rng.expovariate(1 / node.icmp_jitter_ms) if node.icmp_jitter_ms else 0.0
        quote = walk.packet.as_quoted(max(walk.ttl, 1), walk.tos, walk.nat)
        limit = walk.packet.header_bytes + node.quote_bytes if node.quote_bytes else 0
        body = icmp_error(v6, kind, rest, quote, node.mpls, limit)
        return self._reply(walk, ICMP6 if v6 else ICMP, body, (node.icmp_delay_ms + extra) / 1e3)

    def _reply(self, walk: _Walk, protocol: int, body: bytes, making: float) -> Outcome:
        node = self.nodes[walk.at]
        total = walk.spent + making + node.back_ms / 1e3
        for link in reversed(walk.used):
            seconds = link.crossing(self.rng, back=True)
            if seconds is None:
                return walk.end("lost-back", walk.at)
            total += seconds
        copies = 1 + any(link.duplicate and self.rng.random() < link.duplicate for link in walk.used)
        ttl = max(1, node.init_ttl - max(0, len(walk.used) - 1) - node.back_extra)
        source = self.addresses.get((walk.at, walk.packet.v6), walk.packet.target)
        answer = ip_packet(walk.packet.v6, source, walk.packet.source, protocol, ttl, body)
        return Outcome("answered", walk.path, walk.at, total, answer, copies)

    def _deliver(self, walk: _Walk, node: Node) -> Outcome:
        packet, body = walk.packet, walk.packet.body
        if packet.kind == "icmp" and body[0] == (128 if packet.v6 else 8):
            return self._reply(walk, packet.protocol, bytes([129 if packet.v6 else 0]) + body[1:], 0.0)
        if packet.kind == "udp" and node.udp == "echo":
            return self._reply(walk, UDP, body[2:4] + body[:2] + body[4:], 0.0)
        if packet.kind == "udp" and node.udp == "unreach":
            return self._error(walk, (1, 4) if packet.v6 else (3, 3))
        if packet.kind == "tcp" and node.tcp != "drop" and body[13] & 0x02:
            return self._reply(walk, TCP, _handshake(body, node.tcp == "synack"), 0.0)
        return walk.end("ignored", walk.at)


def _handshake(syn: bytes, accepts: bool) -> bytes:
    """The answer to a SYN: SYN and ACK, or a reset."""
    source, target, sequence = struct.unpack_from("!HHI", syn)
    flags, acknowledged = 0x12 if accepts else 0x14, (sequence + 1) & 0xFFFFFFFF
    return struct.pack("!HHIIBBHHH", target, source, 7, acknowledged, 0x50, flags, 64240, 0, 0)
