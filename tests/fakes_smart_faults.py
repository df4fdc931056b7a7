"""Faults that disks tell of, one or more for each of their checks."""

from __future__ import annotations

from caseprobe.v1 import section_pb2 as pb
from tests.fakes_faults import Fault
from tests.fakes_smart_disks import changed, disks, raw

HDD, SSD, NVME = "sda (WDC WD4000)", "sdb (Example SSD)", "nvme0 (Example NVMe)"
LOG = "SMART Extended Comprehensive Error Log Version: 1 (6 sectors)\nNo Errors Logged\n"
UNC = "40 -- 51 00 08 00 00 00 40 9b 00 40 00  Error: UNC at LBA = 0x00409b00 = 4233984"
ICRC = "84 -- 51 00 00 00 00 00 00 00 00 00 00  Error: ICRC, ABRT at LBA = 0x00000000 = 0"
PASSED = "# 1  Extended offline    Completed without error       00%     19900         -"


def logged(line: str, hours: str = "19990 hours") -> tuple[str, str]:
    """The change that puts one error into the log of the disk sda."""
    head = "SMART Extended Comprehensive Error Log Version: 1 (6 sectors)\nDevice Error Count: 1\n"
    return LOG, f"{head}Error 1 [0] occurred at disk power-on lifetime: {hours}\n\n  {line}\n"


def _sda(*changes: tuple[str, str]) -> pb.Section:
    return disks(sda=changed("sda", *changes))


def _sdb(*changes: tuple[str, str]) -> pb.Section:
    return disks(sdb=changed("sdb", *changes))


def _nvme(*changes: tuple[str, str]) -> pb.Section:
    return disks(nvme0=changed("nvme0", *changes))


def _of(check_id: str, section: pb.Section, state: str, sentence: str, *earlier: pb.Section) -> Fault:
    """A fault of the one disk of a section."""
    return Fault(check_id, section, ((state, section.smart.disks[0].name, sentence),), earlier)


def _warned(bits: str) -> pb.Section:
    return _nvme(("Warning:                   0x00", f"Warning:                   {bits}"))


_WORN = "177 Wear_Leveling_Count     -O--C-   001   001   005    NOW  3000"
_LOSSES = (
    "174 Unexpect_Power_Loss_Ct  -O--CK   100   100   000    -    38\n"
    "188 Command_Timeout         -O--CK   100   100   000    -    4"
)
_OTHER_NAME = "sda (MB4000GCWDC) had to read again 64 times"
_BELOW = ("140    -    0", "140    NOW  900")
_FAILED = PASSED.replace("Completed without error       00%", "Completed: read failure       90%").replace(
    "    -", " 4711"
)

