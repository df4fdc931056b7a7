"""The self-test logs of ATA, NVMe and SCSI drives, and how the last self-test ended."""

from __future__ import annotations

from caseprobe.parse.smart.reader import CUT, ENTRIES_AT_MOST, READ, Reader, first_number, mark, whole
from caseprobe.v1 import section_smart_pb2 as smart

# Num  Test_Description    Status                  Remaining  LifeTime(hours)  LBA_of_first_error
# # 1  Extended offline    Completed: read failure       90%     57089         5717331505
# #10  Short offline       Completed without error       00%     29788         -
FAILED_AS = ("read", "electrical", "servo", "unknown", "handling")
TESTS = {
    "Short": "short",
    "Extended": "extended",
    "Conveyance": "conveyance",
    "Selective": "selective",
    "Offline": "offline",
}
# Where the columns of the ATA table begin: description, status, remaining, hours, LBA.
SCSI_TESTS = ("Background", "Foreground")
TEST_AT, STATUS_AT, REMAINING_AT = 5, 25, 48


def take_selftest_heading(_reader: Reader, _line: str, disk: smart.SmartDisk) -> None:
    """The log begins: until its rows or their absence are there, it counts as cut."""
    mark(disk, "selftests", CUT, "the report ends before the self-test log does")


def take_no_selftests(_reader: Reader, _line: str, disk: smart.SmartDisk) -> None:
    """No self-tests have been logged."""
    _read(disk)


def _read(disk: smart.SmartDisk) -> None:
    mark(disk, "selftests", READ)
    for part in disk.parts:
        if part.name == "selftests":
            part.state, part.reason = READ, ""


def take_selftests(reader: Reader, _heading: str, disk: smart.SmartDisk) -> None:
    """All rows below the table's heading; whole where a line that is none of them follows."""
    mark(disk, "selftests", CUT, "the report ends within the self-test log")
    # The heading of SCSI drives has a second line.
    while reader.more() and reader.peek().startswith(("#", "     Description")):
        line = reader.next()
        number = whole(line[1:3]) if line[0] == "#" else None
        if number is not None and len(disk.selftests) < ENTRIES_AT_MOST:
            _add(reader, line, number, disk)
    if reader.more():
        _read(disk)


def _add(reader: Reader, line: str, number: int, disk: smart.SmartDisk) -> None:
    if line[TEST_AT:].startswith(SCSI_TESTS):
        _add_scsi(reader, line, number, disk)
        return
    described, status = line[TEST_AT:STATUS_AT].strip(), line[STATUS_AT:REMAINING_AT].strip()
    entry = disk.selftests.add(
        number=number, test=TESTS.get(described.partition(" ")[0], "other"), outcome=outcome_of(described, status)
    )
    entry.line.CopyFrom(reader.line())
    columns = line[REMAINING_AT:].split()
    if columns and columns[0].endswith("%"):
        columns = columns[1:]
    if columns and (hours := first_number(columns[0])) is not None:
        entry.power_on_hours = hours
    if len(columns) > 1 and (lba := whole(columns[1])) is not None:
        entry.lba = lba


def _add_scsi(reader: Reader, line: str, number: int, disk: smart.SmartDisk) -> None:
    """# 2  Background short  Failed in segment -->       3    1234         5717331505 [0x3 0x11 0x0]."""
    told = line[TEST_AT:].partition("[")[0]
    entry = disk.selftests.add(number=number, line=reader.line())
    entry.test, entry.outcome = scsi_outcome(told)
    columns = [whole(word) for word in told.split()[-2:]]
    if len(columns) == 2 and columns[0] is not None:
        entry.power_on_hours = columns[0]
    if len(columns) == 2 and columns[1] is not None:
        entry.lba = columns[1]


def scsi_outcome(told: str) -> tuple[str, str]:
    """Test and outcome from the words of a SCSI drive.

    >>> [scsi_outcome(f"Background long   {said}") for said in ("Completed", "Completed, segment failed")]
    [('extended', 'passed'), ('extended', 'failed')]
    """
    words = told.split(None, 2)
    test = {"long": "extended", "short": "short"}.get(words[1] if len(words) > 1 else "", "other")
    said = words[2] if len(words) > 2 else ""
    if "ailed" in said or said.startswith("Unknown error"):
        return test, "failed"
    known = (("Completed", "passed"), ("Aborted", "interrupted"), ("Interrupted", "interrupted"), ("Self", "running"))
    return test, next((outcome for begin, outcome in known if said.startswith(begin)), "other")


def outcome_of(test: str, status: str) -> str:
    """passed, failed, interrupted, running or other; a test type of the vendor proves nothing.

    >>> [outcome_of(test, "Completed: read failure") for test in ("Short offline", "Vendor (0xb0)")]
    ['failed', 'other']
    """
    if status.startswith("Completed without"):
        return "passed"
    known = test.partition(" ")[0] in TESTS
    if status.startswith(("Completed: ", "Completed [", "Fatal or unknown", "Fatal")):
        failed = status.startswith("Fatal") or status.partition(": ")[2].startswith(FAILED_AS)
        return "failed" if known and failed else "other"
    if status.startswith(("Aborted", "Interrupted")):
        return "interrupted"
    return "running" if "in progress" in status else "other"


def take_execution(reader: Reader, line: str, disk: smart.SmartDisk) -> None:
    """Self-test execution status: ( 121): the upper four bits say how the last test ended."""
    _, _, rest = line.partition("(")
    status = whole(rest.partition(")")[0])
    if status is not None and status < 256:
        disk.last_selftest_code = status >> 4
        disk.last_selftest_line.CopyFrom(reader.line())


# Num  Test_Description  Status                       Power_on_Hours  Failing_LBA  NSID Seg SCT Code
#  0   Extended          Completed: failed segments             3391            -     1   2   -    -
NVME_FAILED = ("Completed: failed segment", "Completed: unknown failed segment", "Fatal or unknown")


def take_nvme_selftests(reader: Reader, _heading: str, disk: smart.SmartDisk) -> None:
    """The self-test log of an NVMe drive, from its heading to the blank line behind it."""
    for line in reader.block():
        number = whole(line[:3])
        if number is not None and len(disk.selftests) < ENTRIES_AT_MOST:
            _add_nvme(reader, line, number, disk)
    mark(disk, "selftests", READ if reader.ended() else CUT)


def _add_nvme(reader: Reader, line: str, number: int, disk: smart.SmartDisk) -> None:
    test, _, rest = line[3:].strip().partition(" ")
    status = rest.strip()
    failed = status.startswith(NVME_FAILED)
    outcome = "failed" if failed else outcome_of("Short", status)
    entry = disk.selftests.add(number=number, test=TESTS.get(test, "other"), outcome=outcome, line=reader.line())
    numbers = [whole(word) for word in status.split("  ") if word.strip()]
    if hours := [found for found in numbers if found is not None][:1]:
        entry.power_on_hours = hours[0]
