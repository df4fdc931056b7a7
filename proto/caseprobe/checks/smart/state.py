"""What the drive says of itself: its overall status, attributes below the vendor's threshold, its self-tests."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.checks.check import DARWIN, WINDOWS, Check, Context
from caseprobe.checks.levels import CRITICAL, INFO, WARN, Reached
from caseprobe.checks.smart.reading import ATA, Disks, age_hours, found
from caseprobe.v1 import finding_pb2, section_pb2
from caseprobe.v1 import section_smart_pb2 as smart

SMARTCTL = "smartmontools smartctl(8), EXIT STATUS"
# Execution status: 3 a fatal or unknown error, 4 an unknown element, 5 electrical, 6 servo, 7 read, 8 handling damage.
FAILED_CODES = range(3, 9)
# A month of running: who tests every month finds unreadable sectors before the user does.
TESTED_HOURS = 720.0
# Attributes that count what every disk is made for: their end is an age, and their wear is no fault.
AGE = ("Power_On", "Power_Cycle", "Start_Stop", "Load_Cycle", "Load_Unload", "Load/Unload", "Head_Flying", "Total_LBAs")
WEAR = (
    "Wear",
    "Media_Wear",
    "Percent_Life",
    "Perc_",
    "SSD_Life",
    "Remaining_Life",
    "Lifetime",
    "Drive_Life",
    "Erase_Count",
)
NOW = {
    "default": (CRITICAL, finding_pb2.CAUSE_DISK),
    "hot": (CRITICAL, finding_pb2.CAUSE_HOST),
    "worn": (CRITICAL, finding_pb2.CAUSE_WEAR),
    "old_age": (WARN, finding_pb2.CAUSE_WEAR),
}


def judge_status(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """The drive's own verdict on itself.

    FAILED means that a value fell below the vendor's threshold, and is to be believed. PASSED means little: of 103 hard
    disks in hosting servers that had failed their own self-test, 95 % still said PASSED.
    """
    disks = Disks(section)
    for disk in disks.with_part("status"):
        if disk.HasField("passed") and not disk.passed:
            below = [one.line for one in disk.attributes if one.when_failed == "now"]
            lines = [disk.passed_line, *below]
            yield found(disk, Reached(CRITICAL, "overall status = FAILED"), finding_pb2.CAUSE_DISK, {}, lines)
    disks.conclude("no disk here assesses itself")


def judge_now(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Attributes that are at or below the vendor's threshold now.

    A pre-failure attribute or a count of errors there means that the vendor expects the drive to fail; hours, cycles
    and wear, that its planned life is over; a temperature, that it is hotter than the vendor allows.
    """
    disks = Disks(section, ATA)
    for disk in disks.with_part("attributes"):
        groups: dict[str, list[smart.SmartAttribute]] = {}
        for one in disk.attributes:
            if one.when_failed == "now":
                groups.setdefault(_what_failed(one), []).append(one)
        for message_id, below in groups.items():
            state, cause = NOW[message_id]
            reached = Reached(state, "value <= the vendor's threshold")
            yield found(disk, reached, cause, _names(below), [one.line for one in below], message_id)
    disks.conclude("no disk here has vendor attributes")


def _what_failed(one: smart.SmartAttribute) -> str:
    """The message for an attribute; "old age" is the vendor's flag for all that is not pre-failure, errors too."""
    if _is_temperature(one.name):
        return "hot"
    if one.prefailure or not one.name.startswith((*AGE, *WEAR)):
        return "default"
    return "worn" if one.name.startswith(WEAR) else "old_age"


