"""What `ip -s link` prints: the counters of every interface."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

# 2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP mode DEFAULT group default qlen 1000
#     link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff
#     RX:  bytes packets errors dropped  missed   mcast
#        9000000    9000      0       0       0       0
#     TX:  bytes packets errors dropped carrier collsns
LINK = re.compile(r"^\d+: (?P<name>[^\s@:]{1,15})(?:@\S+)?: <")
COUNTED = re.compile(r"^\s+(?P<way>[RT]X):\s+bytes\s+packets\s+errors\s+dropped\s")
NUMBERS = re.compile(r"^\s+\d{1,20}(?:\s+\d{1,20}){3,7}\s*$")
LINES_AT_MOST = 20_000
WAYS = ("RX", "TX")


def parse_ip_link(text: str) -> Mapping[str, tuple[Sequence[int], Sequence[int]]]:
    """By interface what was received and sent: bytes, packets, errors, dropped; those without counters are left out.

    >>> text = "1: lo: <UP> mtu 9\\n  RX: bytes packets errors dropped m\\n  7 1 0 0 0\\n"
    >>> parse_ip_link(text + "  TX: bytes packets errors dropped m\\n  8 2 0 0 0\\n")
    {'lo': ([7, 1, 0, 0], [8, 2, 0, 0])}
    """
    found: dict[str, dict[str, Sequence[int]]] = {}
    for name, way, numbers in _rows(text.splitlines()[:LINES_AT_MOST]):
        found.setdefault(name, {})[way] = numbers
    return {name: (told["RX"], told["TX"]) for name, told in found.items() if len(told) == len(WAYS)}


def _rows(lines: Sequence[str]) -> Iterator[tuple[str, str, Sequence[int]]]:
    name = way = ""
    for line in lines:
        if (link := LINK.match(line)) is not None:
            name, way = link["name"], ""
        elif (counted := COUNTED.match(line + " ")) is not None:
            way = counted["way"]
        elif name and way and NUMBERS.match(line):
            yield name, way, [int(word) for word in line.split()[:4]]
            way = ""
