"""The probes: each measures one section of a snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from caseprobe_agent.probes import (
    certificates,
    cgroups,
    containers,
    cpu,
    crashes,
    deleted_files,
    disks,
    dns,
    filesystems,
    firewall,
    hardware,
    history,
    interfaces,
    ipmi,
    kernel_log,
    memory,
    near_paths,
    network_cards,
    packages,
    processes,
    reachability,
    resolvers,
    routes,
    sensors,
    services,
    settings,
    smart,
    sockets,
    system,
    system_log,
    time_sync,
    volumes,
    wireless,
)
from caseprobe_agent.probes.probe import Probe

# Those that read only what the kernel and files tell, each within milliseconds.
QUICK: tuple[Probe, ...] = (
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
    cgroups.PROBE,
    time_sync.PROBE,
    certificates.PROBE,
    crashes.PROBE,
    history.PROBE,
)
# Those that start programs of the system, ask servers or read long lists.
SLOWER: tuple[Probe, ...] = (
    smart.PROBE,
    services.PROBE,
    packages.PROBE,
    dns.PROBE,
    reachability.PROBE,
    deleted_files.PROBE,
    settings.PROBE,
    network_cards.PROBE,
    containers.PROBE,
    firewall.PROBE,
    near_paths.PROBE,
)
# Those that take seconds, or hand over much.
SLOWEST: tuple[Probe, ...] = (ipmi.PROBE,)
ALL: tuple[Probe, ...] = (*QUICK, *SLOWER, *SLOWEST)

# The same items, but more of them, as the longer profiles have them.
LONGER = (system_log.LONGER, volumes.LONGER, wireless.LONGER, history.LONGER, sockets.LONGER)
LONGEST = (system_log.LONGEST,)


def _with(probes: Iterable[Probe], others: Iterable[Probe]) -> tuple[Probe, ...]:
    """These probes, those of the others in place of their namesakes."""
    named = {probe.name: probe for probe in others}
    return tuple(named.get(probe.name, probe) for probe in probes)


# What a profile runs, in the order of the report, each profile more than the one before it. quick starts no foreign
# program.
PROFILES: Mapping[str, tuple[Probe, ...]] = {
    "quick": QUICK,
    "standard": _with((*QUICK, *SLOWER), LONGER),
    "full": _with(ALL, (*LONGER, *LONGEST)),
}


# By default no probe sends a packet and none of services and packages tells a line of a log: who has the owner's leave
# puts these in place.
NETWORKED = (
    (time_sync.PROBE, time_sync.WITH_NETWORK),
    (certificates.PROBE, certificates.WITH_NETWORK),
    (dns.PROBE, dns.WITH_NETWORK),
    (reachability.PROBE, reachability.WITH_NETWORK),
    (near_paths.PROBE, near_paths.WITH_NETWORK),
)


LINES = ((services.PROBE, services.WITH_LINES),)
FULL_LINES = (*LINES, (packages.PROBE, packages.WITH_HISTORY))


def with_arguments(probes: Sequence[Probe]) -> tuple[Probe, ...]:
    """The same probes, but processes are listed with their arguments; only where policy lets these leave."""
    return _swapped(probes, ((processes.PROBE, processes.WITH_ARGUMENTS),))


def with_network(probes: Sequence[Probe], but: Sequence[Probe] = ()) -> tuple[Probe, ...]:
    """The same probes, but servers that the machine is configured to use are asked; only where policy allows packets.

    but: probes that stay as they are, as those of the quick profile do: a server that does not answer costs seconds.
    """
    return _swapped(probes, [pair for pair in NETWORKED if pair[0] not in but])


def with_collector(probes: Sequence[Probe], host: str) -> tuple[Probe, ...]:
    """The same probes, but the way to this collector is among the near paths."""
    return tuple(replace(probe, argument=host) if probe.name == near_paths.PROBE.name else probe for probe in probes)


def with_log_lines(probes: Sequence[Probe], full: bool) -> tuple[Probe, ...]:
    """The same probes, but services in trouble show their last lines; only where policy lets logs leave.

    full: the package manager's log comes too, as in the full profile.
    """
    return _swapped(probes, FULL_LINES if full else LINES)


def _swapped(probes: Sequence[Probe], pairs: Iterable[tuple[Probe, Probe]]) -> tuple[Probe, ...]:
    others = {plain.name: (plain, other) for plain, other in pairs}
    return tuple(
        others[probe.name][1] if probe.name in others and probe == others[probe.name][0] else probe for probe in probes
    )
