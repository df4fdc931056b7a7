"""Logs that the drive keeps: errors, defects, statistics, and how hot it is."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.checks.check import WINDOWS, Check, Context
from caseprobe.checks.levels import CRITICAL, INFO, WARN, Levels, Reached
from caseprobe.checks.smart.reading import (
    ATA,
    MEDIUM,
    READ,
    TRANSFER,
    UNSUPPORTED,
    Disks,
    age_hours,
    attribute,
    disk_evidence,
    found,
    proof,
    state_of,
    statistic,
    value,
)
from caseprobe.checks.smart.twins import twins
from caseprobe.v1 import finding_pb2, section_pb2
from caseprobe.v1 import section_smart_pb2 as smart

SMARTCTL = "smartmontools smartctl(8), EXIT STATUS"
# A week and a month of running.
FRESH_HOURS, RECENT_HOURS = 168.0, 720.0
USED = Levels("used_ratio", warn=0.9, critical=1.0)
HEAT = {
    "hdd": Levels("temperature_celsius", warn=55, critical=60, clear_warn=52, clear_critical=57),
    "ssd": Levels("temperature_celsius", warn=65, critical=70, clear_warn=62, clear_critical=67),
}
# Sensors with nothing behind them, and limits of 0 or 127, are no temperatures.
PLAUSIBLE = (1.0, 120.0)
UNCORRECTABLE, ENDURANCE = (4, 8), (7, 8)


def judge_errors(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Reads and writes that the drive gave up: unreadable (UNC), sector not found (IDNF), its mark not found (AMNF).

    Each one was data that the host did not get. How many hours of running ago tells history from what goes on now.
    """
    disks = Disks(section, ATA)
    for disk in disks.with_part("error_log"):
        errors = [error for error in disk.errors if MEDIUM & set(error.kinds)]
        if errors:
            yield _medium(disk, errors)
    disks.conclude("no disk here keeps an error log")


def _medium(disk: smart.SmartDisk, errors: list[smart.SmartError]) -> finding_pb2.Finding:
    newest = errors[0]
    age = age_hours(disk, newest.power_on_hours) if newest.HasField("power_on_hours") else None
    fresh = age is not None and age < FRESH_HOURS
    parameters: dict[str, float | str] = {
        "listed_total": len(errors),
        "errors_total": max(disk.errors_total, len(errors)),
        "lba": str(newest.lba) if newest.HasField("lba") else "-",
        "kinds": ", ".join(newest.kinds),
    }
    if age is not None:
        parameters["age_hours"] = age
    reached = Reached(CRITICAL, f"age_hours < {FRESH_HOURS:g}") if fresh else Reached(WARN, "errors_total > 0")
    message = "" if age is not None else "undated"
    return found(disk, reached, finding_pb2.CAUSE_DISK, parameters, [error.line for error in errors], message)


