"""Bytes from the network are hostile: what is malformed, forged or cut never counts and never raises."""

from __future__ import annotations

import ipaddress
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.v1 import path_pb2
from caseprobe_agent.path import wire
from caseprobe_agent.path.stamps import StampClock
from tests.paths.packets import checksum, icmp_error

TOKEN = b"abcd"


def extended_error(origin: int, icmp_type: int, code: int, offender: str, length: int = 0, flags: int = 0) -> bytes:
    """struct sock_extended_err and the offender's socket address, as the kernel delivers them."""
    head = struct.pack("=IBBBBIHBB", 113, origin, icmp_type, code, 0, 0, length, flags, 0)
    address = ipaddress.ip_address(offender)
    if address.version == 4:
        return head + struct.pack("=HH", socket.AF_INET, 0) + address.packed + b"\0" * 8
    return head + struct.pack("=HHI", socket.AF_INET6, 0, 0) + address.packed + b"\0" * 4


def test_control_messages_give_offender_ttl_and_stamp() -> None:
    """What the kernel tells beside an ICMP error over IPv4."""
    control = [
        (socket.SOL_SOCKET, wire.SO_TIMESTAMPNS, struct.pack("=qq", 1_700_000_000, 250)),
        (socket.IPPROTO_IP, socket.IP_TTL, struct.pack("=i", 253)),
        (socket.IPPROTO_IP, wire.IP_RECVERR, extended_error(wire.ORIGIN_ICMP, 11, 0, "192.0.2.7", length=136)),
    ]
    received = wire.read_control(control)
    expected = wire.KernelError(11, 0, bytes([192, 0, 2, 7]), 136)
    assert received == wire.Received(expected, 253, 1_700_000_000_000_000_250)


def test_control_messages_over_ipv6() -> None:
    """The same over IPv6, where every number is another."""
    control = [
        (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT, struct.pack("=i", 61)),
        (socket.IPPROTO_IPV6, wire.IPV6_RECVERR, extended_error(wire.ORIGIN_ICMP6, 3, 0, "2001:db8::7")),
    ]
    received = wire.read_control(control)
    assert received.error == wire.KernelError(3, 0, ipaddress.ip_address("2001:db8::7").packed)
    assert received.reply_ttl == 61


def test_local_errors_are_nobodys_answer() -> None:
    """An error that this machine made itself (origin 1) has no offender and is none of the path's."""
    control = [(socket.IPPROTO_IP, wire.IP_RECVERR, extended_error(1, 3, 4, "192.0.2.7"))]
    assert wire.read_control(control).error is None


def test_an_invalid_extension_is_not_looked_for() -> None:
    """The kernel's own check of RFC 4884 failed: there are no labels to read."""
    control = [(socket.IPPROTO_IP, wire.IP_RECVERR, extended_error(wire.ORIGIN_ICMP, 11, 0, "192.0.2.7", 136, flags=1))]
    error = wire.read_control(control).error
    assert error is not None
    assert error.extension_at == 0


@pytest.mark.parametrize(
    ("v6", "icmp_type", "code", "reason"),
    [
        (False, 11, 0, path_pb2.UNREACHABLE_REASON_UNSPECIFIED),
        (False, 3, 0, path_pb2.UNREACHABLE_REASON_NETWORK),
        (False, 3, 1, path_pb2.UNREACHABLE_REASON_HOST),
        (False, 3, 13, path_pb2.UNREACHABLE_REASON_PROHIBITED),
        (False, 3, 15, path_pb2.UNREACHABLE_REASON_OTHER),
        (True, 3, 0, path_pb2.UNREACHABLE_REASON_UNSPECIFIED),
        (True, 1, 3, path_pb2.UNREACHABLE_REASON_HOST),
        (True, 1, 1, path_pb2.UNREACHABLE_REASON_PROHIBITED),
    ],
)
def test_refusals_are_told_from_expired_ttls(
    v6: bool, icmp_type: int, code: int, reason: path_pb2.UnreachableReason.ValueType
) -> None:
    """RFC 792, RFC 1812 and RFC 4443 numbers."""
    assert wire.unreachable_reason(v6, wire.KernelError(icmp_type, code, b"")) == reason


