"""/proc/net/route: the main table of IPv4 routes."""

from __future__ import annotations

from caseprobe.kernel_address import kernel_address
from caseprobe.v1 import section_pb2

# Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
# eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
# eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
UP, GATEWAY = 0x1, 0x2


def parse_ip_route(text: str) -> list[section_pb2.Route]:
    """Routes that are up, in the kernel's order.

    >>> parse_ip_route("eth0 00000000 010200C0 0003 0 0 100 00000000 0 0 0")[0].gateway
    '192.0.2.1'
    """
    rows = (line.split() for line in text.splitlines())
    return [route for row in rows if len(row) >= 8 and (route := _route(row)) is not None]


def _route(row: list[str]) -> section_pb2.Route | None:
    interface, destination, gateway, flags, _, _, metric, mask = row[:8]
    try:
        if not int(flags, 16) & UP:
            return None
        prefix = int(mask, 16).bit_count()
        return section_pb2.Route(
            destination=f"{kernel_address(destination)}/{prefix}" if prefix else "default",
            gateway=kernel_address(gateway) if int(flags, 16) & GATEWAY else "",
            interface=interface,
            metric=int(metric),
            family=4,
        )
    except ValueError:
        return None