def judge_transfers(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Transfers between drive and controller that arrived damaged: ICRC in the error log, attribute 199.

    This is the cable, the backplane or the port, not the disk: the drive noticed damage on the way. A new disk in the
    same place shows the same. The attribute never goes back, so an old count alone is a remark.
    """
    disks = Disks(section, ATA)
    for disk in disks.disks:
        crc = attribute(disk, 199, lambda name: "CRC" in name)
        states = [state_of(disk, name)[0] for name in ("error_log", "attributes")]
        told = all(state in (READ, UNSUPPORTED) for state in states)
        disks.lack_unless(disk, told, "the report lacks the error log or the vendor attributes, or part of them")
        if finding := _transfer(disk, crc, section, context):
            yield finding
    disks.conclude("no disk here counts damaged transfers")


def _transfer(
    disk: smart.SmartDisk, crc: smart.SmartAttribute | None, section: section_pb2.Section, context: Context
) -> finding_pb2.Finding | None:
    """The strongest that is known: it grew, it is in the log, or it was counted once."""
    logged = [error for error in disk.errors if TRANSFER in error.kinds]
    counted = crc.raw if crc is not None else 0
    lines = [*(error.line for error in logged), *([crc.line] if crc is not None and counted else [])]
    if not lines:
        return None
    # Where the disk lost data too, its own electronics may be what damages transfers.
    beside = disk_evidence(disk)
    cause = finding_pb2.CAUSE_UNKNOWN if beside else finding_pb2.CAUSE_LINK
    parameters: dict[str, float | str] = {"errors_total": max(counted, len(logged))}
    grown = _grown(disk, counted, section, context)
    if grown:
        parameters["grown_total"] = grown[0]
        finding = found(disk, Reached(WARN, "errors_total grew"), cause, parameters, lines, "grown")
        finding.evidence.extend(grown[1])
        return finding
    if logged:
        age = age_hours(disk, logged[0].power_on_hours) if logged[0].HasField("power_on_hours") else None
        recent = age is None or age < RECENT_HOURS
        reached = Reached(WARN if recent and not beside else INFO, "ICRC in the error log")
        return found(disk, reached, cause, parameters, lines, "beside" if beside else "")
    return found(disk, Reached(INFO, "errors_total > 0"), cause, parameters, lines, "beside" if beside else "counted")


def _grown(
    disk: smart.SmartDisk, counted: int, section: section_pb2.Section, context: Context
) -> tuple[float, list[finding_pb2.Evidence]] | None:
    """By how much the count grew since the previous report, and its line there."""
    for now, before in twins(section, context.previous):
        earlier = attribute(before, 199, lambda name: "CRC" in name)
        if now.name == disk.name and earlier is not None and earlier.raw < counted:
            return counted - earlier.raw, proof(before, [earlier.line], "(earlier)")
    return None


def judge_defects(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Places that the drive knows it cannot read now, with their addresses.

    The exact form of what attribute 197 counts: which file lies there can be found out by the address.
    """
    disks = Disks(section, ATA)
    for disk in disks.with_part("defects"):
        if disk.defects_total:
            defects = list(disk.defects)
            parameters: dict[str, float | str] = {
                "defects_total": disk.defects_total,
                "lba": str(defects[0].lba) if defects else "-",
            }
            lines = [one.line for one in defects]
            yield found(disk, Reached(WARN, "defects_total > 0"), finding_pb2.CAUSE_DISK, parameters, lines)
    disks.conclude("no disk here keeps a log of pending defects")


def judge_statistics(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Uncorrectable errors by the standard's own counter: device statistics, page 4.

    It means the same on every drive, and tells of reads that failed for the host after the error log has forgotten.
    """
    disks = Disks(section, ATA)
    for disk in disks.with_part("statistics"):
        one = statistic(disk, *UNCORRECTABLE)
        if one is not None and one.value > 0:
            parameters = {"errors_total": float(one.value)}
            yield found(disk, Reached(WARN, "errors_total > 0"), finding_pb2.CAUSE_DISK, parameters, [one.line])
    disks.conclude("no disk here keeps device statistics")


def judge_endurance(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Share of the life that the vendor planned for a solid-state disk and that is used up: device statistics, page 7.

    At 100 % the vendor promises nothing more, above all not how long data stays while the power is off. Many drives
    work on for long; the replacement is to be planned, not rushed.
    """
    disks = Disks(section, ("ata", "scsi", ""))
    told = False
    for disk in [one for one in disks.disks if one.kind != "hdd"]:
        used = _used(disk)
        told = told or used is not None
        part = "health" if disk.protocol == "scsi" else "statistics"
        state = next((one for one in disk.parts if one.name == part), None)
        if state is None or state.state != smart.SMART_PART_STATE_UNSUPPORTED:
            reason = state.reason if state and state.reason else "the report has no device statistics"
            disks.lack_unless(disk, used is not None or (state is not None and state.state == READ), reason)
        if used and (reached := context.levels(USED, disk.name).reached(used[0])):
            yield found(disk, reached, finding_pb2.CAUSE_WEAR, {"used_ratio": used[0]}, [used[1]])
    disks.conclude("no disk here tells how worn it is")


def _used(disk: smart.SmartDisk) -> tuple[float, smart.SmartLine] | None:
    one, other = statistic(disk, *ENDURANCE), value(disk, "used_ratio")
    if one is not None:
        return one.value / 100, one.line
    return (other.value, other.line) if other is not None else None


def judge_temperature(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Temperature now, against common limits and the highest one that the drive itself allows.

    Heat shortens a drive's life and makes it slow; the cause is the airflow around it, hardly ever the drive.
    """
    disks = Disks(section, ("ata", "scsi", ""))
    for disk in disks.disks:
        current = _current(disk)
        disks.lack_unless(disk, current is not None, "the report has no temperature")
        if current is None:
            continue
        celsius, lines = current
        if reached := _hot(disk, celsius, context):
            limit = value(disk, "critical_limit_celsius")
            shown = [*lines, *([limit.line] if limit is not None else [])]
            yield found(disk, reached, finding_pb2.CAUSE_HOST, {"temperature_celsius": celsius}, shown)
    disks.conclude("no disk here tells its temperature")


def _current(disk: smart.SmartDisk) -> tuple[float, list[smart.SmartLine]] | None:
    one = value(disk, "temperature_celsius")
    if one is not None and PLAUSIBLE[0] <= one.value <= PLAUSIBLE[1]:
        return one.value, [one.line]
    for number in (194, 190):
        raw = attribute(disk, number, lambda name: "Temperature" in name)
        if raw is not None and PLAUSIBLE[0] <= raw.raw <= PLAUSIBLE[1]:
            return float(raw.raw), [raw.line]
    return None


def _hot(disk: smart.SmartDisk, celsius: float, context: Context) -> Reached | None:
    limit = value(disk, "critical_limit_celsius")
    if limit is not None and PLAUSIBLE[0] < limit.value <= PLAUSIBLE[1] and celsius > limit.value:
        return Reached(CRITICAL, f"temperature_celsius > {limit.value:g}, the drive's own limit")
    return context.levels(HEAT.get(disk.kind, HEAT["ssd"]), disk.name).reached(celsius)


ALL = (
    Check(
        id="smart.errlog",
        judge=judge_errors,
        reads="smart",
        fields=("disks",),
        threshold=f"critical: the newest of UNC, IDNF, AMNF is age_hours < {FRESH_HOURS:g} of running old; warn: any",
        threshold_source=f"{SMARTCTL} (bit 6); own level of age: a week of running",
    ),
    Check(
        id="smart.crc",
        judge=judge_transfers,
        reads="smart",
        fields=("disks",),
        threshold=f"warn: errors_total grew, or ICRC in the error log within {RECENT_HOURS:g} hours of running; "
        "info: errors_total > 0 once, or the disk has lost data too",
        threshold_source="Checkmk smart_ata (attribute 199: growth); ACS-4, error register bit ICRC; own level of age",
    ),
    Check(
        id="smart.defects",
        judge=judge_defects,
        reads="smart",
        fields=("disks",),
        threshold="warn: defects_total > 0",
        threshold_source="ACS-4, Pending Defects log; as smartd.conf(5) -C 197",
    ),
    Check(
        id="smart.devstat",
        judge=judge_statistics,
        reads="smart",
        fields=("disks",),
        threshold="warn: errors_total > 0",
        threshold_source="ACS-4, General Errors Statistics, Number of Reported Uncorrectable Errors; own level",
    ),
    Check(
        id="smart.endurance",
        judge=judge_endurance,
        reads="smart",
        elsewhere=(WINDOWS,),
        fields=("disks",),
        threshold=str(USED),
        threshold_source="ACS-4, Solid State Device Statistics, Percentage Used Endurance Indicator; "
        "own level of the warning",
    ),
    Check(
        id="smart.temp",
        judge=judge_temperature,
        reads="smart",
        elsewhere=(WINDOWS,),
        fields=("disks",),
        threshold="; ".join(f"{kind}: {levels}" for kind, levels in HEAT.items())
        + "; critical: temperature_celsius > the drive's own limit",
        threshold_source="hdd critical: glances (60; it warns at 52); SCT temperature limits of the drive; own others",
    ),
)
