"""Control groups: every limit that is set, how near it is, and who was killed, refused or stopped at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from caseprobe.errors import MachineAbsent
from caseprobe.parse.counters import parse_counters
from caseprobe.v1.section_host_pb2 import Cgroup, CgroupsFacts
from caseprobe_agent.machine import Machine
from caseprobe_agent.machine.control_groups import ROOT, UNLIMITED, HasFolders, groups_below
from caseprobe_agent.probes.probe import Measured, Notes, Reads, number_of, value_of

GROUPS_AT_MOST, LISTED = 1000, 200
THROTTLING = ("nr_periods", "nr_throttled")


class Tells(Reads, HasFolders, Protocol):
    """What is read of the tree of groups."""


@dataclass(frozen=True)
class Sample:
    """Periods and stopped periods of every group with a processor limit, by its path."""

    cpu: Mapping[str, Mapping[str, int]]


def sample(machine: Machine) -> Sample:
    """Processor counters now."""
    version = _version(machine)
    tree = ROOT if version == 2 else f"{ROOT}/cpu"
    paths, _ = groups_below(machine, tree, GROUPS_AT_MOST)
    read = ((path, parse_counters(value_of(machine, f"{tree}{path}/cpu.stat") or "")) for path in paths)
    return Sample({path: counters for path, counters in read if counters.get("nr_periods")})


def measure(machine: Machine, earlier: object | None) -> Measured:
    """Groups with a limit of their own or with something counted at one; absent without control groups."""
    notes = Notes()
    before = earlier.cpu if isinstance(earlier, Sample) else {}
    facts = CgroupsFacts(version=_version(machine))
    told = notes.noted("cgroups.groups", machine)
    found = _unified(told, facts, notes) if facts.version == 2 else _split(told, facts, notes)
    for group in found.values():
        _add_sampled(group, before.get(group.path.rstrip("/")))
        if len(facts.groups) < LISTED and _tells(group):
            facts.groups.append(group)
    return notes.measured(facts)


def _version(machine: Machine) -> int:
    if machine.exists(f"{ROOT}/cgroup.controllers") or machine.exists(f"{ROOT}/memory.max"):
        return 2
    if any(machine.exists(f"{ROOT}/{controller}") for controller in ("memory", "pids", "cpu")):
        return 1
    raise MachineAbsent("this machine shows no control groups")


def _unified(machine: Tells, facts: CgroupsFacts, notes: Notes) -> dict[str, Cgroup]:
    paths, facts.truncated = groups_below(machine, ROOT, GROUPS_AT_MOST)
    facts.groups_total = len(paths)
    return {path: _unified_group(machine, path, notes) for path in paths}


def _unified_group(machine: Tells, path: str, notes: Notes) -> Cgroup:
    """Version 2: every controller in one folder; a file that is not there is a controller that is off."""
    folder = f"{ROOT}{path}"
    group = Cgroup(path=path or "/")
    _add_memory(
        group, number_of(machine, f"{folder}/memory.max"), number_of(machine, f"{folder}/memory.current"), folder, notes
    )
    if group.HasField("memory_limit_bytes"):
        group.memory_cache_bytes = _counters(machine, f"{folder}/memory.stat").get("inactive_file", 0)
    _add_kills(group, machine, f"{folder}/memory.events", notes)
    _add_tasks(group, machine, folder, notes)
    _add_cpu(group, machine, folder, notes)
    return group


def _split(machine: Tells, facts: CgroupsFacts, notes: Notes) -> dict[str, Cgroup]:
    """Version 1: a tree for each controller; the same path is the same group."""
    groups: dict[str, Cgroup] = {}
    for controller, add in (("memory", _add_old_memory), ("pids", _add_tasks), ("cpu", _add_cpu)):
        paths, truncated = groups_below(machine, f"{ROOT}/{controller}", GROUPS_AT_MOST)
        facts.truncated = facts.truncated or truncated
        for path in paths:
            group = groups.setdefault(path, Cgroup(path=path or "/"))
            add(group, machine, f"{ROOT}/{controller}{path}", notes)
    facts.groups_total = len(groups)
    return groups


def _add_old_memory(group: Cgroup, machine: Tells, folder: str, notes: Notes) -> None:
    limit = number_of(machine, f"{folder}/memory.limit_in_bytes")
    if limit is not None and limit < UNLIMITED:
        _add_memory(group, limit, number_of(machine, f"{folder}/memory.usage_in_bytes"), folder, notes)
        group.memory_cache_bytes = _counters(machine, f"{folder}/memory.stat").get("total_inactive_file", 0)
    _add_kills(group, machine, f"{folder}/memory.oom_control", notes)


def _add_memory(group: Cgroup, limit: int | None, current: int | None, folder: str, notes: Notes) -> None:
    if limit is not None and current is not None and limit < UNLIMITED:
        group.memory_limit_bytes, group.memory_current_bytes = limit, current
        notes.keep(f"{folder}/memory limit and use", 0, f"{limit} {current}")


def _add_kills(group: Cgroup, machine: Tells, path: str, notes: Notes) -> None:
    """Kills of this group's own limit or of a group below it, as the kernel counts them."""
    text = value_of(machine, path) or ""
    kills = parse_counters(text).get("oom_kill")
    if kills:
        group.oom_kills_total = kills
        notes.quote(path, text, ("oom_kill ",))


def _add_tasks(group: Cgroup, machine: Tells, folder: str, notes: Notes) -> None:
    limit, total = number_of(machine, f"{folder}/pids.max"), number_of(machine, f"{folder}/pids.current")
    if limit is None or total is None:
        return
    group.tasks_limit, group.tasks_total = limit, total
    group.tasks_refused_total = _counters(machine, f"{folder}/pids.events").get("max", 0)
    notes.keep(f"{folder}/pids.max and pids.current", 0, f"{limit} {total}")


def _add_cpu(group: Cgroup, machine: Tells, folder: str, notes: Notes) -> None:
    text = value_of(machine, f"{folder}/cpu.stat") or ""
    counters = parse_counters(text)
    if counters.get("nr_periods"):
        group.cpu_periods_total, group.cpu_throttled_total = (counters.get(name, 0) for name in THROTTLING)
        notes.quote(f"{folder}/cpu.stat", text, THROTTLING)
        _add_cores(group, machine, folder)


def _add_cores(group: Cgroup, machine: Tells, folder: str) -> None:
    """The limit itself: "50000 100000" in version 2, two files in version 1."""
    words = (value_of(machine, f"{folder}/cpu.max") or "").split()
    if not words:
        words = [value_of(machine, f"{folder}/cpu.cfs_{name}_us") or "" for name in ("quota", "period")]
    if len(words) == 2 and all(word.isdecimal() for word in words) and int(words[1]):
        group.cpu_limit_cores = int(words[0]) / int(words[1])


def _add_sampled(group: Cgroup, before: Mapping[str, int] | None) -> None:
    if before is not None and group.HasField("cpu_periods_total"):
        group.cpu_periods_sampled = max(0, group.cpu_periods_total - before.get("nr_periods", 0))
        group.cpu_throttled_sampled = max(0, group.cpu_throttled_total - before.get("nr_throttled", 0))


def _counters(machine: Tells, path: str) -> Mapping[str, int]:
    return parse_counters(value_of(machine, path) or "")


def _tells(group: Cgroup) -> bool:
    """Something beside its name is known of it."""
    return len(group.ListFields()) > 1