@given(st.integers(0, 65535), st.booleans())
def test_every_echo_has_the_same_checksum(sequence: int, v6: bool) -> None:
    """The flow that balancers hash does not change with the sequence (Paris)."""
    assert checksum(wire.icmp_echo(v6, sequence, TOKEN)) == checksum(wire.icmp_echo(v6, 0, TOKEN))


@given(st.integers(0, 65535), st.booleans(), st.integers(8, 60))
def test_a_quote_of_any_length_from_eight_bytes_names_its_echo(sequence: int, v6: bool, length: int) -> None:
    """Routers quote between eight bytes and all of it."""
    quote = wire.icmp_echo(v6, sequence, TOKEN)[:length]
    assert wire.icmp_sequence(v6, quote, TOKEN, reply=False) == sequence


@given(st.binary(max_size=80), st.booleans(), st.booleans())
def test_garbage_names_no_echo(data: bytes, v6: bool, reply: bool) -> None:
    """Without our token in it a longer packet is not ours, and nothing raises."""
    sequence = wire.icmp_sequence(v6, data, TOKEN, reply)
    assert sequence is None or (not reply and len(data) < 14)
    assert wire.udp_sequence(data, TOKEN) is None or data.startswith(TOKEN)


@given(st.binary(max_size=200), st.integers(0, 250))
def test_garbage_extensions_have_no_labels_and_no_crash(data: bytes, at: int) -> None:
    """Whatever length an extension claims, at most what is there is read (trippy #1287)."""
    assert len(wire.mpls_labels(data, at)) <= len(data) // 4


@given(st.lists(st.tuples(st.sampled_from([0, 1, 41]), st.integers(0, 60), st.binary(max_size=64)), max_size=5))
def test_garbage_control_messages_do_not_raise(control: list[tuple[int, int, bytes]]) -> None:
    """Cut and unknown control messages are passed over."""
    assert 0 <= wire.read_control(control).reply_ttl <= 255


@given(st.lists(st.integers(0, 2**20 - 1), min_size=1, max_size=8), st.booleans())
def test_label_stacks_come_back_as_sent(labels: list[int], v6: bool) -> None:
    """What a router encodes by RFC 4950 is read label by label; one flipped bit and it is not read at all."""
    body = icmp_error(v6, (11, 0), 0, b"q" * 64, [[label, 0, 1] for label in labels], 0)[8:]
    assert wire.mpls_labels(body, 128) == tuple(labels)
    broken = body[:-1] + bytes([body[-1] ^ 1])
    assert wire.mpls_labels(broken, 128) == ()


class Clocks:
    """Two clocks that a test sets."""

    def __init__(self) -> None:
        self.monotonic_ns = 5_000_000_000
        self.wall_ns = 1_700_000_000_000_000_000

    def advance(self, nanoseconds: int) -> None:
        """Let time pass on both."""
        self.monotonic_ns += nanoseconds
        self.wall_ns += nanoseconds


def test_a_stamp_becomes_monotonic_time() -> None:
    """A packet stamped 3 ms before it was read was received 3 ms ago."""
    clocks = Clocks()
    stamps = StampClock(lambda: clocks.monotonic_ns, lambda: clocks.wall_ns)
    clocks.advance(10_000_000)
    stamps.refresh()
    assert stamps.seconds(clocks.wall_ns - 3_000_000) == pytest.approx(5.007)


@pytest.mark.parametrize("step_seconds", [3600, -3600, 0.5])
def test_a_step_of_the_wall_clock_changes_no_time(step_seconds: float) -> None:
    """Stamps of the reading in which the clock was set are replaced by the time of reading; then all is as before."""
    clocks = Clocks()
    stamps = StampClock(lambda: clocks.monotonic_ns, lambda: clocks.wall_ns)
    stamp = clocks.wall_ns
    clocks.advance(2_000_000)
    clocks.wall_ns += int(step_seconds * 1e9)
    stamps.refresh()
    assert stamps.seconds(stamp) == pytest.approx(5.002)
    clocks.advance(1_000_000)
    stamps.refresh()
    assert stamps.seconds(clocks.wall_ns - 500_000) == pytest.approx(5.0025)


def test_a_stamp_from_the_future_is_now() -> None:
    """No reply is received after it was read."""
    clocks = Clocks()
    stamps = StampClock(lambda: clocks.monotonic_ns, lambda: clocks.wall_ns)
    assert stamps.seconds(clocks.wall_ns + 10**9) == pytest.approx(5.0)
