"""The processors: load, work, waiting, and what others took."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from caseprobe.checks import pressure
from caseprobe.checks.check import Check, Context, NotApplicable, Unknown
from caseprobe.checks.evidence import prove, stated
from caseprobe.checks.levels import INFO, Levels, Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2

# Load of one, five and fifteen minutes per CPU: the longer it lasts, the less is needed.
LOADS = (Levels("load15_per_cpu", warn=2.0), Levels("load5_per_cpu", warn=4.0), Levels("load1_per_cpu", warn=8.0))
BUSY = Levels("busy_ratio", warn=0.85, critical=0.95, clear_warn=0.75, clear_critical=0.85)
IOWAIT = Levels("iowait_ratio", warn=0.40, clear_warn=0.20)
STEAL = Levels("steal_ratio", warn=0.10, clear_warn=0.05)
# The mean between two snapshots of one boot counts from this long on; much older ones hide what goes on now.
WINDOW_SECONDS, LONGEST_WINDOW_SECONDS = 600.0, 7200.0
# "Some" is full already when one task more than there are processors runs: any batch work reaches it, so it is never
# critical by itself.
WAITING, WAITING_REMARK = Levels("some_avg60_ratio", warn=0.80), 0.40
SOFTIRQ, SOFTIRQ_MEAN = Levels("busiest_core_softirq_ratio", warn=0.80), 0.30


def judge_load(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Tasks that run or wait, per processor, over one, five and fifteen minutes.

    Far more tasks than processors means queueing; on Linux tasks that wait for a disk count too, so high load with
    idle processors points at storage.
    """
    cpu = section.cpu
    if cpu.logical_total == 0:
        raise Unknown("the number of processors could not be read")
    # A single processor is judged as two: one nightly job there is no fault.
    cores = max(cpu.logical_total, 2)
    for levels, load in zip(LOADS, (cpu.load15, cpu.load5, cpu.load1), strict=True):
        if reached := context.levels(levels).reached(load / cores):
            loads = {"load1": cpu.load1, "load5": cpu.load5, "load15": cpu.load15, "cpus_total": cpu.logical_total}
            evidence = prove(section, "/proc/loadavg", (), **loads)
            yield fault(reached, finding_pb2.CAUSE_HOST, {levels.parameter: load / cores, **loads}, evidence)
            return


