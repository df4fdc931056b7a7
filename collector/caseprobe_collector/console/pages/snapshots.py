"""The page of one snapshot: all that was measured, judged, not judged, hidden and agreed to."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from caseprobe import VERSION, texts
from caseprobe.errors import NotFound
from caseprobe.report.paths import render_paths
from caseprobe.report.timeline import render_timeline
from caseprobe_collector.access import Action, Principal
from caseprobe_collector.console.api.fleet import seen_agent
from caseprobe_collector.console.api.snapshots import judge, snapshot_detail
from caseprobe_collector.console.consent import consent_view
from caseprobe_collector.console.facts import ENGLISH
from caseprobe_collector.console.rendering import page
from caseprobe_collector.console.routing import By, Route
from caseprobe_collector.console.services import Services, Use
from caseprobe_collector.console.views import AgentView


async def get_snapshot(request: Request, use: Use, by: By, snapshot_id: str) -> Response:
    """One snapshot."""
    row, snapshot = await use.snapshots.get(by, snapshot_id)
    return page(
        request,
        "snapshot.html",
        detail=snapshot_detail(row, snapshot),
        agent=await _agent(use, by, row.agent_id),
        verdict=texts.snapshot_verdict(snapshot),
        coverage=texts.coverage_sentence(snapshot.coverage),
        paths=render_paths(snapshot, ENGLISH),
        timeline=render_timeline(snapshot, ENGLISH),
        consent=consent_view(snapshot),
        ruleset=snapshot.redaction.ruleset_version,
        withheld=list(snapshot.redaction.withheld),
        duration_seconds=snapshot.duration_seconds,
        sha256=row.sha256.hex(),
        agent_version=snapshot.agent_version,
    )


async def get_judgement(request: Request, use: Use, by: By, snapshot_id: str) -> Response:
    """One snapshot by the rules of this version."""
    judged = await judge(use, by, snapshot_id)
    agent = await _agent(use, by, judged.snapshot.agent_id)
    return page(request, "judgement.html", judged=judged, agent=agent, version=VERSION)


async def _agent(use: Services, by: Principal, agent_id: str) -> AgentView | None:
    try:
        return seen_agent(use, await use.fleet.get(by, agent_id))
    except NotFound:
        return None


ROUTES = (
    Route("GET", "/snapshots/{snapshot_id}", Action.SNAPSHOT_READ, get_snapshot),
    Route("GET", "/snapshots/{snapshot_id}/judgement", Action.SNAPSHOT_READ, get_judgement),
)
