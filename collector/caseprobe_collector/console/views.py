"""Records as the API and the pages show them: plain values, no secret, no hash, times in UTC."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from caseprobe.v1 import consent_pb2, link_pb2, snapshot_pb2
from caseprobe_collector.records import (
    Agent,
    Case,
    Customer,
    ScheduleRecord,
    SessionRecord,
    SnapshotRow,
)
from caseprobe_collector.sessions import target_of

SEVERITIES = ("none", "ok", "info", "warn", "critical", "unknown", "not_applicable")
FLOWS = {0: "", 1: "one_shot", 2: "live", 3: "scheduled"}
CATCH_UPS = {"skip": link_pb2.CATCH_UP_SKIP, "one": link_pb2.CATCH_UP_ONE, "all": link_pb2.CATCH_UP_ALL}
RUNNING = frozenset({"requested", "received", "awaiting_consent", "running"})


WARN = 3


def severity_word(number: int) -> str:
    """ok, info, warn, critical, unknown, not_applicable; none where nothing was judged."""
    return SEVERITIES[number] if 0 <= number < len(SEVERITIES) else "unknown"


@dataclass(frozen=True)
class CaseView:
    """A support case."""

    case_id: str
    customer_id: str
    title: str
    description: str
    state: str
    worst: str
    created_at: datetime
    created_by: str
    closed_at: datetime | None


def case_view(case: Case) -> CaseView:
    """A case as shown."""
    return CaseView(
        case.case_id,
        case.customer_id,
        case.title,
        case.description,
        case.state,
        severity_word(case.worst),
        case.created_at,
        case.created_by,
        case.closed_at,
    )


@dataclass(frozen=True)
class CustomerView:
    """A tenant."""

    customer_id: str
    name: str
    created_at: datetime


def customer_view(customer: Customer) -> CustomerView:
    """A customer as shown."""
    return CustomerView(customer.customer_id, customer.name, customer.created_at)


@dataclass(frozen=True)
class PolicyView:
    """One line of a machine's local policy: kind and allow, ask or deny."""

    kind: str
    decision: str


@dataclass(frozen=True)
class AgentView:
    """A machine; label and system are its own claims."""

    agent_id: str
    customer_id: str
    label: str
    system: str
    version: str
    kind: str
    presence: str
    presence_since: datetime | None
    worst: str
    enrolled_at: datetime
    certificate_expires_at: datetime
    last_seen_at: datetime | None
    revoked_at: datetime | None
    capabilities: list[str]
    policy: list[PolicyView]
    # Why it is unresponsive.
    presence_why: str = ""


def agent_view(agent: Agent, presence: str, since: datetime | None) -> AgentView:
    """A machine as shown, with its presence."""
    return AgentView(
        agent_id=agent.agent_id,
        customer_id=agent.customer_id,
        label=agent.label,
        system=agent.system,
        version=agent.version,
        kind=agent.kind,
        presence="revoked" if agent.revoked_at else presence,
        presence_since=since,
        worst=severity_word(agent.worst),
        enrolled_at=agent.enrolled_at,
        certificate_expires_at=agent.certificate_expires_at,
        last_seen_at=agent.last_seen_at,
        revoked_at=agent.revoked_at,
        capabilities=list(agent.capabilities),
        policy=[PolicyView(policy_kind(kind), policy_decision(decision)) for kind, decision in agent.policy],
    )


def policy_kind(number: int) -> str:
    """The lower-case name of a PolicyKind; "unknown" for one of a newer version."""
    if number not in consent_pb2.PolicyKind.values():
        return "unknown"
    return consent_pb2.PolicyKind.Name(consent_pb2.PolicyKind.ValueType(number)).removeprefix("POLICY_KIND_").lower()


def policy_decision(number: int) -> str:
    """allow, ask or deny."""
    words: dict[int, str] = {consent_pb2.POLICY_DECISION_ALLOW: "allow", consent_pb2.POLICY_DECISION_ASK: "ask"}
    return words.get(number, "deny")


