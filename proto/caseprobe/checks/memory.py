"""Memory: what is left, who had to die for it, and whether the chips are sound."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.checks import pressure
from caseprobe.checks.check import DARWIN, WINDOWS, Check, Context, NoPast, NotApplicable, Unknown
from caseprobe.checks.evidence import prove, quote, stated
from caseprobe.checks.levels import CRITICAL, INFO, WARN, Levels, Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2

MEMINFO, VMSTAT, CGROUP = "/proc/meminfo", "/proc/vmstat", "/sys/fs/cgroup/"
ZFS_CACHE = "/proc/spl/kstat/zfs/arcstats"
WORDS = ("MemAvailable", "MemTotal", "HugePages_Total", "Hugepagesize", "Hugetlb")
AVAILABLE = Levels("available_ratio", warn=0.10, critical=0.05, below=True)
STALLED = Levels("full_avg60_ratio", warn=0.10, critical=0.40)
FAULTS = Levels("major_faults_per_second", warn=500, critical=1000)
SWAP = Levels("swap_used_ratio", warn=0.80, critical=0.90)
# 64 pages a second: a program that is looked at once a day brings a few back.
READ_BACK_BYTES_PER_SECOND = 256 << 10
COMMIT = Levels("committed_ratio", warn=0.95)
STRICT_OVERCOMMIT = 2
PAGED_OUT = Levels("paged_out_ratio", warn=0.30)
KILLS = Levels("kills_per_hour", critical=3.0)
HALF_HOUR, LONGEST_WINDOW_SECONDS = 1800.0, 7200.0


def _room(memory: section_pb2.MemoryFacts) -> tuple[int, int]:
    """What programs can get, and of how much: with what ZFS gives back, without what is set aside for huge pages."""
    total = memory.total_bytes - memory.huge_pages_bytes
    if total <= 0:
        raise Unknown("the size of the memory could not be read")
    return min(memory.available_bytes + memory.zfs_cache_bytes, total), total


def judge_available(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Memory that programs can still get without swapping, as the kernel estimates it; in a container, of its limit.

    When it runs out the kernel kills a process of its own choice. Free memory is not compared: caches fill it
    by design and are given back on demand, that of ZFS too, which the kernel does not count. What is set aside for
    huge pages counts on neither side.
    """
    memory = section.memory
    limited = bool(memory.cgroup_limit_bytes) and memory.HasField("cgroup_available_bytes")
    if limited:
        # Whichever runs out first: the container's limit, or the machine below it.
        machine_available = memory.available_bytes + memory.zfs_cache_bytes
        available, total = min(memory.cgroup_available_bytes, machine_available), memory.cgroup_limit_bytes
    else:
        available, total = _room(memory)
    ratio = available / total
    if reached := context.levels(AVAILABLE).reached(ratio):
        facts = {"available_bytes": available, "total_bytes": total}
        evidence = prove(section, CGROUP if limited else MEMINFO, () if limited else WORDS, **facts)
        evidence.extend(quote(section, ZFS_CACHE))
        message_id = "container" if limited else ""
        yield fault(
            reached, finding_pb2.CAUSE_HOST, {"available_ratio": ratio, **facts}, evidence, message_id=message_id
        )


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
    available, total = _room(memory)
    short = AVAILABLE.reached(available / total)
    rate = context.levels(FAULTS).reached(memory.major_faults_per_second)
    if short and rate:
        reached = Reached(min(short.state, rate.state), f"{rate.threshold} and {short.threshold}")
        rates = {"major_faults_per_second": memory.major_faults_per_second, "available_ratio": available / total}
        evidence = prove(section, VMSTAT, ("pgmajfault",), **rates)
        yield fault(reached, finding_pb2.CAUSE_HOST, rates, evidence)


