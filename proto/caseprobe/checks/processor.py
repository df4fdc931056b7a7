"""The processors as parts: heat, clock limits, known vulnerabilities."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.checks.check import Check, Context, NotApplicable
from caseprobe.checks.evidence import prove
from caseprobe.checks.levels import INFO, WARN, Levels, Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2

CPUS = "/sys/devices/system/cpu/"
SLOWED = Levels("slowdowns_per_minute", warn=1.0, critical=60.0)
# Turbo switched off costs up to half of the highest clock and is mostly somebody's choice.
LIMIT, LIMIT_REMARK = Levels("limit_ratio", warn=0.50, below=True), 0.90
# All processors at work run at their base clock, often less than half of the highest one that a single processor
# reaches; far below that, something holds them back that the limit does not show.
HELD_BACK, BUSY_RATIO = 0.30, 0.80


def judge_throttling(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """How often processors slowed themselves down because they were too hot.

    A dusty or dead fan, a dried heat sink or a hot room makes a machine slow in a way that no load explains. Flat
    laptops do so for a moment at every full load: a few times are a remark, and so is the counter since boot.
    """
    cpu = section.cpu
    if not cpu.HasField("throttle_total"):
        raise NotApplicable("the processors of this machine do not count slowdowns by heat")
    old = context.previous.cpu if context.previous is not None and context.same_boot else None
    grown = cpu.throttle_total - old.throttle_total if old is not None else 0
    counts = {"slowdowns_total": cpu.throttle_total, "grown_total": max(0, grown)}
    evidence = prove(section, CPUS, (), **counts)
    if grown > 0:
        per_minute = grown / max(context.elapsed_seconds / 60, 1.0)
        reached = context.levels(SLOWED).reached(per_minute) or Reached(INFO, "grown_total > 0")
        parameters = {"slowdowns_per_minute": per_minute, "elapsed_seconds": context.elapsed_seconds, **counts}
        yield fault(reached, finding_pb2.CAUSE_HOST, parameters, evidence, message_id="growing")
    elif cpu.throttle_total and old is None:
        yield fault(Reached(INFO, "slowdowns_total > 0 since boot"), finding_pb2.CAUSE_HOST, counts, evidence)


def judge_frequency(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """How fast the processors may run, against what they can.

    A power plan, a power cap of the management controller or a weak power supply holds a machine below what it was
    bought for, and everything on it is slower by that much. A limit of more than half is a remark: turbo that was
    switched off, or a laptop that saves its battery.
    """
    cpu = section.cpu
    known = [one for one in cpu.frequency_policies if one.hardware_hertz > 0]
    if not known:
        raise NotApplicable("this machine does not tell how fast its processors may run")
    lowest = min(known, key=lambda one: one.limit_hertz / one.hardware_hertz if one.HasField("limit_hertz") else 1.0)
    if lowest.HasField("limit_hertz") and (reached := _limited(lowest.limit_hertz / lowest.hardware_hertz, context)):
        yield _slow(section, lowest, lowest.limit_hertz, reached, "")
        return
    running = sorted((one for one in known if one.current_hertz > 0), key=_speed)
    busy = cpu.user_ratio + cpu.system_ratio + cpu.irq_ratio + cpu.softirq_ratio
    # A processor that happens to rest is slow by design: more than half of them must be.
    middle = running[len(running) // 2] if running else None
    if middle is not None and busy > BUSY_RATIO and _speed(middle) < HELD_BACK:
        held = Reached(WARN, f"current_ratio < {HELD_BACK:g} while busy_ratio > {BUSY_RATIO:g}")
        yield _slow(section, middle, middle.current_hertz, held, "held_back")


def _limited(ratio: float, context: Context) -> Reached | None:
    remark = Reached(INFO, f"{LIMIT.parameter} < {LIMIT_REMARK:g}") if ratio < LIMIT_REMARK else None
    return context.levels(LIMIT).reached(ratio) or remark


def _speed(policy: section_pb2.FrequencyPolicy) -> float:
    """How fast it runs now, of what it can."""
    return policy.current_hertz / policy.hardware_hertz


def _slow(
    section: section_pb2.Section, policy: section_pb2.FrequencyPolicy, hertz: float, reached: Reached, message_id: str
) -> finding_pb2.Finding:
    parameters: dict[str, float | str] = {
        "limit_ratio": hertz / policy.hardware_hertz,
        "gigahertz": hertz / 1e9,
        "hardware_gigahertz": policy.hardware_hertz / 1e9,
        "governor": policy.governor or "-",
    }
    evidence = prove(section, f"{CPUS}cpufreq/{policy.name}/", (), **parameters)
    return fault(reached, finding_pb2.CAUSE_CONFIGURATION, parameters, evidence, policy.name, message_id)


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


ALL = (
    Check(
        id="cpu.throttle",
        judge=judge_throttling,
        reads="cpu",
        levels=(SLOWED,),
        fields=("throttle_total",),
        threshold=f"{SLOWED}, since an earlier snapshot; info: any, then or since boot",
        threshold_source="own levels; Linux, drivers/thermal/intel/therm_throt.c (core_throttle_count) for the counter",
    ),
    Check(
        id="cpu.freqcap",
        judge=judge_frequency,
        reads="cpu",
        levels=(LIMIT,),
        fields=("frequency_policies",),
        threshold=f"{LIMIT}; info: {LIMIT.parameter} < {LIMIT_REMARK:g}; "
        f"warn: current_ratio < {HELD_BACK:g} of more than half of them while busy_ratio > {BUSY_RATIO:g}",
        threshold_source="own levels; docs.kernel.org admin-guide/pm/cpufreq.rst for the signal",
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
