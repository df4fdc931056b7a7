"""/proc/net/ipv6_route: all tables of IPv6 routes."""

from __future__ import annotations

import ipaddress

from caseprobe.v1 import section_pb2

# destination prefix source prefix next-hop metric references use flags interface
# 00000000000000000000000000000000 00 000…0 00 fd000000000000000000000000000001 00000400 00000002 00000000 00000003 eth0
UP, GATEWAY, LOCAL, REJECT = 0x1, 0x2, 0x80000000, 0x200


def parse_ipv6_route(text: str) -> list[section_pb2.Route]:
    """Routes that are up and lead somewhere: the machine's own addresses and multicast are left out.

    >>> line = f"{0:032x} 00 {0:032x} 00 fd{1:030x} 00000400 00000002 00000000 00000003 eth0"
    >>> parse_ipv6_route(line)[0].gateway
    'fd00::1'
    """
    rows = (line.split() for line in text.splitlines())
    return [route for row in rows if len(row) == 10 and (route := _route(row)) is not None]


def _route(row: list[str]) -> section_pb2.Route | None:
    destination, prefix, _, _, gateway, metric, _, _, flags, interface = row
    try:
        bits = int(flags, 16)
        if not bits & UP or bits & (LOCAL | REJECT) or destination.startswith("ff"):
            return None
        length = int(prefix, 16)
        return section_pb2.Route(
            destination=f"{_address(destination)}/{length}" if length else "default",
            gateway=_address(gateway) if bits & GATEWAY else "",
            interface=interface,
            metric=int(metric, 16),
            family=6,
        )
    except ValueError:
        return None


def _address(number: str) -> str:
    return str(ipaddress.IPv6Address(bytes.fromhex(number)))
