"""Bytes on the way out and in: echo payloads, the kernel's extended errors, MPLS labels. No IO.

Everything that comes in is hostile until checked: lengths, versions and checksums first, then meaning.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from caseprobe.v1 import path_pb2

# Linux, where Python has no name for it.
IP_RECVERR, IP_RECVTTL, IP_RECVERR_RFC4884 = 11, 12, 26
IPV6_RECVERR, IPV6_RECVERR_RFC4884 = 25, 31
SO_TIMESTAMPNS = 35
IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, PMTUDISC_PROBE = 10, 23, 3
ORIGIN_ICMP, ORIGIN_ICMP6 = 2, 3

ICMP_ECHO, ICMP6_ECHO = 8, 128
ICMP_ECHO_REPLY, ICMP6_ECHO_REPLY = 0, 129
# Filters of raw sockets (level, option, value): a bit that is set keeps that type out.
SOL_RAW, ICMP_FILTER, ICMP6_FILTER = 255, 1, 1
ECHO_REPLIES_ONLY_4 = SOL_RAW, ICMP_FILTER, struct.pack("=I", 0xFFFFFFFF ^ 1 << ICMP_ECHO_REPLY)
ECHO_REPLIES_ONLY_6 = (
    socket.IPPROTO_ICMPV6,
    ICMP6_FILTER,
    struct.pack(
        "=8I",
        *(0xFFFFFFFF ^ (1 << ICMP6_ECHO_REPLY % 32 if word == ICMP6_ECHO_REPLY // 32 else 0) for word in range(8)),
    ),
)
GREETING = b"caseprobe path measurement"  # for whoever finds it in a capture

Control = Iterable[tuple[int, int, bytes]]  # level, type, data: as recvmsg gives it

_UNREACHABLE_4 = {
    0: path_pb2.UNREACHABLE_REASON_NETWORK,
    1: path_pb2.UNREACHABLE_REASON_HOST,
    9: path_pb2.UNREACHABLE_REASON_PROHIBITED,
    10: path_pb2.UNREACHABLE_REASON_PROHIBITED,
    13: path_pb2.UNREACHABLE_REASON_PROHIBITED,
}
_UNREACHABLE_6 = {
    0: path_pb2.UNREACHABLE_REASON_NETWORK,
    1: path_pb2.UNREACHABLE_REASON_PROHIBITED,
    3: path_pb2.UNREACHABLE_REASON_HOST,
    5: path_pb2.UNREACHABLE_REASON_PROHIBITED,
    6: path_pb2.UNREACHABLE_REASON_PROHIBITED,
}


def icmp_echo(v6: bool, sequence: int, token: bytes) -> bytes:
    """An echo request; the kernel fills in id and checksum.

    The word after the header is the sequence's complement, so that the checksum, and with it the
    flow that balancing routers see, is the same for every echo.
    Source: Augustin et al. 2006 (Paris traceroute).
    """
    kind = ICMP6_ECHO if v6 else ICMP_ECHO
    return struct.pack("!BBHHHH", kind, 0, 0, 0, sequence, sequence ^ 0xFFFF) + token + GREETING


def with_checksum(packet: bytes) -> bytes:
    """An ICMPv4 message with its checksum, which the kernel fills in only where the socket is not raw (RFC 1071).

    >>> with_checksum(bytes.fromhex("0800000000010000")).hex()
    '0800f7fe00010000'
    """
    return packet[:2] + struct.pack("!H", _folded(packet) ^ 0xFFFF) + packet[4:]


def behind_ip_header(packet: bytes) -> bytes:
    """What an IPv4 packet carries; empty where it is none."""
    return packet[(packet[0] & 15) * 4 :] if packet and packet[0] >> 4 == 4 else b""


def icmp_sequence(v6: bool, data: bytes, token: bytes, reply: bool) -> int | None:
    """The sequence of an echo that was quoted, or replied to; None where it is not one of ours.

    A quote may end after eight bytes; what there is of complement and token must be right.

    >>> icmp_sequence(False, icmp_echo(False, 7, b"abcd"), b"abcd", reply=False)
    7
    >>> icmp_sequence(False, icmp_echo(False, 7, b"abcd")[:8], b"abcd", reply=False)
    7
    >>> icmp_sequence(False, icmp_echo(False, 7, b"abcd"), b"wxyz", reply=False) is None
    True
    """
    echo, answer = (ICMP6_ECHO, ICMP6_ECHO_REPLY) if v6 else (ICMP_ECHO, ICMP_ECHO_REPLY)
    if len(data) < 8 or data[0] != (answer if reply else echo):
        return None
    sequence = int(struct.unpack_from("!H", data, 6)[0])
    expected = struct.pack("!H", sequence ^ 0xFFFF) + token
    quoted = data[8 : 8 + len(expected)]
    if quoted != expected and (reply or not expected.startswith(quoted)):
        return None
    return sequence


def udp_payload(sequence: int, token: bytes) -> bytes:
    """What a UDP echo carries."""
    return token + struct.pack("!H", sequence) + GREETING


def udp_sequence(data: bytes, token: bytes) -> int | None:
    """The sequence in a quoted UDP payload; None where too little is quoted, or it is not ours.

    >>> udp_sequence(udp_payload(9, b"abcd"), b"abcd")
    9
    >>> udp_sequence(b"abcd", b"abcd") is None
    True
    """
    if len(data) < len(token) + 2 or not data.startswith(token):
        return None
    return int(struct.unpack_from("!H", data, len(token))[0])


@dataclass(frozen=True)
class KernelError:
    """What the error queue tells beside the quoted data: `struct sock_extended_err` and the offender.

    extension_at is where in the data an RFC 4884 extension begins, 0 where there is none;
    info is the size that a router can carry, where its error is that the packet was too big.
    """

    icmp_type: int
    icmp_code: int
    offender: bytes
    extension_at: int = 0
    info: int = 0


@dataclass(frozen=True)
class Received:
    """The control messages of one datagram: ICMP error if it is one, reply TTL, kernel stamp."""

    error: KernelError | None
    reply_ttl: int
    stamp_ns: int | None


def read_control(control: Control) -> Received:
    """The control messages that a socket with our options delivers; unknown and cut ones are passed over."""
    error, ttl, stamp = None, 0, None
    for level, kind, data in control:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(data) >= 16:
            seconds, nanoseconds = struct.unpack_from("=qq", data)
            stamp = seconds * 10**9 + nanoseconds
        elif (level, kind) in ((socket.IPPROTO_IP, IP_RECVERR), (socket.IPPROTO_IPV6, IPV6_RECVERR)):
            error = _kernel_error(data)
        elif (level, kind) in ((socket.IPPROTO_IP, socket.IP_TTL), (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT)):
            ttl = int(struct.unpack_from("=i", data)[0]) & 0xFF if len(data) >= 4 else 0
    return Received(error, ttl, stamp)


def _kernel_error(data: bytes) -> KernelError | None:
    """An error that a node of the network sent; None for a local one or a cut structure.

    struct sock_extended_err { u32 errno; u8 origin, type, code, pad; u32 info; u16 len; u8 flags, reserved; }
    followed by the offender's sockaddr_in or sockaddr_in6.
    """
    if len(data) < 16:
        return None
    _, origin, kind, code, _, info, length, flags = struct.unpack_from("=IBBBBIHB", data)
    start, size = {ORIGIN_ICMP: (20, 4), ORIGIN_ICMP6: (24, 16)}.get(origin, (0, 0))
    offender = data[start : start + size]
    if not size or len(offender) < size:
        return None
    return KernelError(kind, code, offender, 0 if flags & 1 else length, info)


def unreachable_reason(v6: bool, error: KernelError) -> path_pb2.UnreachableReason.ValueType:
    """Why a router refused to carry an echo on; unspecified where the error only says that its TTL ran out."""
    if error.icmp_type != (1 if v6 else 3):
        return path_pb2.UNREACHABLE_REASON_UNSPECIFIED
    reasons = _UNREACHABLE_6 if v6 else _UNREACHABLE_4
    return reasons.get(error.icmp_code, path_pb2.UNREACHABLE_REASON_OTHER)


def port_unreachable(v6: bool, error: KernelError) -> bool:
    """True for the answer of a host that has no such UDP port: the end of the path."""
    return (error.icmp_type, error.icmp_code) == ((1, 4) if v6 else (3, 3))


def too_big(v6: bool, error: KernelError) -> bool:
    """True for the error of a router that cannot carry a packet of this size."""
    return (error.icmp_type, error.icmp_code) == ((2, 0) if v6 else (3, 4))


def ttl_ran_out(v6: bool, error: KernelError) -> bool:
    """True for the error of the hop at which an echo's TTL ran out."""
    return (error.icmp_type, error.icmp_code) == ((3, 0) if v6 else (11, 0))


