"""Routes of both families, as the kernel has them."""

from __future__ import annotations

import re

from caseprobe.parse.ip_route import parse_ip_route
from caseprobe.parse.ipv6_route import parse_ipv6_route
from caseprobe.v1 import section_pb2
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Notes, Reads, number_of, value_of

ROUTE, IPV6_ROUTE = "/proc/net/route", "/proc/net/ipv6_route"
# A router with full tables has a million; the first of each family hold the default routes.
ROUTES_AT_MOST = 500
LIMIT_BYTES = 1 << 20
DEVTYPE = re.compile(r"^DEVTYPE=(wireguard|gretap|vti|ipsec)$", re.MULTILINE)
NET = "/sys/class/net"
# /sys/class/net/*/type: ARPHRD_TUNNEL, TUNNEL6, SIT, IPGRE, IP6GRE.
DRIVERS = {768: "ipip", 769: "ip6tnl", 776: "sit", 778: "gre", 823: "ip6gre"}


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """IPv4 routes, then IPv6 routes; absent where the kernel shows neither."""
    notes = Notes()
    facts = section_pb2.RoutesFacts()
    four = notes.attempt("routes.ipv4", lambda: machine.read_text(ROUTE, LIMIT_BYTES))
    six = notes.attempt("routes.ipv6", lambda: machine.read_text(IPV6_ROUTE, LIMIT_BYTES))
    if four is None and six is None:
        machine.read_text(ROUTE, 1)  # raises what stands in the way of both
    for routes in (parse_ip_route(four or ""), parse_ipv6_route(six or "")):
        if len(routes) > ROUTES_AT_MOST:
            notes.lack("routes.routes", ValueError(f"only {ROUTES_AT_MOST} of {len(routes)} or more routes are kept"))
        facts.routes.extend(sorted(routes, key=lambda route: route.destination != "default")[:ROUTES_AT_MOST])
    _add_tunnels(facts, machine, notes)
    return notes.measured(facts)


def _add_tunnels(facts: section_pb2.RoutesFacts, machine: Machine, notes: Notes) -> None:
    """Every tunnel, and the largest packet of each route's interface."""
    sizes: dict[str, int] = {}
    told = notes.noted("routes.tunnels", machine)
    for name in notes.names("routes.tunnels", machine, NET):
        folder = f"{NET}/{name}"
        sizes[name] = max(0, number_of(told, f"{folder}/mtu") or 0)
        if driver := _tunnel_driver(machine, told, folder):
            state = value_of(told, f"{folder}/operstate") or ""
            facts.tunnels.add(name=name, driver=driver, state=state, mtu_bytes=sizes[name])
            notes.quote(f"{folder}/mtu", str(sizes[name]))
    facts.mtu_bytes.extend(sizes.get(route.interface, 0) for route in facts.routes)


def _tunnel_driver(machine: Machine, told: Reads, folder: str) -> str:
    """What wraps the packets of an interface; empty for one that is no tunnel."""
    if machine.exists(f"{folder}/tun_flags"):
        return "tun"
    kind = number_of(told, f"{folder}/type")
    if kind in DRIVERS:
        return DRIVERS[kind]
    found = DEVTYPE.search(value_of(told, f"{folder}/uevent") or "")
    return found[1] if found else ""
