"""A request made a session: what is asked, by whom, for which case."""

from __future__ import annotations

from datetime import datetime

from caseprobe.errors import UsageError
from caseprobe.v1 import link_pb2
from caseprobe_collector.access import Principal
from caseprobe_collector.records import Agent, Case, SessionRecord

MAX_DEADLINE_SECONDS = 3600.0


def session_of(
    session_id: str,
    by: Principal,
    case: Case,
    agent: Agent,
    request: link_pb2.CommandRequest,
    idempotency_key: str,
    now: datetime,
) -> SessionRecord:
    """The session that this request begins; raises UsageError where it has no action or no good deadline."""
    action = request.WhichOneof("action")
    if action is None:
        raise UsageError("a request needs an action: path, snapshot …")
    if not 0 < request.deadline_seconds <= MAX_DEADLINE_SECONDS:
        raise UsageError(f"deadline_seconds must be over 0 and at most {MAX_DEADLINE_SECONDS:.0f}")
    full = link_pb2.CommandRequest()
    full.CopyFrom(request)
    full.command_id, full.idempotency_key = session_id, idempotency_key or session_id
    full.case_id, full.case_title, full.agent_id = case.case_id, case.title, agent.agent_id
    full.requested_by.CopyFrom(link_pb2.Requester(user_id=by.id, name=by.name, role=str(by.role or "")))
    return SessionRecord(
        session_id=session_id,
        case_id=case.case_id,
        customer_id=case.customer_id,
        agent_id=agent.agent_id,
        request=full.SerializeToString(),
        action=action,
        requested_by=by.id,
        requested_at=now,
        deadline_seconds=request.deadline_seconds,
        state="requested",
    )


def describe(agent_id: str, request: link_pb2.CommandRequest) -> str:
    """The audited words: which machine, which action, at what."""
    return f"{agent_id} {request.WhichOneof('action')} {target_of(request)}".strip()[:500]


def target_of(request: link_pb2.CommandRequest) -> str:
    """What an action is about: a target, a stand-in, a profile, probes, a log."""
    match request.WhichOneof("action"):
        case "path":
            return request.path.target or "this collector, under load"
        case "reveal":
            return request.reveal.token
        case "watch":
            return ", ".join(request.watch.probes)
        case "log_tail":
            return request.log_tail.source
    return request.snapshot.profile
