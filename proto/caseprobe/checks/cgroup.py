"""Limits of control groups, of containers and services alike: processor, memory, number of tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from caseprobe.checks.check import Check, Context, NotApplicable
from caseprobe.checks.evidence import stated
from caseprobe.checks.levels import CRITICAL, INFO, WARN, Levels, Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2
from caseprobe.v1.section_host_pb2 import Cgroup

# A limit that slows down does what it was set for: worth a warning, never more.
THROTTLED = Levels("throttled_ratio", warn=0.25)
MEMORY = Levels("limit_used_ratio", warn=0.90, critical=0.98)
TASKS = Levels("tasks_ratio", warn=0.90, critical=0.95)
# Fewer periods (of 0.1 s) than this are a program's start.
FEW_PERIODS = 10
KNOWN = ", none of them since an earlier snapshot"


def _limited(section: section_pb2.Section, field: str, what: str) -> list[Cgroup]:
    found = [group for group in section.cgroups.groups if group.HasField(field)]  # type: ignore[arg-type]
    if not found:
        raise NotApplicable(f"no control group of this machine {what}")
    return found


def _before(context: Context) -> Mapping[str, Cgroup]:
    """The groups of an earlier snapshot of this boot, by path."""
    if context.previous is None or not context.same_boot:
        return {}
    return {group.path: group for group in context.previous.cgroups.groups}


def _inner(groups: list[Cgroup], group: Cgroup, count: str) -> int:
    """What the groups below this one account for, since version 2 adds their counts to those above them."""
    prefix = group.path.rstrip("/") + "/"
    below = [one for one in groups if one.path != group.path and one.path.startswith(prefix)]
    nearest = [one for one in below if not any(one.path.startswith(other.path + "/") for other in below)]
    return sum(getattr(one, count) for one in nearest)


def _lines(section: section_pb2.Section, group: Cgroup, file: str, **facts: float) -> list[finding_pb2.Evidence]:
    """Lines of one file of the group, and its figures."""
    ending = f"{group.path.rstrip('/')}/{file}"
    quoted = [
        finding_pb2.Evidence(source=line.source, line=line.line, text=line.text)
        for line in section.lines
        if line.source.endswith(ending)
    ]
    return quoted[:9] or [stated(section, path=group.path, **facts)]


def judge_quota(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Scheduling periods in which a container or service was stopped because it had used up its processor limit.

    The machine may look idle while everything inside the limit is slow.
    """
    before = _before(context)
    for group in _limited(section, "cpu_periods_total", "has a processor limit"):
        periods, stopped = _periods(group, before.get(group.path))
        if periods < FEW_PERIODS:
            continue
        if reached := context.levels(THROTTLED, group.path).reached(stopped / periods):
            counts = {"throttled_total": stopped, "periods_total": periods, "limit_cores": group.cpu_limit_cores}
            evidence = _lines(section, group, "cpu.stat", **counts)
            parameters = {"throttled_ratio": stopped / periods, **counts}
            yield fault(reached, finding_pb2.CAUSE_CONFIGURATION, parameters, evidence, subject=group.path)


def _periods(group: Cgroup, old: Cgroup | None) -> tuple[int, int]:
    """Periods and stopped ones since an earlier snapshot; since the group exists where there is none."""
    if old is not None and old.cpu_periods_total <= group.cpu_periods_total:
        periods = group.cpu_periods_total - old.cpu_periods_total
        if periods >= FEW_PERIODS:
            return periods, max(0, group.cpu_throttled_total - old.cpu_throttled_total)
    return group.cpu_periods_total, group.cpu_throttled_total


