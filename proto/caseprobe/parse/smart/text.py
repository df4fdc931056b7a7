"""smartctl -a and -x, as text: every line that begins at the margin goes to the part that it opens."""

from __future__ import annotations

from caseprobe.parse.smart import (
    attributes,
    errors,
    health,
    identity,
    nvme_cli,
    refusals,
    selftests,
    statistics,
    temperature,
)
from caseprobe.parse.smart.reader import Parse, Reader
from caseprobe.v1 import section_smart_pb2 as smart

HEADINGS: tuple[tuple[str, Parse], ...] = (
    ("smartctl ", identity.take_tool),
    ("Rotation Rate:", identity.take_rotation),
    ("SMART support is:", identity.take_support),
    ("SMART overall-health self-assessment test result:", health.take_status),
    ("SMART Health Status:", health.take_status),
    ("Self-test execution status:", selftests.take_execution),
    ("ID# ATTRIBUTE_NAME", attributes.take_attributes),
    ("SMART Extended Comprehensive Error Log Version:", errors.take_error_heading),
    ("SMART Error Log Version:", errors.take_error_heading),
    ("Device Error Count:", errors.take_error_count),
    ("ATA Error Count:", errors.take_error_count),
    ("No Errors Logged", errors.take_no_errors),
    ("Error Information (NVMe Log", health.take_nvme_errors),
    ("Error ", errors.take_error),
    ("SMART Extended Self-test Log Version:", selftests.take_selftest_heading),
    ("SMART Self-test log structure", selftests.take_selftest_heading),
    ("SMART Self-test log", selftests.take_selftest_heading),
    ("No self-tests have been logged", selftests.take_no_selftests),
    ("Num  Test", selftests.take_selftests),
    ("Self-test Log (NVMe Log", selftests.take_nvme_selftests),
    ("Device Statistics (", statistics.take_statistics),
    ("Pending Defects log (", statistics.take_defects),
    ("SATA Phy Event Counters (", statistics.take_phy_events),
    ("SMART/Health Information (NVMe Log", health.take_nvme_health),
    (nvme_cli.HEADING, nvme_cli.take_nvme_cli),
    (nvme_cli.ERRORS_HEADING, nvme_cli.take_nvme_cli_errors),
    ("read:", health.take_scsi_counter),
    ("write:", health.take_scsi_counter),
    *((f"{name}:", identity.take_identity) for name in (*identity.NAMES, *identity.CAPACITIES)),
    *((f"{name}:", identity.take_identity) for name in (*identity.PROTOCOLS, *identity.LIMITS)),
    *((f"{name}:", temperature.take_temperature) for name in (*temperature.SINGLE, *temperature.SECOND_OF_PAIR)),
    *((f"{name}:", health.take_scsi_value) for name in health.SCSI),
)
# By the first letters, so that a line is compared with a few headings only.
KEY_LENGTH = 4
BY_KEY: dict[str, tuple[tuple[str, Parse], ...]] = {
    key: tuple(row for row in HEADINGS if row[0].startswith(key)) for key in {text[:KEY_LENGTH] for text, _ in HEADINGS}
}
# What ends the error log: a part that smartctl prints after it.
AFTER_ERRORS = frozenset((selftests.take_selftest_heading, selftests.take_selftests, statistics.take_statistics))


def parse_text(text: str, disk: smart.SmartDisk) -> bool:
    """Fill in what the text tells; False where not one line of it is smartctl's."""
    reader = Reader(text.replace("\r", "").split("\n"))
    known = False
    while reader.more():
        line = reader.next()
        # Rows of tables that nobody reads, such as the directory of logs, begin with an address.
        if not line or line[0] in " \t0":
            continue
        known = _take(reader, line, disk) or known
    errors.close_errors(disk)
    return known


def _take(reader: Reader, line: str, disk: smart.SmartDisk) -> bool:
    """Hand a line to its part; True where it has one."""
    for heading, parse in BY_KEY.get(line[:KEY_LENGTH], ()):
        if line.startswith(heading):
            if "not supported" in line or " failed" in line:
                break
            if parse in AFTER_ERRORS:
                errors.complete_errors(disk)
            parse(reader, line, disk)
            return True
    if " failed" in line or "supported" in line or "invalid" in line:
        refusals.take_refusal(reader, line, disk)
    return False
