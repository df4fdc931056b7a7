"""Counters that the vendor's attributes keep: sectors, errors and retries, each checked against its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from caseprobe.checks.check import WINDOWS, Check, Context
from caseprobe.checks.levels import INFO, Levels, Reached
from caseprobe.checks.smart.reading import ANY, ATA, Disks, Named, attribute, found, pending, uncorrectable, value
from caseprobe.v1 import finding_pb2, section_pb2
from caseprobe.v1 import section_smart_pb2 as smart

PENDING = Levels("sectors_total", warn=1, critical=6)
OFFLINE = Levels("sectors_total", warn=1)
REALLOCATED = Levels("sectors_total", warn=5, critical=17)
REPORTED = Levels("errors_total", warn=1)
SPIN = Levels("retries_total", warn=1)
END_TO_END = Levels("errors_total", critical=1)
READ_ERRORS, WRITE_ERRORS = Levels("read_errors_total", warn=31), Levels("write_errors_total", warn=1)
# What another drive counts under the same numbers is no count of errors: Seagate packs two counters into one.
COUNTING_VENDORS = ("WDC ", "WD ")
# Western Digital's scale of attribute 1, by which drives are known that it makes under other names (HP, Dell): it ends
# at 200, all others' at 100 or 252.
SCALE, THRESHOLD = range(101, 201), 51
BACKBLAZE = "scrutiny thresholds (annual failure rates in Backblaze's fleet of hard disks"


@dataclass(frozen=True)
class Counter:
    """What counts one thing: an attribute with its names, and what a SCSI drive has instead."""

    number: int
    named: Named
    scsi: str = ""

    def of(self, disk: smart.SmartDisk) -> tuple[float, smart.SmartLine] | None:
        """The count and its line; None where this drive does not count it."""
        if (one := attribute(disk, self.number, self.named)) is not None:
            return float(one.raw), one.line
        if self.scsi and (other := value(disk, self.scsi)) is not None:
            return other.value, other.line
        return None


def reallocated(name: str) -> bool:
    """Sectors or blocks that were replaced; SSD vendors have names of their own.

    >>> [reallocated(name) for name in ("Reallocated_Sector_Ct", "Retired_Block_Count", "Read_Soft_Error_Rate")]
    [True, True, False]
    """
    return "Realloc" in name or name.startswith(("Retired_Block", "Later_Bad"))


COUNTERS = {
    "pending": Counter(197, pending, "pending_defects_total"),
    "offunc": Counter(198, uncorrectable),
    "realloc": Counter(5, reallocated, "grown_defects_total"),
    "reported": Counter(187, uncorrectable, "read_uncorrected_total"),
    "spin": Counter(10, lambda name: name.startswith("Spin_Retry")),
    "e2e": Counter(184, lambda name: "nd-to-End" in name or "End_to_End" in name),
    "read": Counter(1, lambda name: name.startswith("Raw_Read_Error")),
    "write": Counter(200, lambda name: name.startswith("Multi_Zone")),
}
Cause = Callable[[smart.SmartDisk], finding_pb2.Cause.ValueType]


def _of_disk(_disk: smart.SmartDisk) -> finding_pb2.Cause.ValueType:
    return finding_pb2.CAUSE_DISK


def _by_kind(disk: smart.SmartDisk) -> finding_pb2.Cause.ValueType:
    """Blocks of flash that were replaced are wear; sectors of a turning disk are not."""
    return finding_pb2.CAUSE_WEAR if disk.kind == "ssd" else finding_pb2.CAUSE_DISK


def _judge(
    section: section_pb2.Section, context: Context, name: str, levels: Levels, absent: str, cause: Cause = _of_disk
) -> Iterator[finding_pb2.Finding]:
    """One counter of every disk against its levels."""
    counter = COUNTERS[name]
    disks = Disks(section, ANY if counter.scsi else ATA)
    for disk in disks.disks:
        if disk.protocol == "nvme":
            continue
        told = counter.of(disk)
        if told is None:
            _note_silence(disks, disk)
            continue
        disks.lack_unless(disk, True, "")
        count, line = told
        message_id = "ssd" if cause is _by_kind and disk.kind == "ssd" else ""
        few = Reached(INFO, f"{levels.parameter} > 1") if count > 1 and name == "realloc" else None
        if reached := context.levels(levels, disk.name).reached(count) or few:
            yield found(disk, reached, cause(disk), {levels.parameter: count}, [line], message_id)
    disks.conclude(absent)


def _note_silence(disks: Disks, disk: smart.SmartDisk) -> None:
    """A drive that told its attributes does not count this; of one that did not, nothing is known."""
    part = next((one for one in disk.parts if one.name in ("attributes", "health")), None)
    if part is None or part.state not in (smart.SMART_PART_STATE_READ, smart.SMART_PART_STATE_UNSUPPORTED):
        disks.lack_unless(disk, False, part.reason if part and part.reason else "the report has no vendor attributes")


def judge_pending(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Sectors that the drive could not read and that wait to be written again (attribute 197; SCSI: pending defects).

    Data in them is lost unless a later attempt reads it. Writing clears the count: the sector is then either good again
    or replaced. Bogus_Current_Pend_Sect is left alone: the drive database says that this firmware counts wrongly.
    """
    yield from _judge(section, context, "pending", PENDING, "no disk here counts pending sectors")


