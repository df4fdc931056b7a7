"""The error log of an ATA drive: the newest errors in detail, and how many there were."""

from __future__ import annotations

from caseprobe.parse.smart.reader import CUT, ENTRIES_AT_MOST, READ, Reader, first_number, mark, whole
from caseprobe.v1 import section_smart_pb2 as smart

# Device Error Count: 7 (device log contains only the most recent 4 errors)
# Error 7 [2] occurred at disk power-on lifetime: 8123 hours (338 days + 11 hours)
#   40 -- 51 00 e0 00 00 df 84 c1 a8 0f 00  Error: UNC at LBA = 0xdf84c1a8 = 3750019496
# Error 1 [0] log entry is empty
OCCURRED = "occurred at disk power-on lifetime:"
SAID = "Error: "
KINDS = frozenset(
    ("UNC", "IDNF", "AMNF", "ICRC", "ABRT", "WP", "MC", "MCR", "NM", "CCTO", "EOM", "ILI", "TK0NF", "obs")
)


def take_error_heading(reader: Reader, _line: str, disk: smart.SmartDisk) -> None:
    """The log begins: until its count and its entries are there, it counts as cut."""
    mark(disk, "error_log", CUT, "the report ends before the error log does")
    disk.errors_line.CopyFrom(reader.line())


def take_error_count(reader: Reader, line: str, disk: smart.SmartDisk) -> None:
    """Device Error Count: N or ATA Error Count: N; its entries follow."""
    if (count := first_number(line.partition(":")[2])) is not None:
        disk.errors_total = count
        disk.errors_line.CopyFrom(reader.line())


def take_no_errors(reader: Reader, _line: str, disk: smart.SmartDisk) -> None:
    """No Errors Logged: the whole log of an ATA drive."""
    if any(one.name == "error_log" for one in disk.parts):
        disk.errors_total = 0
        disk.errors_line.CopyFrom(reader.line())
        complete_errors(disk)


def complete_errors(disk: smart.SmartDisk) -> None:
    """Nothing more of the log can come: its end was seen."""
    for part in disk.parts:
        if part.name == "error_log" and part.state == CUT:
            part.state, part.reason = READ, ""


def take_error(reader: Reader, line: str, disk: smart.SmartDisk) -> None:
    """One entry: its registers and commands are all lines up to the next one that begins at the margin."""
    words = line.split(None, 2)
    number = whole(words[1]) if len(words) > 1 else None
    if number is None or len(disk.errors) >= ENTRIES_AT_MOST:
        return
    error = smart.SmartError(number=min(number, 0xFFFFFFFF), line=reader.line())
    _, occurred, age = line.partition(OCCURRED)
    if occurred and (hours := first_number(age)) is not None:
        error.power_on_hours = hours
    said = False
    while reader.more() and (not reader.peek().strip() or reader.peek()[0] in " \t"):
        if SAID in reader.next() and not said:
            said = True
            error.line.CopyFrom(reader.line())
            _note_kinds(error, error.line.text.partition(SAID)[2])
    disk.errors.append(error)


def _note_kinds(error: smart.SmartError, said: str) -> None:
    """UNC at LBA = 0x00409b48 = 4234056; ICRC, ABRT 160 sectors at LBA = …"""
    named, _, place = said.partition(" at LBA = ")
    error.kinds.extend(word for word in named.replace(",", " ").split() if word in KINDS)
    if place and (lba := whole(place.partition(" ")[0])) is not None:
        error.lba = lba


def close_errors(disk: smart.SmartDisk) -> None:
    """At the end of the report: a log whose last entry is there is whole although nothing follows it."""
    if disk.HasField("errors_total") and disk.errors and disk.errors[-1].number <= 1:
        complete_errors(disk)
