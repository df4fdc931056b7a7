"""NVMe drives by their health log."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.checks.check import DARWIN, WINDOWS, Check, Context, Unknown
from caseprobe.checks.levels import CRITICAL, INFO, WARN, Levels, Reached
from caseprobe.checks.smart.reading import Disks, found, proof, value
from caseprobe.checks.smart.twins import twins
from caseprobe.v1 import finding_pb2, section_pb2
from caseprobe.v1 import section_smart_pb2 as smart

NVME = ("nvme",)
ABSENT = "this machine has no NVMe drive"
SPECIFICATION = "NVM Express Base Specification, SMART / Health Information log"
BITS = ("spare", "temperature", "reliability", "read_only", "backup", "persistent")
# Of several that are raised the first of these is told.
WORST_FIRST = ("read_only", "reliability", "spare", "persistent", "backup", "temperature")
TEMPERATURE_BIT = 1
USED = Levels("used_ratio", warn=0.9, critical=1.0)
# Where the drive names no limits of its own.
HEAT = Levels("temperature_celsius", warn=75, critical=85, clear_warn=70, clear_critical=80)
NEAR_THRESHOLD = 0.10
ENTRIES_PER_DAY = 10.0
UNSAFE_RATIO, UNSAFE_FROM = 0.2, 10
DAY_SECONDS = 86_400.0


def _told(section: section_pb2.Section, name: str) -> Iterator[tuple[smart.SmartDisk, smart.SmartValue]]:
    """One value of every NVMe drive; at the end Unknown where a drive did not tell it."""
    disks = Disks(section, NVME)
    for disk in disks.disks:
        one = value(disk, name)
        disks.lack_unless(disk, one is not None, "the report has no health log of this drive, or not all of it")
        if one is not None:
            yield disk, one
    disks.conclude(ABSENT)


def judge_critical(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Warnings that the drive raises by itself: spare blocks, temperature, reliability, read-only, its power backup.

    A drive that turned read-only keeps what it has; it takes nothing more.
    """
    for disk, one in _told(section, "critical_warning"):
        bits = int(one.value)
        raised = {name for number, name in enumerate(BITS) if bits >> number & 1}
        if bits:
            only_hot = bits == 1 << TEMPERATURE_BIT
            reached = Reached(WARN if only_hot else CRITICAL, "critical_warning != 0")
            cause = finding_pb2.CAUSE_HOST if only_hot else finding_pb2.CAUSE_DISK
            told: dict[str, float | str] = {"warning": f"0x{bits:02x}"}
            yield found(
                disk, reached, cause, told, [one.line], next((name for name in WORST_FIRST if name in raised), "")
            )


