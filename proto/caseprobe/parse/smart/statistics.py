"""Logs in tables: device statistics, pending defects and the event counters of the link."""

from __future__ import annotations

from caseprobe.parse.smart.reader import CUT, ENTRIES_AT_MOST, READ, Reader, mark, whole
from caseprobe.v1 import section_smart_pb2 as smart

# Page  Offset Size        Value Flags Description
# 0x04  0x008  4             299  ---  Number of Reported Uncorrectable Errors
# 0x05  0x068  1             -10  ---  Specified Minimum Operating Temperature
STATISTIC_COLUMNS = 6
LEGEND = "normalized value"
INT64 = 1 << 63
UINT32 = 1 << 32


def take_statistics(reader: Reader, _heading: str, disk: smart.SmartDisk) -> None:
    """Every row with a value, pages with a blank line between them too; cut where the legend at its end is missing."""
    legend = False
    while reader.more() and (reader.peek()[:1] in ("", " ", "\t") or reader.peek().startswith(("0x", "Page"))):
        line = reader.next()
        columns = line.split(None, STATISTIC_COLUMNS - 1)
        if len(columns) == STATISTIC_COLUMNS and columns[0][:2] == "0x" and columns[1][:2] == "0x":
            _add_statistic(reader, columns, disk)
        elif LEGEND in line:
            legend = True
            break
    mark(disk, "statistics", READ if legend else CUT, "" if legend else "the report ends within the device statistics")


def _add_statistic(reader: Reader, columns: list[str], disk: smart.SmartDisk) -> None:
    page, offset, value = whole(columns[0]), whole(columns[1]), whole(columns[3].removeprefix("-"))
    if page is None or offset is None or page >= UINT32 or offset >= UINT32:
        return
    if value is None or value >= INT64 or len(disk.statistics) >= ENTRIES_AT_MOST:
        return
    disk.statistics.add(
        page=page,
        offset=offset,
        value=-value if columns[3].startswith("-") else value,
        name=columns[5][:80],
        condition_met=columns[4].endswith("C"),
        line=reader.line(),
    )


def take_defects(reader: Reader, _heading: str, disk: smart.SmartDisk) -> None:
    """No Defects Logged, or a table of index, LBA and power-on hours."""
    said = False
    for line in reader.block():
        columns = line.split()
        if columns[0] == "No":
            said, disk.defects_total = True, 0
        elif columns[0].isdigit() and len(columns) == 3:
            said = True
            _add_defect(reader, columns, disk)
    mark(disk, "defects", READ if said and reader.ended() else CUT)


def _add_defect(reader: Reader, columns: list[str], disk: smart.SmartDisk) -> None:
    disk.defects_total = disk.defects_total + 1
    lba, hours = whole(columns[1]), whole(columns[2])
    if lba is None or len(disk.defects) >= ENTRIES_AT_MOST:
        return
    defect = disk.defects.add(lba=lba, line=reader.line())
    if hours is not None:
        defect.power_on_hours = hours


def take_phy_events(reader: Reader, _heading: str, disk: smart.SmartDisk) -> None:
    """0x0001  2            0  Command failed due to ICRC error; a counter at its end is marked with "+"."""
    for line in reader.block():
        columns = line.split(None, 3)
        if len(columns) == 4 and columns[0].startswith("0x") and len(disk.phy_events) < ENTRIES_AT_MOST:
            number, total = whole(columns[0]), whole(columns[2].rstrip("+"))
            if number is not None and number < UINT32 and total is not None:
                disk.phy_events.add(id=number, total=total, line=reader.line())
    mark(disk, "phy_events", READ if reader.ended() else CUT)
