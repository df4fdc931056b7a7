"""Which targets are near: this machine's gateways, its resolvers and its collector."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_address

from caseprobe.errors import MeasurementError
from caseprobe.join_code import split_address
from caseprobe.parse.ip_route import parse_ip_route
from caseprobe.parse.ipv6_route import parse_ipv6_route
from caseprobe.parse.resolv_conf import parse_resolv_conf
from caseprobe_agent.machine import Machine


def near_targets(machine: Machine, link_address: str) -> Callable[[str], bool]:
    """A judge of targets, by address or the collector's name; it reads anew, since a laptop changes its gateway."""
    collector = split_address(link_address)[0]

    def near(target: str) -> bool:
        return target == collector or _plain(target) in set(_addresses(machine))

    return near


def _addresses(machine: Machine) -> Iterator[str]:
    """Gateways and name servers in their one spelling."""
    resolvers = parse_resolv_conf(_text(machine, "/etc/resolv.conf")).name_servers
    routes = [
        *parse_ip_route(_text(machine, "/proc/net/route")),
        *parse_ipv6_route(_text(machine, "/proc/net/ipv6_route")),
    ]
    for text in (*resolvers, *(route.gateway for route in routes)):
        if text:
            yield _plain(text)


def _plain(text: str) -> str:
    """An address in its one spelling; a name as it is."""
    try:
        return str(ip_address(text))
    except ValueError:
        return text


def _text(machine: Machine, path: str) -> str:
    try:
        return machine.read_text(path)
    except MeasurementError:
        return ""
