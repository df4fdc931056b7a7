"""What GNU df prints of room or inodes: one line a mount."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

# Filesystem     1K-blocks     Used Available Use% Mounted on
# /dev/vda       264212084 32638244  73752668  31% /
# Filesystem       Inodes  IUsed    IFree IUse% Mounted on
HEADING = re.compile(r"^Filesystem\s+(?:Type\s+)?(?:(?P<unit>1K|1024|512)-blocks|(?P<inodes>Inodes))\s")
UNITS = {"1K": 1024, "1024": 1024, "512": 512}
LINES_AT_MOST, LONGEST_LINE = 10_000, 4096
SHARE, NUMBER = re.compile(r"\d{1,6}%|-"), re.compile(r"-?\d{1,19}")


@dataclass(frozen=True)
class Amounts:
    """Of one mount, in bytes or inodes; left is what an unprivileged user may still take."""

    total: int
    used: int
    left: int


def parse_df_output(text: str) -> Mapping[str, Amounts]:
    """Amounts by mount point; the last of several mounted there counts, which hides the others.

    Raises ValueError where the heading is not df's, or its unit is not told.

    >>> parse_df_output("Filesystem 1K-blocks Used Available Use% Mounted on\\n/dev/vda 8 3 4 43% /\\n")["/"].left
    4096
    """
    lines = text.splitlines()[:LINES_AT_MOST]
    heading = next((match for line in lines if (match := HEADING.match(line)) is not None), None)
    if heading is None:
        raise ValueError("the heading of df is missing")
    unit = UNITS.get(heading["unit"] or "", 1)
    found: dict[str, Amounts] = {}
    for line in lines:
        if len(line) < LONGEST_LINE and (row := _row(line)) is not None:
            mount_point, (total, used, left) = row
            found[mount_point] = Amounts(total * unit, used * unit, left * unit)
    return found


def _row(line: str) -> tuple[str, tuple[int, int, int]] | None:
    """Mount point and three numbers; None for other lines. The device's name and the mount point may hold blanks."""
    words = line.split()
    # From the right: a share in percent or "-", with three numbers before it and an absolute path behind it.
    for at in range(len(words) - 2, 3, -1):
        numbers = words[at - 3 : at]
        if SHARE.fullmatch(words[at]) and words[at + 1].startswith("/") and all(map(NUMBER.fullmatch, numbers)):
            total, used, left = (max(0, int(number)) for number in numbers)
            return " ".join(words[at + 1 :]), (total, used, left)
    return None