def judge_oom(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Processes that the kernel killed for lack of memory, by name where its log may be read.

    The counter runs since boot. What was there at an earlier snapshot already is a remark; what is new is not.
    """
    memory = section.memory
    if not memory.HasField("oom_kill_total"):
        raise NotApplicable("this machine does not report out-of-memory kills")
    if not memory.oom_kill_total:
        return
    old = context.previous.memory.oom_kill_total if context.previous is not None and context.same_boot else 0
    new = max(0, memory.oom_kill_total - old)
    victim = memory.oom_victims[0] if memory.oom_victims else None
    parameters: dict[str, float | str] = {"kills_total": new or memory.oom_kill_total}
    if victim is not None:
        parameters |= {"victim": victim.name, "place": victim.cgroup or "-"}
    yield fault(
        _kills_reached(new, context),
        finding_pb2.CAUSE_HOST,
        parameters,
        _kills_shown(section),
        subject=victim.name if victim else "",
        message_id=("limited" if victim.cgroup else "named") if victim else "",
    )


def _kills_reached(new: int, context: Context) -> Reached:
    if not new:
        return Reached(INFO, "kills_total >= 1 since boot, none since an earlier snapshot")
    hours = context.elapsed_seconds / 3600
    often = context.levels(KILLS).reached(new / max(hours, 1.0)) if hours else None
    return often or Reached(WARN, "kills_total >= 1" if hours else "kills_total >= 1 since boot")


def _kills_shown(section: section_pb2.Section) -> list[finding_pb2.Evidence]:
    """The counter, and each victim that the kernel named."""
    memory = section.memory
    counter = prove(section, VMSTAT, ("oom_kill",), kills_total=memory.oom_kill_total)
    victims = [
        stated(section, pid=one.pid, name=one.name, cgroup=one.cgroup or "-", seconds_since_boot=one.at_seconds)
        for one in memory.oom_victims
    ]
    return [*victims[:9], *counter]


def judge_swap(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Swap in use, and whether it is being read back right now.

    Full swap that nobody reads is a remark: pages of sleeping programs belong there. So is swap that lies in memory
    itself (zram): it is meant to be used, and no disk is waited for.
    """
    memory = section.memory
    if memory.swap_total_bytes == 0:
        raise NotApplicable("this machine has no swap")
    used = memory.swap_total_bytes - memory.swap_free_bytes
    if reached := context.levels(SWAP).reached(used / memory.swap_total_bytes):
        if remark := _in_memory(memory) or _asleep(memory):
            reached = Reached(INFO, f"{reached.threshold}, {remark}")
        facts = {"swap_used_bytes": used, "swap_total_bytes": memory.swap_total_bytes}
        evidence = prove(section, MEMINFO, ("SwapTotal", "SwapFree"), **facts)
        parameters = {"swap_used_ratio": used / memory.swap_total_bytes, **facts}
        yield fault(reached, finding_pb2.CAUSE_HOST, parameters, evidence)


def _in_memory(memory: section_pb2.MemoryFacts) -> str:
    """Says that no swap lies on a disk; empty where some does."""
    return "all of it in compressed memory (zram)" if memory.swap_in_memory_bytes >= memory.swap_total_bytes else ""


def _asleep(memory: section_pb2.MemoryFacts) -> str:
    """Says that hardly a page comes back from swap; empty where many do."""
    return "" if memory.swap_in_bytes_per_second >= READ_BACK_BYTES_PER_SECOND else "with hardly a page coming back"


def judge_paging(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Memory written out to swap within half an hour, against all memory.

    A little is housekeeping. A third of the memory means that programs push each other out, and every switch between
    them waits for a disk, unless all swap lies in memory itself (zram), where it is a remark.
    """
    memory = section.memory
    if memory.swap_total_bytes == 0:
        raise NotApplicable("this machine has no swap")
    ratio, since = _paged_out(memory, context)
    if reached := context.levels(PAGED_OUT).reached(ratio):
        if remark := _in_memory(memory) or ("" if since else "at the rate of a moment"):
            reached = Reached(INFO, f"{reached.threshold}, {remark}")
        facts = {"swap_out_bytes_total": memory.swap_out_bytes_total, "total_bytes": memory.total_bytes}
        evidence = prove(section, VMSTAT, ("pswpout", "pswpin"), **facts)
        parameters = {"paged_out_ratio": ratio, **facts}
        yield fault(reached, finding_pb2.CAUSE_HOST, parameters, evidence)


def _paged_out(memory: section_pb2.MemoryFacts, context: Context) -> tuple[float, float]:
    """Share of memory written out per half hour, and over which time that was measured (0: only this run's sample)."""
    if not memory.total_bytes:
        raise Unknown("the size of the memory could not be read")
    past = context.since(HALF_HOUR)
    if past is not None and past.same_boot and HALF_HOUR / 3 <= past.elapsed_seconds <= LONGEST_WINDOW_SECONDS:
        written = memory.swap_out_bytes_total - past.section.memory.swap_out_bytes_total
        return written / past.elapsed_seconds * HALF_HOUR / memory.total_bytes, past.elapsed_seconds
    return memory.swap_out_bytes_per_second * HALF_HOUR / memory.total_bytes, 0.0


def judge_fragmentation(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Whether memory has any larger block left in one piece, and whether the kernel fails to make one.

    Network and storage drivers need such blocks; without them they stall or drop although memory is free.
    """
    memory = section.memory
    if not memory.HasField("large_free_blocks_total"):
        raise NotApplicable("this machine does not report free memory by the size of its blocks")
    if memory.large_free_blocks_total:
        return
    if context.previous is None or not context.same_boot:
        raise NoPast("needs a second snapshot of this boot to tell whether memory fails to be put together")
    failed = memory.compaction_failures_total - context.previous.memory.compaction_failures_total
    if failed > 0:
        facts = {"failures_total": failed, "elapsed_seconds": context.elapsed_seconds}
        evidence = [*prove(section, "/proc/buddyinfo", (), large_free_blocks_total=0), stated(section, **facts)]
        reached = Reached(WARN, "large_free_blocks_total = 0 and failures_total > 0")
        yield fault(reached, finding_pb2.CAUSE_HOST, facts, evidence)


def judge_corrupted(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Memory that the kernel took out of use because the hardware reported it broken.

    An error that could not be corrected is data lost to some program; pages that a daemon (rasdaemon) gave up after
    many corrected ones lost nothing yet. Either way a module fails.
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


ALL = (
    Check(
        id="mem.avail",
        judge=judge_available,
        reads="memory",
        elsewhere=(WINDOWS, DARWIN),
        levels=(AVAILABLE,),
        fields=("available_bytes", "cgroup_limit_bytes"),
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
        fields=("oom_kill_total", "cgroup_limit_bytes"),
        levels=(KILLS,),
        threshold=f"warn: kills_total >= 1; {KILLS}; info: none since an earlier snapshot",
        threshold_source="netdata ram.conf oom_kill (any); own critical level",
    ),
    Check(
        id="mem.swapused",
        judge=judge_swap,
        reads="memory",
        elsewhere=(WINDOWS,),
        levels=(SWAP,),
        fields=("swap_total_bytes",),
        threshold=f"{SWAP}; info where less than {READ_BACK_BYTES_PER_SECOND >> 10} KiB a second come back, or all of "
        "it lies in compressed memory (zram)",
        threshold_source="own warn level; critical: oomd.conf(5) SwapUsedLimit (90 %)",
    ),
    Check(
        id="mem.swapio",
        judge=judge_paging,
        reads="memory",
        levels=(PAGED_OUT,),
        fields=("swap_total_bytes", "swap_out_bytes_total"),
        threshold=f"{PAGED_OUT} per half hour; info at the rate of a moment only, or all in compressed memory (zram)",
        threshold_source="netdata swap.conf 30min_ram_swapped_out (30 % of memory)",
    ),
    Check(
        id="mem.hugefrag",
        judge=judge_fragmentation,
        reads="memory",
        fields=("large_free_blocks_total",),
        threshold="warn: no free block of 16 pages and failures_total > 0 since an earlier snapshot",
        threshold_source="own level; docs.kernel.org filesystems/proc.rst (buddyinfo) and "
        "admin-guide/mm/transhuge.rst (compact_fail) for the signal",
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
        elsewhere=(WINDOWS,),
        levels=(COMMIT,),
        fields=("committed_bytes", "overcommit_mode"),
        threshold=f"{COMMIT} while vm.overcommit_memory is 2",
        threshold_source="own level; docs.kernel.org mm/overcommit-accounting.rst for the signal",
    ),
)
