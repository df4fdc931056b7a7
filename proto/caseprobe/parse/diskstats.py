"""/proc/diskstats: what each block device did since boot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#  254       0 vda 114825 31248 4461570 110278 47944 39906 4910200 26656 0 28928 139210 11596 28 1164088 1482 10367 793
SECTOR_BYTES = 512


@dataclass(frozen=True)
class DiskCounters:
    """Counters since boot; times in seconds, line counts from 1."""

    line: int
    reads: int
    read_bytes: int
    read_seconds: float
    writes: int
    written_bytes: int
    write_seconds: float
    busy_seconds: float
    weighted_seconds: float


def parse_diskstats(text: str) -> Mapping[str, DiskCounters]:
    """The counters of every device by its name; lines of another form are passed over.

    >>> parse_diskstats("8 0 sda 10 0 4 500 1 0 2 30 0 400 530")["sda"].read_bytes
    2048
    """
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split()
        if len(fields) >= 14 and all(field.isdecimal() for field in fields[3:14]):
            found[fields[2]] = _counters(number, [int(field) for field in fields[3:14]])
    return found


def _counters(line: int, numbers: list[int]) -> DiskCounters:
    reads, _, read_sectors, read_ms, writes, _, written_sectors, write_ms, _, busy_ms, weighted_ms = numbers
    return DiskCounters(
        line=line,
        reads=reads,
        read_bytes=read_sectors * SECTOR_BYTES,
        read_seconds=read_ms / 1000,
        writes=writes,
        written_bytes=written_sectors * SECTOR_BYTES,
        write_seconds=write_ms / 1000,
        busy_seconds=busy_ms / 1000,
        weighted_seconds=weighted_ms / 1000,
    )
