"""Memory: what is left, who had to die for it, and whether the chips are sound."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.checks import pressure
from caseprobe.checks.check import Check, Context, NotApplicable, Unknown
from caseprobe.checks.evidence import prove
from caseprobe.checks.levels import CRITICAL, INFO, WARN, Levels, Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2

MEMINFO, VMSTAT = "/proc/meminfo", "/proc/vmstat"
AVAILABLE = Levels("available_ratio", warn=0.10, critical=0.05, below=True)
STALLED = Levels("full_avg60_ratio", warn=0.10, critical=0.40)
FAULTS = Levels("major_faults_per_second", warn=500, critical=1000)
SWAP = Levels("swap_used_ratio", warn=0.80, critical=0.90)
COMMIT = Levels("committed_ratio", warn=0.95)
STRICT_OVERCOMMIT = 2
LIMIT = Levels("limit_used_ratio", warn=0.90)


def _available_ratio(memory: section_pb2.MemoryFacts) -> float:
    if memory.total_bytes == 0:
        raise Unknown("the size of the memory could not be read")
    return memory.available_bytes / memory.total_bytes


def judge_available(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Memory that programs can still get without swapping, as the kernel estimates it.

    When it runs out the kernel kills a process of its own choice. Free memory is not compared: caches fill it
    by design and are given back on demand.
    """
    ratio = _available_ratio(section.memory)
    if reached := context.levels(AVAILABLE).reached(ratio):
        facts = {"available_bytes": section.memory.available_bytes, "total_bytes": section.memory.total_bytes}
        evidence = prove(section, MEMINFO, ("MemAvailable", "MemTotal"), **facts)
        yield fault(reached, finding_pb2.CAUSE_HOST, {"available_ratio": ratio, **facts}, evidence)