def judge_busy(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Time in which processors worked, all together, over the ten minutes or more since an earlier snapshot.

    A machine that has nothing left answers late; whether that hurts, pressure (cpu.psi) and load tell. Work at low
    priority (nice) is left out: it gives way to all other. Without an earlier snapshot the moment of measuring counts
    only where the average since boot is high too.
    """
    cpu = section.cpu
    if not cpu.all_seconds_total:
        raise Unknown("where the processors' time went could not be read")
    shares = _Shares(
        now=cpu.user_ratio - cpu.nice_ratio + cpu.system_ratio + cpu.irq_ratio + cpu.softirq_ratio,
        boot=(cpu.busy_seconds_total - cpu.nice_seconds_total) / cpu.all_seconds_total,
        window=_window(cpu, context, lambda one: one.busy_seconds_total - one.nice_seconds_total),
    )
    yield from _judge_share(section, context, BUSY, shares, finding_pb2.CAUSE_HOST)


def judge_iowait(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Time in which processors were idle only because they waited for a disk.

    Programs then run at the speed of the disk: look at the disk findings next.
    """
    cpu = section.cpu
    window = _window(cpu, context, lambda one: one.iowait_seconds_total)
    shares = _Shares(cpu.iowait_ratio, cpu.boot_iowait_ratio, window)
    yield from _judge_share(section, context, IOWAIT, shares, finding_pb2.CAUSE_DISK)


def judge_steal(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Time that the hypervisor gave to other virtual machines while this one wanted to run.

    Nothing inside this machine can mend it: the host is overcommitted, or the plan's share is used up.
    """
    cpu = section.cpu
    shares = _Shares(cpu.steal_ratio, cpu.boot_steal_ratio, _window(cpu, context, lambda one: one.steal_seconds_total))
    yield from _judge_share(section, context, STEAL, shares, finding_pb2.CAUSE_HOST)


@dataclass(frozen=True)
class _Shares:
    """A share of time at the moment of measuring, since boot, and since an earlier snapshot (None without one)."""

    now: float
    boot: float
    window: float | None


def _window(
    cpu: section_pb2.CpuFacts, context: Context, spent: Callable[[section_pb2.CpuFacts], float]
) -> float | None:
    """The share of the time since the youngest snapshot that is old enough; None where there is none of this boot."""
    past = context.since(WINDOW_SECONDS)
    if past is None or not past.same_boot or not WINDOW_SECONDS <= past.elapsed_seconds <= LONGEST_WINDOW_SECONDS:
        return None
    passed = cpu.all_seconds_total - past.section.cpu.all_seconds_total
    return (spent(cpu) - spent(past.section.cpu)) / passed if passed > 0 else None


def _judge_share(
    section: section_pb2.Section,
    context: Context,
    share: Levels,
    shares: _Shares,
    cause: finding_pb2.Cause.ValueType,
) -> Iterator[finding_pb2.Finding]:
    levels = context.levels(share)
    name, clear = levels.parameter, levels.clear_warn or 0.0
    ratios = {name: shares.now, f"boot_{name}": shares.boot}
    if shares.window is not None:
        reached, message_id = levels.reached(shares.window), "window"
        ratios["window_ratio"] = shares.window
    else:
        reached, message_id = levels.lasting(shares.now, shares.boot, clear), ""
    if reached:
        yield fault(reached, cause, ratios, prove(section, "/proc/stat", ("cpu",), **ratios), message_id=message_id)


def judge_waiting(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Share of the last minute in which some task waited for a processor.

    Unlike load it says how much work was really delayed, on any number of processors.
    """
    if not section.cpu.HasField("pressure"):
        raise NotApplicable("this machine does not report processor pressure (PSI)")
    value = section.cpu.pressure.some_avg60_ratio
    reached = context.levels(WAITING).reached(value)
    if not reached and value >= WAITING_REMARK:
        reached = Reached(INFO, f"{WAITING.parameter} >= {WAITING_REMARK:g}")
    if reached:
        evidence = prove(section, "/proc/pressure/cpu", (), some_avg60_ratio=value)
        yield fault(reached, finding_pb2.CAUSE_HOST, {"some_avg60_ratio": value}, evidence)


def judge_softirq(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """One processor full of interrupt work while the others are not.

    A network card that hands all packets to one processor cannot go faster than that one.
    """
    cpu = section.cpu
    if cpu.softirq_ratio >= SOFTIRQ_MEAN or cpu.logical_total < 2:
        return
    if reached := context.levels(SOFTIRQ).reached(cpu.busiest_core_softirq_ratio):
        ratios = {
            "busiest_core_softirq_ratio": cpu.busiest_core_softirq_ratio,
            "mean_softirq_ratio": cpu.softirq_ratio,
        }
        yield fault(reached, finding_pb2.CAUSE_CONFIGURATION, ratios, [stated(section, **ratios)])


_LASTING = (
    "of the time since a snapshot 10 min to 2 h ago; without one of the moment and since boot, as a remark where only "
    "the moment of measuring was past it"
)
ALL = (
    Check(
        id="cpu.load",
        judge=judge_load,
        reads="cpu",
        levels=LOADS,
        fields=("load1",),
        threshold="; ".join(str(levels) for levels in reversed(LOADS)) + " (on one processor: as if on two)",
        threshold_source="netdata load.conf (8, 4 and 2 per processor); node-mixin NodeSystemSaturation (2, 15 min)",
    ),
    Check(
        id="cpu.busy",
        judge=judge_busy,
        reads="cpu",
        levels=(BUSY,),
        fields=("idle_ratio",),
        threshold=f"{BUSY}; {_LASTING}",
        threshold_source="netdata cpu.conf 10min_cpu_usage (85 and 95 %, clear at 75 and 85 %)",
    ),
    Check(
        id="cpu.iowait",
        judge=judge_iowait,
        reads="cpu",
        levels=(IOWAIT,),
        fields=("iowait_ratio",),
        threshold=f"{IOWAIT}; {_LASTING}",
        threshold_source="netdata cpu.conf 10min_cpu_iowait (40 %, clears at 20 %)",
    ),
    Check(
        id="cpu.steal",
        judge=judge_steal,
        reads="cpu",
        levels=(STEAL,),
        fields=("steal_ratio",),
        threshold=f"{STEAL}; {_LASTING}",
        threshold_source="netdata cpu.conf 20min_steal_cpu (10 %, clears at 5 %)",
    ),
    Check(
        id="cpu.psi",
        judge=judge_waiting,
        reads="cpu",
        levels=(WAITING,),
        fields=("pressure",),
        threshold=f"{WAITING}; info: {WAITING.parameter} >= {WAITING_REMARK:g}",
        threshold_source=f"own levels; {pressure.SOURCE}",
    ),
    Check(
        id="cpu.softirq",
        judge=judge_softirq,
        reads="cpu",
        levels=(SOFTIRQ,),
        fields=("softirq_ratio",),
        threshold=f"{SOFTIRQ} while softirq_ratio of all < {SOFTIRQ_MEAN:g}",
        threshold_source="own levels; the USE method for the signal",
    ),
)