def judge_memory(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Memory limits of containers and services: processes killed at them, and how near they are.

    File caches count towards a limit and are given back, so they are taken off first.
    """
    groups = list(section.cgroups.groups)
    if not any(group.HasField("memory_limit_bytes") or group.oom_kills_total for group in groups):
        raise NotApplicable("no control group of this machine has a memory limit")
    before = _before(context)
    for group in groups:
        kills = group.oom_kills_total - _inner(groups, group, "oom_kills_total")
        facts: dict[str, float] = {"limit_bytes": group.memory_limit_bytes, "used_bytes": _held(group)}
        if kills > 0:
            old = before.get(group.path)
            known = old is not None and old.oom_kills_total >= group.oom_kills_total
            reached = Reached(INFO if known else CRITICAL, f"kills_total >= 1{KNOWN if known else ''}")
            shown, parameters = _kills_shown(section, group, kills), {"kills_total": kills, **facts}
            yield fault(reached, finding_pb2.CAUSE_CONFIGURATION, parameters, shown, group.path, "killed")
        elif group.memory_limit_bytes and (
            near := context.levels(MEMORY, group.path).reached(_held(group) / group.memory_limit_bytes)
        ):
            parameters = {"limit_used_ratio": _held(group) / group.memory_limit_bytes, **facts}
            evidence = _lines(section, group, "memory limit and use", **facts)
            yield fault(near, finding_pb2.CAUSE_CONFIGURATION, parameters, evidence, subject=group.path)


def _held(group: Cgroup) -> int:
    """What is in use and cannot be given back at once."""
    return max(0, group.memory_current_bytes - group.memory_cache_bytes)


def _kills_shown(section: section_pb2.Section, group: Cgroup, kills: int) -> list[finding_pb2.Evidence]:
    """memory.events of version 2, memory.oom_control of version 1."""
    new = _lines(section, group, "memory.events", kills_total=kills)
    old = _lines(section, group, "memory.oom_control", kills_total=kills)
    return old if new[0].source.endswith("section") else new


def judge_tasks(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Processes and threads of a container or service against its own limit.

    At the limit it cannot start anything, a thread included; programs then fail in odd ways ("resource temporarily
    unavailable").
    """
    groups = _limited(section, "tasks_limit", "limits its number of tasks")
    for group in groups:
        counts = {"tasks_total": group.tasks_total, "tasks_limit": group.tasks_limit}
        ratio = group.tasks_total / group.tasks_limit if group.tasks_limit else 0.0
        refused = group.tasks_refused_total - _inner(groups, group, "tasks_refused_total")
        reached, message_id = context.levels(TASKS, group.path).reached(ratio), ""
        if not reached and refused > 0 and not _known(context, group):
            reached, message_id = Reached(WARN, "refused_total > 0"), "refused"
        if reached:
            evidence = _lines(section, group, "pids.max and pids.current", **counts)
            parameters = {"tasks_ratio": ratio, "refused_total": max(0, refused), **counts}
            cause = finding_pb2.CAUSE_CONFIGURATION
            yield fault(reached, cause, parameters, evidence, group.path, message_id)


def _known(context: Context, group: Cgroup) -> bool:
    """Nothing was refused since an earlier snapshot."""
    old = _before(context).get(group.path)
    return old is not None and old.tasks_refused_total >= group.tasks_refused_total


ALL = (
    Check(
        id="cpu.cgquota",
        judge=judge_quota,
        reads="cgroups",
        levels=(THROTTLED,),
        fields=("groups",),
        threshold=f"{THROTTLED}, of {FEW_PERIODS} periods or more, since an earlier snapshot or since the group exists",
        threshold_source="kubernetes-mixin CPUThrottlingHigh (25 %, there a remark); docs.kernel.org "
        "admin-guide/cgroup-v2.rst (cpu.stat) for the signal",
    ),
    Check(
        id="mem.cglimit",
        judge=judge_memory,
        reads="cgroups",
        levels=(MEMORY,),
        fields=("groups",),
        threshold=f"critical: kills_total >= 1 (info{KNOWN}); {MEMORY}, file caches taken off",
        threshold_source="netdata cgroups.conf (90, 98 %); docs.kernel.org admin-guide/cgroup-v2.rst (memory.events)",
    ),
    Check(
        id="pid.cglimit",
        judge=judge_tasks,
        reads="cgroups",
        levels=(TASKS,),
        fields=("groups",),
        threshold=f"{TASKS}; warn: refused_total > 0",
        threshold_source="netdata processes.conf (90 and 95 %); docs.kernel.org admin-guide/cgroup-v2.rst (pids.max) "
        "for the signal",
    ),
)