def judge_stalled(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Share of the last minute in which all tasks stood still for lack of memory.

    The earliest honest sign of thrashing: at 60 % for half a minute systemd-oomd begins to kill.
    """
    if not section.memory.HasField("pressure"):
        raise NotApplicable("this machine does not report memory pressure (PSI)")
    value = section.memory.pressure.full_avg60_ratio
    yield from pressure.judge_pressure(section, context.levels(STALLED), value, "memory", finding_pb2.CAUSE_HOST)


def judge_faults(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Pages that had to be read back from disk, where memory is short.

    Many major faults alone are a program that starts; together with little memory they are thrashing.
    """
    memory = section.memory
    if not memory.HasField("major_faults_per_second"):
        raise NotApplicable("this machine does not report page faults")
    short, rate = (
        AVAILABLE.reached(_available_ratio(memory)),
        context.levels(FAULTS).reached(memory.major_faults_per_second),
    )
    if short and rate:
        reached = Reached(min(short.state, rate.state), f"{rate.threshold} and {short.threshold}")
        rates = {"major_faults_per_second": memory.major_faults_per_second, "available_ratio": _available_ratio(memory)}
        evidence = prove(section, VMSTAT, ("pgmajfault",), **rates)
        yield fault(reached, finding_pb2.CAUSE_HOST, rates, evidence)


def judge_oom(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Processes that the kernel killed for lack of memory since it started.

    The counter does not say when or which one; the kernel log does, if it may be read.
    """
    memory = section.memory
    if not memory.HasField("oom_kill_total"):
        raise NotApplicable("this machine does not report out-of-memory kills")
    if memory.oom_kill_total:
        kills = {"kills_total": memory.oom_kill_total}
        reached = Reached(WARN, "kills_total >= 1 since boot")
        yield fault(reached, finding_pb2.CAUSE_HOST, kills, prove(section, VMSTAT, ("oom_kill",), **kills))


def judge_swap(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Swap in use, and whether it is being read back right now.

    Full swap that nobody reads is a remark: pages of sleeping programs belong there.
    """
    memory = section.memory
    if memory.swap_total_bytes == 0:
        raise NotApplicable("this machine has no swap")
    used = memory.swap_total_bytes - memory.swap_free_bytes
    if reached := context.levels(SWAP).reached(used / memory.swap_total_bytes):
        if not memory.swap_in_bytes_per_second:
            reached = Reached(INFO, f"{reached.threshold}, without pages coming back")
        facts = {"swap_used_bytes": used, "swap_total_bytes": memory.swap_total_bytes}
        evidence = prove(section, MEMINFO, ("SwapTotal", "SwapFree"), **facts)
        parameters = {"swap_used_ratio": used / memory.swap_total_bytes, **facts}
        yield fault(reached, finding_pb2.CAUSE_HOST, parameters, evidence)


def judge_corrupted(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Memory that the kernel took out of use because the hardware reported it broken.

    Any amount means a failing module, and data that may already be wrong.
    """
    memory = section.memory
    if not memory.HasField("hardware_corrupted_bytes"):
        raise NotApplicable("this machine does not report broken memory")
    if memory.hardware_corrupted_bytes:
        facts = {"corrupted_bytes": memory.hardware_corrupted_bytes}
        evidence = prove(section, MEMINFO, ("HardwareCorrupted",), **facts)
        yield fault(Reached(CRITICAL, "corrupted_bytes > 0"), finding_pb2.CAUSE_HOST, facts, evidence)


def judge_commit(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Memory promised to programs, where the kernel is told to promise no more than it has.

    With vm.overcommit_memory = 2 an allocation fails at the limit, although plenty may be free.
    """
    memory = section.memory
    if memory.overcommit_mode != STRICT_OVERCOMMIT or not memory.commit_limit_bytes:
        raise NotApplicable("this machine may promise more memory than it has (vm.overcommit_memory is not 2)")
    ratio = memory.committed_bytes / memory.commit_limit_bytes
    if reached := context.levels(COMMIT).reached(ratio):
        facts = {"committed_bytes": memory.committed_bytes, "commit_limit_bytes": memory.commit_limit_bytes}
        evidence = prove(section, MEMINFO, ("Committed_AS", "CommitLimit"), **facts)
        yield fault(reached, finding_pb2.CAUSE_CONFIGURATION, {"committed_ratio": ratio, **facts}, evidence)


def judge_limit(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """The container's own memory limit: processes killed at it, and how near it is.

    Nearness is a remark only, because file caches count towards the limit and are given back.
    """
    memory = section.memory
    if not memory.cgroup_limit_bytes:
        raise NotApplicable("this machine does not report a memory limit of a container")
    folder, ratio = "/sys/fs/cgroup/", memory.cgroup_current_bytes / memory.cgroup_limit_bytes
    facts = {"limit_bytes": memory.cgroup_limit_bytes, "used_bytes": memory.cgroup_current_bytes}
    kills = memory.cgroup_oom_kill_total
    if kills:
        evidence = prove(section, f"{folder}memory.events", ("oom_kill",), kills_total=kills)
        reached = Reached(CRITICAL, "kills_total >= 1")
        yield fault(
            reached, finding_pb2.CAUSE_CONFIGURATION, {"kills_total": kills, **facts}, evidence, message_id="killed"
        )
    elif near := context.levels(LIMIT).reached(ratio):
        evidence = prove(section, folder, (), **facts)
        reached = Reached(INFO, near.threshold)
        yield fault(reached, finding_pb2.CAUSE_CONFIGURATION, {"limit_used_ratio": ratio, **facts}, evidence)


ALL = (
    Check(
        id="mem.avail",
        judge=judge_available,
        reads="memory",
        levels=(AVAILABLE,),
        fields=("available_bytes",),
        threshold=str(AVAILABLE),
        threshold_source="warn: netdata ram.conf (10 % available); critical: GitLab runbooks (5 % available)",
    ),
    Check(
        id="mem.psi",
        judge=judge_stalled,
        reads="memory",
        levels=(STALLED,),
        fields=("pressure",),
        threshold=str(STALLED),
        threshold_source=f"own levels below those of oomd.conf(5) (60 % for 30 s); {pressure.SOURCE}",
    ),
    Check(
        id="mem.majflt",
        judge=judge_faults,
        reads="memory",
        levels=(FAULTS,),
        fields=("major_faults_per_second", "oom_kill_total"),
        threshold=f"{FAULTS}; each only together with mem.avail's level of the same name",
        threshold_source="node-mixin NodeMemoryMajorPagesFaults (500/s); GitLab runbooks (1000/s and 5 % available)",
    ),
    Check(
        id="mem.oom",
        judge=judge_oom,
        reads="memory",
        fields=("oom_kill_total",),
        threshold="warn: kills_total >= 1 since boot",
        threshold_source="netdata ram.conf oom_kill (any)",
    ),
    Check(
        id="mem.swapused",
        judge=judge_swap,
        reads="memory",
        levels=(SWAP,),
        fields=("swap_total_bytes",),
        threshold=f"{SWAP}; info where no page comes back from swap",
        threshold_source="own warn level; critical: oomd.conf(5) SwapUsedLimit (90 %)",
    ),
    Check(
        id="mem.hwcorrupt",
        judge=judge_corrupted,
        reads="memory",
        fields=("hardware_corrupted_bytes",),
        threshold="critical: corrupted_bytes > 0",
        threshold_source="netdata memory.conf (any amount; there a warning)",
    ),
    Check(
        id="mem.commit",
        judge=judge_commit,
        reads="memory",
        levels=(COMMIT,),
        fields=("committed_bytes", "overcommit_mode"),
        threshold=f"{COMMIT} while vm.overcommit_memory is 2",
        threshold_source="own level; docs.kernel.org vm/overcommit-accounting.rst for the signal",
    ),
    Check(
        id="mem.cglimit",
        judge=judge_limit,
        reads="memory",
        levels=(LIMIT,),
        fields=("cgroup_limit_bytes",),
        threshold=f"critical: kills_total >= 1; info: {LIMIT.parameter} >= {LIMIT.warn:g}",
        threshold_source="netdata cgroups.conf (90 %), as a remark; docs.kernel.org cgroup-v2.rst memory.events",
    ),
)
