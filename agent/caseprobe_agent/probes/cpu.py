"""The processors: load, where their time goes, pressure, throttling, known vulnerabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from caseprobe.errors import MeasurementError
from caseprobe.parse.counters import parse_counters
from caseprobe.parse.cpuinfo import parse_cpuinfo
from caseprobe.parse.pressure import parse_pressure
from caseprobe.parse.proc_stat import CpuTimes, parse_cpu_times
from caseprobe.v1 import section_pb2
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Notes, Reads, names_in, number_of, value_of

STAT, CPUINFO, LOADAVG, PRESSURE = "/proc/stat", "/proc/cpuinfo", "/proc/loadavg", "/proc/pressure/cpu"
CPUS = "/sys/devices/system/cpu"
VULNERABILITIES = f"{CPUS}/vulnerabilities"
CGROUP_STAT = "/sys/fs/cgroup/cpu.stat"
STAT_BYTES = 4 << 20  # a line of interrupts can be long
CPUINFO_BYTES = 4 << 20
KILOHERTZ = 1000.0
FREQUENCIES = (
    ("current_hertz", "scaling_cur_freq"),
    ("limit_hertz", "scaling_max_freq"),
    ("hardware_hertz", "cpuinfo_max_freq"),
)


@dataclass(frozen=True)
class Sample:
    """Times of all processors, together and each, at one moment."""

    at_seconds: float
    times: Mapping[str, CpuTimes]


def sample(machine: Machine) -> Sample:
    """Times now."""
    return Sample(machine.monotonic_seconds(), parse_cpu_times(machine.read_text(STAT, STAT_BYTES)))


def measure(machine: Machine, earlier: object | None) -> Measured:
    """Shares of time over the sample and since boot, load, frequency, pressure, throttling, vulnerabilities."""
    notes = Notes()
    facts = section_pb2.CpuFacts()
    text = machine.read_text(STAT, STAT_BYTES)
    notes.quote(STAT, text, ("cpu ",))
    _add_shares(facts, Sample(machine.monotonic_seconds(), parse_cpu_times(text)), earlier, machine.ticks_per_second())
    _add_model(facts, machine, notes)
    _add_load(facts, machine, notes)
    if (pressure := notes.parsed("cpu.pressure", machine, PRESSURE, parse_pressure)) is not None:
        facts.pressure.CopyFrom(pressure)
    _add_throttling(facts, machine, notes)
    _add_vulnerabilities(facts, machine, notes)
    _add_quota(facts, machine, notes)
    return notes.measured(facts)


def _add_shares(facts: section_pb2.CpuFacts, now: Sample, earlier: object | None, ticks: int) -> None:
    boot = now.times["cpu"]
    facts.boot_iowait_ratio = boot.iowait / max(1, boot.total)
    facts.boot_steal_ratio = boot.steal / max(1, boot.total)
    _add_totals(facts, boot, ticks)
    if not isinstance(earlier, Sample):
        return
    facts.sample_seconds = now.at_seconds - earlier.at_seconds
    passed = boot.since(earlier.times["cpu"])
    total = max(1, passed.total)
    facts.user_ratio = (passed.user + passed.nice) / total
    facts.nice_ratio = passed.nice / total
    facts.system_ratio = passed.system / total
    facts.iowait_ratio = passed.iowait / total
    facts.irq_ratio = passed.irq / total
    facts.softirq_ratio = passed.softirq / total
    facts.steal_ratio = passed.steal / total
    facts.idle_ratio = passed.idle / total
    cores = [
        now.times[name].since(earlier.times[name]) for name in now.times if name != "cpu" and name in earlier.times
    ]
    facts.busiest_core_softirq_ratio = max((core.softirq / max(1, core.total) for core in cores), default=0.0)


def _add_totals(facts: section_pb2.CpuFacts, boot: CpuTimes, ticks: int) -> None:
    """Seconds since boot: two snapshots of one boot tell the mean of all the time between them."""
    facts.busy_seconds_total = (boot.total - boot.idle - boot.iowait - boot.steal) / ticks
    facts.nice_seconds_total = boot.nice / ticks
    facts.iowait_seconds_total = boot.iowait / ticks
    facts.steal_seconds_total = boot.steal / ticks
    facts.all_seconds_total = boot.total / ticks


def _add_model(facts: section_pb2.CpuFacts, machine: Machine, notes: Notes) -> None:
    text = notes.attempt("cpu.model", lambda: machine.read_text(CPUINFO, CPUINFO_BYTES)) or ""
    processors = parse_cpuinfo(text)
    facts.model = processors.model
    facts.logical_total = processors.logical_total
    facts.physical_total = processors.physical_total
    told = notes.noted("cpu.frequency_policies", machine)
    for name in names_in(told, f"{CPUS}/cpufreq"):
        if name.startswith("policy"):
            facts.frequency_policies.append(_policy(name, told, notes))
    current = [one.current_hertz for one in facts.frequency_policies if one.HasField("current_hertz")]
    highest = [one.hardware_hertz for one in facts.frequency_policies if one.HasField("hardware_hertz")]
    mean = sum(current) / len(current) if current else processors.hertz
    if mean is not None:
        facts.frequency_hertz = mean
    if highest:
        facts.frequency_max_hertz = max(highest)


def _policy(name: str, machine: Reads, notes: Notes) -> section_pb2.FrequencyPolicy:
    """What one clock may run at; the limit is quoted beside what the hardware can."""
    folder = f"{CPUS}/cpufreq/{name}"
    policy = section_pb2.FrequencyPolicy(name=name, governor=value_of(machine, f"{folder}/scaling_governor") or "")
    for field, file in FREQUENCIES:
        hertz = number_of(machine, f"{folder}/{file}")
        if hertz is not None:
            setattr(policy, field, hertz * KILOHERTZ)
            notes.keep(f"{folder}/{file}", 1, str(hertz))
    return policy


def _add_load(facts: section_pb2.CpuFacts, machine: Machine, notes: Notes) -> None:
    load = notes.attempt("cpu.load1", lambda: machine.read_text(LOADAVG))
    averages = notes.attempt("cpu.load1", lambda: [float(word) for word in (load or "").split()[:3]])
    if load is not None and averages is not None and len(averages) == 3:
        facts.load1, facts.load5, facts.load15 = averages
        notes.quote(LOADAVG, load)


def _add_throttling(facts: section_pb2.CpuFacts, machine: Machine, notes: Notes) -> None:
    """Threads of one core count the same events, so each core is asked once."""
    seen = set()
    told = notes.noted("cpu.throttle_total", machine)
    for name in names_in(told, CPUS):
        folder = f"{CPUS}/{name}"
        count = number_of(told, f"{folder}/thermal_throttle/core_throttle_count") if name[3:].isdecimal() else None
        core = value_of(machine, f"{folder}/topology/thread_siblings_list") if count is not None else None
        if count is None or core in seen:
            continue
        seen.add(core or name)
        facts.throttle_total += count
        if count:
            notes.keep(f"{folder}/thermal_throttle/core_throttle_count", 1, str(count))


def _add_vulnerabilities(facts: section_pb2.CpuFacts, machine: Machine, notes: Notes) -> None:
    try:
        names = machine.list_dir(VULNERABILITIES)
    except MeasurementError as error:
        notes.lack("cpu.vulnerabilities", error)
        return
    for name in names:
        status = value_of(notes.noted("cpu.vulnerabilities", machine), f"{VULNERABILITIES}/{name}")
        if status is not None:
            facts.vulnerabilities.add(name=name, status=status)
            notes.quote(f"{VULNERABILITIES}/{name}", status, ("Vulnerable",))


def _add_quota(facts: section_pb2.CpuFacts, machine: Machine, notes: Notes) -> None:
    """A container's own limit; on a machine the root of the cgroup tree has none."""
    text = value_of(notes.noted("cpu.cgroup_periods_total", machine), CGROUP_STAT) or ""
    counters = parse_counters(text)
    if counters.get("nr_periods"):
        facts.cgroup_periods_total = counters["nr_periods"]
        facts.cgroup_throttled_total = counters.get("nr_throttled", 0)
        notes.quote(CGROUP_STAT, text, ("nr_",))
