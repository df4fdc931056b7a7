"""The tiers on the real kernel's loopback: no privilege, no other address."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import threading

import pytest

from caseprobe.errors import MachineDenied, MachineTimeout, MeasurementError, PolicyRefused, UsageError
from caseprobe.path_stats import summarize
from caseprobe.v1 import link_pb2, path_pb2
from caseprobe_agent.path import ResolvedTarget, describe, open_network, plan_of, resolve, trace
from caseprobe_agent.path.target import Address, Found

UDP, TCP = path_pb2.PATH_PROTOCOL_UDP, path_pb2.PATH_PROTOCOL_TCP


def loopback(address: str) -> ResolvedTarget:
    """A loopback address as a target."""
    return ResolvedTarget(address, ipaddress.ip_address(address))


async def probe(target: ResolvedTarget, action: link_pb2.PathAction) -> path_pb2.PathFacts:
    """The facts of a whole trace."""
    rounds = []
    with open_network(target, action) as network:
        async with contextlib.aclosing(trace(target, action, network)) as tracing:
            async for round_ in tracing:
                rounds.append(round_)
        return summarize(rounds, describe(target, network))


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize(("protocol", "tier"), [(UDP, path_pb2.PATH_TIER_UDP), (TCP, path_pb2.PATH_TIER_TCP_CONNECT)])
async def test_loopback_is_a_path_of_one_hop_without_loss(
    address: str, protocol: path_pb2.PathProtocol.ValueType, tier: path_pb2.PathTier.ValueType
) -> None:
    """Every round's echo is answered by the target itself, without privilege."""
    action = link_pb2.PathAction(rounds=3, interval_seconds=0.1, protocol=protocol, port=33434)
    facts = await probe(loopback(address), action)
    (hop,) = facts.hops
    assert (facts.tier, facts.rounds, facts.verdict.message_id) == (tier, 3, "path.ok")
    assert (hop.sent, hop.received, hop.from_target, hop.duplicates) == (3, 3, True, 0)
    assert list(hop.addresses) == [ipaddress.ip_address(address).packed]
    assert 0 < hop.best_seconds <= hop.avg_seconds <= hop.worst_seconds


async def test_tcp_to_a_listener_is_answered_by_the_handshake() -> None:
    """An accepted connection counts as the target's answer and is reset at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        action = link_pb2.PathAction(rounds=2, interval_seconds=0.1, protocol=TCP, port=server.getsockname()[1])
        facts = await probe(loopback("127.0.0.1"), action)
        assert (facts.hops[0].sent, facts.hops[0].received) == (2, 2)
        server.settimeout(2)
        connection, _ = server.accept()
        with connection, pytest.raises(ConnectionResetError):
            connection.recv(1)


async def test_udp_to_a_port_that_sends_everything_back_is_answered_by_its_listener() -> None:
    """Where a service listens and echoes, its datagram is the target's answer."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mirror:
        mirror.setblocking(False)
        mirror.bind(("127.0.0.1", 0))
        loop.add_reader(mirror, lambda: mirror.sendto(*mirror.recvfrom(2048)))
        action = link_pb2.PathAction(rounds=2, interval_seconds=0.1, protocol=UDP, port=mirror.getsockname()[1])
        facts = await probe(loopback("127.0.0.1"), action)
        loop.remove_reader(mirror)
    assert (facts.hops[0].received, facts.hops[0].from_target) == (2, True)


async def test_automatic_choice_falls_to_udp_where_icmp_is_denied() -> None:
    """Without the right to ICMP the automatic tier is UDP, and ICMP by name says what is missing."""
    target = loopback("127.0.0.1")
    try:
        with open_network(target, link_pb2.PathAction(protocol=path_pb2.PATH_PROTOCOL_ICMP)) as by_name:
            # Raw sockets serve where they must: of itself nothing that needs a right is chosen.
            denied = by_name.tier.tier == path_pb2.PATH_TIER_RAW
            expected = path_pb2.PATH_TIER_UDP if denied else by_name.tier.tier
    except MachineDenied as error:
        assert error.needs == "net.ipv4.ping_group_range"
        expected = path_pb2.PATH_TIER_UDP
    with open_network(target, link_pb2.PathAction()) as network:
        assert network.tier.tier == expected


async def test_a_name_resolves_and_passes_the_policy() -> None:
    """A host name becomes an address that the policy was shown."""
    seen: list[Address] = []
    target = await resolve("localhost", seen.append, family=4)
    assert (target.name, str(target.address)) == ("localhost", "127.0.0.1")
    assert seen == [target.address]


async def test_a_mapped_address_is_judged_as_the_address_it_maps() -> None:
    """::ffff:127.0.0.1 cannot pass a policy that denies 127.0.0.1."""

    def permit(address: Address) -> None:
        if address.is_loopback and address.version == 4:
            raise PolicyRefused("no")

    with pytest.raises(PolicyRefused):
        await resolve("::ffff:127.0.0.1", permit)


@pytest.mark.parametrize(("name", "error"), [(" ", UsageError), ("a" * 70 + ".invalid", UsageError)])
async def test_what_is_no_name_is_refused_in_one_line(name: str, error: type[Exception]) -> None:
    """Empty and impossible names end in a message, not a traceback."""
    with pytest.raises(error) as told:
        await resolve(name, lambda _: None)
    assert "\n" not in str(told.value)


async def test_a_name_that_nobody_knows_is_a_measurement_error() -> None:
    """What the look-up raises on its thread reaches the caller."""

    def lookup(name: str, family: int) -> Found:
        raise MeasurementError(f"{name!r} does not resolve over IPv{family}")

    with pytest.raises(MeasurementError, match="IPv6"):
        await resolve("nowhere.invalid", lambda _: None, family=6, lookup=lookup)


async def test_a_look_up_that_hangs_is_given_up() -> None:
    """A resolver that never answers costs its time limit, not more."""
    never = threading.Event()

    def lookup(name: str, family: int) -> Found:
        never.wait(10)
        return [("127.0.0.1", 0)]

    with pytest.raises(MachineTimeout):
        await resolve("slow.invalid", lambda _: None, timeout_seconds=0.01, lookup=lookup)
    never.set()


@pytest.mark.parametrize("interval", [0.05, 3601.0, float("nan"), -1.0])
async def test_an_impossible_interval_is_a_usage_error(interval: float) -> None:
    """Faster than ten a second, or no number, is refused before anything is sent."""
    target = loopback("127.0.0.1")
    action = link_pb2.PathAction(protocol=UDP, interval_seconds=interval)
    with open_network(target, action) as network, pytest.raises(UsageError):
        plan_of(action, target, network)


async def test_closing_the_generator_ends_a_trace_early() -> None:
    """Whoever has seen enough leaves the loop; nothing goes on behind."""
    target, action = loopback("127.0.0.1"), link_pb2.PathAction(rounds=100, interval_seconds=0.1, protocol=UDP)
    with open_network(target, action) as network:
        async with contextlib.aclosing(trace(target, action, network)) as rounds:
            async for round_ in rounds:
                assert round_.number == 1
                break
        assert not asyncio.get_running_loop().remove_reader(network.fileno())
