"""Processes: how many, who uses most, who is stuck, dead and not buried, or nearly out of files."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from heapq import nlargest

from caseprobe.errors import MachineAbsent, MachineDenied, MeasurementError
from caseprobe.parse.command_line import parse_command_line
from caseprobe.parse.counters import parse_counters
from caseprobe.parse.passwd import parse_passwd
from caseprobe.parse.process_files import ProcessStat, parse_open_files_limit, parse_process_stat, parse_user_id
from caseprobe.parse.scheduler import parse_kernel_stack, parse_last_run_seconds
from caseprobe.parse.zfs_cache import parse_zfs_cache
from caseprobe.v1 import section_pb2
from caseprobe_agent.machine import Machine
from caseprobe_agent.machine.reads import ADVICE
from caseprobe_agent.probes.probe import Measured, Notes, Reads, timestamp, value_of

# What all that is said of processes rests on.
LISTS = ("top_memory", "zombies", "uninterruptible", "top_open_files")
FIRST = 1
TOP, LISTED, FRAMES = 10, 50, 12
# Below this no limit in use is near.
FEW_FILES = 64
COMMAND_LINE_BYTES = 4096
ZFS_CACHE = "/proc/spl/kstat/zfs/arcstats"
ZOMBIE, UNINTERRUPTIBLE, RUNNING = "Z", "D", "R"


@dataclass(frozen=True)
class Sample:
    """Every process at one moment, by its number."""

    at_seconds: float
    stats: Mapping[int, ProcessStat]
    hidden_total: int = 0


@dataclass(frozen=True)
class _Files:
    """Open files of one process against its own limit."""

    open_total: int
    limit: int | None

    @property
    def used_ratio(self) -> float:
        return self.open_total / self.limit if self.limit else 0.0


def sample(machine: Machine) -> Sample:
    """Every process now; those that end while we look are left out, those that may not be looked at are counted."""
    found = {}
    hidden = 0
    at_seconds = machine.monotonic_seconds()
    for name in machine.list_dir("/proc"):
        if name.isdecimal():
            try:
                found[int(name)] = parse_process_stat(machine.read_text(f"/proc/{name}/stat", 4096))
            except MachineDenied:
                hidden += 1
            except (MeasurementError, ValueError):
                continue
    return Sample(at_seconds, found, hidden)


def measure(machine: Machine, earlier: object | None) -> Measured:
    """Counts and lists without arguments, which may hold secrets."""
    return _measure(machine, earlier, arguments=False)


def measure_with_arguments(machine: Machine, earlier: object | None) -> Measured:
    """Counts and lists with each listed process's arguments; join codes are never among them."""
    return _measure(machine, earlier, arguments=True)


def _measure(machine: Machine, earlier: object | None, arguments: bool) -> Measured:
    notes = Notes()
    now = sample(machine)
    if not now.stats:
        raise MachineAbsent("/proc shows no processes")
    before = earlier if isinstance(earlier, Sample) else Sample(now.at_seconds, {})
    stats = now.stats.values()
    facts = section_pb2.ProcessesFacts(
        processes_total=len(now.stats),
        threads_total=sum(stat.threads for stat in stats),
        running_total=sum(stat.state == RUNNING for stat in stats),
        zombies_total=sum(stat.state == ZOMBIE for stat in stats),
        uninterruptible_total=sum(stat.state == UNINTERRUPTIBLE for stat in stats),
        sample_seconds=now.at_seconds - before.at_seconds,
    )
    _note_hidden(now, machine, notes)
    files = _open_files(machine, now.stats, notes)
    describe = _describer(machine, now, before, files, arguments)
    cpu = {pid: ratio for pid, ratio in _cpu_ratios(now, before, machine.ticks_per_second()).items() if ratio > 0}
    facts.top_cpu.extend(describe(nlargest(TOP, cpu, key=lambda pid: cpu[pid])))
    facts.top_memory.extend(describe(nlargest(TOP, _resident(stats), key=lambda pid: now.stats[pid].resident_pages)))
    facts.zombies.extend(describe([stat.pid for stat in stats if stat.state == ZOMBIE][:LISTED]))
    facts.uninterruptible.extend(describe(_stuck(now, before)[:LISTED]))
    for process in facts.uninterruptible:
        _add_wait(process, machine)
    facts.available_memory_bytes = _available_bytes(notes.noted("processes.top_memory", machine))
    facts.top_open_files.extend(describe(nlargest(TOP, files, key=lambda pid: files[pid].used_ratio)))
    return notes.measured(facts)


def _note_hidden(now: Sample, machine: Machine, notes: Notes) -> None:
    """Where /proc is mounted so that users see only their own processes (hidepid), nothing is known of the others.

    Every space of process numbers has a first process as long as anything runs in it.
    """
    if not now.hidden_total and (FIRST in now.stats or not machine.live):
        return
    error = MachineDenied("processes of other users are hidden from us (hidepid); run as root to include them")
    for fact in LISTS:
        notes.lack(f"processes.{fact}", error)


