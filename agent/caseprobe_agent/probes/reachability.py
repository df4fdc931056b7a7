"""The way out: proxies that programs are told to use, and whether a captive portal stands in the way."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.errors import MachineAbsent, MachineDenied, MeasurementError
from caseprobe.parse.portal import PortalQuestion, build_request, is_expected, parse_connectivity, parse_http_head
from caseprobe.parse.proxies import ProxyAddress, parse_apt, parse_environment
from caseprobe.v1.section_host_pb2 import PortalCheck, Proxy, ReachabilityFacts
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Notes, Reads, names_in, value_of

ENVIRONMENT = "/etc/environment"
APT, APT_FOLDER = "/etc/apt/apt.conf", "/etc/apt/apt.conf.d"
NETWORK_MANAGER = "/etc/NetworkManager/NetworkManager.conf"
NETWORK_MANAGER_FOLDERS = (
    "/usr/lib/NetworkManager/conf.d",
    "/run/NetworkManager/conf.d",
    "/etc/NetworkManager/conf.d",
)
PROXIES_AT_MOST, ANSWER_BYTES, ANSWER_SECONDS = 4, 16 << 10, 2.0
NEEDS = "network probes"
NOT_ASKED = "not asked: network probes are not permitted here"


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """What is configured; nothing is asked."""
    notes = Notes()
    proxies, question = _configured(machine, notes)
    notes.lack("reachability.proxies", MachineDenied(NOT_ASKED, needs=NEEDS))
    notes.lack("reachability.portal", MachineDenied(NOT_ASKED, needs=NEEDS))
    facts = ReachabilityFacts(proxies=[_proxy(*one, reason=NOT_ASKED) for one in proxies])
    if question is not None:
        facts.portal.CopyFrom(PortalCheck(url=question.url, reason=NOT_ASKED))
    return notes.measured(facts)


def measure_with_network(machine: Machine, _earlier: object | None) -> Measured:
    """Each proxy connected to once; the portal question put to the address that NetworkManager is configured to ask."""
    notes = Notes()
    proxies, question = _configured(machine, notes)
    facts = ReachabilityFacts(proxies=[_connected(*one, machine) for one in proxies])
    if question is not None:
        facts.portal.CopyFrom(_asked(question, machine))
    return notes.measured(facts)


def _configured(machine: Machine, notes: Notes) -> tuple[list[tuple[ProxyAddress, str]], PortalQuestion | None]:
    """Proxies with where they are set, and the portal question; raises MachineAbsent where there is neither."""
    proxies: dict[ProxyAddress, str] = {}
    for proxy, origin in _proxies(machine, notes.noted("reachability.proxies", machine)):
        proxies.setdefault(proxy, origin)
    told = notes.noted("reachability.portal", machine)
    names = [f"{folder}/{name}" for folder in NETWORK_MANAGER_FOLDERS for name in names_in(told, folder)]
    texts = [value_of(told, path) or "" for path in (NETWORK_MANAGER, *names)]
    question = parse_connectivity(texts)
    if not proxies and question is None and not notes.denied:
        raise MachineAbsent("this machine uses no proxy and is configured with no address to look for a portal")
    return list(proxies.items())[:PROXIES_AT_MOST], question


def _proxies(machine: Machine, told: Reads) -> Iterator[tuple[ProxyAddress, str]]:
    variables = "".join(f"{name}={value}\n" for name, value in machine.environment().items() if "proxy" in name.lower())
    yield from ((proxy, "environment") for proxy in parse_environment(variables))
    yield from ((proxy, ENVIRONMENT) for proxy in parse_environment(value_of(told, ENVIRONMENT) or ""))
    for path in (APT, *(f"{APT_FOLDER}/{name}" for name in names_in(told, APT_FOLDER))):
        yield from ((proxy, path) for proxy in parse_apt(value_of(told, path) or ""))


def _proxy(address: ProxyAddress, origin: str, reason: str = "") -> Proxy:
    return Proxy(host=address.host, port=address.port, origin=origin, reason=reason)


def _connected(address: ProxyAddress, origin: str, machine: Machine) -> Proxy:
    """A connection is enough: a proxy that takes it but does not forward answers each program in its own words."""
    proxy = _proxy(address, origin)
    try:
        host = machine.look_up(address.host, ANSWER_SECONDS)
        told = machine.exchange("tcp", host, address.port, b"", ANSWER_SECONDS)
    except MeasurementError as error:
        proxy.reason = str(error)
    else:
        proxy.answered, proxy.connect_seconds = True, told.seconds
    return proxy


def _asked(question: PortalQuestion, machine: Machine) -> PortalCheck:
    check = PortalCheck(url=question.url)
    try:
        host = machine.look_up(question.host, ANSWER_SECONDS)
        told = machine.exchange("tcp", host, question.port, build_request(question), ANSWER_SECONDS, ANSWER_BYTES)
        head = parse_http_head(told.data)
    except (MeasurementError, ValueError) as error:
        check.reason = str(error)
        return check
    check.status, check.location, check.open = head.status, head.location, is_expected(question, head)
    # A redirection or a page in place of the expected words; an error of the server itself is no portal.
    check.intercepted = not check.open and (head.status in (200, 301, 302, 303, 307, 308, 511))
    return check