def judge_spare(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Spare blocks that are left, against the drive's own threshold.

    Below it the vendor expects the drive to turn read-only or to fail; replace it while it can still be read.
    """
    for disk, one in _told(section, "spare_ratio"):
        threshold = value(disk, "spare_threshold_ratio")
        limit = threshold.value if threshold is not None else 0.0
        lines = [one.line, *([threshold.line] if threshold is not None else [])]
        reached = None
        if one.value < limit:
            reached = Reached(CRITICAL, f"spare_ratio < {limit:g}, the drive's own threshold")
        elif limit and one.value < min(limit + NEAR_THRESHOLD, 1.0):
            reached = Reached(WARN, f"spare_ratio < {min(limit + NEAR_THRESHOLD, 1.0):g}")
        if reached:
            told: dict[str, float | str] = {"spare_ratio": one.value, "threshold_ratio": limit}
            yield found(disk, reached, finding_pb2.CAUSE_WEAR, told, lines)


def judge_used(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Share of the life that the vendor planned for the drive and that is used up.

    At 100 % the vendor promises nothing more; many drives work on for long. Plan the replacement, do not rush it.
    """
    for disk, one in _told(section, "used_ratio"):
        if reached := context.levels(USED, disk.name).reached(one.value):
            yield found(disk, reached, finding_pb2.CAUSE_WEAR, {"used_ratio": one.value}, [one.line])


def judge_media(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Data that the drive could not give back unchanged: unrecovered media and data integrity errors.

    Each one is a read that failed; where the count grew since the previous report it goes on.
    """
    for disk, one in _told(section, "media_errors_total"):
        if not one.value:
            continue
        before = _before(disk, "media_errors_total", section, context)
        grown = before is not None and before[1].value < one.value
        reached = Reached(CRITICAL, "errors_total grew") if grown else Reached(WARN, "errors_total > 0")
        told: dict[str, float | str] = {"errors_total": one.value}
        finding = found(disk, reached, finding_pb2.CAUSE_DISK, told, [one.line], "grown" if grown else "")
        if grown and before is not None:
            finding.evidence.extend(proof(before[0], [before[1].line], "(earlier)"))
        yield finding


def _before(
    disk: smart.SmartDisk, name: str, section: section_pb2.Section, context: Context
) -> tuple[smart.SmartDisk, smart.SmartValue] | None:
    """The same value of the same drive in the previous report."""
    for now, before in twins(section, context.previous):
        if now == disk and (one := value(before, name)) is not None:
            return before, one
    return None


def judge_entries(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """How fast the error log fills: a driver or tool that sends commands which the drive refuses.

    The number itself is noise: it was above 0 on 4,875 of 12,276 drives in hosting servers. Only many new ones a day
    are worth a look.
    """
    compared = False
    for disk, one in _told(section, "error_entries_total"):
        before = _before(disk, "error_entries_total", section, context)
        if before is None:
            continue
        compared = True
        days = max(_days(disk, before[0], context), 1.0)
        grown = one.value - before[1].value
        if grown / days > ENTRIES_PER_DAY:
            reached = Reached(INFO, f"new entries per day > {ENTRIES_PER_DAY:g}")
            told: dict[str, float | str] = {"entries_total": grown, "entries_per_day": grown / days}
            yield found(disk, reached, finding_pb2.CAUSE_SOFTWARE, told, [one.line])
    if not compared:
        raise Unknown("growth needs a second snapshot of this machine")


def _days(disk: smart.SmartDisk, before: smart.SmartDisk, context: Context) -> float:
    running = disk.power_on_hours - before.power_on_hours if before.HasField("power_on_hours") else 0
    return running / 24 if running > 0 else context.elapsed_seconds / DAY_SECONDS


def judge_temperature(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Temperature now against the drive's own limits, and time above them since the previous report.

    Above its limits the drive slows itself down, then switches off. The cause is airflow or a missing heat sink.
    """
    for disk, one in _told(section, "temperature_celsius"):
        if reached := _hot(disk, one.value, section, context):
            told: dict[str, float | str] = {"temperature_celsius": one.value}
            lines = [one.line, *(line.line for line in disk.values if line.name.endswith("_temperature_seconds"))]
            yield found(disk, reached, finding_pb2.CAUSE_HOST, told, lines)


def _hot(disk: smart.SmartDisk, celsius: float, section: section_pb2.Section, context: Context) -> Reached | None:
    warn, critical = value(disk, "warning_limit_celsius"), value(disk, "critical_limit_celsius")
    own = Levels(
        HEAT.parameter,
        warn=warn.value if warn is not None and warn.value > 0 else HEAT.warn,
        critical=critical.value if critical is not None and critical.value > 0 else HEAT.critical,
    )
    reached = context.levels(own, disk.name).reached(celsius)
    for name, state in (("critical", CRITICAL), ("warning", WARN)):
        now = value(disk, f"{name}_temperature_seconds")
        before = _before(disk, f"{name}_temperature_seconds", section, context)
        grew = now is not None and before is not None and now.value > before[1].value
        if grew and (reached is None or reached.state < state):
            return Reached(state, f"time above the {name} limit grew")
    return reached


def judge_unsafe(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """How often the drive lost its power without a word, against how often it was started.

    It copes, but what was not written yet is gone: look for a power supply, a reset or a machine that is switched off
    hard.
    """
    for disk, one in _told(section, "unsafe_shutdowns_total"):
        cycles = disk.power_cycles_total
        if one.value > UNSAFE_FROM and cycles and one.value / cycles > UNSAFE_RATIO:
            reached = Reached(INFO, f"unsafe_shutdowns_total > {UNSAFE_FROM} and > {UNSAFE_RATIO:g} of power cycles")
            told: dict[str, float | str] = {"unsafe_shutdowns_total": one.value, "power_cycles_total": cycles}
            yield found(disk, reached, finding_pb2.CAUSE_HOST, told, [one.line])


ALL = (
    Check(
        id="nvme.critical",
        judge=judge_critical,
        reads="smart",
        fields=("disks",),
        threshold="critical: critical_warning != 0; warn: only its temperature bit",
        threshold_source=f"{SPECIFICATION}, Critical Warning",
    ),
    Check(
        id="nvme.spare",
        judge=judge_spare,
        reads="smart",
        elsewhere=(DARWIN,),
        fields=("disks",),
        threshold=f"critical: spare_ratio < the drive's own threshold; warn: less than {NEAR_THRESHOLD:g} above it",
        threshold_source=f"{SPECIFICATION}, Available Spare Threshold; own level of the warning",
    ),
    Check(
        id="nvme.used",
        judge=judge_used,
        reads="smart",
        elsewhere=(WINDOWS, DARWIN),
        fields=("disks",),
        threshold=str(USED),
        threshold_source=f"{SPECIFICATION}, Percentage Used; own level of the warning",
    ),
    Check(
        id="nvme.media",
        judge=judge_media,
        reads="smart",
        elsewhere=(DARWIN,),
        fields=("disks",),
        threshold="critical: errors_total grew; warn: errors_total > 0",
        threshold_source="scrutiny (media_errors: 0); Checkmk nvme (growth)",
    ),
    Check(
        id="nvme.errlog",
        judge=judge_entries,
        reads="smart",
        fields=("disks",),
        threshold=f"info: new entries per day > {ENTRIES_PER_DAY:g}",
        threshold_source="own level; scrutiny leaves the number alone too",
    ),
    Check(
        id="nvme.temp",
        judge=judge_temperature,
        reads="smart",
        elsewhere=(WINDOWS, DARWIN),
        fields=("disks",),
        threshold=f"the drive's own limits (WCTEMP, CCTEMP), without them {HEAT}; warn, critical: time above them grew",
        threshold_source=f"{SPECIFICATION}; own levels where the drive names none",
    ),
    Check(
        id="nvme.unsafe",
        judge=judge_unsafe,
        reads="smart",
        elsewhere=(DARWIN,),
        fields=("disks",),
        threshold=f"info: unsafe_shutdowns_total > {UNSAFE_FROM} and > {UNSAFE_RATIO:g} of power cycles",
        threshold_source="own level",
    ),
)
