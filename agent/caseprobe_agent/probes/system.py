"""Which system this is, since when it runs, and the limits that all its processes share."""

from __future__ import annotations

from caseprobe.errors import MachineAbsent
from caseprobe.parse.boot_records import ended_cleanly, parse_boot_records
from caseprobe.parse.counters import parse_counters
from caseprobe.parse.os_release import parse_os_release
from caseprobe.v1 import section_pb2
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Notes, number_of, timestamp, value_of
from caseprobe_agent.probes.surroundings import container_of, virtualization_of

FILE_NR, TAINTED, LOADAVG, UPTIME = "/proc/sys/fs/file-nr", "/proc/sys/kernel/tainted", "/proc/loadavg", "/proc/uptime"
PID_MAX, THREADS_MAX = "/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max"
OS_RELEASES = ("/etc/os-release", "/usr/lib/os-release")
WTMP, WTMP_BYTES, BOOTS_QUOTED = "/var/log/wtmp", 1 << 20, 4
# At boot the clock may be unset, or hold local time: a day covers that.
BOOT_CLOCK_SECONDS = 86_400.0


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """Names, versions, boot time, taint and shared limits."""
    notes = Notes()
    facts = section_pb2.SystemFacts(
        host_name=value_of(machine, "/proc/sys/kernel/hostname") or "",
        system="linux",
        kernel_release=value_of(machine, "/proc/sys/kernel/osrelease") or "",
        architecture=machine.architecture() or value_of(machine, "/proc/sys/kernel/arch") or "",
        virtualization=virtualization_of(machine),
        container=container_of(machine),
        timezone=_timezone(machine),
        init_system=value_of(machine, "/proc/1/comm") or "",
        privileged=machine.privileged(),
    )
    _add_distribution(facts, machine, notes)
    _add_times(facts, machine, notes)
    _add_limits(facts, machine, notes)
    _add_boots(facts, machine, notes)
    return notes.measured(facts)


def _add_distribution(facts: section_pb2.SystemFacts, machine: Machine, notes: Notes) -> None:
    path = next((path for path in OS_RELEASES if machine.exists(path)), OS_RELEASES[0])
    text = notes.attempt("system.os_name", lambda: machine.read_text(path)) or ""
    release = parse_os_release(text)
    facts.os_name = release.get("NAME", "")
    facts.os_version = release.get("VERSION_ID", "") or release.get("BUILD_ID", "")
    notes.quote(path, text, ("PRETTY_NAME=",))


def _add_times(facts: section_pb2.SystemFacts, machine: Machine, notes: Notes) -> None:
    if (row := _numbers("system.uptime_seconds", machine, notes, UPTIME, 1)) is not None:
        facts.uptime_seconds = row[0]
    counters = notes.attempt("system.booted_at", lambda: parse_counters(machine.read_text("/proc/stat", 4 << 20)))
    if counters and "btime" in counters:
        facts.booted_at.CopyFrom(timestamp(counters["btime"]))


def _add_limits(facts: section_pb2.SystemFacts, machine: Machine, notes: Notes) -> None:
    if (row := _numbers("system.kernel_taint", machine, notes, TAINTED, 1)) is not None:
        facts.kernel_taint = int(row[0])
    if (row := _numbers("system.open_files_total", machine, notes, FILE_NR, 3)) is not None:
        facts.open_files_total, facts.open_files_limit = int(row[0]), int(row[2])
    # 0.42 0.30 0.25 2/417 12208: running and all tasks are the fourth column.
    if (row := _numbers("system.tasks_total", machine, notes, LOADAVG, 5)) is not None:
        facts.tasks_total = int(row[4])
    told = notes.noted("system.tasks_total", machine)
    limits = [limit for path in (PID_MAX, THREADS_MAX) if (limit := number_of(told, path)) is not None]
    if limits:
        facts.tasks_limit = min(limits)


def _add_boots(facts: section_pb2.SystemFacts, machine: Machine, notes: Notes) -> None:
    """Whether the last run of the machine ended as it should; a container's record speaks of no machine."""
    facts.measured_at.CopyFrom(timestamp(machine.wall_seconds()))
    if facts.container:
        notes.lack("system.clean_shutdown", MachineAbsent("a container is not booted"))
        return
    records = notes.attempt("system.clean_shutdown", lambda: parse_boot_records(machine.read_tail(WTMP, WTMP_BYTES)[0]))
    if records is None:
        return
    # Debian 13 and later write no such record any more: what an older system left there tells nothing of this boot.
    booted_at = facts.booted_at.ToSeconds()
    if booted_at and all(abs(one.at_seconds - booted_at) > BOOT_CLOCK_SECONDS for one in records if one.kind == "boot"):
        notes.lack("system.clean_shutdown", MachineAbsent(f"{WTMP} tells nothing of this boot"))
        return
    clean = ended_cleanly(records)
    if clean is None:
        notes.lack("system.clean_shutdown", MachineAbsent(f"{WTMP} does not reach back to the boot before this one"))
        return
    facts.clean_shutdown = clean
    for number, record in enumerate(records[-BOOTS_QUOTED:], start=max(1, len(records) - BOOTS_QUOTED + 1)):
        notes.keep(WTMP, number, record.line())


def _numbers(fact: str, machine: Machine, notes: Notes, path: str, at_least: int) -> list[float] | None:
    """The numbers of a file of one line, which is quoted; None and a shortfall where there are fewer."""

    def read() -> list[float]:
        text = machine.read_text(path)
        numbers = [float(word) for word in text.replace("/", " ").split()]
        if len(numbers) < at_least:
            raise ValueError(f"{path} holds {len(numbers)} numbers instead of {at_least}")
        notes.quote(path, text)
        return numbers

    return notes.attempt(fact, read)


def _timezone(machine: Machine) -> str:
    """Name in the zone database, from /etc/timezone or from where /etc/localtime points."""
    if (told := value_of(machine, "/etc/timezone")) is not None:
        return told
    try:
        return machine.read_link("/etc/localtime").partition("zoneinfo/")[2]
    except MachineAbsent:
        return ""
