"""The page of one live session, while it runs and after."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from caseprobe_collector.access import Action
from caseprobe_collector.console.api.fleet import seen_agent
from caseprobe_collector.console.api.sessions import ended_as, seen_so_far, session_result
from caseprobe_collector.console.rendering import page
from caseprobe_collector.console.routing import By, Route
from caseprobe_collector.console.services import Use
from caseprobe_collector.console.views import case_view
from caseprobe_collector.console.words import path_drawing


async def show_session(request: Request, use: Use, by: By, session_id: str) -> Response:
    """One session."""
    session = await use.sessions.get(by, session_id)
    snapshot = await ended_as(use, by, session)
    return page(
        request,
        "session.html",
        result=session_result(session, snapshot),
        drawn=path_drawing(snapshot),
        seen=await seen_so_far(use, by, session),
        agent=seen_agent(use, await use.fleet.get(by, session.agent_id)),
        case=case_view(await use.cases.get(by, session.case_id)),
    )


ROUTES = (Route("GET", "/sessions/{session_id}", Action.SESSION_READ, show_session),)