SMART_FAULTS = (
    _of("smart.status", _sda(("PASSED", "FAILED!")), "critical", f"{HDD} says that it is failing"),
    _of(
        "smart.attr_now",
        _sda(_BELOW),
        "critical",
        f"{HDD}: Reallocated_Sector_Ct is below the vendor's failure threshold",
    ),
    _of(
        "smart.attr_now",
        _sda(("000    -    20000", "091    NOW  20000")),
        "warn",
        f"{HDD}: Power_On_Hours is past the end of the planned life",
    ),
    _of(
        "smart.attr_now",
        _sda(("099    -    0", "099    NOW  7")),
        "critical",
        f"{HDD}: End-to-End_Error is below the vendor's failure threshold",
    ),
    _of(
        "smart.attr_now",
        _sda(("045    -    31", "045    NOW  61")),
        "critical",
        f"{HDD} is hotter than its vendor allows: Airflow_Temperature_Cel",
    ),
    _of(
        "smart.attr_now",
        _sdb(("199 CRC_Error_Count         -O--CK   100   100   000    -    0", _WORN)),
        "critical",
        f"{SSD} is worn: Wear_Leveling_Count is at the vendor's limit",
    ),
    _of(
        "smart.attr_past",
        _sda(("051    -    0", "051    Past 0")),
        "warn",
        f"{HDD}: Raw_Read_Error_Rate was below the vendor's threshold once",
    ),
    _of(
        "smart.attr_past",
        _sda(("045    -    31", "045    Past 31")),
        "info",
        f"{HDD} was too hot once: Airflow_Temperature_Cel",
    ),
    _of(
        "smart.selftest",
        _sda((PASSED, _FAILED)),
        "critical",
        f"{HDD} failed its own extended self-test at 19,900 hours (first bad LBA: 4711)",
    ),
    _of(
        "smart.selftest",
        _sda((PASSED, f"{PASSED}\n{_FAILED.replace('# 1', '# 2')}")),
        "warn",
        f"{HDD} failed a self-test (extended) at 19,900 hours, and passed an extended one since",
    ),
    _of(
        "smart.selftest",
        _sda((PASSED + "\n", ""), ("(   0)", "( 121)")),
        "critical",
        f"{HDD}: the last self-test failed",
    ),
    _of(
        "smart.notested",
        _sda(("19900 ", "18000 ")),
        "info",
        f"{HDD} tested itself last 2,000 hours of running ago",
    ),
    _of(
        "smart.notested",
        _sda((PASSED + "\n", "")),
        "info",
        f"{HDD} has run 20,000 hours without a self-test in its log",
    ),
    _of(
        "smart.notested",
        _sda(("is: Enabled", "is: Disabled")),
        "info",
        f"{HDD} has its self-assessment (SMART) switched off",
    ),
    _of("smart.pending", _sda(raw(197, "8")), "critical", f"{HDD} has 8 sectors that it cannot read"),
    _of("smart.offunc", _sda(raw(198, "1")), "warn", f"{HDD}: its own scan could not read 1 sector"),
    _of("smart.realloc", _sda(raw(5, "40")), "critical", f"{HDD} has replaced 40 bad sectors by spare ones"),
    _of("smart.realloc", _sdb(raw(5, "3", "sdb")), "info", f"{SSD} has retired 3 blocks or sectors of its flash"),
    _of("smart.reported", _sda(raw(187, "2")), "warn", f"{HDD} could not give back data 2 times"),
    _of("smart.spin", _sda(raw(10, "1")), "warn", f"{HDD} needed 1 more attempt to come to speed"),
    _of("smart.e2e", _sda(raw(184, "1")), "critical", f"{HDD} found data changed in its own memory 1 time"),
    _of("smart.readerr", _sda(raw(1, "64")), "warn", f"{HDD} had to read again 64 times"),
    _of("smart.readerr", _sda(raw(200, "2")), "warn", f"{HDD} had 2 write errors"),
    _of(
        "smart.errlog",
        _sda(logged(UNC, "19990 hours")),
        "critical",
        f"{HDD} gave up reading or writing (UNC), last 10 hours of running ago at LBA 4233984",
    ),
    _of(
        "smart.errlog",
        _sda(logged(UNC, "60000 hours")),
        "warn",
        f"{HDD} gave up reading or writing (UNC) at LBA 4233984; when is not known",
    ),
    _of(
        "smart.crc",
        _sda(logged(ICRC, "19990 hours")),
        "warn",
        f"{HDD}: transfers arrive damaged (1): cable, backplane or port, not the disk",
    ),
    _of(
        "smart.crc",
        _sda(raw(199, "9")),
        "warn",
        f"{HDD}: 4 more transfers arrived damaged since the last report: cable, backplane or port",
        _sda(raw(199, "5")),
    ),
    _of("smart.crc", _sda(raw(199, "9")), "info", f"{HDD}: 9 transfers arrived damaged at some time"),
    _of(
        "smart.crc",
        _sda(raw(199, "9"), raw(197, "1")),
        "info",
        f"{HDD}: transfers arrived damaged too (9), beside errors of the disk itself",
    ),
    _of(
        "smart.defects",
        _sda(("No Defects Logged", "Index                LBA    Hours\n    0         1270381920        -")),
        "warn",
        f"{HDD} lists 1 place that it cannot read, first at LBA 1270381920",
    ),
    _of(
        "smart.devstat",
        _sda(("4               0  ---", "4               7  ---")),
        "warn",
        f"{HDD} has reported 7 uncorrectable errors in its life",
    ),
    _of(
        "smart.endurance",
        _sdb(("1              12", "1             104")),
        "critical",
        f"{SSD} has used 104.0% of its planned life",
    ),
    _of(
        "smart.temp",
        _sda(("Temperature:                    31", "Temperature:    66")),
        "critical",
        f"{HDD} is at 66 °C",
    ),
    _of(
        "smart.growth",
        _sda(raw(197, "8"), ("20000\n", "20100\n")),
        "critical",
        f"{HDD} is losing data now: Current_Pending_Sector 2 → 8 in 100 hours of running",
        _sda(raw(197, "2")),
    ),
    _of(
        "smart.growth",
        _sda(raw(5, "8"), ("20000\n", "20100\n")),
        "warn",
        f"{HDD}: Reallocated_Sector_Ct 2 → 8 in 100 hours of running",
        _sda(raw(5, "2")),
    ),
    _of(
        "smart.timeout",
        _sda(raw(188, "0 0 53"), ("20000\n", "20100\n")),
        "warn",
        f"{HDD} did not answer 50 commands in time within 100 hours",
        _sda(),
    ),
    _of(
        "smart.timeout",
        _sdb(raw(188, "34", "sdb")),
        "info",
        f"{SSD}, a solid-state disk, did not answer 34 commands in time; neither cable nor power explains it",
    ),
    _of(
        "smart.timeout",
        _sdb(raw(188, "34", "sdb"), raw(199, "59", "sdb")),
        "info",
        f"{SSD}, a solid-state disk, did not answer 34 commands in time; damaged transfers point to its cable",
    ),
    _of(
        "smart.timeout",
        _sdb(("188 Command_Timeout         -O--CK   100   100   000    -    0", _LOSSES)),
        "info",
        f"{SSD}, a solid-state disk, did not answer 4 commands in time, not more often than it lost its power",
    ),
    _of("smart.readerr", _sda(("WDC WD4000", "MB4000GCWDC"), raw(1, "64")), "warn", _OTHER_NAME),
    _of("nvme.critical", _warned("0x40"), "critical", f"{NVME} raises a critical warning (0x40)"),
    _of("nvme.critical", _warned("0x01"), "critical", f"{NVME} has fewer spare blocks left than its threshold (0x01)"),
    _of("nvme.critical", _warned("0x02"), "warn", f"{NVME} is outside its limits of temperature (0x02)"),
    _of(
        "nvme.critical",
        _warned("0x04"),
        "critical",
        f"{NVME} has become unreliable: too many media or internal errors (0x04)",
    ),
    _of("nvme.critical", _warned("0x09"), "critical", f"{NVME} has turned read-only (0x09)"),
    _of("nvme.critical", _warned("0x18"), "critical", f"{NVME} has turned read-only (0x18)"),
    _of("nvme.critical", _warned("0x10"), "critical", f"{NVME}: the power backup of its memory has failed (0x10)"),
    _of(
        "nvme.critical",
        _warned("0x20"),
        "critical",
        f"{NVME}: its persistent memory region is read-only or unreliable (0x20)",
    ),
    _of(
        "nvme.spare",
        _nvme(("Spare:                    100%", "Spare:                    4%")),
        "critical",
        f"{NVME} has 4.0% of its spare blocks left (its threshold: 10%)",
    ),
    _of(
        "nvme.used",
        _nvme(("Used:                    3%", "Used:                    97%")),
        "warn",
        f"{NVME} has used 97% of its planned life",
    ),
    _of(
        "nvme.media",
        _nvme(("Errors:    0", "Errors:    3")),
        "warn",
        f"{NVME} could not give back data 3 times in its life",
    ),
    _of(
        "nvme.media",
        _nvme(("Errors:    0", "Errors:    3")),
        "critical",
        f"{NVME} is losing data now: 3 media errors, more than at the last report",
        _nvme(),
    ),
    _of(
        "nvme.errlog",
        _nvme(("Entries:      12", "Entries:      512")),
        "info",
        f"{NVME} logged 500 new entries, 500 a day",
        _nvme(),
    ),
    _of(
        "nvme.temp",
        _nvme(("Temperature:                        40", "Temperature:                        82")),
        "warn",
        f"{NVME} is at 82 °C, or was above its limits since the last report",
    ),
    _of(
        "nvme.unsafe",
        _nvme(("Unsafe Shutdowns:                   2", "Unsafe Shutdowns:                   30")),
        "info",
        f"{NVME} lost its power 30 times in 40 starts",
    ),
)
