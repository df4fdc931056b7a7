"""SCT status: temperature now, and the limits that the drive itself names."""

from __future__ import annotations

from caseprobe.parse.smart.reader import READ, Reader, mark, tell
from caseprobe.v1 import section_smart_pb2 as smart

# Current Temperature:                    30 Celsius
# Specified Max Operating Temperature:    60 Celsius
# Min/Max recommended Temperature:      5/ 60 Celsius
# Min/Max Temperature Limit:            0/ 65 Celsius
# Under/Over Temperature Limit Count:   0/3
SINGLE = {
    "Current Temperature": "temperature_celsius",
    "Specified Max Operating Temperature": "operating_limit_celsius",
}
SECOND_OF_PAIR = {
    "Lifetime    Min/Max Temperature": "highest_celsius",
    "Min/Max recommended Temperature": "recommended_limit_celsius",
    "Min/Max Temperature Limit": "critical_limit_celsius",
    "Under/Over Temperature Limit Count": "over_limit_total",
}


def take_temperature(reader: Reader, line: str, disk: smart.SmartDisk) -> None:
    """One line of the SCT status or of the temperature history that the drive keeps."""
    name, _, text = line.partition(":")
    if name in SINGLE:
        found = _signed(text)
        mark(disk, "temperature", READ)
    else:
        found = _signed(text.partition("/")[2])
    if found is not None:
        tell(disk, SINGLE.get(name) or SECOND_OF_PAIR[name], found, reader.line())


def _signed(text: str) -> int | None:
    """The number that a text begins with, which may be below zero; None for "?" and what no drive ever had."""
    word = (text.split() or [""])[0]
    digits = word.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 12:
        return None
    return -int(digits) if word.startswith("-") else int(digits)
