"""Scheduled runs: the same gate, measurement and delivery as a session, with nobody there to ask."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import datetime

from caseprobe.errors import CaseprobeError, MachineTimeout, PolicyRefused
from caseprobe.v1 import link_pb2, snapshot_pb2
from caseprobe.v1.consent_pb2 import POLICY_DECISION_ALLOW, POLICY_KIND_PATH_NEAR, POLICY_KIND_SCHEDULE
from caseprobe_agent.audit import Audit
from caseprobe_agent.consent import Ask, Origin
from caseprobe_agent.gate import Denied, Gate, Permit
from caseprobe_agent.session.asks import LAST_REPLY_SECONDS, aimed, choose, path_ask, snapshot_ask
from caseprobe_agent.session.delivery import Delivered, Delivery
from caseprobe_agent.session.measure import Measurements, Raw

log = logging.getLogger("caseprobe.schedule")
SNAPSHOT_SECONDS = 60.0


class Timed:
    """Runs one slot of a timetable."""

    def __init__(self, gate: Gate, audit: Audit, measurements: Measurements, delivery: Delivery) -> None:
        self._gate = gate
        self._audit = audit
        self._measurements = measurements
        self._delivery = delivery

    async def run(self, schedule: link_pb2.Schedule, slot: datetime) -> None:
        """Measure and keep for the collector. What fails is written down and never ends the timetable."""
        schedule_id = schedule.schedule_id
        try:
            result = str(await self._run(schedule))
        except CaseprobeError as error:
            result = f"failed: {error}"
            log.warning("timetable %s: %s", schedule.name, error)
        except Exception as error:
            result = f"failed: a defect in the agent: {type(error).__name__}"
            log.error("timetable %s", schedule.name, exc_info=error)
        try:
            await self._audit.record("scheduled run", schedule_id, "schedule", f"{slot.isoformat()} {result}")
        except CaseprobeError as error:
            # It was admitted on the record, before it ran; the slots that follow must still run.
            log.warning("timetable %s: %s", schedule.name, error)

    async def _run(self, schedule: link_pb2.Schedule) -> Delivered | None:
        """Gate, measurement, delivery."""
        ask = self._ask(schedule)
        timetables = self._gate.foresee(replace(ask, kind=POLICY_KIND_SCHEDULE, target=""))
        if timetables.decision != POLICY_DECISION_ALLOW:
            raise PolicyRefused(timetables.reason)
        verdict = await self._gate.admit(ask)
        if not isinstance(verdict, Permit):
            raise PolicyRefused(verdict.reason if isinstance(verdict, Denied) else "it was started before")
        raw = Raw()
        try:
            async with asyncio.timeout(ask.duration_seconds + LAST_REPLY_SECONDS):
                await self._measure(schedule, verdict, raw)
        except TimeoutError:
            if not raw.worth_keeping:
                raise MachineTimeout(f"nothing was measured within {ask.duration_seconds:.0f} s") from None
        return await self._delivery.keep(
            raw, verdict.consent, flow=snapshot_pb2.FLOW_SCHEDULED, schedule_id=schedule.schedule_id
        )

    def _ask(self, schedule: link_pb2.Schedule) -> Ask:
        """A timetable's action in the words of policy."""
        if schedule.HasField("path"):
            bare = path_ask(aimed(schedule.path, self._measurements.collector), Origin.SCHEDULE, near=False)
        else:
            bare = snapshot_ask(schedule.snapshot, Origin.SCHEDULE, SNAPSHOT_SECONDS)
        return replace(bare, requested_by=f"schedule {schedule.schedule_id}")

    async def _measure(self, schedule: link_pb2.Schedule, permit: Permit, raw: Raw) -> None:
        """The action itself."""
        if schedule.HasField("path"):
            servers = self._gate.foresee(replace(permit.ask, kind=POLICY_KIND_PATH_NEAR, target=""))
            await self._measurements.path(
                schedule.path,
                lambda address: self._gate.admit_address(permit, address),
                raw,
                lambda header, round_: None,
                servers.decision == POLICY_DECISION_ALLOW,
            )
            return
        choice = choose(
            schedule.snapshot,
            permit.ask.kind,
            lambda kind: self._gate.foresee(replace(permit.ask, kind=kind)),
            self._measurements.own_probes(),
        )
        # Its snapshots follow one another: what one has told the next one does not tell again.
        raw.places_before = await self._delivery.places(probe.name for probe in choice.probes if probe.resumes)
        await self._measurements.snapshot(choice, schedule.snapshot.profile or "quick", SNAPSHOT_SECONDS, raw)
