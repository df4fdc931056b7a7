"""What GNU df prints of room or inodes: one line a mount."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

# Filesystem     1K-blocks     Used Available Use% Mounted on
# /dev/vda       264212084 32638244  73752668  31% /
# Filesystem       Inodes  IUsed    IFree IUse% Mounted on
HEADING = re.compile(r"^Filesystem\s+(?:Type\s+)?(?:(?P<unit>1K|1024|512)-blocks|(?P<inodes>Inodes))\s")
LINE = re.compile(
    r"^\S.*?\s+(?P<total>\d{1,19})\s+(?P<used>\d{1,19})\s+(?P<left>-?\d{1,19})\s+(?:\d+%|-)\s+(?P<at>/.*)$"
)
UNITS = {"1K": 1024, "1024": 1024, "512": 512}
LINES_AT_MOST = 10_000


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
        if len(line) < 4096 and (match := LINE.match(line)) is not None:
            total, used, left = (max(0, int(match[name])) * unit for name in ("total", "used", "left"))
            found[match["at"]] = Amounts(total, used, left)
    return found
