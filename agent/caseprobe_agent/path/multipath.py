"""All the ways that a path takes at once, found with a stated confidence: a pure state machine.

Balancers choose by flow (addresses, protocol, ports), so every hop is asked over several flows, until so many flows
have shown no further router that one more would have been seen with the confidence asked for. Every hop is taken for
itself, with the same flows again (MDA-Lite: Vermeulen et al., IMC 2018; the stopping rule: Augustin et al., 2007).
Where a hop has several routers, flows are asked a second time: one that meets another router is not kept together, so
that balancer chooses by packet.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, zip_longest

CONFIDENCE = 0.95
MOST_FLOWS = 128  # enough for 20 routers side by side
BURST = 6  # echoes that a router answers at once before it limits (net.ipv4.icmp_ratelimit), then one a second
TRIES = 3
AGAIN = 8  # flows asked twice: two ways by packet would look like ways by flow once in 256
HOPELESS = 3  # flows without any answer: a silent hop
FIRST_WAIT_SECONDS = 1.0
LEAST_WAIT_SECONDS = 0.25
SPREAD_SECONDS = 0.002  # between the first echoes: the target is found before much is sent to it
MOST_SECONDS = 12.0


def flows_needed(routers: int, confidence: float = CONFIDENCE) -> int:
    """How many flows must have shown so many routers and no more, that one more is ruled out.

    >>> [flows_needed(routers) for routers in (1, 2, 3, 16)]
    [6, 11, 16, 97]
    """
    more = routers + 1
    return math.ceil(math.log((1 - confidence) / more) / math.log(routers / more))


@dataclass(frozen=True)
class FlowEcho:
    """One echo to send over a flow; the sequence is its own within that flow."""

    flow: int
    ttl: int
    sequence: int


@dataclass
class _Ask:
    """One echo on its way, or with the address that answered."""

    ttl: int
    sent_at: float
    address: bytes = b""


@dataclass
class HopWays:
    """What was seen of one hop: who answered which flow, how fast, and which flows met another router later."""

    ttl: int
    flows: dict[int, bytes] = field(default_factory=dict)
    rtts: dict[bytes, list[float]] = field(default_factory=dict)
    tries: dict[int, int] = field(default_factory=dict)
    again: dict[int, bool] = field(default_factory=dict)  # flows asked twice: whether the same router answered
    sent: list[float] = field(default_factory=list)
    is_target: bool = False

    @property
    def routers(self) -> list[bytes]:
        """The addresses that answered, those of most flows first."""
        counts = {address: list(self.flows.values()).count(address) for address in self.rtts}
        return sorted(counts, key=lambda address: (-counts[address], address))

    @property
    def complete(self) -> bool:
        """True where one router more would have been seen with the confidence asked for."""
        return self.is_target or (bool(self.rtts) and len(self.flows) >= flows_needed(len(self.rtts)))

    @property
    def balancing(self) -> str:
        """none, flow, packet; unknown where too few flows could be asked twice."""
        if len(self.rtts) < 2:
            return "none"
        if not all(self.again.values()):
            return "packet"
        return "flow" if len(self.again) >= min(AGAIN, len(self.flows)) else "unknown"


class Discovery:
    """Which echoes to send over which flow, and what their answers show of every hop."""

    def __init__(self, max_ttl: int = 30) -> None:
        self.echoes = 0
        self._hops = {ttl: HopWays(ttl) for ttl in range(1, max_ttl + 1)}
        self._asks: dict[tuple[int, int], _Ask] = {}
        self._waiting: set[tuple[int, int]] = set()
        self._sequences: dict[int, int] = {}
        self._end_ttl = max_ttl
        self._began: float | None = None
        self._worst_seconds = 0.0

    def hops(self) -> list[HopWays]:
        """The hops up to the target; where it never answered, up to the last that did."""
        answered = max((ttl for ttl, hop in self._hops.items() if hop.rtts), default=0)
        return [self._hops[ttl] for ttl in range(1, min(self._end_ttl, answered) + 1)]

    # --- sending

    def poll(self, now: float) -> list[FlowEcho]:
        """The echoes to send now."""
        self._began = now if self._began is None else self._began
        self._waiting = {key for key in self._waiting if now - self._asks[key].sent_at < self._wait()}
        if now - self._began > MOST_SECONDS:
            return []
        chosen = [(flow, hop) for hop in self._open_hops(now) for flow in self._due(hop, now)]
        return [self._ask(flow, hop, now) for flow, hop in chosen]

    def done(self, now: float) -> bool:
        """True when every hop is settled or given up, and nothing is waited for."""
        if self._began is None:
            return False
        over = now - self._began > MOST_SECONDS
        return over or not (self._waiting or any(self._wants(hop) for hop in self._open_hops(now)))

    def wake_at(self, now: float) -> float:
        """When poll may have something new, if no answer comes before."""
        times = [self._asks[key].sent_at + self._wait() for key in self._waiting]
        opening = (now if self._began is None else self._began) + SPREAD_SECONDS * len(self._hops)
        times += [now + 2 * SPREAD_SECONDS] if now < opening else []
        times += [
            hop.sent[-self._allowed(hop)] + 1.0
            for hop in self._open_hops(now)
            if self._wants(hop) and len(hop.sent) >= self._allowed(hop)
        ]
        return max(now + 0.001, min(times, default=now + LEAST_WAIT_SECONDS))

    def _open_hops(self, now: float) -> list[HopWays]:
        """Hops that may be asked by now, the nearest first: the far ones a little later, in case they are beyond."""
        reach = (now - (self._began or 0.0)) / SPREAD_SECONDS + BURST
        return [self._hops[ttl] for ttl in range(1, min(self._end_ttl, int(reach)) + 1)]

    def _wait(self) -> float:
        return max(LEAST_WAIT_SECONDS, 2 * self._worst_seconds) if self._worst_seconds else FIRST_WAIT_SECONDS

    def _allowed(self, hop: HopWays) -> int:
        """How many echoes a second this hop's routers answer together."""
        return BURST * max(1, len(hop.rtts))

    def _due(self, hop: HopWays, now: float) -> Iterator[int]:
        room = self._allowed(hop) - sum(now - at < 1.0 for at in hop.sent)
        yield from self._wants(hop)[: max(0, room)]

    def _wants(self, hop: HopWays) -> list[int]:
        """The flows over which to ask a hop next: new ones, those without an answer, at last some a second time."""
        if hop.is_target or (len(hop.tries) >= HOPELESS and not hop.rtts and min(hop.tries.values()) >= TRIES):
            return []
        pending = {flow for flow, sequence in self._waiting if self._asks[flow, sequence].ttl == hop.ttl}
        if not hop.rtts:
            return [flow for flow in range(HOPELESS) if flow not in pending and hop.tries.get(flow, 0) < TRIES]
        missing = flows_needed(len(hop.rtts)) - len(hop.flows) - len(pending)
        if missing > 0:
            new = [flow for flow in range(MOST_FLOWS) if flow not in pending and hop.tries.get(flow, 0) == 0]
            unanswered = [flow for flow, tries in hop.tries.items() if flow not in hop.flows and tries < TRIES]
            return [*new[:missing], *(flow for flow in unanswered if flow not in pending)][:missing]
        if len(hop.rtts) < 2 or pending:
            return []
        return self._onward(hop) or self._again(hop)

    def _onward(self, hop: HopWays) -> list[int]:
        """A flow of each router before this hop of which it is not known where it leads."""
        before = self._hops.get(hop.ttl - 1, hop)
        led = {before.flows[flow] for flow in hop.flows if flow in before.flows}
        wanted = {
            address: flow
            for flow, address in before.flows.items()
            if address not in led and hop.tries.get(flow, 0) < TRIES
        }
        return list(wanted.values())

    def _again(self, hop: HopWays) -> list[int]:
        """Flows to ask a second time: one of every router before a second of any, of those first that had the fewest.

        Each router limits its answers for itself, and the others have just given all that they give at once.
        """
        left = [flow for flow in hop.flows if flow not in hop.again and hop.tries[flow] < TRIES]
        by_router = ([flow for flow in left if hop.flows[flow] == router] for router in reversed(hop.routers))
        turns = (flow for turn in zip_longest(*by_router) for flow in turn if flow is not None)
        return list(islice(turns, AGAIN - len(hop.again)))

    def _ask(self, flow: int, hop: HopWays, now: float) -> FlowEcho:
        sequence = self._sequences[flow] = self._sequences.get(flow, 0) + 1
        self.echoes += 1
        hop.tries[flow] = hop.tries.get(flow, 0) + 1
        hop.sent.append(now)
        self._asks[flow, sequence] = _Ask(hop.ttl, now)
        self._waiting.add((flow, sequence))
        return FlowEcho(flow, hop.ttl, sequence)

    # --- receiving

    def on_reply(self, flow: int, sequence: int, address: bytes, now: float, from_target: bool) -> None:
        """Take in an answer; one to nothing that was asked, or a second one, is passed over."""
        ask = self._asks.get((flow, sequence))
        if ask is None or ask.address:
            return
        ask.address = address
        self._waiting.discard((flow, sequence))
        rtt = max(0.0, now - ask.sent_at)
        self._worst_seconds = max(self._worst_seconds, rtt)
        hop = self._hops[ask.ttl]
        hop.rtts.setdefault(address, []).append(rtt)
        if flow in hop.flows:
            hop.again[flow] = hop.flows[flow] == address
        else:
            hop.flows[flow] = address
        if from_target:
            hop.is_target = True
            self._end_ttl = min(self._end_ttl, ask.ttl)
            self._waiting = {key for key in self._waiting if self._asks[key].ttl <= self._end_ttl}
