"""Disks that are well, as their reports tell, and sections with one of them changed."""

from __future__ import annotations

from caseprobe.parse.smart import parse_report
from caseprobe.v1 import section_pb2 as pb
from caseprobe.v1 import section_smart_pb2 as smart
from tests.fakes_sections import section

HDD = """\
smartctl 7.4 2023-08-01 r5530 [x86_64-linux-6.1.0] (local build)

=== START OF INFORMATION SECTION ===
Device Model:     WDC WD4000
Serial Number:    WD-1
Rotation Rate:    7200 rpm
SMART support is: Available - device has SMART capability.
SMART support is: Enabled

=== START OF READ SMART DATA SECTION ===
SMART overall-health self-assessment test result: PASSED

General SMART Values:
Self-test execution status:      (   0)\tThe previous self-test routine completed

ID# ATTRIBUTE_NAME          FLAGS    VALUE WORST THRESH FAIL RAW_VALUE
  1 Raw_Read_Error_Rate     POSR-K   200   200   051    -    0
  5 Reallocated_Sector_Ct   PO--CK   200   200   140    -    0
  9 Power_On_Hours          -O--CK   090   090   000    -    20000
 10 Spin_Retry_Count        -O--CK   100   100   000    -    0
 12 Power_Cycle_Count       -O--CK   100   100   000    -    40
184 End-to-End_Error        -O--CK   100   100   099    -    0
187 Reported_Uncorrect      -O--CK   100   100   000    -    0
188 Command_Timeout         -O--CK   100   100   000    -    0 0 3
190 Airflow_Temperature_Cel -O---K   069   050   045    -    31
194 Temperature_Celsius     -O---K   119   110   000    -    31
197 Current_Pending_Sector  -O--CK   200   200   000    -    0
198 Offline_Uncorrectable   ----CK   200   200   000    -    0
199 UDMA_CRC_Error_Count    -O--CK   200   200   000    -    0
200 Multi_Zone_Error_Rate   ---R--   200   200   000    -    0
                            ||||||_ K auto-keep

SMART Extended Comprehensive Error Log Version: 1 (6 sectors)
No Errors Logged

SMART Extended Self-test Log Version: 1 (1 sectors)
Num  Test_Description    Status                  Remaining  LifeTime(hours)  LBA_of_first_error
# 1  Extended offline    Completed without error       00%     19900         -

SMART Selective self-test log data structure revision number 1

Current Temperature:                    31 Celsius
Min/Max Temperature Limit:            0/65 Celsius

Device Statistics (GP Log 0x04)
Page  Offset Size        Value Flags Description
0x04  =====  =               =  ===  == General Errors Statistics (rev 1) ==
0x04  0x008  4               0  ---  Number of Reported Uncorrectable Errors
                                |___ N normalized value

Pending Defects log (GP Log 0x0c)
No Defects Logged

"""

SSD = """\
smartctl 7.4 2023-08-01 r5530 [x86_64-linux-6.1.0] (local build)

Device Model:     Example SSD
Serial Number:    S-2
Rotation Rate:    Solid State Device
SMART overall-health self-assessment test result: PASSED

ID# ATTRIBUTE_NAME          FLAGS    VALUE WORST THRESH FAIL RAW_VALUE
  5 Reallocated_Sector_Ct   PO--CK   100   100   010    -    0
  9 Power_On_Hours          -O--CK   099   099   000    -    5000
188 Command_Timeout         -O--CK   100   100   000    -    0
194 Temperature_Celsius     -O---K   067   050   000    -    33
199 CRC_Error_Count         -O--CK   100   100   000    -    0

SMART Extended Comprehensive Error Log Version: 1 (1 sectors)
No Errors Logged

SMART Extended Self-test Log Version: 1 (1 sectors)
Num  Test_Description    Status                  Remaining  LifeTime(hours)  LBA_of_first_error
# 1  Short offline       Completed without error       00%      4990         -

Device Statistics (GP Log 0x04)
Page  Offset Size        Value Flags Description
0x04  0x008  4               0  ---  Number of Reported Uncorrectable Errors
0x07  0x008  1              12  ---  Percentage Used Endurance Indicator
                                |___ N normalized value

Pending Defects log (GP Log 0x0c) not supported

"""

NVME = """\
smartctl 7.4 2023-08-01 r5530 [x86_64-linux-6.1.0] (local build)

Model Number:                       Example NVMe
Serial Number:                      N-3
NVMe Version:                       1.4
Warning  Comp. Temp. Threshold:     80 Celsius
Critical Comp. Temp. Threshold:     85 Celsius
SMART overall-health self-assessment test result: PASSED

SMART/Health Information (NVMe Log 0x02)
Critical Warning:                   0x00
Temperature:                        40 Celsius
Available Spare:                    100%
Available Spare Threshold:          10%
Percentage Used:                    3%
Power Cycles:                       40
Power On Hours:                     9,000
Unsafe Shutdowns:                   2
Media and Data Integrity Errors:    0
Error Information Log Entries:      12
Warning  Comp. Temperature Time:    0
Critical Comp. Temperature Time:    0

Error Information (NVMe Log 0x01, 16 of 64 entries)
No Errors Logged

Self-test Log (NVMe Log 0x06)
Self-test status: No self-test in progress
Num  Test_Description  Status                       Power_on_Hours  Failing_LBA  NSID Seg SCT Code
 0   Short             Completed without error                8990            -     -   -   -    -

"""
WELL = {"sda": HDD, "sdb": SSD, "nvme0": NVME}
# A finding is proved by a line of what this command printed.
COMMAND = "smartctl -x /dev/"


def changed(name: str, *changes: tuple[str, str]) -> str:
    """The report of a disk that is well, with texts replaced; one that is not there is a mistake of the test."""
    text = WELL[name]
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def disk(name: str, text: str) -> smart.SmartDisk:
    """A disk by its report."""
    return parse_report(text, name, f"{COMMAND}{name}")


def disks(**reports: str) -> pb.Section:
    """A section with these disks by name and report."""
    return section("smart", smart=smart.SmartFacts(disks=[disk(name, text) for name, text in reports.items()]))


def raw(number: int, value: str, name: str = "sda") -> tuple[str, str]:
    """The change that gives an attribute another raw value."""
    row = next(line for line in WELL[name].split("\n") if line.startswith(f"{number:3} ") and line[4:5].isalpha())
    head, dash, _ = row.partition("    -    ")
    return row, f"{head}{dash}{value}"


WELL_SMART = (disks(**WELL),)
