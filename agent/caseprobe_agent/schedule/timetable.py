"""The timetables that this agent holds, kept across restarts, ticking whether a collector is there or not."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol

from google.protobuf.message import DecodeError

from caseprobe.errors import UsageError
from caseprobe.v1 import link_pb2
from caseprobe_agent.schedule.due import Due, LastRun, Moment, due, first, upcoming

log = logging.getLogger("caseprobe.schedule")
SCHEDULES, RUNS = "schedules", "schedule_runs"
TICK_SECONDS = 1


class Store(Protocol):
    """Small durable state."""

    async def get_state(self, name: str) -> bytes | None: ...
    async def put_state(self, name: str, value: bytes) -> None: ...


class Timetable:
    """What is to run when. A slot is remembered before it runs, so a crash in it does not run it twice."""

    def __init__(
        self,
        store: Store,
        run: Callable[[link_pb2.Schedule, datetime], Awaitable[None]],
        moment: Callable[[], Moment],
        agent_id: str,
    ) -> None:
        self._store = store
        self._run = run
        self._moment = moment
        self._agent_id = agent_id
        self._schedules = link_pb2.Schedules()
        self._last: dict[str, LastRun] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._ticker: asyncio.Task[None] | None = None

    @property
    def schedules(self) -> list[link_pb2.Schedule]:
        """The timetables in force."""
        return list(self._schedules.schedules)

    def rows(self) -> list[dict[str, str]]:
        """The timetables for people: id, name, and when each runs next."""
        now = self._moment()
        return [
            {"schedule_id": one.schedule_id, "name": one.name, "next_run_at": self._next(one, now)}
            for one in self.schedules
        ]

    @property
    def has_cron(self) -> bool:
        """True where a timetable is a cron line, which needs the time zone's rules."""
        return any(schedule.cron for schedule in self._schedules.schedules)

    @property
    def sha256(self) -> bytes:
        """What the collector compares, to know whether this agent holds what it should."""
        return hashlib.sha256(self._schedules.SerializeToString(deterministic=True)).digest()

    async def load(self) -> None:
        """Take up what the last process held."""
        with contextlib.suppress(DecodeError):
            self._schedules = link_pb2.Schedules.FromString(await self._store.get_state(SCHEDULES) or b"")
        with contextlib.suppress(ValueError, KeyError, TypeError):
            kept = json.loads(await self._store.get_state(RUNS) or b"{}")
            zone = self._moment().wall.tzinfo
            self._last = {name: _last_run(row, lambda at: at.astimezone(zone)) for name, row in kept.items()}
        await self._begin_new()

    async def replace(self, schedules: link_pb2.Schedules) -> None:
        """The collector's timetables, whole, in place of those held; one that is kept goes on where it was."""
        self._schedules = link_pb2.Schedules(
            schedules=sorted(schedules.schedules, key=lambda schedule: schedule.schedule_id)
        )
        await self._store.put_state(SCHEDULES, self._schedules.SerializeToString(deterministic=True))
        await self._begin_new()

    async def tick(self) -> None:
        """Begin everything that is due now; a timetable whose last run goes on is looked at later."""
        idle = [schedule for schedule in self.schedules if schedule.schedule_id not in self._running]
        found = [one for schedule in idle for one in self._due(schedule)]
        if not found:
            return
        for one in found:
            self._last[one.schedule.schedule_id] = one.served
        await self._keep()
        by_schedule: dict[str, list[Due]] = {}
        for one in found:
            if one.run:
                by_schedule.setdefault(one.schedule.schedule_id, []).append(one)
        for schedule_id, slots in by_schedule.items():
            self._running[schedule_id] = asyncio.create_task(self._slots(schedule_id, slots))

    def start(self) -> None:
        """Begin to tick, as soon as there is anything to tick for."""
        if self._ticker is None and self._schedules.schedules:
            self._ticker = asyncio.create_task(self._tick_on())

    async def stop(self) -> None:
        """Tick no more; what runs is ended."""
        tasks = [*self._running.values(), *([self._ticker] if self._ticker else [])]
        self._ticker = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def settled(self) -> None:
        """Wait until nothing runs."""
        while self._running:
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _tick_on(self) -> None:
        """Look once a second, by the loop's monotonic clock.

        Not by APScheduler's: it sleeps until a wall time, so a clock set back by an hour stopped every timetable for
        an hour (measured, `make torture`).
        """
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                await self.tick()
            except Exception as error:
                # Such as a full disk: what was due is due again at the next tick.
                log.warning("timetables could not be looked at: %s", error)

    def _due(self, schedule: link_pb2.Schedule) -> list[Due]:
        """What is due of one timetable; one that cannot be understood is never due."""
        try:
            return due([schedule], self._last, self._moment())
        except UsageError as error:
            log.warning("timetable %s: %s", schedule.name, error)
            return []

    def _next(self, schedule: link_pb2.Schedule, now: Moment) -> str:
        """Local time to the second; empty where it never runs or cannot be understood."""
        last = self._last.get(schedule.schedule_id)
        with contextlib.suppress(UsageError):
            at = upcoming(schedule, last, now) if last else None
            return at.isoformat(" ", "seconds") if at else ""
        return ""

    async def _slots(self, schedule_id: str, slots: list[Due]) -> None:
        """Run the slots of one timetable, one after the other."""
        try:
            for one in slots:
                await self._run(one.schedule, one.slot)
        finally:
            del self._running[schedule_id]

    async def _begin_new(self) -> None:
        """Timetables that are new begin now; what is gone is forgotten."""
        now = self._moment()
        held = {schedule.schedule_id: schedule for schedule in self.schedules}
        kept = {name: last for name, last in self._last.items() if name in held}
        fresh = {name: first(schedule, self._agent_id, now) for name, schedule in held.items() if name not in kept}
        self._last = {**kept, **fresh}
        await self._keep()
        self.start()

    async def _keep(self) -> None:
        """The last runs, durably."""
        rows = {name: _row(last) for name, last in self._last.items()}
        await self._store.put_state(RUNS, json.dumps(rows).encode())


def _row(last: LastRun) -> list[object]:
    """A last run as JSON has it."""
    ran = last.ran_at
    return [
        last.slot_wall.astimezone(UTC).isoformat(),
        last.slot_boottime_seconds,
        ran.wall.astimezone(UTC).isoformat(),
        ran.boottime_seconds,
        ran.boot_id,
    ]


def _last_run(row: list[object], local: Callable[[datetime], datetime]) -> LastRun:
    """What _row wrote."""
    slot_wall, slot_boottime, wall, boottime, boot_id = row
    ran = Moment(local(datetime.fromisoformat(str(wall))), float(str(boottime)), str(boot_id))
    return LastRun(local(datetime.fromisoformat(str(slot_wall))), float(str(slot_boottime)), ran)
