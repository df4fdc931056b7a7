"""Live sessions: ask, watch by the socket, cancel; and what they ended as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from caseprobe import texts
from caseprobe.errors import Corrupt, NotFound, UsageError
from caseprobe.v1 import link_pb2, path_pb2, snapshot_pb2
from caseprobe_collector.access import Action, Principal
from caseprobe_collector.console.bodies import NewSession, PathAsked, SnapshotAsked
from caseprobe_collector.console.routing import By, Route
from caseprobe_collector.console.sections import so_far
from caseprobe_collector.console.services import Services, Use
from caseprobe_collector.console.views import SessionView, session_view
from caseprobe_collector.console.words import PathView, path_of, path_view
from caseprobe_collector.records import SessionRecord

PROTOCOLS = {
    "auto": path_pb2.PATH_PROTOCOL_UNSPECIFIED,
    "icmp": path_pb2.PATH_PROTOCOL_ICMP,
    "udp": path_pb2.PATH_PROTOCOL_UDP,
    "tcp": path_pb2.PATH_PROTOCOL_TCP,
}
# A machine's owner may have to be asked first.
SLACK_SECONDS = 120.0
SNAPSHOT_SECONDS = 300.0
# What these measure is seen section by section.
WATCHED = ("watch", "log_tail")
# It takes no time, but a person who thinks about it.
REVEAL_SECONDS = 1800.0


@dataclass(frozen=True)
class SessionResult:
    """A session and, where it ended as one, the path that it measured or the true name that was told."""

    session: SessionView
    summary: PathView | None
    revealed: str = ""


def session_result(session: SessionRecord, snapshot: snapshot_pb2.Snapshot | None) -> SessionResult:
    """A session with its path as shown."""
    facts = path_of(snapshot) if snapshot else None
    told = next((one.reveal.value for one in snapshot.sections if one.HasField("reveal")), "") if snapshot else ""
    return SessionResult(session_view(session), path_view(facts) if facts else None, texts.printable(told))


def path_action(asked: PathAsked) -> link_pb2.PathAction:
    """The message for a path that was asked for."""
    return link_pb2.PathAction(
        target=asked.target,
        rounds=asked.rounds,
        interval_seconds=asked.interval_seconds,
        protocol=PROTOCOLS[asked.protocol],
        port=asked.port,
        loaded=asked.loaded,
        names=asked.names,
    )


def command_request(body: NewSession) -> link_pb2.CommandRequest:
    """The command for what was asked; raises UsageError unless it is exactly one thing."""
    if sum(one is not None for one in (body.path, body.snapshot, body.reveal, body.watch, body.log_tail)) != 1:
        raise UsageError("ask for exactly one of path, snapshot, reveal, watch and log_tail")
    request = link_pb2.CommandRequest(deadline_seconds=body.deadline_seconds)
    if body.path:
        request.path.CopyFrom(path_action(body.path))
        natural = body.path.rounds * body.path.interval_seconds + SLACK_SECONDS
    elif body.reveal:
        request.reveal.token = body.reveal.token
        natural = REVEAL_SECONDS
    elif body.watch:
        request.watch.CopyFrom(link_pb2.WatchAction(**body.watch.model_dump()))
        natural = body.watch.duration_seconds + SLACK_SECONDS
    elif body.log_tail:
        request.log_tail.CopyFrom(link_pb2.LogTailAction(**body.log_tail.model_dump()))
        natural = body.log_tail.follow_seconds + SLACK_SECONDS
    else:
        asked = body.snapshot or SnapshotAsked()
        request.snapshot.CopyFrom(link_pb2.SnapshotAction(**asked.model_dump()))
        natural = SNAPSHOT_SECONDS
    request.deadline_seconds = body.deadline_seconds or min(natural, 3600.0)
    return request


async def start_session(use: Use, by: By, case_id: str, body: NewSession) -> SessionView:
    """Ask a machine of the case's customer; watch topic session:ID for what comes."""
    request = command_request(body)
    session = await use.sessions.request(by, case_id, body.agent_id, request, body.idempotency_key)
    return session_view(session)


async def get_session(use: Use, by: By, session_id: str) -> SessionResult:
    """One session and its result so far."""
    session = await use.sessions.get(by, session_id)
    return session_result(session, await ended_as(use, by, session))


async def ended_as(use: Services, by: Principal, session: SessionRecord) -> snapshot_pb2.Snapshot | None:
    """The snapshot that a session ended as; None before it is stored, since outcomes travel ahead of bulk."""
    if not session.snapshot_id:
        return None
    try:
        return (await use.snapshots.get(by, session.snapshot_id))[1]
    except (NotFound, Corrupt):
        # The session's own page says that its snapshot is damaged; a list of sessions goes on.
        return None


async def seen_so_far(use: Services, by: Principal, session: SessionRecord) -> dict[str, Any]:
    """What came of a running watch or log so far, for a page; empty for any other session."""
    if session.action not in WATCHED or session.ended_at is not None:
        return {}
    return so_far(await use.sessions.recent_sections(by, session.session_id))


async def cancel_session(use: Use, by: By, session_id: str) -> Response:
    """Ask the machine to stop; the session ends as the machine reports."""
    await use.sessions.cancel(by, session_id)
    return Response(status_code=202)


ROUTES = (
    Route("POST", "/api/v1/cases/{case_id}/sessions", Action.SESSION_START, start_session, 201),
    Route("GET", "/api/v1/sessions/{session_id}", Action.SESSION_READ, get_session),
    Route("POST", "/api/v1/sessions/{session_id}/cancel", Action.SESSION_START, cancel_session, 202),
)
