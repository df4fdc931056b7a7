"""The bytes of IP packets as routers read and write them."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass

ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
_KINDS = {ICMP: "icmp", ICMP6: "icmp", TCP: "tcp", UDP: "udp"}
_CHECKSUM_AT = {ICMP: 2, ICMP6: 2, UDP: 6, TCP: 16}


def checksum(data: bytes) -> int:
    """The internet checksum (RFC 1071)."""
    padded = data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int(~total & 0xFFFF)


@dataclass
class Packet:
    """The few fields of an IP packet that a path looks at."""

    raw: bytearray

    def __post_init__(self) -> None:
        raw = self.raw
        self.v6 = raw[0] >> 4 == 6
        self.header_bytes = 40 if self.v6 else (raw[0] & 15) * 4
        self.protocol = raw[6] if self.v6 else raw[9]
        self.ttl = raw[7] if self.v6 else raw[8]
        self.source = bytes(raw[8:24] if self.v6 else raw[12:16])
        self.target = bytes(raw[24:40] if self.v6 else raw[16:20])
        self.may_fragment = not self.v6 and not raw[6] & 0x40

    @property
    def body(self) -> bytes:
        """What follows the IP header."""
        return bytes(self.raw[self.header_bytes :])

    @property
    def kind(self) -> str:
        """icmp, udp or tcp."""
        return _KINDS.get(int(self.protocol), str(self.protocol))

    def flow(self) -> bytes:
        """What a per-flow balancer hashes: addresses, protocol, first four transport octets."""
        return self.source + self.target + bytes([self.protocol]) + self.body[:4]

    def as_quoted(self, ttl: int, tos: int, nat: bytes) -> bytes:
        """The packet as a router has it that quotes it; behind a NAT the address is restored, the checksum not."""
        raw = bytearray(self.raw)
        if self.v6:
            raw[7] = ttl
        else:
            raw[8] = ttl
            raw[1] = tos if tos >= 0 else raw[1]
            raw[10:12] = b"\0\0"
            raw[10:12] = struct.pack("!H", checksum(bytes(raw[: self.header_bytes])))
        if nat and self.protocol in (UDP, TCP):
            self._translate(raw, nat)
        return bytes(raw)

    def _translate(self, raw: bytearray, nat: bytes) -> None:
        at = self.header_bytes + _CHECKSUM_AT[self.protocol]
        if len(raw) < at + 2 or raw[at : at + 2] == b"\0\0":
            return
        words = f"!{len(nat) // 2}H"
        change = sum(struct.unpack(words, nat)) - sum(struct.unpack(words, self.source))
        value = (~struct.unpack_from("!H", raw, at)[0] & 0xFFFF) + change
        struct.pack_into("!H", raw, at, ~(value % 0xFFFF) & 0xFFFF)


def ip_packet(v6: bool, source: bytes, target: bytes, protocol: int, ttl: int, body: bytes) -> bytes:
    """An IP packet with right checksums."""
    at = _CHECKSUM_AT.get(protocol)
    if at is not None:
        blank = body[:at] + b"\0\0" + body[at + 2 :]
        value = checksum(_pseudo_header(v6, source, target, protocol, len(body)) + blank) or 0xFFFF
        body = body[:at] + struct.pack("!H", value) + body[at + 2 :]
    if v6:
        return struct.pack("!IHBB", 6 << 28, len(body), protocol, ttl) + source + target + body
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), random.getrandbits(16), 0, ttl, protocol, 0)
    head += source + target
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def _pseudo_header(v6: bool, source: bytes, target: bytes, protocol: int, size: int) -> bytes:
    if protocol == ICMP:
        return b""
    return source + target + (struct.pack("!I3xB", size, protocol) if v6 else struct.pack("!BBH", 0, protocol, size))


def icmp_error(
    v6: bool, kind: tuple[int, int], rest: int, quote: bytes, mpls: list[list[int]], quote_bytes: int
) -> bytes:
    """An ICMP error's body, with RFC 4884 and RFC 4950 extensions where the hop has labels."""
    limit = quote_bytes or (1232 if v6 else 548)
    if not mpls:
        return struct.pack("!BBHI", *kind, 0, rest) + quote[:limit]
    stack = b"".join(
        struct.pack("!I", (label << 12) | (traffic_class << 9) | ((index == len(mpls) - 1) << 8) | ttl)
        for index, (label, traffic_class, ttl) in enumerate(mpls)
    )
    extension = struct.pack("!BBH", 0x20, 0, 0) + struct.pack("!HBB", 4 + len(stack), 1, 1) + stack
    extension = extension[:2] + struct.pack("!H", checksum(extension)) + extension[4:]
    word = (16 << 24) if v6 else (32 << 16)
    return struct.pack("!BBHI", *kind, 0, word | rest) + quote[:128].ljust(128, b"\0") + extension
