"""The list of cases, and the page of one case: what is wrong on which machine, and what proves it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from fastapi import Request
from starlette.responses import Response

from caseprobe import texts
from caseprobe.report.markup import NOTHING, Markup
from caseprobe.report.paths import render_paths
from caseprobe_collector.access import Action, Principal
from caseprobe_collector.console.api.fleet import seen_agents
from caseprobe_collector.console.api.sessions import SessionResult, ended_as, seen_so_far, session_result
from caseprobe_collector.console.api.snapshots import seen_snapshot
from caseprobe_collector.console.consent import ConsentView, consent_view
from caseprobe_collector.console.facts import ENGLISH
from caseprobe_collector.console.gaps import GapView, gap_views
from caseprobe_collector.console.rendering import page
from caseprobe_collector.console.routing import By, Route
from caseprobe_collector.console.services import Services, Use
from caseprobe_collector.console.views import (
    AgentView,
    SessionView,
    SnapshotRowView,
    case_view,
    customer_view,
    snapshot_row_view,
    worst_word,
)
from caseprobe_collector.console.words import FindingView, findings_of, path_drawing
from caseprobe_collector.records import SessionRecord, SnapshotRow

# Machines whose newest snapshot is read in full for the page.
MACHINES_SHOWN = 20
PATHS_SHOWN = 10
JUST_NOW = timedelta(minutes=15)
# What these end as is no picture of a machine.
SHOWN_WITH_SESSION = ("path", "reveal", "watch", "log_tail")
# What is worth watching, by the names of its probes; a terminal may name any.
WATCHABLE = (
    *("cpu", "memory", "disks", "filesystems", "interfaces", "sensors", "processes", "sockets"),
    *("cgroups", "volumes", "smart", "services", "time_sync", "wireless"),
)
DAMAGED = "This snapshot is damaged on the collector's disk, and nothing of it is shown:"


@dataclass(frozen=True)
class MachineEvidence:
    """One machine's newest snapshot in this case, judged."""

    agent_id: str
    label: str
    row: SnapshotRowView
    findings: list[FindingView]
    verdict: str
    coverage: str
    consent: ConsentView | None
    paths: Markup


async def list_cases(request: Request, use: Use, by: By, state: Literal["open", "closed", "all"] = "open") -> Response:
    """All cases that one may see."""
    cases = await use.cases.list(by, None if state == "all" else state)
    customers = {c.customer_id: customer_view(c) for c in await use.customers.list(by)}
    return page(request, "cases.html", cases=[case_view(c) for c in cases], customers=customers, state=state)


async def get_case(request: Request, use: Use, by: By, case_id: str) -> Response:
    """One case."""
    case = await use.cases.get(by, case_id)
    customer = await use.customers.get(by, case.customer_id)
    rows = await use.snapshots.list_by_case(by, case_id)
    sessions = await use.sessions.list_by_case(by, case_id)
    agents = await seen_agents(use, by, None)
    machine_ids = {row.agent_id for row in rows} | {session.agent_id for session in sessions}
    evidence = [await _evidence(use, by, row, agents) for row in newest(rows, sessions)]
    results, drawn = await _results(use, by, sessions)
    return page(
        request,
        "case.html",
        case=case_view(case),
        customer=customer_view(customer),
        evidence=evidence,
        gaps=await _gaps(use, by, case.created_at, machine_ids & agents.keys()),
        worst=worst_word(newest(rows, sessions)),
        snapshots=[snapshot_row_view(row) for row in rows],
        sessions=results,
        drawn=drawn,
        seen={session.session_id: await seen_so_far(use, by, session) for session in sessions},
        unanswered=_unanswered(results, use.clock.now()),
        agents=agents,
        watchable=[(name, ENGLISH(f"section_{name}")) for name in WATCHABLE],
        machines=[a for a in agents.values() if a.customer_id == case.customer_id and _can_be_asked(a)],
    )


async def _gaps(use: Services, by: Principal, since: datetime, agent_ids: Iterable[str]) -> dict[str, list[GapView]]:
    """What the machines of a case said, since it was opened, that they had to drop; by machine."""
    chosen = sorted(agent_ids)[:MACHINES_SHOWN]
    found = {agent_id: gap_views(await use.snapshots.list_gaps(by, agent_id), since) for agent_id in chosen}
    return {agent_id: gaps for agent_id, gaps in found.items() if gaps}


def newest(rows: Iterable[SnapshotRow], sessions: Iterable[SessionRecord]) -> list[SnapshotRow]:
    """Each machine's newest snapshot of the machine itself, worst first; rows come newest first.

    What a session of another kind ends as is a part of one, and is shown with its session.
    """
    paths = {session.snapshot_id for session in sessions if session.action in SHOWN_WITH_SESSION}
    found: dict[str, SnapshotRow] = {}
    for row in rows:
        if row.snapshot_id not in paths:
            found.setdefault(row.agent_id, row)
    return sorted(found.values(), key=lambda row: -row.worst)[:MACHINES_SHOWN]


def _can_be_asked(agent: AgentView) -> bool:
    return agent.kind == "enrolled" and agent.revoked_at is None


def _unanswered(results: Iterable[SessionResult], now: datetime) -> list[SessionView]:
    """Sessions that ended just now otherwise than was asked: who asked looks where it would run, not in a list."""
    ended = (one.session for one in results if one.session.ended_at and one.session.state not in ("ok", "cancelled"))
    return [one for one in ended if one.ended_at and now - one.ended_at < JUST_NOW]


async def _evidence(use: Services, by: Principal, row: SnapshotRow, agents: dict[str, AgentView]) -> MachineEvidence:
    row, snapshot = await seen_snapshot(use, by, row)
    agent = agents.get(row.agent_id)
    return MachineEvidence(
        agent_id=row.agent_id,
        label=agent.label if agent and agent.label else row.agent_id or row.snapshot_id,
        row=snapshot_row_view(row),
        findings=findings_of(snapshot) if snapshot else [],
        verdict=texts.snapshot_verdict(snapshot) if snapshot else f"{DAMAGED} {row.damage}.",
        coverage=texts.coverage_sentence(snapshot.coverage) if snapshot else "",
        consent=consent_view(snapshot) if snapshot else None,
        paths=render_paths(snapshot, ENGLISH) if snapshot else NOTHING,
    )


async def _results(
    use: Services, by: Principal, sessions: list[SessionRecord]
) -> tuple[list[SessionResult], dict[str, Markup]]:
    """Sessions newest first, the first few paths with what they measured; and these drawn, by session."""
    left = PATHS_SHOWN
    results: list[SessionResult] = []
    drawn: dict[str, Markup] = {}
    for session in sessions:
        snapshot = None
        if session.action in SHOWN_WITH_SESSION and session.snapshot_id and left:
            left -= 1
            snapshot = await ended_as(use, by, session)
        results.append(session_result(session, snapshot))
        drawn[session.session_id] = path_drawing(snapshot)
    return results, drawn


ROUTES = (
    Route("GET", "/cases", Action.CASE_READ, list_cases),
    Route("GET", "/cases/{case_id}", Action.CASE_READ, get_case),
)
