"""What grew since the previous report of the same disk: the strongest sign there is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from caseprobe.checks.check import Check, Context, NotApplicable, Unknown
from caseprobe.checks.levels import CRITICAL, INFO, WARN, Reached
from caseprobe.checks.smart.counters import COUNTERS, Counter, counts_read_errors
from caseprobe.checks.smart.reading import ATA, Disks, attribute, found, proof, statistic
from caseprobe.checks.smart.twins import twins
from caseprobe.v1 import finding_pb2, section_pb2
from caseprobe.v1 import section_smart_pb2 as smart

# Attributes that count data lost: any growth. Replaced sectors grow a little on many healthy disks: from 17 on.
LOST, SPARED = ("pending", "offunc", "reported"), "realloc"
SPARED_FROM = 17
# Weaker signs: growth of them is worth a look.
WEAK = {"spin": COUNTERS["spin"], "e2e": COUNTERS["e2e"]}
READ_GROWTH = 8
HOUR_SECONDS, DAY_HOURS = 3600.0, 24.0
TIMEOUTS_PER_HOUR, TIMEOUTS_PER_DAY = 100.0, 1.0
TIMEOUTS = "timeouts_total"
# What solid-state disks call the times that their power went without a word.
POWER_LOSSES = (
    "Unexpect_Power_Loss",
    "Unexpected_Power_Loss",
    "Unsafe_Shutdown",
    "Power_Loss",
    "Power-Off_Retract",
    "POR_Recovery",
)


@dataclass(frozen=True)
class Grown:
    """One count that grew: its name, both values and both lines."""

    name: str
    before: float
    now: float
    lines: tuple[smart.SmartLine, smart.SmartLine]


def _compared(section: section_pb2.Section, context: Context) -> list[tuple[smart.SmartDisk, smart.SmartDisk]]:
    """Each disk with itself before; Unknown where there is nothing to compare with."""
    if not section.smart.disks:
        raise NotApplicable("this machine has no disk that assesses itself")
    if context.previous is None:
        raise Unknown("growth needs a second snapshot of this machine")
    pairs = list(twins(section, context.previous))
    if not pairs:
        raise Unknown("none of these disks is in the previous snapshot")
    return pairs


def judge_growth(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Counts of lost data or replaced sectors that are higher than in the previous report of the same disk.

    What grows is going on now; what stands still may be years old. On 20,238 pairs of reports of hard disks in hosting
    servers, a year apart, growth found as many disks that turned bad as the counts themselves, with half the alarms.
    """
    for disk, before in _compared(section, context):
        strong, weak = _strong(disk, before), _weak(disk, before)
        if grown := strong or weak:
            yield _finding(disk, before, grown, CRITICAL if strong else WARN)


def _finding(
    disk: smart.SmartDisk,
    before: smart.SmartDisk,
    grown: list[Grown],
    state: finding_pb2.Severity.ValueType,
) -> finding_pb2.Finding:
    names = ", ".join(f"{one.name} {one.before:g} → {one.now:g}" for one in grown)
    hours = max(0, disk.power_on_hours - before.power_on_hours) if before.HasField("power_on_hours") else 0
    reached = Reached(state, "higher than in the previous report")
    parameters: dict[str, float | str] = {"grown": names, "grown_total": len(grown), "hours": hours}
    cause = finding_pb2.CAUSE_DISK
    finding = found(
        disk, reached, cause, parameters, [one.lines[0] for one in grown], "" if state == CRITICAL else "weak"
    )
    finding.evidence.extend(proof(before, [one.lines[1] for one in grown], "(earlier)"))
    return finding


def _strong(disk: smart.SmartDisk, before: smart.SmartDisk) -> list[Grown]:
    found_grown = [one for name in LOST if (one := _grown(COUNTERS[name], disk, before))]
    spared = _grown(COUNTERS[SPARED], disk, before)
    if spared and spared.now >= SPARED_FROM:
        found_grown.append(spared)
    now, then = statistic(disk, 4, 8), statistic(before, 4, 8)
    if now is not None and then is not None and now.value > then.value >= 0:
        found_grown.append(Grown(now.name, then.value, now.value, (now.line, then.line)))
    return found_grown


def _weak(disk: smart.SmartDisk, before: smart.SmartDisk) -> list[Grown]:
    found_grown = [one for counter in WEAK.values() if (one := _grown(counter, disk, before))]
    if spared := _grown(COUNTERS[SPARED], disk, before):
        found_grown.append(spared)
    if counts_read_errors(disk):
        read = _grown(COUNTERS["read"], disk, before)
        if read and read.now - read.before >= READ_GROWTH:
            found_grown.append(read)
    return found_grown


def _grown(counter: Counter, disk: smart.SmartDisk, before: smart.SmartDisk) -> Grown | None:
    now, then = counter.of(disk), counter.of(before)
    if now is None or then is None or now[0] <= then[0]:
        return None
    one = attribute(disk, counter.number, counter.named)
    return Grown(one.name if one is not None else counter.scsi, then[0], now[0], (now[1], then[1]))


