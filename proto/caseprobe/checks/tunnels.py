"""Tunnels: whether everything goes through one, and whether its packets fit into the line below."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.checks.check import Check, Context, NotApplicable
from caseprobe.checks.evidence import prove, stated
from caseprobe.checks.levels import CRITICAL, INFO, WARN, Reached, fault
from caseprobe.v1 import finding_pb2, section_net_pb2, section_pb2

SETTINGS = finding_pb2.CAUSE_CONFIGURATION
# What each kind puts in front of a packet, over IPv4: outer header, and its own. A tun device is filled by a program
# that cuts packets itself.
OVERHEAD_BYTES = {"wireguard": 60, "ipip": 20, "sit": 20, "gre": 24, "gretap": 38, "ip6tnl": 40, "ip6gre": 44}


def _tunnels(section: section_pb2.Section) -> list[section_net_pb2.Tunnel]:
    if not section.routes.tunnels:
        raise NotApplicable("this machine has no tunnel")
    return list(section.routes.tunnels)


def _defaults(section: section_pb2.Section) -> list[tuple[section_pb2.Route, int]]:
    """Default routes with the largest packet of their interfaces, the preferred one of each family first."""
    routes = section.routes
    sizes = list(routes.mtu_bytes) + [0] * len(routes.routes)
    found = [pair for pair in zip(routes.routes, sizes, strict=False) if pair[0].destination in ("default", *_HALVES)]
    return sorted(found, key=lambda pair: (pair[0].family, pair[0].destination == "default", pair[0].metric))


# Programs put two halves over the default route to win over it without replacing it.
_HALVES = ("0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1")


def judge_route(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Whether a tunnel carries everything that leaves this machine, and whether that tunnel is up.

    Good to know when something is slow or an address looks foreign; while the tunnel is down nothing leaves at all.
    """
    tunnels = {tunnel.name: tunnel for tunnel in _tunnels(section)}
    told: set[str] = set()
    for route, _ in _defaults(section):
        tunnel = tunnels.get(route.interface)
        if tunnel is None or tunnel.name in told:
            continue
        told.add(tunnel.name)
        down = tunnel.state == "down"
        facts = {"interface": tunnel.name, "driver": tunnel.driver, "state": tunnel.state}
        evidence = [stated(section, destination=route.destination, metric=route.metric, **facts)]
        reached = Reached(CRITICAL if down else INFO, "the default route's tunnel is " + ("down" if down else "up"))
        yield fault(reached, SETTINGS, {"driver": tunnel.driver}, evidence, tunnel.name, "down" if down else "all")


def judge_mtu(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Packets of a tunnel that are larger than what the line below can carry once they are wrapped.

    Small packets pass and large ones vanish: logins work and transfers hang. A tun device is left out, because the
    program behind it cuts packets itself.
    """
    tunnels = [tunnel for tunnel in _tunnels(section) if tunnel.driver in OVERHEAD_BYTES and tunnel.state != "down"]
    names = {tunnel.name for tunnel in section.routes.tunnels}
    below = next((size for route, size in _defaults(section) if size and route.interface not in names), 0)
    if not tunnels or not below:
        raise NotApplicable("this machine has no tunnel over a line whose largest packet is known")
    for tunnel in tunnels:
        most = below - OVERHEAD_BYTES[tunnel.driver]
        if tunnel.mtu_bytes > most:
            sizes = {"mtu_bytes": tunnel.mtu_bytes, "most_bytes": most, "line_bytes": below}
            evidence = prove(section, f"/sys/class/net/{tunnel.name}/mtu", (), interface=tunnel.name, **sizes)
            reached = Reached(WARN, "mtu_bytes > line_bytes - overhead")
            parameters: dict[str, float | str] = {"mtu": tunnel.mtu_bytes, "most": most, "line": below}
            yield fault(reached, SETTINGS, parameters, evidence, tunnel.name)


ALL = (
    Check(
        id="vpn.route",
        judge=judge_route,
        reads="routes",
        fields=("tunnels",),
        threshold="info: the default route leads into a tunnel; critical: and that tunnel is down",
        threshold_source="own levels",
    ),
    Check(
        id="vpn.mtu",
        judge=judge_mtu,
        reads="routes",
        fields=("tunnels",),
        threshold="warn: mtu_bytes > line_bytes - overhead (wireguard 60, ipip and sit 20, gre 24, ip6tnl 40 …)",
        threshold_source="header sizes: RFC 791, RFC 2784, RFC 2473; wireguard.com whitepaper, 5.4.6",
    ),
)