@dataclass(frozen=True)
class SnapshotRowView:
    """What lists tell of a snapshot."""

    snapshot_id: str
    agent_id: str
    case_id: str
    flow: str
    session_id: str
    schedule_id: str
    profile: str
    worst: str
    finding_total: int
    started_at: datetime
    received_at: datetime
    size_bytes: int
    objects: list[str]
    notice: str
    # Not empty: damaged on the collector's disk, and what of it.
    damage: str = ""


def worst_word(rows: Iterable[SnapshotRow]) -> str:
    """The worst severity among rows; with a damaged one among them nothing better than unknown is said."""
    found = list(rows)
    worst = max((row.worst for row in found), default=0)
    return "unknown" if worst < WARN and any(row.damage for row in found) else severity_word(worst)


def snapshot_row_view(row: SnapshotRow) -> SnapshotRowView:
    """A snapshot's row as shown; a damaged one is never shown as good."""
    return SnapshotRowView(
        snapshot_id=row.snapshot_id,
        agent_id=row.agent_id,
        case_id=row.case_id,
        flow=FLOWS.get(row.flow, ""),
        session_id=row.session_id,
        schedule_id=row.schedule_id,
        profile=row.profile,
        worst=worst_word([row]),
        finding_total=row.finding_total,
        started_at=row.started_at,
        received_at=row.received_at,
        size_bytes=row.size_bytes,
        objects=list(row.objects),
        notice=row.notice,
        damage=row.damage,
    )


@dataclass(frozen=True)
class SessionView:
    """A live request and where it stands."""

    session_id: str
    case_id: str
    agent_id: str
    action: str
    target: str
    state: str
    running: bool
    reason: str
    snapshot_id: str
    requested_by: str
    requested_at: datetime
    ended_at: datetime | None
    deadline_seconds: float


def session_view(session: SessionRecord) -> SessionView:
    """A session as shown; its target is read from the request."""
    return SessionView(
        session_id=session.session_id,
        case_id=session.case_id,
        agent_id=session.agent_id,
        action=session.action,
        target=target_of(link_pb2.CommandRequest.FromString(session.request)),
        state=session.state,
        running=session.state in RUNNING,
        reason=session.reason,
        snapshot_id=session.snapshot_id,
        requested_by=session.requested_by,
        requested_at=session.requested_at,
        ended_at=session.ended_at,
        deadline_seconds=session.deadline_seconds,
    )


@dataclass(frozen=True)
class ScheduleView:
    """A timetable of one machine."""

    schedule_id: str
    agent_id: str
    name: str
    every_seconds: float
    cron: str
    action: str
    target: str
    catch_up: str
    created_by: str
    created_at: datetime


def schedule_view(record: ScheduleRecord) -> ScheduleView:
    """A timetable as shown."""
    schedule = link_pb2.Schedule.FromString(record.schedule)
    return ScheduleView(
        schedule_id=record.schedule_id,
        agent_id=record.agent_id,
        name=schedule.name,
        every_seconds=schedule.every_seconds,
        cron=schedule.cron,
        action=schedule.WhichOneof("action") or "",
        target=schedule.path.target if schedule.HasField("path") else schedule.snapshot.profile,
        catch_up=next((word for word, number in CATCH_UPS.items() if number == schedule.catch_up), "skip"),
        created_by=record.created_by,
        created_at=record.created_at,
    )


@dataclass(frozen=True)
class ArtifactView:
    """A file beside a snapshot; withheld_reason says why it did not come."""

    name: str
    source: str
    size_bytes: int
    truncated: bool
    withheld_reason: str


def artifact_view(artifact: snapshot_pb2.Artifact) -> ArtifactView:
    """An artifact as shown."""
    return ArtifactView(
        artifact.name, artifact.source, artifact.size_bytes, artifact.truncated, artifact.withheld_reason
    )
