"""A few rounds to what this machine depends on first: its gateways, its name servers, its collector."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from ipaddress import ip_address
from threading import Thread

from caseprobe.errors import MachineAbsent, MachineDenied, MachineTimeout, MeasurementError
from caseprobe.parse.ip_route import parse_ip_route
from caseprobe.parse.ipv6_route import parse_ipv6_route
from caseprobe.parse.resolv_conf import parse_resolv_conf
from caseprobe.v1 import path_pb2
from caseprobe.v1.section_items_pb2 import NearPath, NearPathsFacts
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Noted, Notes, value_of

ROUTE, IPV6_ROUTE = "/proc/net/route", "/proc/net/ipv6_route"
RESOLV_CONF, UPSTREAM = "/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"
GATEWAY, RESOLVER, COLLECTOR = "gateway", "resolver", "collector"
PATHS_AT_MOST = 6
INTERVAL_SECONDS = 0.2
LONGEST_SECONDS = 4.0
NEEDS = "network probes"
NOT_ASKED = "not probed: network probes are not permitted here"


def measure(machine: Machine, _earlier: object | None, argument: str = "") -> Measured:
    """Which paths there would be; none is probed. argument: the collector's host."""
    notes = Notes()
    paths = [NearPath(role=role, address=host, reason=NOT_ASKED) for role, host in _targets(machine, notes, argument)]
    notes.lack("near_paths.paths", MachineDenied(NOT_ASKED, needs=NEEDS))
    return notes.measured(NearPathsFacts(paths=paths))


class Probing:
    """All near paths at once, on a thread of their own while other probes measure."""

    def __init__(self, machine: Machine, collector: str) -> None:
        self.notes = Notes()
        self.paths: list[NearPath] = []
        self.failure: MeasurementError | None = None
        self._thread = Thread(target=self._run, args=(machine, collector), daemon=True)
        self._thread.start()

    def result(self) -> list[NearPath]:
        """Every path; raises MachineAbsent where there is none, MachineTimeout where they were not at their end."""
        self._thread.join(LONGEST_SECONDS)
        if self._thread.is_alive():
            raise MachineTimeout(f"near paths were not at their end after {LONGEST_SECONDS:g} s")
        if self.failure is not None:
            raise self.failure
        return self.paths

    def _run(self, machine: Machine, collector: str) -> None:
        try:
            targets = _targets(machine, self.notes, collector)
            self.paths = _paths(targets)
        except MeasurementError as error:
            self.failure = error
        except (OSError, ValueError) as error:
            self.failure = MeasurementError(f"near paths could not be probed: {error}")


def sample(machine: Machine, argument: str = "") -> Probing:
    """Begin; measure takes what has come by then."""
    if not machine.live:
        raise MachineAbsent("no packet is sent for a copied tree")
    return Probing(machine, argument)


def measure_with_network(machine: Machine, earlier: object | None, argument: str = "") -> Measured:
    """A few rounds to each of them, all at once. argument: the collector's host."""
    probing = earlier if isinstance(earlier, Probing) else sample(machine, argument)
    return Measured(NearPathsFacts(paths=probing.result()), shortfalls=tuple(probing.notes.shortfalls))


def _targets(machine: Machine, notes: Notes, collector: str) -> list[tuple[str, str]]:
    """Role and address or name, each once; raises MachineAbsent where there is none."""
    told = notes.noted("near_paths.paths", machine)
    found: dict[str, str] = {}
    for role, host in (*_gateways(told), *_resolvers(told), *([(COLLECTOR, collector)] if collector else [])):
        found.setdefault(host, role)
    if not found and not notes.denied:
        raise MachineAbsent("this machine has no gateway and no name server beside its own")
    return [(role, host) for host, role in found.items()][:PATHS_AT_MOST]


def _gateways(machine: Noted) -> Iterator[tuple[str, str]]:
    routes = [
        *parse_ip_route(value_of(machine, ROUTE) or ""),
        *parse_ipv6_route(value_of(machine, IPV6_ROUTE) or ""),
    ]
    for route in routes:
        # A link-local gateway is reached through its interface only, which an address alone does not tell.
        if route.destination == "default" and route.gateway and not ip_address(route.gateway).is_link_local:
            yield GATEWAY, route.gateway


def _resolvers(machine: Noted) -> Iterator[tuple[str, str]]:
    for path in (RESOLV_CONF, UPSTREAM):
        for address in parse_resolv_conf(value_of(machine, path) or "").name_servers:
            # The machine's own stub passes questions on; its servers stand in the other file.
            with contextlib.suppress(ValueError):
                if not ip_address(address).is_loopback:
                    yield RESOLVER, address


def _paths(targets: list[tuple[str, str]]) -> list[NearPath]:
    """Every path, or why it could not be probed."""
    from caseprobe_agent.path.brief import trace_briefly  # asyncio too, which no other probe needs

    traced = trace_briefly([host for _, host in targets], INTERVAL_SECONDS)
    return [_path(role, host, told) for (role, host), told in zip(targets, traced, strict=True)]


def _path(role: str, host: str, told: path_pb2.PathFacts | str) -> NearPath:
    if isinstance(told, str):
        return NearPath(role=role, address=host, reason=told)
    # The address tells who it is, behind a stand-in; a target is shown as it was typed.
    told.target = role
    return NearPath(role=role, address=str(ip_address(told.address)), path=told)
