"""Reports of disks for tests: a sample of real ones with its labels, and small ones of other forms."""

from __future__ import annotations

import csv
import tarfile
from functools import cache
from pathlib import Path

SAMPLES = Path(__file__).parent / "samples" / "smart"
# Kinds of evidence that the sample is labelled with.
KINDS = (
    "failed",
    "attr_now",
    "attr_past",
    "selftest_fail",
    "log_unc",
    "log_icrc",
    "devstat_unc",
    "endurance",
    "pending",
    "offline_unc",
    "reported_unc",
    "realloc",
    "defects",
    "nvme_critical",
    "nvme_media",
    "nvme_used",
    "nvme_spare",
)


@cache
def texts() -> dict[str, str]:
    """Every report of the sample by its path in the archive."""
    found = {}
    with tarfile.open(SAMPLES / "reports.tar.xz") as archive:
        for member in archive:
            held = archive.extractfile(member)
            if held is not None:
                found[member.name] = held.read().decode("utf-8", "replace")
    return found


@cache
def labels() -> list[dict[str, str]]:
    """A row a report."""
    with (SAMPLES / "labels.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@cache
def pairs() -> list[dict[str, str]]:
    """A row a pair of reports of one drive."""
    with (SAMPLES / "pairs.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def report(label: dict[str, str]) -> str:
    """The report that a row of labels is about."""
    return texts()[f"reports/{label['path']}"]


OLD_LAYOUT = """\
smartctl 7.0 2018-12-30 r4883 [x86_64-linux-4.19.0] (local build)
Copyright (C) 2002-18, Bruce Allen, Christian Franke, www.smartmontools.org

=== START OF INFORMATION SECTION ===
Device Model:     WDC WD10EZEX-00BN5A0
Serial Number:    WD-WCC3F0000000
Firmware Version: 01.01A01
User Capacity:    1,000,204,886,016 bytes [1.00 TB]
Rotation Rate:    7200 rpm
SMART support is: Available - device has SMART capability.
SMART support is: Enabled

=== START OF READ SMART DATA SECTION ===
SMART overall-health self-assessment test result: FAILED!
Drive failure expected in less than 24 hours. SAVE ALL DATA.
See vendor-specific Attribute list for failed Attributes.

General SMART Values:
Self-test execution status:      ( 121)\tThe previous self-test completed having
\t\t\t\t\tthe read element of the test failed.

SMART Attributes Data Structure revision number: 16
Vendor Specific SMART Attributes with Thresholds:
ID# ATTRIBUTE_NAME          FLAG     VALUE WORST THRESH TYPE      UPDATED  WHEN_FAILED RAW_VALUE
  1 Raw_Read_Error_Rate     0x002f   200   200   051    Pre-fail  Always       -       0
  5 Reallocated_Sector_Ct   0x0033   001   001   140    Pre-fail  Always   FAILING_NOW 1987
  9 Power_On_Hours          0x0032   090   090   000    Old_age   Always       -       7410
190 Airflow_Temperature_Cel 0x0022   069   040   045    Old_age   Always   In_the_past 31 (Min/Max 20/60)
197 Current_Pending_Sector  0x0032   200   200   000    Old_age   Always       -       12
199 UDMA_CRC_Error_Count    0x0032   200   200   000    Old_age   Always       -       0

SMART Error Log Version: 1
ATA Error Count: 2
\tCR = Command Register [HEX]

Error 2 occurred at disk power-on lifetime: 7401 hours (308 days + 9 hours)
  When the command that caused the error occurred, the device was active or idle.

  After command completion occurred, registers were:
  ER ST SC SN CL CH DH
  -- -- -- -- -- -- --
  40 51 08 00 9b 40 e0  Error: UNC 8 sectors at LBA = 0x00409b00 = 4233984

  Commands leading to the command that caused the error were:
  CR FR SC SN CL CH DH DC   Powered_Up_Time  Command/Feature_Name
  -- -- -- -- -- -- -- --  ----------------  --------------------
  25 00 08 00 9b 40 e0 00      10:01:59.123  READ DMA EXT

Error 1 occurred at disk power-on lifetime: 12 hours (0 days + 12 hours)
  After command completion occurred, registers were:
  ER ST SC SN CL CH DH
  -- -- -- -- -- -- --
  84 51 00 00 00 00 00  Error: ICRC, ABRT at LBA = 0x00000000 = 0

SMART Self-test log structure revision number 1
Num  Test_Description    Status                  Remaining  LifeTime(hours)  LBA_of_first_error
# 1  Extended offline    Completed: read failure       90%      7405         4233984
# 2  Short offline       Completed without error       00%      6000         -

SMART Selective self-test log data structure revision number 1
"""

NVME_CLI_1 = """\
Smart Log for NVME device:nvme0n1 namespace-id:ffffffff
critical_warning                    : 0x4
temperature                         : 36 C
available_spare                     : 100%
available_spare_threshold           : 10%
percentage_used                     : 3%
data_units_read                     : 12,345,678
power_cycles                        : 120
power_on_hours                      : 9,876
unsafe_shutdowns                    : 14
media_errors                        : 2
num_err_log_entries                 : 152
Warning Temperature Time            : 5
Critical Composite Temperature Time : 0
"""

NVME_CLI_2 = """\
Smart Log for NVME device:nvme0n1 namespace-id:ffffffff
critical_warning\t\t\t: 4
temperature\t\t\t\t: 36 °C (309 K)
available_spare\t\t\t\t: 100%
available_spare_threshold\t\t: 10%
percentage_used\t\t\t\t: 3%
endurance group critical warning summary: 0
Data Units Read\t\t\t\t: 12345678 (6.32 TB)
power_cycles\t\t\t\t: 120
power_on_hours\t\t\t\t: 9876
unsafe_shutdowns\t\t\t: 14
media_errors\t\t\t\t: 2
num_err_log_entries\t\t\t: 152
Warning Temperature Time\t\t: 5
Critical Composite Temperature Time\t: 0
"""

NVME_CLI_JSON = """\
{"critical_warning": {"value": 4, "available_spare": 0, "temp_threshold": 0, "reliability_degraded": 1},
 "temperature": 309, "avail_spare": 100, "spare_thresh": 10, "percent_used": 3, "data_units_read": "12345678",
 "power_cycles": 120, "power_on_hours": "9876", "unsafe_shutdowns": 14, "media_errors": 2,
 "num_err_log_entries": 152, "warning_temp_time": 5, "critical_comp_time": 0}
"""

NVME_SMARTCTL = """\
smartctl 7.4 2023-08-01 r5530 [x86_64-linux-6.1.0] (local build)

=== START OF INFORMATION SECTION ===
Model Number:                       Example NVMe
Total NVM Capacity:                 256,060,514,304 [256 GB]

=== START OF SMART DATA SECTION ===
SMART overall-health self-assessment test result: FAILED!
- NVM subsystem reliability has been degraded

SMART/Health Information (NVMe Log 0x02)
Critical Warning:                   0x04
Temperature:                        36 Celsius
Available Spare:                    100%
Available Spare Threshold:          10%
Percentage Used:                    3%
Power Cycles:                       120
Power On Hours:                     9,876
Unsafe Shutdowns:                   14
Media and Data Integrity Errors:    2
Error Information Log Entries:      152
Warning  Comp. Temperature Time:    5
Critical Comp. Temperature Time:    0

"""

SAS = """\
smartctl 7.3 2022-02-28 r5338 [x86_64-linux-5.15.0] (local build)

=== START OF INFORMATION SECTION ===
Vendor:               SEAGATE
Product:              ST4000NM0023
Revision:             0004
Compliance:           SPC-4
User Capacity:        4,000,787,030,016 bytes [4.00 TB]
Rotation Rate:        7200 rpm
Serial number:        Z1Z00000
Transport protocol:   SAS (SPL-3)
SMART support is:     Available - device has SMART capability.
SMART support is:     Enabled

=== START OF READ SMART DATA SECTION ===
SMART Health Status: FAILURE PREDICTION THRESHOLD EXCEEDED [asc=5d, ascq=10]

Current Drive Temperature:     38 C
Drive Trip Temperature:        60 C

Elements in grown defect list: 127
Pending defect count:2 Pending Defects

Error counter log:
           Errors Corrected by           Total   Correction     Gigabytes    Total
               ECC          rereads/    errors   algorithm      processed    uncorrected
           fast | delayed   rewrites  corrected  invocations   [10^9 bytes]  errors
read:   4187612421        0         0  4187612421          0     123456.789           3
write:         0        0         0         0          0      25213.434           0

Non-medium error count:       14

SMART Self-test log
Num  Test              Status                 segment  LifeTime  LBA_first_err [SK ASC ASQ]
     Description                              number   (hours)
# 1  Background long   Failed in segment -->       3   31234           5717331 [0x3 0x11 0x0]
# 2  Background short  Completed                   -   20000                 - [-   -    -]

"""
