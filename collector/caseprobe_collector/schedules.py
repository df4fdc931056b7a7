"""Timetables: kept here, run on the machines, so nothing central ticks with the size of the fleet."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from caseprobe.errors import NotAllowed, NotFound, UsageError
from caseprobe.v1 import link_pb2
from caseprobe_collector.access import Action, Principal, decide
from caseprobe_collector.audit import AuditLog
from caseprobe_collector.ports import Clock, FleetStore, Links, ScheduleStore, Transaction, Transactions
from caseprobe_collector.records import Agent, ScheduleRecord

MIN_PERIOD_SECONDS = 10.0
MAX_PERIOD_SECONDS = 366 * 86400.0
CRON_FIELD = re.compile(r"(\*|\d{1,2}(-\d{1,2})?)(/\d{1,2})?(,(\*|\d{1,2}(-\d{1,2})?)(/\d{1,2})?)*")
EVERYTHING = frozenset({"quick", "standard", "full"})


class Schedules:
    """Adds and removes timetables and keeps the machines' copies the same as ours."""

    def __init__(
        self,
        transactions: Transactions,
        store: ScheduleStore,
        fleet: FleetStore,
        links: Links,
        audit: AuditLog,
        clock: Clock,
        new_id: Callable[[str], str],
    ) -> None:
        self._transactions = transactions
        self._store = store
        self._fleet = fleet
        self._links = links
        self._audit = audit
        self._clock = clock
        self._new_id = new_id

    async def add(self, by: Principal, agent_id: str, schedule: link_pb2.Schedule) -> ScheduleRecord:
        """A new timetable for one machine; sent at once, or when it comes back. Raises UsageError, NotFound."""
        agent = await self._machine(by, agent_id)
        checked = link_pb2.Schedule()
        checked.CopyFrom(schedule)
        checked.schedule_id = self._new_id("sched")
        validate(checked)
        record = ScheduleRecord(
            schedule_id=checked.schedule_id,
            agent_id=agent_id,
            customer_id=agent.customer_id,
            schedule=checked.SerializeToString(deterministic=True),
            created_by=by.id,
            created_at=self._clock.now(),
        )

        async def work(tx: Transaction) -> None:
            await self._audit.record(
                tx, by, "schedule.add", agent.customer_id, record.schedule_id, f"{agent_id} {checked.name}"[:500]
            )
            await self._store.add_schedule(tx, record)

        await self._transactions.run(work)
        await self._send(agent_id)
        return record

    async def remove(self, by: Principal, schedule_id: str) -> None:
        """Take a timetable away; raises NotFound."""
        record = await self._store.get_schedule(schedule_id, by.customer_ids)
        if record is None or record.removed_at is not None:
            raise NotFound(f"no schedule {schedule_id[:60]!r}")
        self._require(by, record.customer_id)

        async def work(tx: Transaction) -> None:
            await self._audit.record(tx, by, "schedule.remove", record.customer_id, schedule_id, record.agent_id)
            await self._store.remove_schedule(tx, schedule_id, self._clock.now())

        await self._transactions.run(work)
        await self._send(record.agent_id)

    async def list(self, by: Principal, agent_id: str | None = None) -> list[ScheduleRecord]:
        """The timetables in force, of one machine or of all that you may see; a revoked machine has none."""
        if not decide(by, Action.SCHEDULE_READ):
            raise NotAllowed("you may not read schedules")
        if agent_id is None:
            records = await self._store.list_all(by.customer_ids)
        else:
            records = await self._store.list_by_agent(agent_id, by.customer_ids)
        agents = await self._fleet.list_agents(by.customer_ids, "enrolled")
        revoked = {agent.agent_id for agent in agents if agent.revoked_at is not None}
        return [record for record in records if record.removed_at is None and record.agent_id not in revoked]

    async def on_connect(self, agent: Agent, known_sha256: bytes) -> None:
        """Send the timetables unless the machine holds exactly these."""
        schedules = await self._of(agent.agent_id)
        if schedules_sha256(schedules) != known_sha256:
            self._links.send(agent.agent_id, link_pb2.LinkResponse(schedules=schedules))

    async def _of(self, agent_id: str) -> link_pb2.Schedules:
        records = await self._store.list_by_agent(agent_id, None)
        in_force = sorted((r for r in records if r.removed_at is None), key=lambda record: record.schedule_id)
        return link_pb2.Schedules(schedules=[link_pb2.Schedule.FromString(record.schedule) for record in in_force])

    async def _send(self, agent_id: str) -> None:
        self._links.send(agent_id, link_pb2.LinkResponse(schedules=await self._of(agent_id)))

    async def _machine(self, by: Principal, agent_id: str) -> Agent:
        agent = await self._fleet.get_agent(agent_id, by.customer_ids)
        if agent is None or agent.kind != "enrolled" or agent.revoked_at is not None:
            raise NotFound(f"no enrolled machine {agent_id[:60]!r}")
        self._require(by, agent.customer_id)
        return agent

    def _require(self, by: Principal, customer_id: str) -> None:
        if not decide(by, Action.SCHEDULE_WRITE, customer_id):
            raise NotAllowed("only operations and admins may change schedules")


def schedules_sha256(schedules: link_pb2.Schedules) -> bytes:
    """What both sides compare: SHA-256 over the deterministic bytes, schedules in order of their ids."""
    return hashlib.sha256(schedules.SerializeToString(deterministic=True)).digest()


def validate(schedule: link_pb2.Schedule) -> None:
    """Raise UsageError, naming the field, unless a machine can run this timetable."""
    if not 0 < len(schedule.name) <= 120:
        raise UsageError("name: a schedule needs a name of at most 120 characters")
    if bool(schedule.cron) == bool(schedule.every_seconds):
        raise UsageError("every_seconds, cron: a schedule needs exactly one of them")
    if schedule.every_seconds and not MIN_PERIOD_SECONDS <= schedule.every_seconds <= MAX_PERIOD_SECONDS:
        raise UsageError(f"every_seconds: must be {MIN_PERIOD_SECONDS:.0f} to {MAX_PERIOD_SECONDS:.0f}")
    if schedule.cron and not _is_cron(schedule.cron):
        raise UsageError("cron: must be five fields of numbers, ranges, lists and steps, such as '*/15 * * * *'")
    if schedule.WhichOneof("action") is None:
        raise UsageError("action: a schedule needs a snapshot or a path")
    if schedule.HasField("snapshot") and schedule.snapshot.profile not in EVERYTHING:
        raise UsageError("snapshot.profile: must be quick, standard or full")


def _is_cron(line: str) -> bool:
    fields = line.split()
    return len(fields) == 5 and all(CRON_FIELD.fullmatch(one) for one in fields)
