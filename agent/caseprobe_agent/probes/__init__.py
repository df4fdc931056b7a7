"""The probes: each measures one section of a snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from caseprobe_agent.probes import (
    cpu,
    deleted_files,
    disks,
    filesystems,
    hardware,
    interfaces,
    ipmi,
    kernel_log,
    memory,
    processes,
    resolvers,
    routes,
    sensors,
    sockets,
    system,
    system_log,
    volumes,
    wireless,
)
from caseprobe_agent.probes.probe import Probe

ALL: tuple[Probe, ...] = (
    system.PROBE,
    cpu.PROBE,
    memory.PROBE,
    filesystems.PROBE,
    interfaces.PROBE,
    hardware.PROBE,
    disks.PROBE,
    sensors.PROBE,
    processes.PROBE,
    routes.PROBE,
    resolvers.PROBE,
    sockets.PROBE,
    volumes.PROBE,
    wireless.PROBE,
    kernel_log.PROBE,
    system_log.PROBE,
)

# What a profile runs, in the order of the report. quick starts no foreign program.
_LONGER = {one.name: one for one in (system_log.LONGER, volumes.LONGER, wireless.LONGER)}
LONGER: tuple[Probe, ...] = (
    *(_LONGER.get(probe.name, probe) for probe in ALL),
    deleted_files.PROBE,
    ipmi.PROBE,
)
PROFILES: Mapping[str, tuple[Probe, ...]] = {"quick": ALL, "standard": LONGER, "full": LONGER}


def with_arguments(probes: Sequence[Probe]) -> tuple[Probe, ...]:
    """The same probes, but processes are listed with their arguments; only where policy lets these leave."""
    return tuple(processes.WITH_ARGUMENTS if probe == processes.PROBE else probe for probe in probes)