def judge_offline(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Sectors that could not be read when the drive scanned itself (attribute 198).

    The same fault as pending sectors, met by the drive before a user met it; some drives never take the count back.
    """
    yield from _judge(section, context, "offunc", OFFLINE, "no disk here counts sectors that its scan could not read")


def judge_reallocated(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Sectors that the drive replaced by spare ones (attribute 5; the grown defect list of SCSI drives).

    A few that do not grow can be old; many, or growing ones, mean that the surface wears out.
    """
    yield from _judge(section, context, "realloc", REALLOCATED, "no disk here counts replaced sectors", _by_kind)


def judge_reported(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Errors that the drive could not correct and that reached the host (attribute 187; SCSI: uncorrected reads).

    Each one was a read that failed for some program, also if the sector has been replaced since.
    """
    yield from _judge(section, context, "reported", REPORTED, "no disk here counts uncorrectable errors")


def judge_spin(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Attempts that were repeated to bring the platters to speed (attribute 10).

    The motor, its bearings or the power supply: a drive that needs several attempts may not start the next time.
    """
    yield from _judge(section, context, "spin", SPIN, "no disk here counts spin-up retries")


def judge_end_to_end(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Data that changed on its way through the drive's own memory (attribute 184).

    The drive noticed, and reported these transfers as failed; its electronics cannot be trusted with data.
    """
    yield from _judge(section, context, "e2e", END_TO_END, "no disk here checks data on its way through its memory")


def counts_read_errors(disk: smart.SmartDisk) -> bool:
    """True where attributes 1 and 200 count errors one by one: by the maker's name or, under another, by its scale."""
    if disk.model.startswith(COUNTING_VENDORS):
        return True
    read, write = (attribute(disk, COUNTERS[name].number, COUNTERS[name].named) for name in ("read", "write"))
    return read is not None and write is not None and read.value in SCALE and read.threshold == THRESHOLD


def judge_read_errors(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Read errors (attribute 1) and write errors (attribute 200) that Western Digital drives count one by one.

    A drive that has met many had to try again and again. It is read for drives that Western Digital makes (also under
    HP's or Dell's names) only: what others keep under these numbers is no count. Of 112 Western Digital disks with
    errors in their logs and nothing in the usual counters, 47 had this; of 53 without any evidence, 3 (reports of
    drives in hosting servers).
    """
    disks = Disks(section, ATA, lambda disk: counts_read_errors(disk) or not disk.attributes)
    for disk in disks.with_part("attributes"):
        for name, levels in (("read", READ_ERRORS), ("write", WRITE_ERRORS)):
            told = COUNTERS[name].of(disk)
            if told and (reached := context.levels(levels, disk.name).reached(told[0])):
                parameters = {levels.parameter: told[0]}
                yield found(disk, reached, finding_pb2.CAUSE_DISK, parameters, [told[1]], name)
    disks.conclude("no disk here has vendor attributes")


ALL = (
    Check(
        id="smart.pending",
        judge=judge_pending,
        reads="smart",
        fields=("disks",),
        threshold=str(PENDING),
        threshold_source=f"smartd.conf(5) -C 197; {BACKBLAZE}: 34 % at 2 sectors, 68 % at 3 to 6)",
    ),
    Check(
        id="smart.offunc",
        judge=judge_offline,
        reads="smart",
        fields=("disks",),
        threshold=str(OFFLINE),
        threshold_source=f"smartd.conf(5) -U 198; {BACKBLAZE}: 81 % at 1 to 2 sectors)",
    ),
    Check(
        id="smart.realloc",
        judge=judge_reallocated,
        reads="smart",
        fields=("disks",),
        threshold=f"{REALLOCATED}; info: {REALLOCATED.parameter} > 1",
        threshold_source=f"{BACKBLAZE}: 7.5 % at 5 to 16 sectors, 23.6 % at 17 to 70, 57 % above 260)",
    ),
    Check(
        id="smart.reported",
        judge=judge_reported,
        reads="smart",
        elsewhere=(WINDOWS,),
        fields=("disks",),
        threshold=str(REPORTED),
        threshold_source=f"{BACKBLAZE}: 34 % at 1 error); one of the five attributes that Backblaze watches",
    ),
    Check(
        id="smart.spin",
        judge=judge_spin,
        reads="smart",
        fields=("disks",),
        threshold=str(SPIN),
        threshold_source=f"{BACKBLAZE}: 55.6 % with any retry)",
    ),
    Check(
        id="smart.e2e",
        judge=judge_end_to_end,
        reads="smart",
        fields=("disks",),
        threshold=str(END_TO_END),
        threshold_source="scrutiny calls attribute 184 critical; Checkmk smart_ata: critical on any growth",
    ),
    Check(
        id="smart.readerr",
        judge=judge_read_errors,
        reads="smart",
        fields=("disks",),
        threshold=f"{READ_ERRORS}; {WRITE_ERRORS}; only on drives that Western Digital makes",
        threshold_source="own levels, found on one half of the models of 1,583 reports of drives in hosting servers "
        "and measured on the other (docs/evaluation-smart.md)",
    ),
)
