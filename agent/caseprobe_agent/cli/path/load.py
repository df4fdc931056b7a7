"""The test under load as a person asks for it: to the collector of this machine, with this machine's own key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from caseprobe.errors import DeliveryError, MeasurementError, UsageError
from caseprobe.join_code import split_address
from caseprobe.v1 import path_load_pb2
from caseprobe_agent.app.parts import credentials_of
from caseprobe_agent.config import Settings
from caseprobe_agent.identity import load


@dataclass(frozen=True)
class OwnCollector:
    """Where the test goes, and what measures it."""

    host: str
    measure: Callable[[], Awaitable[path_load_pb2.LoadFacts]]


def own_collector(settings: Settings, targets: list[str]) -> OwnCollector:
    """The collector of this machine; raises UsageError where it has none, or where a target is another one."""
    identity = load(settings.state_folder)
    if identity is None:
        raise UsageError(
            "--loaded needs the collector that this machine is enrolled with: run `caseprobe enroll` first"
        )
    host = split_address(identity.link_address)[0]
    if any(target != host for target in targets):
        raise UsageError(f"--loaded goes to this machine's own collector only, {host}; leave the target out")

    async def measure() -> path_load_pb2.LoadFacts:
        from caseprobe_agent.link.load_wire import measure_load  # gRPC, which no other path needs

        try:
            return await measure_load(credentials_of(identity, settings.proxy))
        except DeliveryError as error:
            raise MeasurementError(f"there was no test under load: {error}") from None

    return OwnCollector(host, measure)
