"""The page of one live session, while it runs and after."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from caseprobe_collector.access import Action
from caseprobe_collector.console.api.fleet import seen_agent
from caseprobe_collector.console.api.sessions import get_session
from caseprobe_collector.console.rendering import page
from caseprobe_collector.console.routing import By, Route
from caseprobe_collector.console.services import Use
from caseprobe_collector.console.views import case_view


async def show_session(request: Request, use: Use, by: By, session_id: str) -> Response:
    """One session."""
    result = await get_session(use, by, session_id)
    agent = await use.fleet.get(by, result.session.agent_id)
    case = await use.cases.get(by, result.session.case_id)
    return page(request, "session.html", result=result, agent=seen_agent(use, agent), case=case_view(case))


ROUTES = (Route("GET", "/sessions/{session_id}", Action.SESSION_READ, show_session),)
