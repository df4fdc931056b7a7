"""What `uptime` prints: for how long the machine runs, and its load."""

from __future__ import annotations

import re
from dataclasses import dataclass

#  11:17:50 up 3 days, 10:02,  2 users,  load average: 3.50, 2.87, 2.03
UP = re.compile(
    r"\bup\s+(?:(?P<days>\d{1,6}) days?,\s+)?(?:(?P<hours>\d{1,2}):(?P<minutes>\d\d)|(?P<only>\d{1,2}) min)"
)
LOAD = re.compile(r"load averages?:\s*(\d+[.,]\d+),?\s+(\d+[.,]\d+),?\s+(\d+[.,]\d+)")


@dataclass(frozen=True)
class Uptime:
    """To the minute; load over 1, 5 and 15 minutes, as printed."""

    seconds: float
    loads: tuple[str, str, str]


def parse_uptime_output(text: str) -> Uptime:
    """The line's numbers; raises ValueError where they are not in it.

    >>> parse_uptime_output(" 11:17:50 up 1 day, 10:02,  1 user,  load average: 3.50, 2.87, 2.03").seconds
    122520.0
    """
    up, load = UP.search(text[:1000]), LOAD.search(text[:1000])
    if up is None or load is None:
        raise ValueError("it does not say for how long the machine runs")
    minutes = int(up["days"] or 0) * 1440 + int(up["hours"] or 0) * 60 + int(up["minutes"] or up["only"] or 0)
    one, five, fifteen = (number.replace(",", ".") for number in load.groups())
    return Uptime(minutes * 60.0, (one, five, fifteen))