def _add_wait(process: section_pb2.Process, machine: Machine) -> None:
    """Since when it waits, by the scheduler's clock, which our own process shows too; and in which functions."""
    since, now = (
        parse_last_run_seconds(value_of(machine, f"/proc/{who}/sched") or "") for who in (process.pid, "self")
    )
    if since is not None and now is not None:
        process.waited_seconds = max(0.0, now - since)
    process.kernel_stack.extend(parse_kernel_stack(value_of(machine, f"/proc/{process.pid}/stack") or "")[:FRAMES])


def _available_bytes(machine: Reads) -> int:
    """With what the cache of ZFS gives back; 0 where the kernel does not tell."""
    lines = (value_of(machine, "/proc/meminfo") or "").splitlines()
    row = next((line.split() for line in lines if line.startswith("MemAvailable:")), [])
    if len(row) < 2 or not row[1].isdecimal():
        return 0
    cache = 0
    if (told := value_of(machine, ZFS_CACHE)) is not None:
        with contextlib.suppress(ValueError):
            cache = parse_zfs_cache(told)
    return int(row[1]) * 1024 + cache


def _resident(stats: Iterable[ProcessStat]) -> list[int]:
    return [stat.pid for stat in stats if stat.resident_pages]


def _stuck(now: Sample, before: Sample) -> list[int]:
    """Processes that could not be interrupted in both samples; the same number may be another process by now."""
    return [
        pid
        for pid, stat in now.stats.items()
        if stat.state == UNINTERRUPTIBLE
        and (earlier := before.stats.get(pid)) is not None
        and earlier.state == UNINTERRUPTIBLE
        and earlier.start_ticks == stat.start_ticks
    ]


def _cpu_ratios(now: Sample, before: Sample, ticks_per_second: int) -> dict[int, float]:
    """Share of one core that each process used between the samples; a new one is counted from its start."""
    seconds = now.at_seconds - before.at_seconds
    if seconds <= 0:
        return {}
    ratios = {}
    for pid, stat in now.stats.items():
        earlier = before.stats.get(pid)
        known = earlier.cpu_ticks if earlier is not None and earlier.start_ticks == stat.start_ticks else 0
        ratios[pid] = max(0, stat.cpu_ticks - known) / ticks_per_second / seconds
    return ratios


def _open_files(machine: Machine, stats: Mapping[int, ProcessStat], notes: Notes) -> dict[int, _Files]:
    """Processes with many open files; those of other users cannot be counted without the right to."""
    found: dict[int, _Files] = {}
    told = notes.noted("processes.top_open_files", machine)
    hidden = 0
    for pid in stats:
        try:
            open_total = machine.entries_total(f"/proc/{pid}/fd")
        except MachineDenied:
            hidden += 1
            continue
        except MeasurementError:
            continue
        if open_total >= FEW_FILES:
            found[pid] = _Files(open_total, parse_open_files_limit(value_of(told, f"/proc/{pid}/limits") or ""))
    if hidden:
        why = f"the open files of {hidden} processes of other users cannot be counted; {ADVICE} them"
        notes.lack("processes.top_open_files", MachineDenied(why))
    return found


def _describer(
    machine: Machine, now: Sample, before: Sample, files: Mapping[int, _Files], arguments: bool
) -> Callable[[Iterable[int]], list[section_pb2.Process]]:
    """What turns process numbers into messages; looks up users, parents and boot time once."""
    users = parse_passwd(value_of(machine, "/etc/passwd") or "")
    booted = parse_counters(value_of(machine, "/proc/stat") or "").get("btime", 0)
    ticks, page_bytes = machine.ticks_per_second(), machine.page_bytes()
    ratios = _cpu_ratios(now, before, ticks)

    def describe(pid: int) -> section_pb2.Process:
        stat = now.stats[pid]
        parent = now.stats.get(stat.parent_pid)
        process = section_pb2.Process(
            pid=pid,
            parent_pid=stat.parent_pid,
            name=stat.name,
            parent_name=parent.name if parent else "",
            user=_user(machine, pid, users),
            state=stat.state,
            cpu_ratio=ratios.get(pid, 0.0),
            resident_bytes=stat.resident_pages * page_bytes,
            started_at=timestamp(booted + stat.start_ticks / ticks),
            wait_channel=_wait_channel(machine, pid),
            threads_total=stat.threads,
        )
        if pid in files:
            process.open_files_total = files[pid].open_total
            if (limit := files[pid].limit) is not None:
                process.open_files_limit = limit
        if arguments:
            process.command_line = _command_line(machine, pid)
        return process

    return lambda pids: [describe(pid) for pid in pids]


def _user(machine: Machine, pid: int, users: Mapping[int, str]) -> str:
    """Name, or number where /etc/passwd does not know it; empty where the process has ended."""
    number = parse_user_id(value_of(machine, f"/proc/{pid}/status") or "")
    return "" if number is None else users.get(number, str(number))


def _wait_channel(machine: Machine, pid: int) -> str:
    """The kernel's function that it waits in; "0" is how the kernel hides it."""
    told = value_of(machine, f"/proc/{pid}/wchan") or ""
    return "" if told == "0" else told


def _command_line(machine: Machine, pid: int) -> str:
    try:
        return parse_command_line(machine.read_text(f"/proc/{pid}/cmdline", COMMAND_LINE_BYTES))
    except MeasurementError:
        return ""
