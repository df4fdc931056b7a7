"""Health pages with named values: the overall status, the NVMe health log, and what SCSI drives tell instead."""

from __future__ import annotations

from caseprobe.parse.smart.reader import CUT, FAILED, READ, Reader, first_number, mark, tell, whole
from caseprobe.v1 import section_smart_pb2 as smart

# Critical Warning:                   0x00
# Available Spare:                    100%
# Power On Hours:                     25,872
NVME = {
    "Critical Warning": ("critical_warning", 1.0),
    "Temperature": ("temperature_celsius", 1.0),
    "Available Spare": ("spare_ratio", 0.01),
    "Available Spare Threshold": ("spare_threshold_ratio", 0.01),
    "Percentage Used": ("used_ratio", 0.01),
    "Power Cycles": ("power_cycles_total", 1.0),
    "Power On Hours": ("power_on_hours", 1.0),
    "Unsafe Shutdowns": ("unsafe_shutdowns_total", 1.0),
    "Media and Data Integrity Errors": ("media_errors_total", 1.0),
    "Error Information Log Entries": ("error_entries_total", 1.0),
    "Warning  Comp. Temperature Time": ("warning_temperature_seconds", 60.0),
    "Critical Comp. Temperature Time": ("critical_temperature_seconds", 60.0),
}
# Without these there is no health log, whatever its heading says.
NVME_ESSENTIAL = ("critical_warning", "spare_ratio", "used_ratio", "media_errors_total")
SCSI = {
    "Current Drive Temperature": ("temperature_celsius", 1.0),
    "Drive Trip Temperature": ("critical_limit_celsius", 1.0),
    "Elements in grown defect list": ("grown_defects_total", 1.0),
    "Pending defect count": ("pending_defects_total", 1.0),
    "Non-medium error count": ("non_medium_errors_total", 1.0),
    "Percentage used endurance indicator": ("used_ratio", 0.01),
}
# read:   4187612421        0         0  4187612421          0     123456.789           0
SCSI_COUNTERS = {"read": "read_uncorrected_total", "write": "write_uncorrected_total"}
SCSI_COUNTER_COLUMNS = 8


def take_status(reader: Reader, line: str, disk: smart.SmartDisk) -> None:
    """SMART overall-health self-assessment test result: PASSED, FAILED! or UNKNOWN!, SMART Health Status: OK."""
    verdict = line.partition(":")[2].strip()
    good = ("PASSED", "OK")
    if verdict.startswith("UNKNOWN") or not verdict:
        mark(disk, "status", FAILED, "the drive gave no overall status")
        return
    disk.passed = verdict.startswith(good)
    disk.passed_line.CopyFrom(reader.line())
    mark(disk, "status", READ)


def take_nvme_health(reader: Reader, _heading: str, disk: smart.SmartDisk) -> None:
    """The NVMe health log, from its heading to the blank line behind it."""
    disk.protocol, disk.kind = "nvme", "nvme"
    for line in reader.block():
        name, _, text = line.partition(":")
        if name in NVME and (number := first_number(text.strip().rstrip("%"))) is not None:
            field, unit = NVME[name]
            tell(disk, field, round(number * unit, 6), reader.line())
    conclude_health(disk, reader.ended())


def conclude_health(disk: smart.SmartDisk, whole_log: bool) -> None:
    """The health log is read where its essential values are there; age and cycles are the drive's."""
    complete = whole_log and {one.name for one in disk.values}.issuperset(NVME_ESSENTIAL)
    mark(disk, "health", READ if complete else CUT, "" if complete else "the report ends within the health log")
    for one in disk.values:
        if one.name == "power_on_hours":
            disk.power_on_hours = int(one.value)
            disk.power_on_hours_line.CopyFrom(one.line)
        elif one.name == "power_cycles_total":
            disk.power_cycles_total = int(one.value)


def take_nvme_errors(reader: Reader, _heading: str, disk: smart.SmartDisk) -> None:
    """The NVMe error log: most entries are refused commands, so only their number is of use."""
    for _ in reader.block():
        pass
    mark(disk, "error_log", READ if reader.ended() else CUT)


def take_scsi_value(reader: Reader, line: str, disk: smart.SmartDisk) -> None:
    """A line "name: value" that only SCSI drives have."""
    name, _, text = line.partition(":")
    disk.protocol = "scsi"
    field, unit = SCSI[name]
    if (number := first_number(text.strip().rstrip("%"))) is not None:
        tell(disk, field, round(number * unit, 6), reader.line())
        mark(disk, "health", READ)


def take_scsi_counter(reader: Reader, line: str, disk: smart.SmartDisk) -> None:
    """A row of the error counter log; its last column counts what could not be corrected."""
    columns = line.split()
    name = SCSI_COUNTERS.get(columns[0].rstrip(":"))
    if name and len(columns) == SCSI_COUNTER_COLUMNS and (total := whole(columns[-1])) is not None:
        tell(disk, name, total, reader.line())
        mark(disk, "error_log", READ)
