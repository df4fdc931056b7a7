"""The machines, and the page of one: presence, policy, history, timetables."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from caseprobe_collector.access import Action, decide
from caseprobe_collector.console.api.fleet import seen_agent
from caseprobe_collector.console.gaps import gap_views
from caseprobe_collector.console.rendering import page
from caseprobe_collector.console.routing import By, Route
from caseprobe_collector.console.services import Use
from caseprobe_collector.console.staff_views import join_code_row_view
from caseprobe_collector.console.views import customer_view, schedule_view, snapshot_row_view


async def list_machines(request: Request, use: Use, by: By) -> Response:
    """The enrolled machines that one may see."""
    agents = [seen_agent(use, agent) for agent in await use.fleet.list(by)]
    customers = {c.customer_id: customer_view(c) for c in await use.customers.list(by)}
    may = decide(by, Action.JOIN_CODE_BUNDLE)
    codes = [join_code_row_view(code) for code in await use.fleet.list_join_codes(by)] if may else []
    codes = [code for code in codes if code.uses_left and code.revoked_at is None]
    return page(request, "machines.html", agents=agents, customers=customers, codes=codes)


async def get_machine(request: Request, use: Use, by: By, agent_id: str) -> Response:
    """One machine."""
    agent = await use.fleet.get(by, agent_id)
    return page(
        request,
        "machine.html",
        agent=seen_agent(use, agent),
        customer=customer_view(await use.customers.get(by, agent.customer_id)),
        snapshots=[snapshot_row_view(row) for row in await use.snapshots.list_by_agent(by, agent_id)],
        gaps=gap_views(await use.snapshots.list_gaps(by, agent_id)),
        schedules=[schedule_view(record) for record in await use.schedules.list(by, agent_id)],
    )


ROUTES = (
    Route("GET", "/machines", Action.AGENT_READ, list_machines),
    Route("GET", "/machines/{agent_id}", Action.AGENT_READ, get_machine),
)
