"""What `dmesg` prints, in all its forms of time (util-linux, sys-utils/dmesg.c; BusyBox has the first one)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from caseprobe.parse.logs.entry import KERNEL, Entry

# <6>[    1.234567] text                         dmesg --raw
# [    1.234567] text                            dmesg; with [    T1] or [  C0] behind it: CONFIG_PRINTK_CALLER
# [    1.234567 <    0.000012>] text             dmesg --show-delta
# [Sun Nov 22 04:30:00 2026] text                dmesg --ctime
# [Nov22 04:30] text, then [  +0.000012] text    dmesg --reltime, --human
# 2026-11-22T04:30:00,123456+00:00 text          dmesg --time-format iso
# [Fr Aug 26 22:01:01 2022] text                 the same where days have other names
# kern  :err   : [    1.234567] text             dmesg --decode
# kern:     err: [2026-11-22T04:30:00.123456789Z]: text          talosctl dmesg
LINE = re.compile(
    r"(?:<(?P<pri>\d{1,3})>|(?P<facility>[a-z]{3,8}\d?) *: *(?P<level>[a-z]+) *: ?)?"
    r"(?:\[ *(?P<seconds>\d{1,9}\.\d{3,9})(?: <[ +-]*\d+\.\d+>)?\](?: ?\[ *[TC]\d+\])?"
    r"|\[(?P<long>[^\W\d]{2,4}\.? [^\W\d]{3,5}\.? [ \d]\d \d\d:\d\d:\d\d \d{4})(?: <[ +-]*\d+\.\d+>)?\]"
    r"|\[(?P<short>[A-Z][a-z]{2}[ \d]?\d \d\d:\d\d)\]"
    r"|\[ *\+\d+[.,]\d+\]|\[(?P<zulu>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d{1,9}Z\]:"
    r"|(?P<iso>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d,\d{6}[+-]\d\d:?\d\d)) ?(?P<text>.*)"
)
# How `dmesg --raw` and dmesg begin a line, and so do we: its time is told without reading the rest.
PLAIN = re.compile(r"(?:<\d{1,3}>)?\[ *(\d{1,9}\.\d{3,9})\]")
# Programs write into the ring, too; where the facility is not told, this is how they look. Crashes look so as well.
PROGRAM = re.compile(
    r"(?P<program>[A-Za-z][\w@./-]*)\[(?P<pid>\d{1,7})\]: (?!segfault |unhandled (?:exc|lev|sig|ali)|bad frame in )"
)
LEVELS = ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug")


def parse_ring_line(line: str, utc_offset_seconds: int = 0) -> Entry | None:
    """One line; None for any other text. The offset completes times that tell no zone.

    >>> parse_ring_line("[    2.500000] ata1: COMRESET failed (errno=-16)")
    Entry(text='ata1: COMRESET failed (errno=-16)', program='kernel', at=None, seconds=2.5, level=None, pid=None, \
unit='', host='', kernel=True, sequence=0, sequence_id='')
    """
    match = LINE.fullmatch(line)
    if match is None:
        return None
    level, kernel = _origin(match)
    seconds = float(match["seconds"]) if match["seconds"] else None
    program = PROGRAM.match(match["text"])
    if program is None:
        name = KERNEL if kernel is not False else ""
        return Entry(
            match["text"], name, _moment(match, utc_offset_seconds), seconds, level, kernel=kernel is not False
        )
    text = match["text"][program.end() :]
    at = _moment(match, utc_offset_seconds)
    return Entry(text, program["program"], at, seconds, level, int(program["pid"]))


def _origin(match: re.Match[str]) -> tuple[int | None, bool | None]:
    """Level, and whether the kernel wrote it; None where the line does not tell."""
    if match["pri"]:
        priority = int(match["pri"])
        return priority & 7, priority < 8
    if match["facility"]:
        return (LEVELS.index(match["level"]) if match["level"] in LEVELS else None), match["facility"] == "kern"
    return None, None


def _moment(match: re.Match[str], utc_offset_seconds: int) -> float | None:
    try:
        if match["zulu"]:
            return datetime.fromisoformat(f"{match['zulu']}+00:00").timestamp()
        if match["iso"]:
            return datetime.fromisoformat(match["iso"].replace(",", ".")).timestamp()
        if match["long"]:
            zone = timezone(timedelta(seconds=utc_offset_seconds))
            words = match["long"].split()
            day = f"{words[4]}-{1 + MONTHS.index(words[1]):02}-{int(words[2]):02}"
            return datetime.fromisoformat(f"{day}T{words[3]}").replace(tzinfo=zone).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        return None
    return None


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
