"""diskutil info -plist DISK: a drive's verdict on itself and, of NVMe drives, its health log."""

from __future__ import annotations

import plistlib
from collections.abc import Mapping
from xml.parsers.expat import ExpatError

from caseprobe.parse.macos.profiler import add_verdict
from caseprobe.v1 import section_smart_pb2 as smart

Record = Mapping[str, object]
DETAILS = "SMARTDeviceSpecificKeysMayVaryNotGuaranteed"
# Key (counters of 128 bits come as two halves, _0 the lower), the value's name here, its unit, what is added to it.
VALUES = (
    ("AVAILABLE_SPARE", "spare_ratio", 0.01, 0.0),
    ("AVAILABLE_SPARE_THRESHOLD", "spare_threshold_ratio", 0.01, 0.0),
    ("PERCENTAGE_USED", "used_ratio", 0.01, 0.0),
    ("TEMPERATURE", "temperature_celsius", 1.0, -273.0),
    ("MEDIA_ERRORS", "media_errors_total", 1.0, 0.0),
    ("NUM_ERROR_INFO_LOG_ENTRIES", "error_entries_total", 1.0, 0.0),
    ("POWER_CYCLES", "power_cycles_total", 1.0, 0.0),
    ("POWER_ON_HOURS", "power_on_hours", 1.0, 0.0),
    ("UNSAFE_SHUTDOWNS", "unsafe_shutdowns_total", 1.0, 0.0),
)
PCI = ("PCI-Express", "PCI", "Apple Fabric", "NVMe")


def parse_disk(data: bytes) -> smart.SmartFacts:
    """The one drive; empty for a volume or an image; ValueError for what is no property list of a disk, or is cut."""
    if b"<!ENTITY" in data:
        raise ValueError("a property list declares no entities")
    try:
        record = plistlib.loads(data)
    except (ValueError, ExpatError, plistlib.InvalidFileException, OverflowError, RecursionError, IndexError) as error:
        raise ValueError("this is no property list, or it is cut") from error
    if not isinstance(record, dict) or not isinstance(record.get("DeviceIdentifier"), str):
        raise ValueError("this property list is not of a disk")
    if record.get("WholeDisk") is not True or record.get("VirtualOrPhysical") == "Virtual":
        return smart.SmartFacts()
    return smart.SmartFacts(disks=[_drive(record)])


def _drive(record: Record) -> smart.SmartDisk:
    details = record.get(DETAILS)
    solid, bus = record.get("SolidState") is True, record.get("BusProtocol")
    nvme = (isinstance(details, dict) and "PERCENTAGE_USED" in details) or (solid and bus in PCI)
    name = _word(record, "DeviceIdentifier")
    disk = smart.SmartDisk(
        name=name,
        source=f"diskutil info -plist {name}",
        protocol="nvme" if nvme else "ata",
        kind="nvme" if nvme else "ssd" if solid else "hdd",
        model=_word(record, "MediaName").removesuffix(" Media"),
        capacity_bytes=_whole(record.get("TotalSize")) or 0,
        tool="diskutil",
    )
    add_verdict(disk, _word(record, "SMARTStatus"), "SMARTStatus")
    if isinstance(details, dict) and nvme:
        _add_health(disk, details)
    return disk


def _add_health(disk: smart.SmartDisk, details: Record) -> None:
    for key, name, unit, offset in VALUES:
        number = _whole(details.get(key))
        if number is None and (low := _whole(details.get(f"{key}_0"))) is not None:
            number = low + ((_whole(details.get(f"{key}_1")) or 0) << 64)
        if number is not None:
            one = disk.values.add(name=name, value=round(number * unit + offset, 6))
            one.line.text = f"{DETAILS}.{key} = {number}"
            if name == "power_cycles_total":
                disk.power_cycles_total = number
            if name == "power_on_hours":
                disk.power_on_hours = number
    disk.parts.add(name="health", state=smart.SMART_PART_STATE_READ)


def _word(record: Record, name: str) -> str:
    value = record.get(name)
    return value[:1000] if isinstance(value, str) else ""


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 64 else None
