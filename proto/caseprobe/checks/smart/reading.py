"""What every SMART check shares: which disks can be judged by a part of their report, and its lines as evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from caseprobe.checks.check import NotApplicable, Unknown
from caseprobe.checks.levels import Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2
from caseprobe.v1 import section_smart_pb2 as smart

MOST_LINES = 10
PART_NAMES = {
    "status": "overall status",
    "attributes": "vendor attributes",
    "error_log": "error log",
    "selftests": "self-test log",
    "statistics": "device statistics",
    "defects": "pending defects log",
    "temperature": "temperature",
    "phy_events": "event counters of the link",
    "health": "health log",
}
UNSUPPORTED, READ = smart.SMART_PART_STATE_UNSUPPORTED, smart.SMART_PART_STATE_READ
ANY = ("ata", "nvme", "scsi", "")
ATA = ("ata", "")


class Disks:
    """The disks of a section that a check may judge, and which of them it could not."""

    def __init__(
        self,
        section: section_pb2.Section,
        protocols: tuple[str, ...] = ANY,
        meant: Callable[[smart.SmartDisk], bool] = lambda disk: True,
    ) -> None:
        """Disks of other protocols or that are not meant are left out; NotApplicable where none is left."""
        self.disks = [disk for disk in section.smart.disks if disk.protocol in protocols and meant(disk)]
        self._lacking: list[str] = []
        self._judged = False
        if not self.disks:
            raise NotApplicable("this machine has no disk of the kind that tells this")

    def with_part(self, name: str) -> Iterator[smart.SmartDisk]:
        """Every disk, also one whose part was cut: what it has is judged, what it lacks keeps it from being well."""
        for disk in self.disks:
            state, reason = state_of(disk, name)
            if state != UNSUPPORTED:
                self.lack_unless(disk, state == READ, reason or f"the report has no {PART_NAMES[name]}")
                yield disk

    def lack_unless(self, disk: smart.SmartDisk, told: bool, reason: str) -> None:
        """Note that a disk was judged, or why it could not be."""
        self._judged = self._judged or told
        if not told:
            self._lacking.append(f"{disk.name}: {reason}")

    def conclude(self, absent: str) -> None:
        """The end of a judge: Unknown where a disk could not be judged, NotApplicable where none has such a thing."""
        if self._lacking:
            more = f" (and {len(self._lacking) - 1} more)" if len(self._lacking) > 1 else ""
            raise Unknown(f"{self._lacking[0]}{more}")
        if not self._judged:
            raise NotApplicable(absent)


def state_of(disk: smart.SmartDisk, name: str) -> tuple[smart.SmartPartState.ValueType, str]:
    """What became of a part of a report, and the tool's words where it could not be read."""
    for part in disk.parts:
        if part.name == name:
            return part.state, part.reason
    return smart.SMART_PART_STATE_UNSPECIFIED, ""


Named = Callable[[str], bool]


def attribute(disk: smart.SmartDisk, number: int, named: Named) -> smart.SmartAttribute | None:
    """The attribute of this number if its name says that it counts what is meant: vendors use numbers as they like."""
    return next((one for one in disk.attributes if one.id == number and named(one.name) and one.HasField("raw")), None)


def value(disk: smart.SmartDisk, name: str) -> smart.SmartValue | None:
    """A named value; None where the report has none."""
    return next((one for one in disk.values if one.name == name), None)


def statistic(disk: smart.SmartDisk, page: int, offset: int) -> smart.SmartStatistic | None:
    """One device statistic by its place; None where the drive does not keep it."""
    return next((one for one in disk.statistics if (one.page, one.offset) == (page, offset)), None)


def proof(disk: smart.SmartDisk, lines: Iterable[smart.SmartLine], note: str = "") -> list[finding_pb2.Evidence]:
    """Lines of the disk's report as evidence, at most ten, in the order of the report: the newest entry first."""
    source = f"{disk.source} {note}".strip()
    return [
        finding_pb2.Evidence(source=source, line=line.line, text=line.text)
        for line, _ in zip(lines, range(MOST_LINES), strict=False)
    ]


def found(
    disk: smart.SmartDisk,
    reached: Reached,
    cause: finding_pb2.Cause.ValueType,
    parameters: Mapping[str, float | str],
    lines: Iterable[smart.SmartLine],
    message_id: str = "",
) -> finding_pb2.Finding:
    """A finding about a disk, with its model beside what was found."""
    told: dict[str, float | str] = {"model": disk.model or disk.kind, **parameters}
    return fault(reached, cause, told, proof(disk, lines), disk.name, message_id)


def age_hours(disk: smart.SmartDisk, at_hours: int) -> float | None:
    """How many power-on hours ago something was; None where the drive does not tell or its counter turned over.

    Logs keep 16 bits of hours: after 65,535 they begin anew.
    """
    if not disk.HasField("power_on_hours"):
        return None
    age = float(disk.power_on_hours - at_hours)
    return age if age >= 0 else None


def disk_evidence(disk: smart.SmartDisk) -> bool:
    """True where any part says that the disk itself lost data or failed a test."""
    counted = ((197, pending), (198, uncorrectable), (187, uncorrectable))
    raws = (attribute(disk, number, named) for number, named in counted)
    reported = statistic(disk, 4, 8)
    return (
        (disk.HasField("passed") and not disk.passed)
        or any(MEDIUM & set(error.kinds) for error in disk.errors)
        or any(test.outcome == "failed" for test in disk.selftests)
        or any(raw is not None and raw.raw > 0 for raw in raws)
        or (reported is not None and reported.value > 0)
        or disk.defects_total > 0
    )


# Unreadable, not found, its address mark not found: the surface or the cells. ICRC is the transfer.
MEDIUM = frozenset(("UNC", "IDNF", "AMNF"))
TRANSFER = "ICRC"


def pending(name: str) -> bool:
    """197 counts sectors that wait, but for Bogus_Current_Pend_Sect: the drive database calls that one wrong.

    >>> pending("Current_Pending_Sector"), pending("Bogus_Current_Pend_Sect"), pending("Not_In_Use")
    (True, False, False)
    """
    return "Pend" in name and not name.startswith("Bogus")


def uncorrectable(name: str) -> bool:
    """187 and 198 under all of their names: Offline_Uncorrectable, Reported_Uncorrect, Uncorrectable_Error_Cnt."""
    return "Uncor" in name