def _timeouts(disk: smart.SmartDisk) -> tuple[int, smart.SmartLine] | None:
    """Attribute 188 packs three counts of 16 bits; the lowest counts commands, and smartctl may print all three."""
    one = attribute(disk, 188, lambda name: name.startswith("Command_Timeout"))
    if one is None:
        return None
    words = one.raw_text.split()
    if len(words) == 3 and all(word.isdigit() for word in words):
        return int(words[2]), one.line
    return one.raw & 0xFFFF, one.line


def judge_timeouts(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Commands that the drive did not answer in time (attribute 188), by their rate since the previous report.

    On a disk that turns it is power supply, cabling or firmware more often than the disk. A solid-state disk has no
    motor to wait for: without an earlier report its count is a remark about the cable where it counts damaged
    transfers, about the power where it lost that as often, and about the disk where neither explains it.
    """
    disks = Disks(section, ATA)
    earlier = {disk.name: before for disk, before in twins(section, context.previous)}
    for disk in disks.with_part("attributes"):
        if (now := _timeouts(disk)) is None:
            continue
        before = earlier.get(disk.name)
        then = _timeouts(before) if before is not None else None
        if before is not None and then is not None and (finding := _timed_out(disk, before, now, then, context)):
            yield finding
        elif disk.kind == "ssd" and before is None and now[0]:
            yield _counted(disk, now)
    if context.previous is None:
        raise Unknown("the rate of timeouts needs a second snapshot of this machine")
    disks.conclude("no disk here counts commands that timed out")


def _counted(disk: smart.SmartDisk, now: tuple[int, smart.SmartLine]) -> finding_pb2.Finding:
    """What stands behind the timeouts of a solid-state disk, by what else it counts."""
    damaged = attribute(disk, 199, lambda name: "CRC" in name)
    if damaged is not None and damaged.raw:
        reached, lines = Reached(INFO, f"{TIMEOUTS} > 0, with damaged transfers"), [now[1], damaged.line]
        return found(disk, reached, finding_pb2.CAUSE_LINK, {TIMEOUTS: now[0]}, lines, "link")
    losses = [one for one in disk.attributes if one.name.startswith(POWER_LOSSES) and one.HasField("raw")]
    most = max(losses, key=lambda one: one.raw, default=None)
    if most is not None and now[0] <= most.raw:
        reached, lines = Reached(INFO, f"{TIMEOUTS} > 0, not more than power losses"), [now[1], most.line]
        return found(disk, reached, finding_pb2.CAUSE_HOST, {TIMEOUTS: now[0]}, lines, "power")
    reached = Reached(INFO, f"{TIMEOUTS} > 0, without damaged transfers and more than power losses")
    return found(disk, reached, finding_pb2.CAUSE_DISK, {TIMEOUTS: now[0]}, [now[1]], "counted")


def _timed_out(
    disk: smart.SmartDisk,
    before: smart.SmartDisk,
    now: tuple[int, smart.SmartLine],
    then: tuple[int, smart.SmartLine],
    context: Context,
) -> finding_pb2.Finding | None:
    """The rate since the previous report where it is past a level."""
    grown, hours = now[0] - then[0], _hours(disk, before, context)
    reached = _rate(grown, hours) if grown > 0 and hours > 0 else None
    if reached is None:
        return None
    parameters = {TIMEOUTS: grown, "hours": hours}
    finding = found(disk, reached, finding_pb2.CAUSE_UNKNOWN, parameters, [now[1]])
    finding.evidence.extend(proof(before, [then[1]], "(earlier)"))
    return finding


def _hours(disk: smart.SmartDisk, before: smart.SmartDisk, context: Context) -> float:
    """Time between two reports: hours of running, by the clock where they are less than one."""
    running = disk.power_on_hours - before.power_on_hours if before.HasField("power_on_hours") else 0
    return float(running) if running > 0 else context.elapsed_seconds / HOUR_SECONDS


def _rate(grown: int, hours: float) -> Reached | None:
    if grown / hours > TIMEOUTS_PER_HOUR:
        return Reached(CRITICAL, f"timeouts per hour > {TIMEOUTS_PER_HOUR:g}")
    if grown / max(hours, DAY_HOURS) * DAY_HOURS > TIMEOUTS_PER_DAY:
        return Reached(WARN, f"timeouts per day > {TIMEOUTS_PER_DAY:g}")
    return None


ALL = (
    Check(
        id="smart.growth",
        judge=judge_growth,
        reads="smart",
        fields=("disks",),
        threshold="critical: pending, unreadable or reported errors grew, or replaced sectors grew to >= "
        f"{SPARED_FROM}; warn: fewer replaced sectors, spin-up retries or end-to-end errors grew, "
        f"read errors of Western Digital by >= {READ_GROWTH}; transfer errors: see smart.crc",
        threshold_source="own rule, measured on pairs of reports of drives in hosting servers; Checkmk smart_ata",
    ),
    Check(
        id="smart.timeout",
        judge=judge_timeouts,
        reads="smart",
        fields=("disks",),
        threshold=f"critical: timeouts per hour > {TIMEOUTS_PER_HOUR:g}; warn: timeouts per day > "
        f"{TIMEOUTS_PER_DAY:g}; info: {TIMEOUTS} > 0 on a solid-state disk where nothing is known from before, "
        "with what explains it",
        threshold_source="Checkmk MAX_COMMAND_TIMEOUTS_PER_HOUR = 100; own level of the day and own rule for "
        "solid-state disks (docs/evaluation-smart.md)",
    ),
)
