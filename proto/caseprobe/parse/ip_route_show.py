"""What `ip route show` prints: the main table of both families."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from itertools import pairwise

from caseprobe.v1 import section_pb2

# default via 192.0.2.1 dev eth0 proto dhcp src 192.0.2.10 metric 100
# 192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.10 metric 100
# local 127.0.0.1 dev lo table local proto kernel scope host src 127.0.0.1  (passed over)
LINES_AT_MOST = 20_000
METRICS_AT_MOST = 0xFFFFFFFF


def parse_ip_route_show(text: str) -> list[section_pb2.Route]:
    """Routes of packets to other machines, in their order.

    >>> [one.gateway for one in parse_ip_route_show("default via 192.0.2.1 dev a\\nlocal 127.0.0.1 dev lo\\n")]
    ['192.0.2.1']
    """
    return list(_routes(text.splitlines()[:LINES_AT_MOST]))


def _routes(lines: list[str]) -> Iterator[section_pb2.Route]:
    for line in lines:
        words = line.split()
        told = dict(pairwise(words[1:]))
        if "dev" not in told or told.get("table", "main") != "main":
            continue
        gateway = told.get("via", "")
        destination = _network(words[0])
        if destination:
            metric = told.get("metric", "0")
            yield section_pb2.Route(
                destination=destination,
                gateway=gateway if _network(gateway) else "",
                interface=told["dev"][:15],
                metric=min(int(metric), METRICS_AT_MOST) if metric.isdecimal() else 0,
                family=6 if ":" in destination or ":" in gateway else 4,
            )


def _network(text: str) -> str:
    """The destination with the length of its prefix; empty where the word is no address, such as a route's type."""
    if text == "default":
        return text
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return ""
