"""Which section an archive gives, and from what; what it does not tell is left out, and says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from caseprobe.errors import MachineAbsent
from caseprobe.v1 import section_pb2
from caseprobe_agent.imports import outputs
from caseprobe_agent.machine.archived import ArchivedMachine
from caseprobe_agent.probes import (
    ALL,
    cgroups,
    cpu,
    disks,
    filesystems,
    hardware,
    interfaces,
    memory,
    resolvers,
    routes,
    sensors,
    settings,
    sockets,
    system,
)
from caseprobe_agent.probes.probe import Measured, RawArtifact, outcome_of
from caseprobe_agent.snapshot.child import first_line

NET, CPU = "/sys/class/net", "/sys/devices/system/cpu/cpu0"
MOMENT = "an archive tells of one moment, and this is told by what happened between two"
FREQUENCIES, CONNTRACK = "/sys/devices/system/cpu/cpufreq", "/proc/sys/net/netfilter/nf_conntrack_count"
NO_RECORD = "the archive has no record of it that is read here"


@dataclass(frozen=True)
class Source:
    """The section of a probe; anchor: without this file or folder the archive tells nothing of it.

    parts: facts whose absence a probe takes for the machine's, each with what the archive would tell it by; nothing:
    no archive does, since the fact is of the time between two looks.
    """

    probe: str
    measure: Callable[[ArchivedMachine], Measured]
    anchor: str = ""
    parts: tuple[tuple[str, str], ...] = ()


def _as_probed(probe: str, measure: outputs.Measure, anchor: str, *parts: tuple[str, str]) -> Source:
    """A probe that reads files only reads those of the archive."""
    return Source(probe, lambda machine: measure(machine, None), anchor, parts)


SOURCES: tuple[Source, ...] = (
    _as_probed("system", system.measure, "/proc/sys/kernel/osrelease"),
    _as_probed(
        "cpu",
        cpu.measure,
        "/proc/stat",
        ("cpu.throttle_total", f"{CPU}/thermal_throttle"),
        ("cpu.frequency_policies", FREQUENCIES),
        *((f"cpu.{name}_ratio", "") for name in ("idle", "iowait", "steal", "softirq")),
    ),
    _as_probed("memory", memory.measure, "/proc/meminfo", ("memory.major_faults_per_second", "")),
    Source("filesystems", partial(outputs.filesystems, filesystems.measure), "/proc/self/mountinfo"),
    Source(
        "interfaces",
        partial(outputs.interfaces, interfaces.measure),
        "/proc/net/dev",
        (("interfaces.kind", NET),),
    ),
    _as_probed("hardware", hardware.measure, "/sys/class/dmi/id/sys_vendor"),
    _as_probed("disks", disks.measure, "/proc/diskstats", ("disks.arrays", "/proc/mdstat"), ("disks.disks", "")),
    _as_probed("sensors", sensors.measure, "/sys/class/hwmon"),
    Source("processes", outputs.processes),
    Source("routes", partial(outputs.routes, routes.measure), parts=(("routes.tunnels", NET),)),
    _as_probed("resolvers", resolvers.measure, "/etc/resolv.conf"),
    _as_probed(
        "sockets",
        sockets.measure,
        "/proc/net/tcp",
        ("sockets.conntrack_entries", CONNTRACK),
        ("sockets.segments_sent_total", ""),
        ("sockets.softnet_dropped_total", ""),
    ),
    Source("kernel_log", outputs.kernel_log),
    Source("system_log", outputs.system_log),
    _as_probed("cgroups", cgroups.measure, "/sys/fs/cgroup"),
    Source("smart", outputs.smart),
    Source("services", outputs.services),
    Source("packages", outputs.packages),
    _as_probed("settings", settings.measure, "/proc/sys/vm"),
)


def sections_of(machine: ArchivedMachine) -> tuple[list[section_pb2.Section], list[RawArtifact]]:
    """Every section that a full snapshot has, in the order of the report, and the artifacts beside them."""
    found = {source.probe: _section(source, machine) for source in SOURCES}
    sections = [found[probe.name][0] if probe.name in found else _skipped(probe.name, NO_RECORD) for probe in ALL]
    return sections, [artifact for _, artifacts in found.values() for artifact in artifacts]


def _section(source: Source, machine: ArchivedMachine) -> tuple[section_pb2.Section, tuple[RawArtifact, ...]]:
    if source.anchor and not machine.exists(source.anchor):
        return _skipped(source.probe, f"the archive has no {source.anchor}"), ()
    section = section_pb2.Section(probe=source.probe, outcome=section_pb2.PROBE_OUTCOME_OK)
    try:
        measured = source.measure(machine)
    except MachineAbsent as error:
        return _skipped(source.probe, str(error) if "archive" in str(error) else NO_RECORD), ()
    except Exception as error:
        # Whoever wrote the files may have meant to: what no parser expects ends one section, as it does in a probe.
        section.outcome, section.reason = outcome_of(error), first_line(error)[:1000]
        return section, ()
    getattr(section, source.probe).CopyFrom(measured.facts)
    section.lines.extend(_quotable(measured, machine))
    section.shortfalls.extend(_shortfall(one, machine) for one in measured.shortfalls)
    for field, path in source.parts:
        if not path or not machine.exists(path):
            section.shortfalls.append(_lacking(field, f"the archive has no {path}" if path else MOMENT))
    return section, measured.artifacts


def _quotable(measured: Measured, machine: ArchivedMachine) -> Iterator[section_pb2.SourceLine]:
    """Lines that stand in the archive so; of a file that was made up of a command's output none does."""
    for line in measured.lines:
        file = machine.tree.file(line.source) if line.source.startswith("/") else None
        if file is None or not file.source:
            yield line


def _shortfall(one: section_pb2.Shortfall, machine: ArchivedMachine) -> section_pb2.Shortfall:
    """That an archive lacks something does not say that the machine does; nor is what a file holds that we made up."""
    path = one.reason.partition(" ")[0]
    file = machine.tree.file(path) if path.startswith("/") else None
    if file is not None and file.source:
        return _lacking(one.field, f"the archive has no {path}")
    if one.outcome != section_pb2.PROBE_OUTCOME_ABSENT:
        return one
    return _lacking(one.field, one.reason if "archive" in one.reason else NO_RECORD)


def _lacking(field: str, reason: str) -> section_pb2.Shortfall:
    return section_pb2.Shortfall(field=field, outcome=section_pb2.PROBE_OUTCOME_SKIPPED, reason=reason)


def _skipped(probe: str, reason: str) -> section_pb2.Section:
    return section_pb2.Section(probe=probe, outcome=section_pb2.PROBE_OUTCOME_SKIPPED, reason=reason)
