"""Which timetables are due: decided from what ran last and two clocks, without looking at either.

A period is counted on the clock that runs from boot, so a step of the wall clock neither doubles nor drops a run;
across a restart of the machine, where that clock begins anew, the wall clock has to do. A cron line speaks of the
wall clock; its last run is moved along when that clock is stepped back, so nothing waits for a time to come again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from caseprobe.v1.link_pb2 import CATCH_UP_ALL, CATCH_UP_SKIP, Schedule
from caseprobe_agent.schedule.cron import gap_seconds, newest_fires, next_fire

LONGEST_SPLAY_SECONDS = 60.0
# More runs than this are never caught up on, so that a machine that was off for a year does not measure for a day.
MOST_CAUGHT_UP = 100
# A run counts as missed when it is later than a tenth of its period, within these bounds.
LATE_LEAST_SECONDS, LATE_MOST_SECONDS = 2.0, 60.0
# A wall clock that differs by less than this from what the boot clock says was slewed, not stepped.
STEP_SECONDS = 1.0


@dataclass(frozen=True)
class Moment:
    """Now, on every clock: wall is aware and in the machine's time zone, boottime_seconds counts sleep as well."""

    wall: datetime
    boottime_seconds: float
    boot_id: str


@dataclass(frozen=True)
class LastRun:
    """Up to which slot a timetable has been served, on both clocks; ran_at says when the last run really began.

    The first one is made when the timetable arrives and stands for no run.
    """

    slot_wall: datetime
    slot_boottime_seconds: float
    ran_at: Moment


@dataclass(frozen=True)
class Due:
    """One slot that has come: its timetable, the time that it stands for, what to remember, and whether to run it.

    run is False for what was missed and is not caught up on: it is only remembered.
    """

    schedule: Schedule
    slot: datetime
    served: LastRun
    run: bool = True


def first(schedule: Schedule, agent_id: str, now: Moment) -> LastRun:
    """What a new timetable starts from: a first run within its period, spread by agent so that a fleet has no peak."""
    if not schedule.every_seconds:
        return LastRun(now.wall, now.boottime_seconds, now)
    wait = splay(agent_id, schedule.schedule_id) * min(schedule.every_seconds, LONGEST_SPLAY_SECONDS)
    back = schedule.every_seconds - wait
    return LastRun(now.wall - timedelta(seconds=back), now.boottime_seconds - back, now)


def splay(agent_id: str, schedule_id: str) -> float:
    """A fixed place in 0..1 for this agent and timetable.

    >>> splay("agent_a", "sched_1") == splay("agent_a", "sched_1")
    True
    """
    digest = hashlib.sha256(f"{agent_id} {schedule_id}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def due(schedules: Sequence[Schedule], last_runs: Mapping[str, LastRun], now: Moment) -> list[Due]:
    """Every run that is due, oldest slot first per timetable.

    last_runs: by schedule_id; a timetable without an entry is not due (see first).
    """
    found: list[Due] = []
    for schedule in schedules:
        last = last_runs.get(schedule.schedule_id)
        if last is not None:
            slots = _period_slots(schedule, last, now) if schedule.every_seconds else _cron_slots(schedule, last, now)
            found += _caught_up(schedule, slots, now)
    return found


def upcoming(schedule: Schedule, last: LastRun, now: Moment) -> datetime | None:
    """When a timetable runs next; None for a cron line that names no time within five years."""
    if not schedule.every_seconds:
        return next_fire(schedule.cron, now.wall)
    elapsed = _elapsed(last, now)
    wait = schedule.every_seconds - elapsed if elapsed is not None else 0.0
    return now.wall + timedelta(seconds=max(0.0, wait))


@dataclass(frozen=True)
class _Slot:
    """A time at which a run stands, and how long ago that is."""

    wall: datetime
    boottime_seconds: float
    late_seconds: float
    period_seconds: float


def _period_slots(schedule: Schedule, last: LastRun, now: Moment) -> list[_Slot]:
    """The slots of a period that have come since the last one that was served, the newest last."""
    every = schedule.every_seconds
    elapsed = _elapsed(last, now)
    if elapsed is None:
        return [_Slot(now.wall, now.boottime_seconds, 0.0, every)]
    total = int(elapsed // every)
    kept = range(max(1, total - MOST_CAUGHT_UP + 1), total + 1)
    lates = [elapsed - number * every for number in kept]
    return [_Slot(now.wall - timedelta(seconds=late), now.boottime_seconds - late, late, every) for late in lates]


def _elapsed(last: LastRun, now: Moment) -> float | None:
    """Seconds since the last slot; None where the clocks cannot tell (another boot, and the wall clock went back)."""
    if last.ran_at.boot_id == now.boot_id:
        return now.boottime_seconds - last.slot_boottime_seconds
    seconds = (now.wall - last.slot_wall).total_seconds()
    return seconds if seconds >= 0 else None


def _cron_slots(schedule: Schedule, last: LastRun, now: Moment) -> list[_Slot]:
    """The times of a cron line that have come, the newest last."""
    since = last.slot_wall + timedelta(seconds=min(0.0, _step(last, now)))
    if last.ran_at.boot_id != now.boot_id:
        since = min(since, now.wall)
    return [
        _Slot(at, now.boottime_seconds - late, late, gap_seconds(schedule.cron, at))
        for at in newest_fires(schedule.cron, since, now.wall, MOST_CAUGHT_UP)
        if (late := (now.wall - at).total_seconds()) >= 0 and not _again(schedule, at, last, now)
    ]


def _step(last: LastRun, now: Moment) -> float:
    """By how much the wall clock was stepped since the last run; 0 where only the boot clock could tell."""
    if last.ran_at.boot_id != now.boot_id:
        return 0.0
    wall = (now.wall - last.ran_at.wall).total_seconds()
    step = wall - (now.boottime_seconds - last.ran_at.boottime_seconds)
    return step if abs(step) >= STEP_SECONDS else 0.0


def _again(schedule: Schedule, at: datetime, last: LastRun, now: Moment) -> bool:
    """True for a time that already ran and came again because the clock was stepped back."""
    if at > last.slot_wall or last.ran_at.boot_id != now.boot_id:
        return False
    came = now.boottime_seconds - (now.wall - at).total_seconds()
    return came - last.ran_at.boottime_seconds < gap_seconds(schedule.cron, at) / 2


def _caught_up(schedule: Schedule, slots: list[_Slot], now: Moment) -> Iterator[Due]:
    """What catch_up makes of the slots: all run, or the newest, or the newest if it is not late."""
    if not slots:
        return
    newest = slots[-1]
    bound = min(max(newest.period_seconds / 10, LATE_LEAST_SECONDS), LATE_MOST_SECONDS)
    run = schedule.catch_up != CATCH_UP_SKIP or newest.late_seconds <= bound
    for slot in slots if schedule.catch_up == CATCH_UP_ALL else slots[-1:]:
        yield Due(schedule, slot.wall, LastRun(slot.wall, slot.boottime_seconds, now), run)
