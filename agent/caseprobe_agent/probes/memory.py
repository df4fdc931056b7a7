"""Memory, swap, paging and the pressure of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from caseprobe.errors import MachineDenied, MeasurementError
from caseprobe.parse.buddyinfo import parse_large_free_blocks
from caseprobe.parse.counters import parse_counters
from caseprobe.parse.logs.kmsg import parse_kmsg
from caseprobe.parse.meminfo import parse_meminfo
from caseprobe.parse.oom_kills import parse_oom_victims
from caseprobe.parse.pressure import parse_pressure
from caseprobe.parse.swaps import parse_swap_in_memory
from caseprobe.parse.zfs_cache import parse_zfs_cache
from caseprobe.v1 import section_pb2
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Notes, number_of, value_of

MEMINFO, VMSTAT, PRESSURE = "/proc/meminfo", "/proc/vmstat", "/proc/pressure/memory"
OVERCOMMIT = "/proc/sys/vm/overcommit_memory"
SWAPS, ZFS_CACHE = "/proc/swaps", "/proc/spl/kstat/zfs/arcstats"
# A container sees its own limit as that of the root of its cgroup tree; on a machine the root has none.
CGROUP = "/sys/fs/cgroup"
BUDDYINFO, RING = "/proc/buddyinfo", "/dev/kmsg"
# The facility of the kernel itself: programs may write into its ring too.
KERNEL = 0
RING_BYTES, VICTIMS_AT_MOST = 1 << 20, 10
QUOTED = ("MemTotal", "MemAvailable", "SwapTotal", "SwapFree", "Committed_AS", "CommitLimit", "HardwareCorrupted")
HUGE = ("HugePages_Total", "Hugepagesize", "Hugetlb")


@dataclass(frozen=True)
class Sample:
    """Paging counters at one moment."""

    at_seconds: float
    counters: Mapping[str, int]


def sample(machine: Machine) -> Sample:
    """Paging counters now."""
    return Sample(machine.monotonic_seconds(), parse_counters(machine.read_text(VMSTAT)))


def measure(machine: Machine, earlier: object | None) -> Measured:
    """Amounts from /proc/meminfo, rates since the earlier sample, pressure, and a container's own limit."""
    notes = Notes()
    text = machine.read_text(MEMINFO)
    facts = parse_meminfo(text)
    notes.quote(MEMINFO, text, QUOTED + (HUGE if facts.huge_pages_bytes else ()))
    _add_exceptions(facts, machine, notes)
    facts.overcommit_mode = number_of(notes.noted("memory.overcommit_mode", machine), OVERCOMMIT) or 0
    vmstat = notes.attempt("memory.oom_kill_total", lambda: machine.read_text(VMSTAT))
    if vmstat is not None:
        notes.quote(VMSTAT, vmstat, ("oom_kill ", "pgmajfault ", "pswpin ", "pswpout ", "compact_fail "))
        _add_paging(facts, Sample(machine.monotonic_seconds(), parse_counters(vmstat)), earlier, machine.page_bytes())
    if (pressure := notes.parsed("memory.pressure", machine, PRESSURE, parse_pressure)) is not None:
        facts.pressure.CopyFrom(pressure)
    if (blocks := notes.attempt("memory.large_free_blocks_total", lambda: _large_blocks(machine, notes))) is not None:
        facts.large_free_blocks_total = blocks
    if facts.oom_kill_total:
        _add_victims(facts, machine, notes)
    _add_cgroup(facts, machine, notes)
    return notes.measured(facts)


