"""Cron lines: five fields, in the machine's time zone, with cron's own meaning of the day of the week."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from caseprobe.errors import UsageError

DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# The newest times are looked for in ever longer spans, so a clock that is years off costs no more than a short look.
SPANS = tuple(timedelta(days=days) for days in (1 / 24, 1, 7, 31, 366, 366 * 5))


def fires_between(line: str, since: datetime, until: datetime) -> Iterator[datetime]:
    """The times of a cron line after since, up to and including until, in order; both aware, in one time zone.

    Raises UsageError for a line that is none.
    """
    from apscheduler.triggers.cron import CronTrigger  # five MiB that an agent without such a timetable does not need

    try:
        minute, hour, day, month, weekday = line.split()
        days = day_of_week(weekday)
        trigger = CronTrigger(None, month, day, None, days, hour, minute, None, None, until, until.tzinfo)
    except ValueError as error:
        raise UsageError(f"{line!r} is no cron line (minute hour day month weekday): {error}") from error
    previous = since
    while (following := trigger.get_next_fire_time(previous, previous)) and following <= until:
        yield following
        previous = following


def newest_fires(line: str, since: datetime, until: datetime, count: int) -> list[datetime]:
    """The newest times after since, up to and including until, at most count of them, oldest first."""
    found: list[datetime] = []
    for span in SPANS:
        found = list(fires_between(line, max(since, until - span), until))
        if len(found) >= count or until - span <= since:
            break
    return found[-count:]


def next_fire(line: str, after: datetime) -> datetime | None:
    """The line's next time; None where there is none within five years."""
    return next(fires_between(line, after, after + SPANS[-1]), None)


def gap_seconds(line: str, at: datetime) -> float:
    """Seconds from a time to the line's next one; 0 where there is none within five years."""
    return ((next_fire(line, at) or at) - at).total_seconds()


def day_of_week(field: str) -> str:
    """A weekday field with names for numbers, since cron counts from Sunday and APScheduler from Monday.

    >>> day_of_week("1-5"), day_of_week("5-7"), day_of_week("*/3"), day_of_week("*")
    ('mon,tue,wed,thu,fri', 'fri,sat,sun', 'sun,wed,sat', '*')
    """
    if field == "*":
        return field
    return ",".join(name for part in field.lower().split(",") for name in _days(part))


def _days(part: str) -> list[str]:
    """One item of the list: a day, a range or a step; raises ValueError."""
    span, _, step = part.partition("/")
    begins, _, ends = ("0-6" if span == "*" else span).partition("-")
    first, last = _day(begins), _day(ends) if ends else 6 if step else _day(begins)
    if last < first or (step and int(step) < 1):
        raise ValueError(f"{part!r} is no span of weekdays")
    return [DAYS[day % 7] for day in range(first, last + 1, int(step or 1))]


def _day(text: str) -> int:
    """A weekday as 0 (Sunday) to 7 (Sunday again)."""
    if text in DAYS:
        return DAYS.index(text)
    if text.isdigit() and int(text) <= 7:
        return int(text)
    raise ValueError(f"{text!r} is no weekday")
