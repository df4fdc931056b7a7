"""/var/log/syslog, messages and kern.log: text that a syslog daemon or journalctl wrote."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from caseprobe.parse.logs.entry import KERNEL, Entry

# 2026-11-22T01:02:03.123456+01:00 db7 kernel: [   12.345678] ata1: COMRESET failed
# Nov 22 01:02:03 db7 sshd[812]: Accepted publickey for anna from 192.0.2.7 port 50122
# Nov 22 01:02:03 db7 kern.err kernel: ata1: COMRESET failed                         BusyBox syslogd, logread
# <34>1 2026-11-22T01:02:03.003Z db7 su 77 ID47 - 'su root' failed                   RFC 5424
# [   12.345678] db7 kernel: ata1: COMRESET failed                                   journalctl -o short-monotonic
# Nov 22 01:02:03 [kernel] [   12.345678] ata1: COMRESET failed                      metalog
# Sun 2026-11-22 01:02:03 CET db7 kernel: ata1: COMRESET failed                      journalctl -o short-full
LINE = re.compile(
    r"(?:<(?P<pri>\d{1,3})>)?"
    r"(?:(?:[A-Z][a-z]{2} )?(?P<iso>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?\d*(?:Z| ?[+-]\d\d:?\d\d)?)"
    r"(?: [A-Z]{3,5})?"
    r"|(?:[A-Z][a-z]{2} )?(?P<month>[A-Z][a-z]{2}) +(?P<day>\d{1,2}) (?P<time>\d\d:\d\d:\d\d)(?:\.\d{1,6})?(?: \d{4})?"
    r"|(?P<unix>\d{9,11}\.\d{6})"
    r"|\[ *(?P<monotonic>\d{1,9}\.\d{6})\]) +"
    r"(?:(?P<host>[^\s\[\]]*[^\s\[\]:]) +)?(?:(?P<facility>[a-z]{3,8}\d?)\.(?P<level>[a-z]+) )?"
    r"(?:(?P<tag>[^\s:\[]+)(?:\[(?P<pid>\d{1,9})\])?:|\[(?P<metalog>[^\]\s]+)\]) ?(?P<text>.*)"
)
RFC5424 = re.compile(
    r"<(?P<pri>\d{1,3})>1 (?:-|(?P<iso>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?\d*(?:Z|[+-]\d\d:\d\d))) "
    r"(?P<host>\S+) (?P<tag>\S+) (?:(?P<pid>\d{1,9})|\S+) \S+ "
    r"(?:-|(?:\[(?:[^\]\\\"]|\\.|\"(?:[^\"\\]|\\.)*\")*\])+)(?: \ufeff?(?P<text>.*))?"
)
KERNEL_TIME = re.compile(r"\[ *(\d{1,9}\.\d{1,9})\](?: ?\[ *[TC]\d+\])? ?")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LEVELS = ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug")
# Text logs carry no level; these words stand in for one. The parts are looked for first, because that is cheap.
ERROR_PARTS = ("error", "fail", "fatal", "critical", "panic", "segfault")
ERROR_WORDS = re.compile(r"\b(?:error|errors|failed|failure|fatal|critical|panic|segfault)\b")
WARNING_WORDS = re.compile(r"\bwarn(?:ing|ings)?\b")


def parse_syslog_line(line: str, now: datetime, utc_offset_seconds: int) -> Entry | None:
    """One line of any of these forms; None for any other text.

    now and the offset complete what the old form leaves out: its year (never later than tomorrow) and its zone.
    The text of the kernel is without its own time in brackets, which is the entry's seconds.

    >>> now = datetime(2026, 1, 2, tzinfo=UTC)
    >>> entry = parse_syslog_line("Dec 31 23:59:59 db7 kernel: [ 1.5] hello", now, 3600)
    >>> datetime.fromtimestamp(entry.at, UTC).isoformat(), entry.program, entry.text, entry.seconds
    ('2025-12-31T22:59:59+00:00', 'kernel', 'hello', 1.5)
    """
    match = RFC5424.fullmatch(line) or LINE.fullmatch(line)
    if match is None:
        return None
    told = match.groupdict()
    tag = told["tag"] or told.get("metalog") or ""
    text, kernel = told["text"] or "", tag == KERNEL and not told["pid"]
    seconds = float(told["monotonic"]) if told.get("monotonic") else None
    if kernel and (own := KERNEL_TIME.match(text)) is not None:
        seconds, text = float(own[1]), text[own.end() :]
    at = _moment(told, now, utc_offset_seconds)
    pid = int(told["pid"]) if told["pid"] else None
    return Entry(text, tag, at, seconds, _level(told), pid, host=told["host"] or "", kernel=kernel)


def _level(told: dict[str, str | None]) -> int | None:
    if told["pri"]:
        return int(told["pri"]) & 7
    level = told.get("level")
    return LEVELS.index(level) if level in LEVELS else None


def _moment(told: dict[str, str | None], now: datetime, utc_offset_seconds: int) -> float | None:
    zone = timezone(timedelta(seconds=utc_offset_seconds))
    try:
        if iso := told["iso"]:
            at = datetime.fromisoformat(iso[:11] + iso[11:].replace(" ", ""))
            return (at if at.tzinfo else at.replace(tzinfo=zone)).timestamp()
        if unix := told.get("unix"):
            return float(unix)
        month, day, clock = told.get("month"), told.get("day"), told.get("time")
        return without_year(month, day, clock, now, zone).timestamp() if month and day and clock else None
    except (ValueError, OverflowError):
        return None


def without_year(month: str, day: str, clock: str, now: datetime, zone: timezone) -> datetime:
    """The latest moment of this day and time that is not after tomorrow; 29 February is in a leap year.

    Raises ValueError where there is no such day.
    """
    number = MONTHS.index(month) + 1
    hour, minute, second = (int(part) for part in clock.split(":"))
    latest = now + timedelta(days=1)
    for year in range(latest.year, latest.year - 9, -1):
        try:
            at = datetime(year, number, int(day), hour, minute, second, tzinfo=zone)
        except ValueError:
            continue
        if at <= latest:
            return at.astimezone(UTC)
    raise ValueError("no such day")


def sounds_bad(line: str) -> str:
    """ "error" or "warning" where a word in the line says so, else empty; the line is in lower case.

    >>> sounds_bad("backup.service: failed with result 'exit-code'.")
    'error'
    """
    if any(part in line for part in ERROR_PARTS) and ERROR_WORDS.search(line):
        return "error"
    return "warning" if "warn" in line and WARNING_WORDS.search(line) else ""
