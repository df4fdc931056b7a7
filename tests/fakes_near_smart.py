"""Near misses of disks: what their reports tell that looks like a fault and is none."""

from __future__ import annotations

from caseprobe.v1 import section_pb2 as pb
from tests.fakes_smart_disks import changed, disks, raw
from tests.fakes_smart_faults import ICRC, UNC, logged

# Check, section, and the same disk half an hour before.
Near = tuple[str, pb.Section, tuple[pb.Section, ...]]


def _sda(check_id: str, *changes: tuple[str, str], before: tuple[tuple[str, str], ...] | None = None) -> Near:
    earlier = () if before is None else (disks(sda=changed("sda", *before)),)
    return check_id, disks(sda=changed("sda", *changes)), earlier


def _renamed(check_id: str, *changes: tuple[str, str]) -> Near:
    """A disk of which the vendor uses the number for something else, beside one that counts what the check reads."""
    return check_id, disks(sda=changed("sda"), sdc=changed("sda", *changes)), ()


def _sdb(check_id: str, *changes: tuple[str, str]) -> Near:
    return check_id, disks(sdb=changed("sdb", *changes)), ()


def _nvme(check_id: str, *changes: tuple[str, str], before: tuple[tuple[str, str], ...] | None = None) -> Near:
    earlier = () if before is None else (disks(nvme0=changed("nvme0", *before)),)
    return check_id, disks(nvme0=changed("nvme0", *changes)), earlier


_OLD = (raw(197, "3"), raw(5, "40"), raw(187, "2"))
_WITHOUT_SPARE_THRESHOLD = ("Threshold:          10%", "Threshold:          0%")

NEAR_SMART: dict[str, Near] = {
    "a drive that passes and has bad sectors is judged by those": (
        "smart.status",
        disks(sda=changed("sda", *_OLD)),
        (),
    ),
    "a value just above the vendor's threshold": _sda("smart.attr_now", ("200   200   140", "141   141   140")),
    "a worst value just above the vendor's threshold": _sda("smart.attr_past", ("200   200   140", "200   141   140")),
    "a self-test that somebody stopped": _sda(
        "smart.selftest", ("Completed without error       00%", "Aborted by host               90%")
    ),
    "a test type that only the vendor knows": _sda(
        "smart.selftest",
        ("Extended offline    Completed without error ", "Vendor (0xb0)       Completed: unknown failure"),
    ),
    "a test of a month ago, less an hour": _sda("smart.notested", ("19900 ", "19281 ")),
    "a counter that the firmware keeps wrongly": _renamed(
        "smart.pending",
        (
            "197 Current_Pending_Sector  -O--CK   200   200   000    -    0",
            "197 Bogus_Current_Pend_Sect -O--CK   1 1 0    -    9",
        ),
    ),
    "another vendor's count under the number of offline errors": _renamed(
        "smart.offunc",
        ("198 Offline_Uncorrectable ", "198 Offline_Scan_Count    "),
        ("----CK   200   200   000    -    0", "----CK   200   200   000    -    9"),
    ),
    "one replaced sector": _sda("smart.realloc", raw(5, "1")),
    "a number that the vendor uses for something else": _renamed(
        "smart.reported",
        (
            "187 Reported_Uncorrect      -O--CK   100   100   000    -    0",
            "187 Not_In_Use              -O--CK   1 1 0    -    9",
        ),
    ),
    "another vendor's count under the number of spin retries": _renamed(
        "smart.spin",
        (
            "10 Spin_Retry_Count        -O--CK   100   100   000    -    0",
            "10 Calibration_Retries     -O--CK   100   100   000    -    7",
        ),
    ),
    "another vendor's count under the number of end-to-end errors": _renamed(
        "smart.e2e",
        (
            "184 End-to-End_Error        -O--CK   100   100   099    -    0",
            "184 Runtime_Bad_Block       -O--CK   100   100   099    -    7",
        ),
    ),
    "a few read errors of a long life": _sda("smart.readerr", raw(1, "30")),
    "a damaged transfer is no unreadable sector": _sda("smart.errlog", logged(ICRC)),
    "a refused command is no unreadable sector": _sda("smart.errlog", logged(UNC.replace("UNC", "ABRT"))),
    "a refused command is no damaged transfer": _sda("smart.crc", logged(UNC.replace("UNC", "ABRT"))),
    "a count under another name than CRC": _sda(
        "smart.crc", ("199 UDMA_CRC_Error_Count    ", "199 Write_Sectors_Tot_Ct    ")
    ),
    "a log of defects that lists none": _sda("smart.defects"),
    "statistics that are not kept": _sda("smart.devstat", ("4               0  ---", "4               -  ---")),
    "a disk with a tenth of its life left, and one percent": _sdb(
        "smart.endurance", ("1              12", "1              89")
    ),
    "a warm disk": _sda("smart.temp", ("Temperature:                    31", "Temperature:                    54")),
    "an old count that stands still": _sda("smart.growth", *_OLD, before=_OLD),
    "a count that went back": _sda("smart.growth", raw(197, "2"), before=(raw(197, "9"),)),
    "commands that timed out last year": _sda("smart.timeout", raw(188, "0 0 900"), before=(raw(188, "0 0 900"),)),
    "no bit is set": _nvme("nvme.critical"),
    "spare blocks a tenth above the drive's threshold": _nvme(
        "nvme.spare", ("Spare:                    100%", "Spare:                    20%")
    ),
    "a drive that names no threshold of its own": _nvme(
        "nvme.spare", ("Spare:                    100%", "Spare:                    4%"), _WITHOUT_SPARE_THRESHOLD
    ),
    "nine tenths of a life, less one percent": _nvme(
        "nvme.used", ("Used:                    3%", "Used:                    89%")
    ),
    "entries in the log of errors are no media errors": _nvme(
        "nvme.media", ("Entries:      12", "Entries:      5,120")
    ),
    "a thousand old entries": _nvme(
        "nvme.errlog",
        ("Entries:      12", "Entries:      1,012"),
        before=(("Entries:      12", "Entries:      1,002"),),
    ),
    "a drive a degree below its own limit": _nvme(
        "nvme.temp", ("Temperature:                        40", "Temperature:                        79")
    ),
    "an hour above the limit, last summer": _nvme(
        "nvme.temp",
        ("Warning  Comp. Temperature Time:    0", "Warning  Comp. Temperature Time:    60"),
        before=(("Warning  Comp. Temperature Time:    0", "Warning  Comp. Temperature Time:    60"),),
    ),
    "ten power cuts of a new drive": _nvme(
        "nvme.unsafe", ("Unsafe Shutdowns:                   2", "Unsafe Shutdowns:                   10")
    ),
}
