"""One report, whatever tool and form it came in."""

from __future__ import annotations

from caseprobe.parse.smart.json_report import parse_json
from caseprobe.parse.smart.text import parse_text
from caseprobe.v1 import section_smart_pb2 as smart

# Two logs of a thousand entries fit in here several times over.
LONGEST_REPORT = 8 << 20


def parse_report(text: str, name: str, source: str) -> smart.SmartDisk:
    """What a report tells; name is the disk's, source where the lines stand. ValueError where it is no report."""
    if len(text) > LONGEST_REPORT:
        raise ValueError(f"{len(text)} characters are no report of a disk")
    text = text.encode("utf-8", "replace").decode()
    disk = smart.SmartDisk(name=name, source=source)
    parse = parse_json if text.lstrip("\ufeff \t\r\n").startswith("{") else parse_text
    if not parse(text.removeprefix("\ufeff"), disk):
        raise ValueError("this is no report of smartctl or nvme-cli")
    if not disk.parts:
        raise ValueError("this report holds nothing about a disk's health")
    _conclude(disk)
    return disk


# Only what turns has these: spin-up time, start/stop count, seek errors, spin retries, load cycles.
TURNING = frozenset((3, 7, 8, 10, 11, 193))


def _conclude(disk: smart.SmartDisk) -> None:
    """What only the whole report tells: the protocol and the kind of the drive."""
    if not disk.protocol and disk.attributes:
        disk.protocol = "ata"
    if disk.protocol == "nvme":
        disk.kind = "nvme"
    if not disk.kind and len(TURNING & {attribute.id for attribute in disk.attributes}) > 2:
        disk.kind = "hdd"
    disk.kind = disk.kind or "unknown"
