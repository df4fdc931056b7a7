"""What the tiers' sockets have in common: their options, and reading datagrams with control messages."""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from caseprobe.v1 import path_pb2
from caseprobe_agent.path import wire

READ_LIMIT = 256  # datagrams a reading, so that a flood cannot hold the loop
DATA_BYTES = 2048
CONTROL_BYTES = 1024
SEND_TRIES = 4


@dataclass(frozen=True)
class Tier:
    """How echoes are sent, and what cannot be seen that way.

    target_gap_seconds is the least time between two echoes to the target that its own limiter lets pass;
    reply_wait_seconds is how long a reply can be told from another; unseen are ids.
    """

    tier: path_pb2.PathTier.ValueType
    protocol: path_pb2.PathProtocol.ValueType
    target_gap_seconds: float
    reply_wait_seconds: float
    unseen: tuple[str, ...]


@dataclass(frozen=True)
class Datagram:
    """One datagram as read, with what its control messages say."""

    data: bytes
    control: wire.Received


def level_of(v6: bool) -> int:
    """The option level of the address family."""
    return socket.IPPROTO_IPV6 if v6 else socket.IPPROTO_IP


def ip_header_bytes(v6: bool) -> int:
    """What every packet carries before its own header: no options, no extension headers."""
    return 40 if v6 else 20


def open_icmp(v6: bool) -> socket.socket:
    """A prepared ICMP datagram socket; raises OSError where the kernel denies such (net.ipv4.ping_group_range)."""
    family = socket.AF_INET6 if v6 else socket.AF_INET
    made = socket.socket(family, socket.SOCK_DGRAM, socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP)
    prepare(made, v6)
    return made


def open_raw(v6: bool) -> socket.socket:
    """A prepared raw ICMP socket that is given echo replies only; raises OSError where that right is missing."""
    import icmplib  # few need it

    kind = icmplib.ICMPv6Socket if v6 else icmplib.ICMPv4Socket
    try:
        with kind(privileged=True) as opened:
            made: socket.socket = opened.sock.dup()
    except icmplib.ICMPSocketError as error:
        raise PermissionError(errno.EPERM, "no right to raw sockets") from error
    prepare(made, v6)
    level, number, passed = wire.ECHO_REPLIES_ONLY_6 if v6 else wire.ECHO_REPLIES_ONLY_4
    made.setsockopt(level, number, passed)
    return made


def prepare(sock: socket.socket, v6: bool) -> None:
    """Make a socket non-blocking and have it tell errors, reply TTL, stamps and ICMP extensions.

    What a kernel does not know is left out: it only shows less.
    """
    sock.setblocking(False)
    level = level_of(v6)
    sock.setsockopt(level, wire.IPV6_RECVERR if v6 else wire.IP_RECVERR, 1)
    optional = [
        (level, socket.IPV6_RECVHOPLIMIT if v6 else wire.IP_RECVTTL, 1),
        (level, wire.IPV6_RECVERR_RFC4884 if v6 else wire.IP_RECVERR_RFC4884, 1),
        (level, wire.IPV6_MTU_DISCOVER if v6 else wire.IP_MTU_DISCOVER, wire.PMTUDISC_PROBE),
        (socket.SOL_SOCKET, wire.SO_TIMESTAMPNS, 1),
    ]
    for option in optional:
        with contextlib.suppress(OSError):
            sock.setsockopt(*option)


def ttl_control(v6: bool, ttl: int) -> tuple[int, int, bytes]:
    """The control message that gives one packet its TTL."""
    return level_of(v6), socket.IPV6_HOPLIMIT if v6 else socket.IP_TTL, struct.pack("=i", ttl)


def set_ttl(sock: socket.socket, v6: bool, ttl: int) -> None:
    """Give everything that a socket sends this TTL."""
    sock.setsockopt(level_of(v6), socket.IPV6_UNICAST_HOPS if v6 else socket.IP_TTL, ttl)


def read_datagrams(sock: socket.socket, flags: int = 0) -> Iterator[Datagram]:
    """What waits in a socket's queue, or with MSG_ERRQUEUE in its error queue; a bounded number.

    An error that is pending on the socket is told once by the next call: it is in the error queue as well.
    """
    for _ in range(READ_LIMIT):
        try:
            data, control, _, _ = sock.recvmsg(DATA_BYTES, CONTROL_BYTES, flags)
        except BlockingIOError:
            return
        except OSError:
            continue
        yield Datagram(data, wire.read_control(control))


def send_past_errors(send: Callable[[], object]) -> OSError | None:
    """Send, again where the kernel first hands out an error of an earlier packet; gives the error that stays.

    The error of the earlier packet is also in the error queue, so that nothing is lost by passing over it.
    """
    failure: OSError | None = None
    for _ in range(SEND_TRIES):
        try:
            send()
        except OSError as error:
            failure = error
            continue
        return None
    return failure
