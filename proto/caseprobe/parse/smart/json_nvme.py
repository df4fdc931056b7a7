"""NVMe and SCSI drives, from the JSON of smartctl 7.0 to 7.5 and of nvme-cli 1.x and 2.x."""

from __future__ import annotations

from caseprobe.parse.smart.health import conclude_health
from caseprobe.parse.smart.reader import READ, mark, tell
from caseprobe.parse.smart.selftests import NVME_FAILED, TESTS, scsi_outcome
from caseprobe.parse.smart.tree import Tree
from caseprobe.v1 import section_smart_pb2 as smart

# smartctl's key, nvme-cli's key -> name, unit.
HEALTH = (
    ("critical_warning", "critical_warning", "critical_warning", 1.0),
    ("available_spare", "avail_spare", "spare_ratio", 0.01),
    ("available_spare_threshold", "spare_thresh", "spare_threshold_ratio", 0.01),
    ("percentage_used", "percent_used", "used_ratio", 0.01),
    ("power_cycles", "power_cycles", "power_cycles_total", 1.0),
    ("power_on_hours", "power_on_hours", "power_on_hours", 1.0),
    ("unsafe_shutdowns", "unsafe_shutdowns", "unsafe_shutdowns_total", 1.0),
    ("media_errors", "media_errors", "media_errors_total", 1.0),
    ("num_err_log_entries", "num_err_log_entries", "error_entries_total", 1.0),
    ("warning_temp_time", "warning_temp_time", "warning_temperature_seconds", 60.0),
    ("critical_comp_time", "critical_comp_time", "critical_temperature_seconds", 60.0),
)
LIMITS = (("warning", "warning_limit_celsius"), ("critical", "critical_limit_celsius"))
# nvme-cli tells temperatures in kelvin, smartctl in degrees Celsius; no drive works at 200 degrees.
BYTE = 255
SCSI_SELFTESTS = 20
KELVIN, HOTTEST_CELSIUS = 273, 200
SCSI_COUNTERS = (("read", "read_uncorrected_total"), ("write", "write_uncorrected_total"))


def take_nvme(log: Tree, report: Tree, disk: smart.SmartDisk) -> None:
    """The health log, and where the report has them the limits, the errors and the self-tests."""
    disk.protocol, disk.kind = "nvme", "nvme"
    for own, foreign, name, unit in HEALTH:
        place = log.at(own) if log.at(own).exists() else log.at(foreign)
        if (number := place.number()) is not None:
            tell(disk, name, round(number * unit, 6), place.line())
    if (degrees := log.at("temperature").number(10_000)) is not None:
        celsius = degrees - KELVIN if degrees > HOTTEST_CELSIUS else degrees
        tell(disk, "temperature_celsius", celsius, log.at("temperature").line())
    for key, name in LIMITS:
        limit = report.at("nvme_composite_temperature_threshold", key)
        if (celsius_limit := limit.number(10_000)) is not None:
            tell(disk, name, celsius_limit, limit.line())
    conclude_health(disk, True)
    if report.at("nvme_error_information_log").exists():
        mark(disk, "error_log", READ)
    _take_selftests(report.at("nvme_self_test_log"), disk)


def _take_selftests(log: Tree, disk: smart.SmartDisk) -> None:
    if not log.exists():
        return
    for number, row in enumerate(log.at("table").items()):
        test = TESTS.get(row.at("self_test_code", "string").text().partition(" ")[0], "other")
        entry = disk.selftests.add(number=number, test=test, line=row.line())
        entry.outcome = _outcome(row.at("self_test_result", "string").text())
        if (hours := row.at("power_on_hours").number()) is not None:
            entry.power_on_hours = hours
        if (lba := row.at("lba").number()) is not None:
            entry.lba = lba
    mark(disk, "selftests", READ)


def _outcome(result: str) -> str:
    if result.startswith(NVME_FAILED):
        return "failed"
    if result.startswith("Completed without"):
        return "passed"
    return "interrupted" if result.startswith("Aborted") else "other"


def take_scsi(report: Tree, disk: smart.SmartDisk) -> None:
    """What SCSI drives tell instead of attributes; names changed from version to version."""
    disk.protocol = "scsi"
    grown, pending = report.at("scsi_grown_defect_list"), report.at("scsi_pending_defects", "count")
    for place, name in ((grown, "grown_defects_total"), (pending, "pending_defects_total")):
        if (total := place.number()) is not None:
            tell(disk, name, total, place.line())
    for key, name in SCSI_COUNTERS:
        counter = report.at("scsi_error_counter_log", key, "total_uncorrected_errors")
        if (errors := counter.number()) is not None:
            tell(disk, name, errors, counter.line())
            mark(disk, "error_log", READ)
    for key in ("scsi_percentage_used_endurance_indicator", "endurance_used"):
        used = report.at(key)
        percent = used.at("current_percent") if isinstance(used.value, dict) else used
        if (value := percent.number(BYTE)) is not None:
            tell(disk, "used_ratio", value / 100, percent.line())
    _take_trip(report, disk)
    _take_scsi_selftests(report, disk)
    if disk.values:
        mark(disk, "health", READ)


def _take_scsi_selftests(report: Tree, disk: smart.SmartDisk) -> None:
    """scsi_self_test_0 is the newest; smartctl before 7.3 tells none."""
    for number in range(SCSI_SELFTESTS):
        row = report.at(f"scsi_self_test_{number}")
        if not row.exists():
            return
        entry = disk.selftests.add(number=number + 1, line=row.line())
        told = f"{row.at('code', 'string').text()} {row.at('result', 'string').text()}"
        entry.test, entry.outcome = scsi_outcome(told)
        if (hours := row.at("power_on_time", "hours").number()) is not None:
            entry.power_on_hours = hours
        if (lba := row.at("lba_first_failure", "value").number()) is not None:
            entry.lba = lba
        mark(disk, "selftests", READ)


def _take_trip(report: Tree, disk: smart.SmartDisk) -> None:
    for key, name in (("current", "temperature_celsius"), ("drive_trip", "critical_limit_celsius")):
        place = report.at("temperature", key)
        if (value := place.signed()) is not None:
            tell(disk, name, value, place.line())
