"""What each step to a service takes, by way of every address of it or of the proxy that leads there."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass

from caseprobe.errors import MachineTimeout, MeasurementError
from caseprobe.v1 import path_service_pb2
from caseprobe_agent.path.service.attempt import Goal, attempt
from caseprobe_agent.path.service.goal import Service
from caseprobe_agent.path.service.names import ask_servers
from caseprobe_agent.path.target import Lookup, Permit, ResolvedTarget, look_up, resolve_all
from caseprobe_agent.proxies import HTTP, Proxy

ADDRESSES_AT_MOST = 3  # of each family


@dataclass(frozen=True)
class Means:
    """What a service is reached with: its proxy, and the name servers that may be asked, or the id of why none is.

    family 4 or 6 narrows the addresses; step_seconds is how long one step to the service may take, answer_seconds how
    long a name server's answer is waited for; dns_port and lookup are other ones in tests.
    """

    proxy: Proxy | None = None
    name_servers: Sequence[str] = ()
    name_servers_missing: str = ""
    family: int = 0
    step_seconds: float = 5.0
    answer_seconds: float = 2.0
    dns_port: int = 53
    lookup: Lookup = look_up


async def measure_service(
    service: Service, means: Means, permit: Permit
) -> tuple[path_service_pb2.ServiceFacts, ResolvedTarget | None]:
    """Every step to the service, not yet judged, and where the path leads that belongs to it; None where nowhere.

    Each address that is connected to is shown to permit, which raises PolicyRefused.
    """
    facts = path_service_pb2.ServiceFacts(scheme=service.scheme, host=service.host, port=service.port)
    facts.measured_at.GetCurrentTime()
    if means.proxy is not None:
        proxy = means.proxy
        kind = "" if proxy.kind == HTTP else proxy.kind
        facts.proxy.CopyFrom(
            path_service_pb2.ServiceProxy(host=proxy.host, port=proxy.port, origin=proxy.origin, kind=kind)
        )
    # TLS reads the machine's trusted certificates, which takes longer than most steps: it is no part of them.
    trust = ssl.create_default_context()
    targets = await _looked_up(facts, means.proxy.host if means.proxy else service.host, means, permit)
    facts.attempts.extend(await asyncio.gather(*(_tried(service, means, one, trust) for one in targets)))
    await _ask_name_servers(facts, means)
    return facts, next((one for one in targets if _has_route(one)), None)


async def _looked_up(
    facts: path_service_pb2.ServiceFacts, name: str, means: Means, permit: Permit
) -> list[ResolvedTarget]:
    """The addresses as the system tells them, some of each family; none where it tells none."""
    began, outcome, found = time.monotonic(), "ok", []
    try:
        found = await resolve_all(name, permit, means.family, lookup=means.lookup)
    except MachineTimeout:
        outcome = "timeout"
    except MeasurementError:
        outcome = "no_such_name"
    phase = path_service_pb2.ServicePhase(name="names", outcome=outcome, seconds=time.monotonic() - began)
    facts.lookup.CopyFrom(phase)
    by_family = [[one for one in found if one.v6 == v6][:ADDRESSES_AT_MOST] for v6 in (False, True)]
    return [one for one in found if one in by_family[one.v6]]


async def _tried(
    service: Service, means: Means, target: ResolvedTarget, trust: ssl.SSLContext
) -> path_service_pb2.ServiceAttempt:
    if _has_route(target):
        return await attempt(Goal(service, means.proxy, target, means.step_seconds), trust)
    phase = path_service_pb2.ServicePhase(name="connect", outcome="no_route")
    return path_service_pb2.ServiceAttempt(address=target.address.packed, phases=[phase])


def _has_route(target: ResolvedTarget) -> bool:
    """True where this machine has a way to an address at all; without one of a family, nothing is wrong with it."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6 if target.v6 else socket.AF_INET, 2) as sock:
        sock.connect(target.endpoint(9))
        return True
    return False


async def _ask_name_servers(facts: path_service_pb2.ServiceFacts, means: Means) -> None:
    name = facts.proxy.host if facts.HasField("proxy") else facts.host
    if _is_address(name):
        facts.name_servers_missing = "literal"
    elif means.name_servers:
        asked = ask_servers(means.name_servers, name, means.family, means.dns_port, means.answer_seconds)
        facts.name_servers.extend(await asked)
    else:
        facts.name_servers_missing = means.name_servers_missing or "none_configured"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
