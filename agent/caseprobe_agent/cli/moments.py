"""Moments as people give them: 2026-11-22T14:05, 14:05, yesterday 14:00, -2h; and as they read them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from caseprobe.errors import UsageError
from caseprobe.parse.logs.window import Window

AGO = re.compile(r"-(\d{1,6}(?:\.\d+)?)\s*(s|sec|seconds?|m|min|minutes?|h|hours?|d|days?|w|weeks?)")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?")
DAYS = {"today": 0, "yesterday": 1}
FORMS = "give 2026-11-22T14:05, 14:05 (today), yesterday 14:00 or -2h"


# A moment without a zone in the machine's own, by its rules for that day.
Local = Callable[[datetime], datetime]


def told(text: str | None, local: Local = datetime.astimezone) -> str:
    """A moment that a program wrote, for people: day and time in the machine's own zone, by name; a dash for none.

    >>> told("2026-11-22T14:05:09+00:00", lambda at: at), told(None)
    ('2026-11-22 14:05 UTC', '-')
    """
    return f"{local(datetime.fromisoformat(text)):%Y-%m-%d %H:%M %Z}" if text else "-"


def moment(text: str, now: datetime, local: Local = datetime.astimezone) -> datetime:
    """The moment that is meant; a day without a time of day is its midnight. Raises ValueError where it is none.

    >>> from datetime import UTC
    >>> now, utc = datetime(2026, 11, 22, 16, 30, tzinfo=UTC), lambda at: at.replace(tzinfo=UTC)
    >>> [moment(text, now, utc).isoformat(" ", "minutes") for text in ("14:05", "yesterday 14:00", "-2h")]
    ['2026-11-22 14:05+00:00', '2026-11-21 14:00+00:00', '2026-11-22 14:30+00:00']
    """
    text = text.strip().lower()
    if text == "now":
        return now
    if (ago := AGO.fullmatch(text)) is not None:
        return now - timedelta(**{UNITS[ago[2][0]]: float(ago[1])})
    day, _, rest = text.partition(" ")
    if day in DAYS:
        return _at(now - timedelta(days=DAYS[day]), rest.strip() or "00:00", local)
    if CLOCK.fullmatch(text) is not None:
        return _at(now, text, local)
    given = datetime.fromisoformat(text.upper())
    return given if given.tzinfo else local(given)


def window(begin: str | None, end: str | None, now: datetime) -> Window | None:
    """From and to, of which one may be missing; None where both are. Raises UsageError."""
    if begin is None and end is None:
        return None
    from_at = datetime.fromtimestamp(0, now.tzinfo) if begin is None else _given("--from", begin, now)
    to_at = now if end is None else _given("--to-time", end, now)
    if from_at > now:
        raise UsageError(f"--from {begin} lies in the future ({from_at:%Y-%m-%d %H:%M:%S %Z}): nothing is logged yet")
    if from_at >= to_at:
        raise UsageError(f"the window ends before it begins: {from_at:%Y-%m-%d %H:%M:%S} to {to_at:%Y-%m-%d %H:%M:%S}")
    return Window(from_at.timestamp(), min(to_at, now).timestamp())


def _given(option: str, text: str, now: datetime) -> datetime:
    try:
        return moment(text, now)
    except (ValueError, OverflowError):
        raise UsageError(f"{option}: {text!r} is no moment; {FORMS}") from None


def _at(day: datetime, clock: str, local: Local) -> datetime:
    match = CLOCK.fullmatch(clock)
    if match is None:
        raise ValueError("no time of day")
    hour, minute, second = (int(part or 0) for part in match.groups())
    return local(day.replace(hour=hour, minute=minute, second=second, microsecond=0, tzinfo=None))