def _add_exceptions(facts: section_pb2.MemoryFacts, machine: Machine, notes: Notes) -> None:
    """What the kernel's own sums leave out: a cache of its own kind, and swap that is memory."""
    cache = notes.text("memory.zfs_cache_bytes", machine, ZFS_CACHE)
    if cache is not None:
        facts.zfs_cache_bytes = notes.attempt("memory.zfs_cache_bytes", lambda: parse_zfs_cache(cache)) or 0
        notes.quote(ZFS_CACHE, cache, ("c_min ", "size "))
    if facts.swap_total_bytes and (swaps := notes.text("memory.swap_in_memory_bytes", machine, SWAPS)) is not None:
        facts.swap_in_memory_bytes = parse_swap_in_memory(swaps)
        notes.quote(SWAPS, swaps, ("/dev/zram",))


def _add_paging(facts: section_pb2.MemoryFacts, now: Sample, earlier: object | None, page_bytes: int) -> None:
    if "oom_kill" in now.counters:
        facts.oom_kill_total = now.counters["oom_kill"]
    if "pswpout" in now.counters:
        facts.swap_in_bytes_total = now.counters.get("pswpin", 0) * page_bytes
        facts.swap_out_bytes_total = now.counters["pswpout"] * page_bytes
    if "compact_fail" in now.counters:
        facts.compaction_failures_total = now.counters["compact_fail"]
    if not isinstance(earlier, Sample) or now.at_seconds <= earlier.at_seconds:
        return
    seconds = now.at_seconds - earlier.at_seconds
    facts.sample_seconds = seconds

    def rate(name: str) -> float:
        return max(0, now.counters.get(name, 0) - earlier.counters.get(name, 0)) / seconds

    facts.major_faults_per_second = rate("pgmajfault")
    facts.swap_in_bytes_per_second = rate("pswpin") * page_bytes
    facts.swap_out_bytes_per_second = rate("pswpout") * page_bytes


def _large_blocks(machine: Machine, notes: Notes) -> int:
    text = machine.read_text(BUDDYINFO)
    blocks = parse_large_free_blocks(text)
    notes.quote(BUDDYINFO, text)
    return blocks


def _add_victims(facts: section_pb2.MemoryFacts, machine: Machine, notes: Notes) -> None:
    """Names only: the lines of the kernel's log leave with the log, where that is allowed."""
    try:
        data, _ = machine.read_tail(RING, RING_BYTES)
    except MeasurementError as error:
        reason = f"who was killed stands in {RING} only, which cannot be read"
        notes.lack(
            "memory.oom_victims",
            MachineDenied(reason, needs="CAP_SYSLOG") if isinstance(error, MachineDenied) else error,
        )
        return
    # A ring holds thousands of records and few of these: the others are not taken apart.
    told = b"\n".join(line for line in data.split(b"\n") if b"oom-kill:" in line or b"ut of memory: Kill" in line)
    records = parse_kmsg(told.decode("utf-8", "replace"))
    messages = [(record.seconds, record.text) for record in records if record.facility == KERNEL]
    facts.oom_victims.extend(parse_oom_victims(messages, VICTIMS_AT_MOST))


def _add_cgroup(facts: section_pb2.MemoryFacts, machine: Machine, notes: Notes) -> None:
    told = notes.noted("memory.cgroup_limit_bytes", machine)
    limit = number_of(told, f"{CGROUP}/memory.max")
    current = number_of(told, f"{CGROUP}/memory.current")
    if limit is None or current is None or limit >= facts.total_bytes:
        return
    facts.cgroup_limit_bytes, facts.cgroup_current_bytes = limit, current
    notes.quote(f"{CGROUP}/memory.max", str(limit))
    notes.quote(f"{CGROUP}/memory.current", str(current))
    cache = parse_counters(value_of(told, f"{CGROUP}/memory.stat") or "").get("inactive_file", 0)
    facts.cgroup_available_bytes = min(limit, max(0, limit - current) + cache)
    events = value_of(told, f"{CGROUP}/memory.events") or ""
    if "oom_kill" in (counters := parse_counters(events)):
        facts.cgroup_oom_kill_total = counters["oom_kill"]
        notes.quote(f"{CGROUP}/memory.events", events, ("oom_kill ",))
