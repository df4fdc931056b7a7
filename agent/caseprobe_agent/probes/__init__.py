"""The probes: each measures one section of a snapshot.

Here stands what every process knows of them: names, limits, rights. Their functions stand in the modules of their
names, which only the child that measures loads, each when its turn comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from caseprobe_agent.probes.probe import Probe


def _probe(name: str, timeout_seconds: float = 5.0, *needs: str, sample: bool = False, resumes: bool = False) -> Probe:
    """The probe of the module of this name, by its functions measure and, where it is wanted, sample."""
    module = f"{__name__}.{name}"
    return Probe(name, f"{module}:measure", timeout_seconds, needs, f"{module}:sample" if sample else "", resumes)


def _by(probe: Probe, function: str, timeout_seconds: float) -> Probe:
    """The same item, measured by another function of its module."""
    module, _, _ = probe.measure.partition(":")
    return replace(probe, measure=f"{module}:{function}", timeout_seconds=timeout_seconds)


SYSTEM = _probe("system")
CPU = _probe("cpu", sample=True)
MEMORY = _probe("memory", sample=True)
FILESYSTEMS = _probe("filesystems")
INTERFACES = _probe("interfaces", sample=True)
HARDWARE = _probe("hardware", 5.0, "root")
DISKS = _probe("disks", sample=True)
SENSORS = _probe("sensors")
PROCESSES = _probe("processes", 10.0, "root", sample=True)
PROCESSES_WITH_ARGUMENTS = _by(PROCESSES, "measure_with_arguments", 10.0)
ROUTES = _probe("routes")
RESOLVERS = _probe("resolvers")
SOCKETS = _probe("sockets", 10.0, "root", sample=True)
SOCKETS_WITH_PROGRAMS = _by(SOCKETS, "measure_with_programs", 10.0)
VOLUMES = _probe("volumes")
VOLUMES_WITH_TOOLS = _by(_probe("volumes", 5.0, "root"), "measure_with_tools", 20.0)
WIRELESS = _probe("wireless")
WIRELESS_WITH_TOOLS = _by(WIRELESS, "measure_with_tools", 20.0)
KERNEL_LOG = _probe("kernel_log", 5.0, "CAP_SYSLOG", resumes=True)
SYSTEM_LOG = _probe("system_log", 5.0, "adm", resumes=True)
MORE_SYSTEM_LOG = _by(SYSTEM_LOG, "measure_more", 10.0)
MOST_SYSTEM_LOG = _by(SYSTEM_LOG, "measure_most", 20.0)
CGROUPS = _probe("cgroups", sample=True)
TIME_SYNC = _probe("time_sync")
# Each of its four servers may take a second to be found and a second to answer.
TIME_SYNC_NETWORKED = _by(TIME_SYNC, "measure_with_network", 10.0)
CERTIFICATES = _probe("certificates", 5.0, "root")
CERTIFICATES_NETWORKED = _by(CERTIFICATES, "measure_with_network", 15.0)
CRASHES = _probe("crashes", 5.0, "root")
HISTORY = _probe("history", 5.0, "root", resumes=True)
MORE_HISTORY = _by(HISTORY, "measure_more", 5.0)
# Fifty seconds for all disks, and ten for the one that is asked last.
SMART = _probe("smart", 60.0, "root", "smartmontools")
SERVICES = _probe("services", 15.0)
SERVICES_WITH_LINES = _by(SERVICES, "measure_with_lines", 20.0)
PACKAGES = _probe("packages", 30.0)
PACKAGES_WITH_HISTORY = _by(PACKAGES, "measure_with_history", 30.0)
DNS = _probe("dns")
DNS_NETWORKED = _by(DNS, "measure_with_network", 9.0)
REACHABILITY = _probe("reachability")
REACHABILITY_NETWORKED = _by(REACHABILITY, "measure_with_network", 25.0)
DELETED_FILES = _probe("deleted_files", 15.0, "root")
SETTINGS = _probe("settings")
NETWORK_CARDS = _probe("network_cards")
CONTAINERS = _probe("containers", 15.0, "root")
FIREWALL = _probe("firewall", 17.0, "root")
NEAR_PATHS = _probe("near_paths")
NEAR_PATHS_NETWORKED = _by(_probe("near_paths", sample=True), "measure_with_network", 10.0)
IPMI = _probe("ipmi", 45.0, "root")

# A log that is followed as it is written, by the name that it is asked for.
TAIL = "log_tail."
LOG_TAILS: Mapping[str, Probe] = {
    log.name: replace(_by(log, "measure_tail", 5.0), name=f"{TAIL}{log.name}") for log in (KERNEL_LOG, SYSTEM_LOG)
}

# Those that read only what the kernel and files tell, each within milliseconds.
QUICK: tuple[Probe, ...] = (
    SYSTEM,
    CPU,
    MEMORY,
    FILESYSTEMS,
    INTERFACES,
    HARDWARE,
    DISKS,
    SENSORS,
    PROCESSES,
    ROUTES,
    RESOLVERS,
    SOCKETS,
    VOLUMES,
    WIRELESS,
    KERNEL_LOG,
    SYSTEM_LOG,
    CGROUPS,
    TIME_SYNC,
    CERTIFICATES,
    CRASHES,
    HISTORY,
)
# Those that start programs of the system, ask servers or read long lists.
SLOWER: tuple[Probe, ...] = (
    SMART,
    SERVICES,
    PACKAGES,
    DNS,
    REACHABILITY,
    DELETED_FILES,
    SETTINGS,
    NETWORK_CARDS,
    CONTAINERS,
    FIREWALL,
    NEAR_PATHS,
)
# Those that take seconds, or hand over much.
SLOWEST: tuple[Probe, ...] = (IPMI,)
ALL: tuple[Probe, ...] = (*QUICK, *SLOWER, *SLOWEST)

# The same items, but more of them, as the longer profiles have them.
LONGER = (MORE_SYSTEM_LOG, VOLUMES_WITH_TOOLS, WIRELESS_WITH_TOOLS, MORE_HISTORY, SOCKETS_WITH_PROGRAMS)
LONGEST = (MOST_SYSTEM_LOG,)


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
    (TIME_SYNC, TIME_SYNC_NETWORKED),
    (CERTIFICATES, CERTIFICATES_NETWORKED),
    (DNS, DNS_NETWORKED),
    (REACHABILITY, REACHABILITY_NETWORKED),
    (NEAR_PATHS, NEAR_PATHS_NETWORKED),
)


LINES = ((SERVICES, SERVICES_WITH_LINES),)
FULL_LINES = (*LINES, (PACKAGES, PACKAGES_WITH_HISTORY))


def with_arguments(probes: Sequence[Probe]) -> tuple[Probe, ...]:
    """The same probes, but processes are listed with their arguments; only where policy lets these leave."""
    return _swapped(probes, ((PROCESSES, PROCESSES_WITH_ARGUMENTS),))


def with_network(probes: Sequence[Probe], but: Sequence[Probe] = ()) -> tuple[Probe, ...]:
    """The same probes, but servers that the machine is configured to use are asked; only where policy allows packets.

    but: probes that stay as they are, as those of the quick profile do: a server that does not answer costs seconds.
    """
    return _swapped(probes, [pair for pair in NETWORKED if pair[0] not in but])


def with_collector(probes: Sequence[Probe], host: str) -> tuple[Probe, ...]:
    """The same probes, but the way to this collector is among the near paths."""
    return tuple(replace(probe, argument=host) if probe.name == NEAR_PATHS.name else probe for probe in probes)


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
