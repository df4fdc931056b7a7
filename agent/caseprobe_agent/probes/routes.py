"""Routes of both families, as the kernel has them."""

from __future__ import annotations

from caseprobe.parse.ip_route import parse_ip_route
from caseprobe.parse.ipv6_route import parse_ipv6_route
from caseprobe.v1 import section_pb2
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Notes, Probe

ROUTE, IPV6_ROUTE = "/proc/net/route", "/proc/net/ipv6_route"
# A router with full tables has a million; the first of each family hold the default routes.
ROUTES_AT_MOST = 500
LIMIT_BYTES = 1 << 20


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
    return notes.measured(facts)


PROBE = Probe("routes", measure, timeout_seconds=5.0)
