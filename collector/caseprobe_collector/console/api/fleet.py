"""Machines, their join codes and timetables."""

from __future__ import annotations

from dataclasses import replace

from starlette.responses import Response

from caseprobe.v1 import enrolment_pb2, link_pb2
from caseprobe_collector.access import Action, Principal
from caseprobe_collector.console.api.sessions import path_action
from caseprobe_collector.console.bodies import NewJoinCode, NewSchedule
from caseprobe_collector.console.routing import By, Route
from caseprobe_collector.console.services import Services, Use
from caseprobe_collector.console.staff_views import JoinCodeRowView, JoinCodeView, join_code_row_view, join_code_view
from caseprobe_collector.console.views import (
    CATCH_UPS,
    AgentView,
    ScheduleView,
    SnapshotRowView,
    agent_view,
    schedule_view,
    snapshot_row_view,
)
from caseprobe_collector.records import Agent


def seen_agent(use: Services, agent: Agent) -> AgentView:
    """A machine with its presence."""
    presence, seen_at = use.presence, use.presence.seen_at(agent.agent_id)
    shown = agent_view(agent, presence.of(agent.agent_id), presence.since(agent.agent_id) or agent.last_seen_at)
    why = presence.why(agent.agent_id) if shown.presence == "unresponsive" else ""
    return replace(shown, presence_why=why, last_seen_at=seen_at or agent.last_seen_at)


async def list_agents(use: Use, by: By) -> list[AgentView]:
    """The enrolled machines that one may see."""
    return [seen_agent(use, agent) for agent in await use.fleet.list(by)]


async def get_agent(use: Use, by: By, agent_id: str) -> AgentView:
    """One machine."""
    return seen_agent(use, await use.fleet.get(by, agent_id))


async def list_agent_snapshots(use: Use, by: By, agent_id: str) -> list[SnapshotRowView]:
    """A machine's snapshots, newest first."""
    await use.fleet.get(by, agent_id)
    return [snapshot_row_view(row) for row in await use.snapshots.list_by_agent(by, agent_id)]


async def revoke_agent(use: Use, by: By, agent_id: str) -> Response:
    """End a machine's enrolment; its open stream ends within a second."""
    await use.fleet.revoke(by, agent_id)
    return Response(status_code=204)


async def create_join_code(use: Use, by: By, body: NewJoinCode) -> JoinCodeView:
    """A code that enrols machines of a customer; its text is told this once."""
    many = enrolment_pb2.JOIN_PURPOSE_ENROL_MANY
    purpose = enrolment_pb2.JOIN_PURPOSE_ENROL_ONE if body.uses == 1 else many
    record, text = await use.fleet.create_join_code(by, purpose, body.customer_id, "", body.uses, body.lifetime)
    return join_code_view(record, text)


async def list_join_codes(use: Use, by: By) -> list[JoinCodeRowView]:
    """The join codes that have not ended; never their texts."""
    return [join_code_row_view(code) for code in await use.fleet.list_join_codes(by)]


async def revoke_join_code(use: Use, by: By, join_code_id: str) -> Response:
    """Withdraw a join code: it lets nobody in any more."""
    await use.fleet.revoke_join_code(by, join_code_id)
    return Response(status_code=204)


def schedule_message(body: NewSchedule) -> link_pb2.Schedule:
    """The timetable that was asked for; the use case checks it."""
    schedule = link_pb2.Schedule(
        name=body.name, every_seconds=body.every_seconds, cron=body.cron.strip(), catch_up=CATCH_UPS[body.catch_up]
    )
    if body.path:
        schedule.path.CopyFrom(path_action(body.path))
    else:
        schedule.snapshot.profile = body.profile
    return schedule


async def list_schedules(use: Use, by: By, agent_id: str | None = None) -> list[ScheduleView]:
    """Timetables, of one machine or all."""
    return [schedule_view(record) for record in await use.schedules.list(by, agent_id)]


async def add_schedule(use: Use, by: By, agent_id: str, body: NewSchedule) -> ScheduleView:
    """A new timetable for one machine."""
    return schedule_view(await use.schedules.add(by, agent_id, schedule_message(body)))


async def remove_schedule(use: Use, by: By, schedule_id: str) -> Response:
    """End a timetable."""
    await use.schedules.remove(by, schedule_id)
    return Response(status_code=204)


async def seen_agents(use: Services, by: Principal, kind: str | None = "enrolled") -> dict[str, AgentView]:
    """Machines by id, for pages that name them."""
    return {agent.agent_id: seen_agent(use, agent) for agent in await use.fleet.list(by, kind)}


ROUTES = (
    Route("GET", "/api/v1/agents", Action.AGENT_READ, list_agents),
    Route("GET", "/api/v1/agents/{agent_id}", Action.AGENT_READ, get_agent),
    Route("GET", "/api/v1/agents/{agent_id}/snapshots", Action.SNAPSHOT_READ, list_agent_snapshots),
    Route("POST", "/api/v1/agents/{agent_id}/revoke", Action.AGENT_REVOKE, revoke_agent, 204),
    Route("POST", "/api/v1/agents/{agent_id}/schedules", Action.SCHEDULE_WRITE, add_schedule, 201),
    Route("GET", "/api/v1/join-codes", Action.JOIN_CODE_BUNDLE, list_join_codes),
    Route("POST", "/api/v1/join-codes", Action.JOIN_CODE_ENROL, create_join_code, 201),
    Route("DELETE", "/api/v1/join-codes/{join_code_id}", Action.JOIN_CODE_BUNDLE, revoke_join_code, 204),
    Route("GET", "/api/v1/schedules", Action.SCHEDULE_READ, list_schedules),
    Route("DELETE", "/api/v1/schedules/{schedule_id}", Action.SCHEDULE_WRITE, remove_schedule, 204),
)
