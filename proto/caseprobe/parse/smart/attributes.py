"""Vendor attributes of an ATA drive, in the brief layout (letters) and the older one (hexadecimal flags)."""

from __future__ import annotations

from caseprobe.parse.smart.reader import CUT, READ, Reader, first_number, mark, whole
from caseprobe.v1 import section_smart_pb2 as smart

# ID# ATTRIBUTE_NAME          FLAGS    VALUE WORST THRESH FAIL RAW_VALUE
#   5 Reallocated_Sector_Ct   PO--CK   001   001   005    NOW  1420
# ID# ATTRIBUTE_NAME          FLAG     VALUE WORST THRESH TYPE      UPDATED  WHEN_FAILED RAW_VALUE
#   5 Reallocated_Sector_Ct   0x0033   001   001   005    Pre-fail  Always   FAILING_NOW 1420
BRIEF_COLUMNS, OLD_COLUMNS = 8, 10
NUMBERS_AT_MOST = 256
WHEN_FAILED = {"NOW": "now", "Past": "past", "FAILING_NOW": "now", "In_the_past": "past"}


def take_attributes(reader: Reader, _heading: str, disk: smart.SmartDisk) -> None:
    """All rows of the table; it ends with its legend or a blank line, and is cut where neither comes."""
    for line in reader.block():
        columns = line.split(None, BRIEF_COLUMNS - 1)
        if not line[:3].strip().isdigit() or len(columns) < BRIEF_COLUMNS:
            continue
        if columns[2].startswith("0x"):
            columns = _as_brief(line.split(None, OLD_COLUMNS - 1))
        if columns and len(disk.attributes) < NUMBERS_AT_MOST:
            _add(reader, columns, disk)
    mark(disk, "attributes", READ if reader.ended() else CUT)


def _as_brief(columns: list[str]) -> list[str]:
    """A row of the older layout in the order of the brief one; empty where the row was cut."""
    if len(columns) < OLD_COLUMNS:
        return []
    flags = "P" if columns[6] == "Pre-fail" else "-"
    return [columns[0], columns[1], flags, *columns[3:6], columns[8], columns[9]]


def _add(reader: Reader, columns: list[str], disk: smart.SmartDisk) -> None:
    number = whole(columns[0])
    if not number or number >= NUMBERS_AT_MOST:
        return
    attribute = disk.attributes.add(
        id=number,
        name=columns[1][:60],
        prefailure=columns[2].startswith("P"),
        when_failed=WHEN_FAILED.get(columns[6], ""),
        raw_text=columns[7].strip()[:60],
        line=reader.line(),
    )
    for field, text in zip(("value", "worst", "threshold"), columns[3:6], strict=True):
        if (normalized := whole(text)) is not None and normalized < NUMBERS_AT_MOST:
            setattr(attribute, field, normalized)
    if (raw := first_number(columns[7])) is not None:
        attribute.raw = raw
    _note_hours(attribute, disk)


def _note_hours(attribute: smart.SmartAttribute, disk: smart.SmartDisk) -> None:
    """Age and cycles of the drive; a name that counts minutes, seconds or anything else than hours is no age."""
    if attribute.id == 9 and attribute.name == "Power_On_Hours" and attribute.HasField("raw"):
        disk.power_on_hours = attribute.raw
        disk.power_on_hours_line.CopyFrom(attribute.line)
    elif attribute.id == 12 and attribute.HasField("raw"):
        disk.power_cycles_total = attribute.raw
