"""A service as this machine's own programs reach it: over its proxy where it has one, with its own name servers."""

from __future__ import annotations

import os

from caseprobe.errors import MeasurementError
from caseprobe.parse.resolv_conf import parse_resolv_conf
from caseprobe.v1 import path_service_pb2
from caseprobe_agent.machine import Machine
from caseprobe_agent.path.service.goal import Service
from caseprobe_agent.path.service.steps import Means, measure_service
from caseprobe_agent.path.target import Permit, ResolvedTarget
from caseprobe_agent.proxies import proxy_for

RESOLV_CONF = "/etc/resolv.conf"


async def reach(
    service: Service, ask_servers: bool, permit: Permit, family: int = 0
) -> tuple[path_service_pb2.ServiceFacts, ResolvedTarget | None]:
    """Every step to the service, not yet judged, and where the path leads that belongs to it; None where nowhere.

    ask_servers: policy lets the servers that this machine is configured with be asked; its proxy is as near as they.
    """
    proxy = proxy_for(service.scheme, service.host, os.environ)
    missing = "" if ask_servers else "not_permitted"
    means = Means(proxy, _name_servers() if ask_servers else (), missing, family)
    return await measure_service(service, means, (lambda _: None) if proxy and ask_servers else permit)


def _name_servers() -> tuple[str, ...]:
    """The servers that this machine is configured to ask; none where it says none."""
    try:
        return tuple(parse_resolv_conf(Machine().read_text(RESOLV_CONF)).name_servers)
    except MeasurementError:
        return ()
