"""The processors: load, waiting, what others took, and limits."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.checks import pressure
from caseprobe.checks.check import Check, Context, NotApplicable, Unknown
from caseprobe.checks.evidence import prove, stated
from caseprobe.checks.levels import INFO, Levels, Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2

# Load of one, five and fifteen minutes per CPU: the longer it lasts, the less is needed.
LOADS = (Levels("load15_per_cpu", warn=2.0), Levels("load5_per_cpu", warn=4.0), Levels("load1_per_cpu", warn=8.0))
IOWAIT, IOWAIT_CLEAR = Levels("iowait_ratio", warn=0.40), 0.20
STEAL, STEAL_CLEAR = Levels("steal_ratio", warn=0.10), 0.05
# "Some" is full already when one task more than there are processors runs: any batch work reaches it, so it is never
# critical by itself.
WAITING, WAITING_REMARK = Levels("some_avg60_ratio", warn=0.80), 0.40
THROTTLED = Levels("throttled_ratio", warn=0.25, critical=0.50)
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


def judge_iowait(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Time in which processors were idle only because they waited for a disk.

    Programs then run at the speed of the disk: look at the disk findings next.
    """
    cpu = section.cpu
    if reached := context.levels(IOWAIT).lasting(cpu.iowait_ratio, cpu.boot_iowait_ratio, IOWAIT_CLEAR):
        ratios = {"iowait_ratio": cpu.iowait_ratio, "boot_iowait_ratio": cpu.boot_iowait_ratio}
        yield fault(reached, finding_pb2.CAUSE_DISK, ratios, prove(section, "/proc/stat", ("cpu",), **ratios))


def judge_steal(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Time that the hypervisor gave to other virtual machines while this one wanted to run.

    Nothing inside this machine can mend it: the host is overcommitted, or the plan's share is used up.
    """
    cpu = section.cpu
    if reached := context.levels(STEAL).lasting(cpu.steal_ratio, cpu.boot_steal_ratio, STEAL_CLEAR):
        ratios = {"steal_ratio": cpu.steal_ratio, "boot_steal_ratio": cpu.boot_steal_ratio}
        yield fault(reached, finding_pb2.CAUSE_HOST, ratios, prove(section, "/proc/stat", ("cpu",), **ratios))


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


def judge_quota(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Scheduling periods in which this container was stopped because it had used up its processor limit.

    The machine may look idle while everything in the container is slow.
    """
    cpu = section.cpu
    if not cpu.HasField("cgroup_throttled_total") or not cpu.cgroup_periods_total:
        raise NotApplicable("this machine does not report a processor limit of a container")
    ratio = cpu.cgroup_throttled_total / cpu.cgroup_periods_total
    if reached := context.levels(THROTTLED).reached(ratio):
        counts = {"throttled_total": cpu.cgroup_throttled_total, "periods_total": cpu.cgroup_periods_total}
        evidence = prove(section, "/sys/fs/cgroup/cpu.stat", ("nr_periods", "nr_throttled"), **counts)
        yield fault(reached, finding_pb2.CAUSE_CONFIGURATION, {"throttled_ratio": ratio, **counts}, evidence)


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


def judge_mitigations(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Processor vulnerabilities that kernel and microcode do not mitigate, by the kernel's own account.

    A remark and no warning: it is a risk and not a fault, and inside a virtual machine only the host can change it.
    """
    if not section.cpu.vulnerabilities:
        raise NotApplicable("this machine does not report processor vulnerabilities")
    open_ones = [one for one in section.cpu.vulnerabilities if one.status.startswith("Vulnerable")]
    if open_ones:
        evidence = [
            finding_pb2.Evidence(source=f"/sys/devices/system/cpu/vulnerabilities/{one.name}", line=1, text=one.status)
            for one in open_ones
        ]
        parameters: dict[str, float | str] = {
            "open_total": len(open_ones),
            "names": ", ".join(one.name for one in open_ones),
        }
        yield fault(Reached(INFO, "status begins with Vulnerable"), finding_pb2.CAUSE_SOFTWARE, parameters, evidence)


_LASTING = "as a remark where only the moment of measuring was past it, without the average since boot"
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
        id="cpu.iowait",
        judge=judge_iowait,
        reads="cpu",
        levels=(IOWAIT,),
        fields=("iowait_ratio",),
        threshold=f"{IOWAIT}, {_LASTING} (>= {IOWAIT_CLEAR:g})",
        threshold_source="netdata cpu.conf 10min_cpu_iowait (40 %, clears at 20 %)",
    ),
    Check(
        id="cpu.steal",
        judge=judge_steal,
        reads="cpu",
        levels=(STEAL,),
        fields=("steal_ratio",),
        threshold=f"{STEAL}, {_LASTING} (>= {STEAL_CLEAR:g})",
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
        id="cpu.cgquota",
        judge=judge_quota,
        reads="cpu",
        levels=(THROTTLED,),
        fields=("cgroup_periods_total",),
        threshold=str(THROTTLED),
        threshold_source="own levels; docs.kernel.org cgroup-v2.rst cpu.stat for the signal",
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
    Check(
        id="cpu.mitig",
        judge=judge_mitigations,
        reads="cpu",
        fields=("vulnerabilities",),
        threshold="info: status begins with Vulnerable",
        threshold_source="docs.kernel.org admin-guide/hw-vuln, as the kernel judges itself",
    ),
)