def judge_past(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Attributes that were at or below the vendor's threshold once and are above it now.

    Mostly temperature: the drive was too hot once. It stays in the table for ever and says nothing about today.
    """
    disks = Disks(section, ATA)
    for disk in disks.with_part("attributes"):
        below = [one for one in disk.attributes if one.when_failed == "past"]
        if below:
            hot = all(_is_temperature(one.name) for one in below)
            names = _names(below)
            cause = finding_pb2.CAUSE_HOST if hot else finding_pb2.CAUSE_DISK
            reached = Reached(INFO if hot else WARN, "worst <= the vendor's threshold")
            yield found(disk, reached, cause, names, [one.line for one in below], "hot" if hot else "")
    disks.conclude("no disk here has vendor attributes")


def _names(attributes: list[smart.SmartAttribute]) -> dict[str, float | str]:
    return {"attributes": ", ".join(one.name for one in attributes), "attributes_total": len(attributes)}


def _is_temperature(name: str) -> bool:
    return "Temperature" in name or "Airflow" in name


def judge_selftest(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Self-tests that failed: the drive itself could not read its surface, or found its electronics or servo bad.

    One that a later extended test passed is history: the bad place was rewritten or replaced meanwhile.
    """
    disks = Disks(section)
    for disk in disks.with_part("selftests"):
        if finding := _failed_selftest(disk):
            yield finding
    disks.conclude("no disk here logs self-tests")


def _failed_selftest(disk: smart.SmartDisk) -> finding_pb2.Finding | None:
    failed = [test for test in disk.selftests if test.outcome == "failed"]
    if not failed:
        code = disk.last_selftest_code
        if disk.HasField("last_selftest_code") and code in FAILED_CODES and not disk.selftests:
            reached = Reached(CRITICAL, "execution status of the last self-test = failed")
            lines = [disk.last_selftest_line]
            return found(disk, reached, finding_pb2.CAUSE_DISK, {}, lines, "status")
        return None
    newest = failed[0]
    passed_since = _passed_before(disk, newest)
    state = WARN if passed_since else CRITICAL
    reached = Reached(
        state, "a failed self-test" + ("" if passed_since else " newer than the last passed extended one")
    )
    parameters: dict[str, float | str] = {"failed_total": len(failed), "test": newest.test}
    parameters["lba"] = str(newest.lba) if newest.HasField("lba") else "-"
    parameters["hours"] = newest.power_on_hours
    lines = [test.line for test in failed]
    if passed_since:
        lines.append(passed_since.line)
    return found(disk, reached, finding_pb2.CAUSE_DISK, parameters, lines, "passed_since" if passed_since else "")


def _passed_before(disk: smart.SmartDisk, failed: smart.SmartSelfTest) -> smart.SmartSelfTest | None:
    """The extended test that stands before this one in the log, which begins with the newest, and passed."""
    for test in disk.selftests:
        if test == failed:
            return None
        if test.test == "extended" and test.outcome == "passed":
            return test
    return None


def judge_untested(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Disks that have not tested themselves for a month of running, and those whose self-assessment is switched off.

    A sector that became unreadable is met by the next backup or rebuild otherwise, at the worst moment.
    """
    disks = Disks(section)
    for disk in disks.with_part("selftests"):
        if disk.HasField("smart_enabled") and not disk.smart_enabled:
            reached = Reached(INFO, "SMART is disabled")
            lines = [disk.smart_enabled_line]
            yield found(disk, reached, finding_pb2.CAUSE_CONFIGURATION, {}, lines, "disabled")
        elif finding := _untested(disk):
            yield finding
    disks.conclude("no disk here logs self-tests")


def _untested(disk: smart.SmartDisk) -> finding_pb2.Finding | None:
    tests = [test for test in disk.selftests if test.outcome != "other" and test.test != "offline"]
    newest = tests[0] if tests else None
    age = age_hours(disk, newest.power_on_hours) if newest and newest.HasField("power_on_hours") else None
    running = disk.power_on_hours if disk.HasField("power_on_hours") else 0
    if newest is None and running >= TESTED_HOURS:
        reached = Reached(INFO, "no self-test in the log")
        return found(
            disk, reached, finding_pb2.CAUSE_CONFIGURATION, {"hours": running}, [disk.power_on_hours_line], "never"
        )
    if newest is not None and age is not None and age >= TESTED_HOURS:
        reached = Reached(INFO, f"hours since the last self-test >= {TESTED_HOURS:g}")
        return found(disk, reached, finding_pb2.CAUSE_CONFIGURATION, {"hours": age}, [newest.line])
    return None


ALL = (
    Check(
        id="smart.status",
        judge=judge_status,
        reads="smart",
        elsewhere=(WINDOWS, DARWIN),
        fields=("disks",),
        threshold="critical: overall status = FAILED",
        threshold_source=f"{SMARTCTL} (bit 3)",
    ),
    Check(
        id="smart.attr_now",
        judge=judge_now,
        reads="smart",
        fields=("disks",),
        threshold="critical: value <= the vendor's threshold; warn: only of hours, cycles or what was written",
        threshold_source=f"{SMARTCTL} (bit 4); the threshold is the vendor's",
    ),
    Check(
        id="smart.attr_past",
        judge=judge_past,
        reads="smart",
        fields=("disks",),
        threshold="warn: worst <= the vendor's threshold; info: only temperature was",
        threshold_source=f"{SMARTCTL} (bit 5); the threshold is the vendor's",
    ),
    Check(
        id="smart.selftest",
        judge=judge_selftest,
        reads="smart",
        fields=("disks",),
        threshold="critical: a failed self-test newer than the last passed extended one, or the last one failed; "
        "warn: a failed self-test that a later extended one passed",
        threshold_source=f"{SMARTCTL} (bit 7)",
    ),
    Check(
        id="smart.notested",
        judge=judge_untested,
        reads="smart",
        fields=("disks",),
        threshold=f"info: hours since the last self-test >= {TESTED_HOURS:g}, no self-test in the log, or SMART is "
        "disabled",
        threshold_source="own level: a month of running",
    ),
)