def path_error(v6: bool, error: KernelError) -> bool:
    """True for an error that belongs to a trace: TTL ran out, or unreachable."""
    return error.icmp_type in ((1, 3) if v6 else (3, 11))


def mpls_labels(data: bytes, extension_at: int) -> tuple[int, ...]:
    """The MPLS label stack that a router reported, outermost first; empty where there is none or it is malformed.

    Source: RFC 4884 section 7 (structure, checksum), RFC 4950 (object class 1, type 1).

    >>> mpls_labels(bytes.fromhex("2000000000080101 05dcd1fe"), 0)
    ()
    >>> mpls_labels(b"quoted.." + bytes.fromhex("2000000000080101 05dcd1fe"), 8)
    (24013,)
    """
    extension = data[extension_at:]
    if not extension_at or len(extension) < 4 or extension[0] >> 4 != 2 or not _checksum_holds(extension):
        return ()
    entries = b"".join(body for kind, body in _objects(extension[4:]) if kind == (1, 1))
    return tuple(int(word) >> 12 for (word,) in struct.iter_unpack("!I", entries[: len(entries) // 4 * 4]))


def _objects(data: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    """(class, type), body of each extension object, up to the first that lies about its length."""
    while len(data) >= 4:
        length, kind, subkind = struct.unpack_from("!HBB", data)
        if not 4 <= length <= len(data):
            return
        yield (kind, subkind), data[4:length]
        data = data[length:]


def _checksum_holds(extension: bytes) -> bool:
    """True where the extension's checksum is right, or was not sent (zero)."""
    if extension[2:4] == b"\0\0":
        return True
    return _folded(extension) == 0xFFFF


def _folded(data: bytes) -> int:
    """The sum of all 16-bit words in ones' complement."""
    padded = data + b"\0" * (len(data) % 2)
    total = sum(int(word) for (word,) in struct.iter_unpack("!H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total
