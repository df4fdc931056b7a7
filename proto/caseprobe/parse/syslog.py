"""/var/log/syslog, messages and kern.log: text that a syslog daemon wrote."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

# 2026-11-22T01:02:03.123456+01:00 db7 kernel: [   12.345678] ata1: COMRESET failed
# Nov 22 01:02:03 db7 sshd[812]: Accepted publickey for anna from 192.0.2.7 port 50122
LINE = re.compile(
    r"^(?:<\d{1,3}>)?"
    r"(?:(?P<iso>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?\d*(?:Z|[+-]\d\d:?\d\d)?)"
    r"|(?P<month>[A-Z][a-z]{2}) +(?P<day>\d{1,2}) (?P<time>\d\d:\d\d:\d\d)) +"
    r"(?P<host>\S+) +(?P<tag>[^\s:\[]+)(?:\[(?P<pid>\d+)\])?: ?(?P<text>.*)$"
)
KERNEL_TIME = re.compile(r"^\[ *\d+\.\d+\] ")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Text logs carry no level; these words stand in for one. The parts are looked for first, because that is cheap.
ERROR_PARTS = ("error", "fail", "fatal", "critical", "panic", "segfault")
ERROR_WORDS = re.compile(r"\b(?:error|errors|failed|failure|fatal|critical|panic|segfault)\b")
WARNING_WORDS = re.compile(r"\bwarn(?:ing|ings)?\b")


@dataclass(frozen=True)
class Entry:
    """One line: who wrote it and what; the text of the kernel is without its own time in brackets."""

    at: datetime | None
    program: str
    text: str


def parse_syslog_line(line: str, now: datetime, utc_offset_seconds: int) -> Entry | None:
    """One line of the old or of the new form; None for any other text.

    now and the offset complete what the old form leaves out: its year (never later than tomorrow) and its zone.

    >>> now = datetime(2026, 1, 2, tzinfo=UTC)
    >>> entry = parse_syslog_line("Dec 31 23:59:59 db7 kernel: [ 1.5] hello", now, 3600)
    >>> entry.at.isoformat(), entry.program, entry.text
    ('2025-12-31T22:59:59+00:00', 'kernel', 'hello')
    """
    match = LINE.match(line)
    if match is None:
        return None
    text = KERNEL_TIME.sub("", match["text"]) if match["tag"] == "kernel" else match["text"]
    return Entry(_moment(match, now, utc_offset_seconds), match["tag"], text)


def _moment(match: re.Match[str], now: datetime, utc_offset_seconds: int) -> datetime | None:
    zone = timezone(timedelta(seconds=utc_offset_seconds))
    try:
        if match["iso"]:
            at = datetime.fromisoformat(match["iso"])
            return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
        return _without_year(match, now, zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _without_year(match: re.Match[str], now: datetime, zone: timezone) -> datetime:
    """The latest moment of this day and time that is not after tomorrow; 29 February is in a leap year."""
    month = MONTHS.index(match["month"]) + 1
    hour, minute, second = (int(part) for part in match["time"].split(":"))
    latest = now + timedelta(days=1)
    for year in range(latest.year, latest.year - 9, -1):
        try:
            at = datetime(year, month, int(match["day"]), hour, minute, second, tzinfo=zone)
        except ValueError:
            continue
        if at <= latest:
            return at
    raise ValueError("no such day")


def sounds_bad(line: str) -> str:
    """ "error" or "warning" where a word in the line says so, else empty; the line is in lower case.

    >>> sounds_bad("backup.service: failed with result 'exit-code'.")
    'error'
    """
    if any(part in line for part in ERROR_PARTS) and ERROR_WORDS.search(line):
        return "error"
    return "warning" if "warn" in line and WARNING_WORDS.search(line) else ""
