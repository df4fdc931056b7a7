"""A path probe from end to end: the network of a tier, the trace that drives it, rounds as they finish."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Iterator
from typing import Protocol

from caseprobe.errors import MachineDenied, MeasurementError, UsageError
from caseprobe.v1 import link_pb2, path_pb2
from caseprobe_agent.path.icmp import IcmpNetwork
from caseprobe_agent.path.rounds import Network, Plan, Trace
from caseprobe_agent.path.sockets import Tier
from caseprobe_agent.path.target import ResolvedTarget
from caseprobe_agent.path.tcp import TcpNetwork
from caseprobe_agent.path.udp import UdpNetwork
from caseprobe_agent.path.waiting import wait_until

DEFAULT_ROUNDS = 10
MAX_ROUNDS = 100_000
DEFAULT_INTERVAL_SECONDS = 1.0
MIN_INTERVAL_SECONDS = 0.1  # ten echoes a second to the target, one a second to each hop
TOKEN_BYTES = 4


class Sender(Protocol):
    """What sends echoes: of which tier, and how large one is on the wire."""

    tier: Tier
    echo_bytes: int


class TierNetwork(Network, Sender, Protocol):
    """A network of sockets that an event loop can wait on."""

    port: int
    failure: OSError | None

    def fileno(self) -> int:
        """Readable when receive has something."""

    def close(self) -> None:
        """Give the sockets back."""


@contextlib.contextmanager
def open_network(target: ResolvedTarget, action: link_pb2.PathAction) -> Iterator[TierNetwork]:
    """The sockets for a target: of the protocol asked for, else ICMP where the kernel allows it, else UDP.

    Raises MachineDenied where the tier asked for is not allowed here, MeasurementError where there is no way to the
    target's address family.
    """
    network = _open(target, action)
    try:
        yield network
    finally:
        network.close()


def _open(target: ResolvedTarget, action: link_pb2.PathAction) -> TierNetwork:
    token = secrets.token_bytes(TOKEN_BYTES)
    try:
        if action.protocol == path_pb2.PATH_PROTOCOL_TCP:
            return TcpNetwork(target, action.port)
        if action.protocol == path_pb2.PATH_PROTOCOL_UDP:
            return UdpNetwork(target, token, action.port)
        return _open_icmp(target, token, action)
    except OSError as error:
        raise MeasurementError(f"no path to {target.address} from this machine: {error.strerror}") from error


def _open_icmp(target: ResolvedTarget, token: bytes, action: link_pb2.PathAction) -> TierNetwork:
    """ICMP without a right, else UDP; where it must be ICMP, raw sockets for whoever has the right to them."""
    try:
        return IcmpNetwork(target, token)
    except PermissionError:
        if action.protocol != path_pb2.PATH_PROTOCOL_ICMP:
            return UdpNetwork(target, token, action.port)
    try:
        return IcmpNetwork(target, token, raw=True)
    except PermissionError as error:
        raise MachineDenied(
            "this machine does not let you send ICMP echoes; allow your group in the sysctl"
            " net.ipv4.ping_group_range, be root, or use --protocol udp or tcp",
            needs="net.ipv4.ping_group_range",
        ) from error


def describe(target: ResolvedTarget, network: TierNetwork) -> path_pb2.PathFacts:
    """How the path is probed: the header that travels with the first round and that summarize takes."""
    return path_pb2.PathFacts(
        target=target.name,
        address=target.address.packed,
        protocol=network.tier.protocol,
        tier=network.tier.tier,
        unseen=network.tier.unseen,
        port=network.port,
    )


def plan_of(action: link_pb2.PathAction, target: ResolvedTarget, sender: Sender) -> Plan:
    """What to send for an action; 0 rounds or seconds take the default. Raises UsageError for what cannot be."""
    rounds = action.rounds or DEFAULT_ROUNDS
    interval = action.interval_seconds or DEFAULT_INTERVAL_SECONDS
    if rounds > MAX_ROUNDS:
        raise UsageError(f"{rounds} rounds are too many; at most {MAX_ROUNDS}")
    if not interval >= MIN_INTERVAL_SECONDS or interval > 3600:
        raise UsageError(f"an interval of {interval:g} s is not possible; {MIN_INTERVAL_SECONDS:g} to 3600")
    # No kernel limits what it answers to itself.
    gap = MIN_INTERVAL_SECONDS if target.address.is_loopback else sender.tier.target_gap_seconds
    return Plan(
        rounds=rounds,
        interval_seconds=max(interval, gap),
        target_gap_seconds=gap,
        reply_wait_seconds=sender.tier.reply_wait_seconds,
        echo_bytes=sender.echo_bytes,
    )


async def trace(
    target: ResolvedTarget, action: link_pb2.PathAction, network: TierNetwork, plan: Plan | None = None
) -> AsyncGenerator[path_pb2.PathRound]:
    """Rounds as they finish, until the plan (by default the action's) is done.

    Close the generator or cancel to end it early: `async with contextlib.aclosing(trace(…)) as rounds`.

    Raises MeasurementError where not one echo of the first round could be sent.
    """
    loop = asyncio.get_running_loop()
    state = Trace(plan or plan_of(action, target, network))
    changed = asyncio.Event()

    def drain() -> None:
        for reply in network.receive():
            state.on_reply(reply, loop.time())
            changed.set()

    loop.add_reader(network.fileno(), drain)
    try:
        while not state.done(loop.time()):
            for echo in state.poll(loop.time()):
                state.on_sent(echo, network.send(echo))
            drain()
            while (round_ := state.finished(loop.time())) is not None:
                _require_sent(round_, network)
                yield round_
            await wait_until(changed, state.wake_at(loop.time()))
    finally:
        loop.remove_reader(network.fileno())


def _require_sent(round_: path_pb2.PathRound, network: TierNetwork) -> None:
    if round_.number == 1 and not round_.sent and network.failure is not None:
        reason = network.failure.strerror
        raise MeasurementError(f"no echo could be sent: {reason}; check this machine's routes and filters")
