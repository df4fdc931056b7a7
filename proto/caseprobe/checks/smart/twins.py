"""The same disk in the section before: who it is, and whether the two can be compared."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.v1 import section_pb2
from caseprobe.v1 import section_smart_pb2 as smart


def twins(
    section: section_pb2.Section, previous: section_pb2.Section | None
) -> Iterator[tuple[smart.SmartDisk, smart.SmartDisk]]:
    """Each disk with itself before; a disk whose age went back is another one, whatever its name says."""
    if previous is None:
        return
    for disk in section.smart.disks:
        before = _before(disk, section, previous)
        if before is not None and not _younger(disk, before):
            yield disk, before


def _before(
    disk: smart.SmartDisk, section: section_pb2.Section, previous: section_pb2.Section
) -> smart.SmartDisk | None:
    """By its serial number; by model and name where none is told; the only one where each report is of one disk."""
    others = [one for one in previous.smart.disks if one.model == disk.model and one.protocol == disk.protocol]
    if disk.serial:
        named = [one for one in others if one.serial == disk.serial]
        return named[0] if len(named) == 1 else None
    others = [one for one in others if not one.serial]
    if len(section.smart.disks) == len(previous.smart.disks) == 1:
        return others[0] if others else None
    return next((one for one in others if one.name == disk.name), None)


def _younger(disk: smart.SmartDisk, before: smart.SmartDisk) -> bool:
    """True where the age went back."""
    aged = disk.HasField("power_on_hours") and before.HasField("power_on_hours")
    return aged and disk.power_on_hours < before.power_on_hours
