"""Lines that say why a report has no data: the drive has no such log, or the tool could not read it."""

from __future__ import annotations

from caseprobe.parse.smart.reader import FAILED, UNSUPPORTED, Reader, mark
from caseprobe.v1 import section_smart_pb2 as smart

# What a line speaks of, the first that it holds counts -> the part that is missing.
PARTS = (
    ("Pending Defects", "defects"),
    ("Device Statistics", "statistics"),
    ("Self-test", "selftests"),
    ("Self-Test", "selftests"),
    ("Error Information Log", "error_log"),
    ("Error Log", "error_log"),
    ("error log", "error_log"),
    ("NVMe SMART/Health", "health"),
    ("SMART/Health Information", "health"),
    ("Phy Event", "phy_events"),
    ("SCT", "temperature"),
    ("SMART Status", "status"),
    ("SMART Data", "attributes"),
    ("SMART Values", "attributes"),
    ("Attribute", "attributes"),
    ("Threshold", "attributes"),
)
UNSUPPORTED_WORDS = ("not supported", "NOT supported", "unsupported", "lacks")
FAILED_WORDS = ("failed", "failure", "invalid", "can't", "Cannot")


def take_refusal(_reader: Reader, line: str, disk: smart.SmartDisk) -> None:
    """A line that begins at the margin."""
    take_refusal_text(line, disk)


def take_refusal_text(line: str, disk: smart.SmartDisk) -> None:
    """A line that says that something is not supported or that reading it failed; others are left alone."""
    lacks = any(word in line for word in UNSUPPORTED_WORDS)
    if not lacks and not any(word in line for word in FAILED_WORDS):
        return
    for words, name in PARTS:
        if words in line:
            state = UNSUPPORTED if lacks and "failed" not in line else FAILED
            mark(disk, name, state, line.strip())
            return
