"""The information section: which drive this is, and whether it assesses itself at all."""

from __future__ import annotations

from caseprobe.parse.smart.reader import UNSUPPORTED, Reader, mark, tell, whole
from caseprobe.v1 import section_smart_pb2 as smart

# What a report says of a drive in words of one line: the text before the colon -> field.
NAMES = {
    "Model Family": "family",
    "Device Model": "model",
    "Model Number": "model",
    "Product": "model",
    "Serial Number": "serial",
    "Serial number": "serial",
    "Firmware Version": "firmware",
    "Revision": "firmware",
}
CAPACITIES = ("User Capacity", "Total NVM Capacity", "Namespace 1 Size/Capacity")
PROTOCOLS = {"ATA Version is": "ata", "SATA Version is": "ata", "NVMe Version": "nvme", "Compliance": "scsi"}
LIMITS = {
    "Warning  Comp. Temp. Threshold": "warning_limit_celsius",
    "Critical Comp. Temp. Threshold": "critical_limit_celsius",
}
MASKED = ("--", "-", "[No Information Found]")


def take_identity(reader: Reader, line: str, disk: smart.SmartDisk) -> None:
    """A line "name: value" of the information section."""
    name, _, value = line.partition(":")
    value = value.strip()
    if name in NAMES:
        _set_name(disk, NAMES[name], value)
    elif name in CAPACITIES:
        disk.capacity_bytes = disk.capacity_bytes or whole(value.partition(" ")[0]) or 0
    elif name in PROTOCOLS:
        disk.protocol = PROTOCOLS[name]
    elif name in LIMITS and (celsius := whole(value.partition(" ")[0])) is not None:
        tell(disk, LIMITS[name], celsius, reader.line())


def _set_name(disk: smart.SmartDisk, field: str, value: str) -> None:
    if value not in MASKED and not getattr(disk, field):
        setattr(disk, field, value[:200])


def take_rotation(_reader: Reader, line: str, disk: smart.SmartDisk) -> None:
    """Rotation Rate: 7200 rpm, or Solid State Device."""
    value = line.partition(":")[2].strip()
    if "Solid State" in value:
        disk.kind = "ssd"
    elif (rotations := whole(value.partition(" ")[0])) and rotations < 100_000:
        disk.kind, disk.rotations_per_minute = "hdd", rotations


def take_support(reader: Reader, line: str, disk: smart.SmartDisk) -> None:
    """SMART support is: Available …, Enabled, Disabled, Unavailable …; the last word counts."""
    value = line.partition(":")[2].strip()
    if value.startswith(("Enabled", "Disabled")):
        disk.smart_enabled = value.startswith("Enabled")
        disk.smart_enabled_line.CopyFrom(reader.line())
    elif value.startswith("Unavailable"):
        for name in ("status", "attributes", "error_log", "selftests", "statistics", "defects", "temperature"):
            mark(disk, name, UNSUPPORTED, value)


def take_tool(_reader: Reader, line: str, disk: smart.SmartDisk) -> None:
    """smartctl 7.4 2023-08-01 r5530 [x86_64-linux-…]; a second one begins the report of another disk: ValueError."""
    if disk.tool:
        raise ValueError("this file holds more than one report of a disk; give each in a file of its own")
    disk.tool = " ".join(line.split()[:2])[:60]
