"""Which timetables are due, under every behaviour of the clocks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caseprobe.errors import UsageError
from caseprobe.v1.link_pb2 import CATCH_UP_ALL, CATCH_UP_ONE, CATCH_UP_SKIP, Schedule
from caseprobe_agent.schedule.cron import fires_between, gap_seconds
from caseprobe_agent.schedule.due import LONGEST_SPLAY_SECONDS, Due, LastRun, Moment, due, first, splay, upcoming

START = Moment(datetime(2026, 3, 28, 12, 0, tzinfo=ZoneInfo("Europe/Berlin")), 1000.0, "boot-1")


@dataclass
class Machine:
    """A machine whose clocks a test turns, with one timetable."""

    schedule: Schedule
    now: Moment = START
    runs: list[Due] = field(default_factory=list)
    ran_at: list[float] = field(default_factory=list)
    true_seconds: float = 0.0
    last: dict[str, LastRun] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """The timetable arrives now."""
        self.last = {self.schedule.schedule_id: first(self.schedule, "agent_a", self.now)}

    def passes(self, seconds: float, tick: float = 1.0) -> None:
        """Time passes on all clocks, and the ticker ticks."""
        for _ in range(int(seconds / tick)):
            self.asleep(tick)
            self.ticks()

    def asleep(self, seconds: float) -> None:
        """Time passes and nobody ticks."""
        self.true_seconds += seconds
        wall = (self.now.wall.astimezone(UTC) + timedelta(seconds=seconds)).astimezone(self.now.wall.tzinfo)
        self.now = replace(self.now, wall=wall, boottime_seconds=self.now.boottime_seconds + seconds)

    def steps(self, seconds: float) -> None:
        """Somebody sets the wall clock."""
        self.now = replace(self.now, wall=self.now.wall + timedelta(seconds=seconds))

    def restarts(self, boot_id: str) -> None:
        """The machine boots."""
        self.now = replace(self.now, boottime_seconds=5.0, boot_id=boot_id)

    def ticks(self) -> list[Due]:
        """One look at the timetable; what is due runs."""
        found = due([self.schedule], self.last, self.now)
        for one in found:
            self.last[self.schedule.schedule_id] = one.served
            if one.run:
                self.runs.append(one)
                self.ran_at.append(self.true_seconds)
        return found


def every(seconds: float, catch_up: int = CATCH_UP_ONE) -> Schedule:
    """A timetable with a period."""
    return Schedule(schedule_id="sched_1", every_seconds=seconds, catch_up=catch_up)  # type: ignore[arg-type]


def cron(line: str, catch_up: int = CATCH_UP_ONE) -> Schedule:
    """A timetable with a cron line."""
    return Schedule(schedule_id="sched_1", cron=line, catch_up=catch_up)  # type: ignore[arg-type]


def test_a_period_runs_once_each() -> None:
    """Ten minutes of a timetable of one a minute are ten runs."""
    machine = Machine(every(60))
    machine.passes(600)
    assert len(machine.runs) == 10
    assert {round(b - a) for a, b in zip(machine.ran_at, machine.ran_at[1:], strict=False)} == {60}


def test_the_first_run_is_spread_by_agent() -> None:
    """A thousand machines that get the same timetable do not run in the same second, and each always in its own."""
    places = [splay(f"agent_{n}", "sched_1") * 60 for n in range(1000)]
    counts = [sum(1 for place in places if int(place) == second) for second in range(60)]
    assert max(counts) <= 2.2 * 1000 / 60
    machine = Machine(every(3600))
    machine.passes(LONGEST_SPLAY_SECONDS + 1)
    assert len(machine.runs) == 1


@given(st.lists(st.tuples(st.floats(1, 200), st.floats(-86400, 86400)), max_size=8), st.floats(2, 90))
@settings(deadline=None)
def test_a_stepped_wall_clock_neither_doubles_nor_drops_a_period(
    steps: list[tuple[float, float]], period: float
) -> None:
    """Whatever happens to the wall clock, the runs are those of an undisturbed machine."""
    machine, calm = Machine(every(period)), Machine(every(period))
    for seconds, step in steps:
        machine.passes(seconds)
        calm.passes(seconds)
        machine.steps(step)
    assert machine.ran_at == calm.ran_at


@pytest.mark.parametrize(("catch_up", "runs"), [(CATCH_UP_SKIP, 0), (CATCH_UP_ONE, 1), (CATCH_UP_ALL, 5)])
def test_missed_runs_are_caught_up_on_as_asked(catch_up: int, runs: int) -> None:
    """After five missed hours: none, one, or all of them, each with the time that it stands for."""
    machine = Machine(every(3600, catch_up))
    machine.passes(61)
    machine.runs.clear()
    machine.asleep(5 * 3600 + 1800)
    machine.ticks()
    assert len(machine.runs) == runs
    slots = [one.slot for one in machine.runs]
    assert slots == sorted(slots)
    assert len(set(slots)) == len(slots)
    machine.passes(3600)
    assert len(machine.runs) == runs + 1


def test_a_year_off_is_not_caught_up_on_for_a_day() -> None:
    """Catching up has a bound."""
    machine = Machine(every(60, CATCH_UP_ALL))
    machine.asleep(365 * 86400)
    assert len(machine.ticks()) == 100


@pytest.mark.parametrize("step", [0.0, 30.0, -86400.0 * 400, 86400.0])
def test_a_period_goes_on_after_a_restart_of_the_machine(step: float) -> None:
    """With the boot clock back at zero the wall clock counts, and one that went back runs now rather than never."""
    machine = Machine(every(600))
    machine.passes(601)
    machine.runs.clear()
    machine.asleep(120)
    machine.steps(step)
    machine.restarts("boot-2")
    machine.passes(600)
    assert 1 <= len(machine.runs) <= 2
    machine.passes(600)
    assert 2 <= len(machine.runs) <= 3


def test_cron_is_the_machines_own_time_across_a_change_of_clocks() -> None:
    """On the day that summer time begins, 12:00 comes 23 hours after 12:00."""
    machine = Machine(cron("0 12 * * *"))
    machine.asleep(30)
    assert machine.ticks() == []
    machine.asleep(23 * 3600 - 31)
    assert machine.ticks() == []
    machine.asleep(2)
    machine.ticks()
    assert [one.slot.hour for one in machine.runs] == [12]
    assert machine.runs[0].slot.utcoffset() == timedelta(hours=2)


@pytest.mark.parametrize("step", [-600.0, -86400.0, 86400.0, -1.5, 0.5])
def test_cron_under_a_stepped_clock_runs_no_time_twice_and_waits_for_none(step: float) -> None:
    """Ran at noon, the clock is set: it does not run again at once, and does within the next day and a half."""
    machine = Machine(cron("0 12 * * *"), replace(START, wall=START.wall - timedelta(minutes=1)))
    machine.passes(70)
    assert len(machine.runs) == 1
    machine.steps(step)
    machine.passes(700)
    caught_up = 1 if step == 86400.0 else 0
    assert len(machine.runs) == 1 + caught_up
    machine.passes(26 * 3600, 60)
    assert len(machine.runs) == 2 + caught_up


@pytest.mark.parametrize(("catch_up", "runs"), [(CATCH_UP_SKIP, 0), (CATCH_UP_ONE, 1), (CATCH_UP_ALL, 3)])
def test_missed_cron_times_are_caught_up_on_as_asked(catch_up: int, runs: int) -> None:
    """Three missed quarters of an hour, across a restart."""
    machine = Machine(cron("*/15 * * * *", catch_up))
    machine.asleep(50 * 60)
    machine.restarts("boot-2")
    machine.ticks()
    assert len(machine.runs) == runs
    machine.passes(700)
    assert len(machine.runs) == runs + 1


def test_weekdays_are_crons_own() -> None:
    """0 and 7 are Sunday, 1 is Monday."""
    since = datetime(2026, 11, 22, tzinfo=UTC)  # a Sunday
    until = since + timedelta(days=14)
    for line, day in (("0 5 * * 0", 6), ("0 5 * * 7", 6), ("0 5 * * 1", 0), ("0 5 * * mon", 0)):
        assert {at.weekday() for at in fires_between(line, since, until)} == {day}


@pytest.mark.parametrize("line", ["", "* * * *", "61 * * * *", "* * * * 8", "* * * * 5-2", "a b c d e", "* * * * */0"])
def test_what_is_no_cron_line_is_refused(line: str) -> None:
    """One clear line, no matter what the collector sent."""
    with pytest.raises(UsageError, match="is no cron line"):
        list(fires_between(line, START.wall, START.wall + timedelta(days=1)))


def test_a_cron_time_that_never_comes_costs_nothing() -> None:
    """The thirtieth of February is never due, and looking for it ends."""
    machine = Machine(cron("0 0 30 2 *"))
    machine.asleep(86400)
    assert machine.ticks() == []
    assert gap_seconds("0 0 30 2 *", START.wall) == 0


def test_the_next_run_is_the_one_that_comes() -> None:
    """What status says of a timetable is when it becomes due, for periods and cron lines alike."""
    for schedule in (Schedule(schedule_id="s", every_seconds=600), Schedule(schedule_id="s", cron="*/10 * * * *")):
        last = first(schedule, "agent_a", START)
        at = upcoming(schedule, last, START)
        assert at is not None and at > START.wall
        seconds = (at - START.wall).total_seconds()
        before, then = (
            Moment(START.wall + timedelta(seconds=one), START.boottime_seconds + one, START.boot_id)
            for one in (seconds - 0.5, seconds + 0.5)
        )
        assert not due([schedule], {"s": last}, before)
        assert due([schedule], {"s": last}, then)
