"""What `ip address` prints: interfaces with their state and addresses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

# 2: eth0@if7: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP group default qlen 1000
#     link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff
#     inet 192.0.2.10/24 brd 192.0.2.255 scope global dynamic eth0
LINK = re.compile(
    r"^\d+: (?P<name>[^\s@:]{1,15})(?:@\S+)?: <[^>]*> mtu (?P<mtu>\d{1,9})\b(?:.*? state (?P<state>[A-Z]+))?"
)
LAYER = re.compile(r"^\s+link/(?P<kind>\S+)(?: (?P<mac>[0-9a-f]{2}(?::[0-9a-f]{2}){5}) )?")
ADDRESS = re.compile(r"^\s+inet6? (?P<address>[0-9a-f.:]{2,45})(?: peer [0-9a-f.:]{2,45})?(?:/(?P<length>\d{1,3}))?\s")
LINKS_AT_MOST = 1000


@dataclass
class IpLink:
    """One interface; addresses with the lengths of their prefixes."""

    name: str
    mtu_bytes: int
    state: str
    kind: str = ""
    mac: str = ""
    addresses: list[tuple[str, int]] = field(default_factory=list)


def parse_ip_address(text: str) -> Sequence[IpLink]:
    """Interfaces in their order; none for other text.

    >>> parse_ip_address("1: lo: <UP> mtu 65536 state UNKNOWN\\n    inet 127.0.0.1/8 scope host lo\\n")[0].addresses
    [('127.0.0.1', 8)]
    """
    found: list[IpLink] = []
    for line in text.splitlines():
        if (link := LINK.match(line)) is not None:
            if len(found) == LINKS_AT_MOST:
                break
            found.append(IpLink(link["name"], int(link["mtu"]), (link["state"] or "unknown").lower()))
        elif found and (layer := LAYER.match(line)) is not None:
            found[-1].kind, found[-1].mac = layer["kind"], layer["mac"] or ""
        elif found and (address := ADDRESS.match(line + " ")) is not None:
            whole = 128 if ":" in address["address"] else 32
            found[-1].addresses.append((address["address"], min(int(address["length"] or whole), whole)))
    return found
