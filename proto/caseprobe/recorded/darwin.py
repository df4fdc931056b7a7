"""Sections from what macOS' own tools print."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from google.protobuf.message import Message

from caseprobe.parse.logs import mac_unified
from caseprobe.parse.macos import df, diskutil, profiler, vm_stat
from caseprobe.recorded.logs import log_facts
from caseprobe.recorded.outputs import Missing, Outputs
from caseprobe.v1 import section_smart_pb2 as smart

SOFTWARE, HARDWARE, STORAGE = "SPSoftwareDataType.json", "SPHardwareDataType.json", "SPStorageDataType.json"
NVME, POWER, AIRPORT = "SPNVMeDataType.json", "SPPowerDataType.json", "SPAirPortDataType.json"
LOG, VM_STAT, DF = "log-show.ndjson", "vm_stat.txt", "df-Pki.txt"
DISKUTIL = "diskutil-info-"


def _system(outputs: Outputs) -> Message:
    facts = profiler.parse_software(outputs.text(SOFTWARE))
    try:
        entries, _ = mac_unified.parse_unified(outputs.text(LOG))
    except (Missing, ValueError):
        return facts
    cause = mac_unified.shutdown_cause(entries)
    if cause is not None:
        facts.clean_shutdown = cause == mac_unified.ORDERLY
    return facts


def _memory(outputs: Outputs) -> Message:
    return vm_stat.parse_vm_stat(outputs.text(VM_STAT), profiler.memory_bytes(outputs.text(HARDWARE)))


def _filesystems(outputs: Outputs) -> Message:
    sealed: set[str] = set()
    if STORAGE in outputs.files:
        sealed = profiler.read_only_mounts(outputs.text(STORAGE))
    return df.parse_df(outputs.text(DF), sealed)


def _smart(outputs: Outputs) -> Message:
    """Drives by diskutil, which tells more, and those that only system_profiler lists."""
    names = sorted(name for name in outputs.files if name.startswith(DISKUTIL))
    found: dict[str, smart.SmartDisk] = {}
    if NVME in outputs.files:
        found = {disk.name: disk for disk in profiler.parse_nvme(outputs.text(NVME)).disks}
    elif not names:
        outputs.data(NVME)
    for name in names:
        for disk in diskutil.parse_disk(outputs.data(name)).disks:
            if (listed := found.get(disk.name)) is not None:
                disk.model, disk.serial, disk.firmware = listed.model, listed.serial, listed.firmware
            found[disk.name] = disk
    if not found:
        raise ValueError("no drive in it")
    return smart.SmartFacts(disks=found.values())


def _log(outputs: Outputs) -> Message:
    entries, other = mac_unified.parse_unified(outputs.text(LOG))
    if other:
        outputs.lack("faults", f"{LOG}: {other} lines of it are no entries, or cut")
    return log_facts(LOG, entries, lambda place: mac_unified.classify_mac(entries[place]))


SECTIONS: Mapping[str, Callable[[Outputs], Message]] = {
    "system": _system,
    "memory": _memory,
    "hardware": lambda outputs: profiler.parse_hardware(outputs.text(HARDWARE)),
    "filesystems": _filesystems,
    "smart": _smart,
    "sensors": lambda outputs: profiler.parse_power(outputs.text(POWER)),
    "wireless": lambda outputs: profiler.parse_airport(outputs.text(AIRPORT)),
    "system_log": _log,
}
