"""When a line of a text log was written, told by its first bytes alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from caseprobe.parse.logs.syslog import MONTHS, without_year

# 2026-11-22T01:02:03.123456+01:00 db7 …             RFC 5424 and what follows ISO 8601; the zone may be missing
# <34>1 2026-11-22T01:02:03.003Z db7 …
# [2026-11-22 01:02:03,123] INFO …                    programs' own logs
# Nov 22 01:02:03 db7 …                               RFC 3164: no year, no zone
# Sun Nov 22 01:02:03 2026 …
# 1763773323.123456 db7 …
STAMP = re.compile(
    rb"(?:<\d{1,3}>(?:1 )?)?\[?(?:[A-Z][a-z]{2},? )?"
    rb"(?:(?P<iso>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|[+-]\d\d:?\d\d)\b)?)"
    rb"|(?P<month>[A-Z][a-z]{2}) +(?P<day>\d{1,2}) (?P<time>\d\d:\d\d:\d\d)(?:\.\d{1,9})?(?: (?P<year>\d{4})\b)?"
    rb"|(?P<unix>\d{9,11}\.\d{3,6}) )"
)
# Behind this no line's moment is looked for; zero bytes before it aside.
HEAD_BYTES = 96


def moment_of(line: bytes, latest: float, utc_offset_seconds: int) -> float | None:
    """In seconds since 1970; None where the line does not begin with a moment, as further lines of a record do not.

    latest and the offset complete what is left out: the year (never later than a day after) and the zone. Zero bytes
    before it are passed over: a crash leaves some behind.

    >>> moment_of(b"Jan  1 00:00:10 db7 app: x", 86400.0, 3600) == -3590.0
    True
    >>> moment_of(b"    at Main.java:7", 0.0, 0) is None
    True
    """
    match = STAMP.match(line[:HEAD_BYTES].lstrip(b"\0"))
    if match is None:
        return None
    told = {name: value.decode("ascii") for name, value in match.groupdict().items() if value is not None}
    zone = timezone(timedelta(seconds=utc_offset_seconds))
    try:
        if "unix" in told:
            return float(told["unix"])
        if "iso" in told:
            at = datetime.fromisoformat(told["iso"][:11] + told["iso"][11:].replace(" ", ""))
        elif "year" in told:
            month = MONTHS.index(told["month"]) + 1
            at = datetime.fromisoformat(f"{told['year']}-{month:02}-{int(told['day']):02}T{told['time']}")
        else:
            at = without_year(told["month"], told["day"], told["time"], datetime.fromtimestamp(latest, UTC), zone)
        return (at if at.tzinfo else at.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
