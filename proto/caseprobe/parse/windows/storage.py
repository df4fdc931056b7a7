"""Win32_LogicalDisk, MSFT_PhysicalDisk and MSFT_StorageReliabilityCounter: room, and what drives tell of themselves."""

from __future__ import annotations

from collections.abc import Mapping

from caseprobe.parse.windows.cim import Record, records, whole, word
from caseprobe.v1 import section_pb2
from caseprobe.v1 import section_smart_pb2 as smart

# Win32_LogicalDisk.DriveType.
REMOVABLE, LOCAL, NETWORK = 2, 3, 4
KINDS: Mapping[int | str, str] = {3: "hdd", 4: "ssd", "HDD": "hdd", "SSD": "ssd"}
PROTOCOLS: Mapping[int | str, str] = {17: "nvme", "NVMe": "nvme", 10: "scsi", "SAS": "scsi", 1: "scsi", "SCSI": "scsi"}
# Get-PhysicalDisk shows words, Get-CimInstance numbers.
HEALTHY, UNHEALTHY = (0, "Healthy"), (2, "Unhealthy")
PREDICTIVE = (5, "Predictive Failure")
TOOL = "Windows storage management"
# Of the reliability counters: name, the value's name here, its unit.
COUNTERS = (
    ("Temperature", "temperature_celsius", 1.0),
    ("Wear", "used_ratio", 0.01),
    ("ReadErrorsUncorrected", "read_uncorrected_total", 1.0),
)
# A drive that tells no temperature reports 0.
NOTHING = {"Temperature": 0}
READ, FAILED, UNSUPPORTED = (
    smart.SMART_PART_STATE_READ,
    smart.SMART_PART_STATE_FAILED,
    smart.SMART_PART_STATE_UNSUPPORTED,
)


def parse_volumes(text: str) -> section_pb2.FilesystemsFacts:
    """Room on local and network drives; one whose size Windows does not tell is there and not measured."""
    facts = section_pb2.FilesystemsFacts()
    for record in records(text):
        if not word(record, "DeviceID") or whole(record, "DriveType") not in (REMOVABLE, LOCAL, NETWORK):
            continue
        size, free = whole(record, "Size"), whole(record, "FreeSpace")
        if size is None and whole(record, "DriveType") == REMOVABLE:
            continue  # a slot without a card
        one = facts.filesystems.add(mount_point=word(record, "DeviceID"), device=word(record, "DeviceID"))
        one.type = word(record, "FileSystem").lower()
        one.measured = bool(size) and free is not None
        if size and free is not None:
            one.total_bytes, one.available_bytes = size, min(free, size)
            one.used_bytes = size - one.available_bytes
        else:
            one.reason = "Windows tells no size of it (locked, or not answering)"
    if not facts.filesystems:
        raise ValueError("no drive in it: this is no Win32_LogicalDisk")
    return facts


def parse_drives(disks: str, counters: str | None) -> smart.SmartFacts:
    """Drives with their health, and with their counters where those were read; ValueError for other classes."""
    facts = smart.SmartFacts()
    told = {} if counters is None else {word(one, "DeviceId"): one for one in records(counters)}
    for place, record in enumerate(records(disks)):
        if "HealthStatus" in record:
            facts.disks.append(_drive(place, record, told))
    if not facts.disks:
        raise ValueError("no drive in it: this is no MSFT_PhysicalDisk")
    return facts


def _drive(place: int, record: Record, told: Mapping[str, Record]) -> smart.SmartDisk:
    number = word(record, "DeviceId")
    media, bus = record.get("MediaType"), record.get("BusType")
    disk = smart.SmartDisk(
        name=f"PhysicalDisk{number or place}",
        source="MSFT_PhysicalDisk",
        protocol=_of(PROTOCOLS, bus, "ata"),
        kind="nvme" if _of(PROTOCOLS, bus, "") == "nvme" else _of(KINDS, media, "unknown"),
        model=word(record, "FriendlyName") or word(record, "Model"),
        serial=word(record, "SerialNumber"),
        firmware=word(record, "FirmwareVersion"),
        capacity_bytes=whole(record, "Size") or 0,
        tool=TOOL,
    )
    _add_health(disk, place, record)
    _add_counters(disk, told.get(number), bool(told))
    for name in ("attributes", "error_log", "selftests", "defects"):
        # Windows reads none of these from the drive: nothing is known of them.
        disk.parts.add(name=name, state=FAILED, reason=f"{TOOL} does not read it")
    return disk


def _of(names: Mapping[int | str, str], key: object, otherwise: str) -> str:
    return names.get(key, otherwise) if isinstance(key, int | str) else otherwise


def _add_health(disk: smart.SmartDisk, place: int, record: Record) -> None:
    health, states = record.get("HealthStatus"), record.get("OperationalStatus")
    states = states if isinstance(states, list) else [states]
    predicted = any(one in PREDICTIVE for one in states)
    if health in HEALTHY or health in UNHEALTHY or predicted:
        disk.passed = health in HEALTHY and not predicted
        disk.passed_line.text = f"[{place}].HealthStatus = {health}, OperationalStatus = {states}"[:1000]
        disk.parts.add(name="status", state=READ)
    else:
        disk.parts.add(name="status", state=FAILED, reason=f"Windows says {health!r}"[:200])


def _add_counters(disk: smart.SmartDisk, counter: Record | None, asked: bool) -> None:
    if counter is None:
        why = "no reliability counter of this drive" if asked else "reliability counters take an administrator"
        disk.parts.add(name="health", state=FAILED, reason=why)
        return
    for name, ours, unit in COUNTERS:
        number = whole(counter, name)
        if number is not None and number != NOTHING.get(name):
            one = disk.values.add(name=ours, value=round(number * unit, 6))
            one.line.text = f"DeviceId {word(counter, 'DeviceId')}: {name} = {number}"
    hours = whole(counter, "PowerOnHours")
    if hours:
        disk.power_on_hours = hours
    disk.parts.add(name="health", state=READ)
    worn = any(one.name == "used_ratio" for one in disk.values)
    disk.parts.add(name="statistics", state=READ if worn else UNSUPPORTED)
