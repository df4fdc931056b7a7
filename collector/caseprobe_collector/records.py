"""The records that stores, use cases and surfaces speak of; frozen values, no behaviour."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from caseprobe.v1 import link_pb2, section_pb2, snapshot_pb2
from caseprobe_collector.access import Role

Customers = frozenset[str] | None


@dataclass(frozen=True)
class Customer:
    """The tenant that machines and cases belong to."""

    customer_id: str
    name: str
    created_at: datetime


@dataclass(frozen=True)
class Case:
    """A support case; state is open or closed."""

    case_id: str
    customer_id: str
    title: str
    description: str
    state: str
    created_at: datetime
    created_by: str
    closed_at: datetime | None = None
    # Worst severity of its newest snapshot per machine, as Severity's number.
    worst: int = 0
    # Why nothing but its id is told; "" for a sound one.
    damage: str = ""


@dataclass(frozen=True)
class Agent:
    """An enrolled machine, or the key of a one-shot run; label and system are claims of the machine."""

    agent_id: str
    customer_id: str
    label: str
    system: str
    version: str
    # enrolled or one_shot
    kind: str
    enrolled_at: datetime
    certificate_expires_at: datetime
    revoked_at: datetime | None = None
    last_seen_at: datetime | None = None
    # One-shot: the only case that this key may attach to.
    case_id: str = ""
    worst: int = 0
    policy: tuple[tuple[int, int], ...] = ()
    capabilities: tuple[str, ...] = ()
    # Why nothing but its id is told; "" for a sound one.
    damage: str = ""


@dataclass(frozen=True)
class JoinCodeRecord:
    """A join code as the collector remembers it: only the hash of its secret."""

    join_code_id: str
    secret_sha256: bytes
    # link: JoinPurpose's number
    purpose: int
    customer_id: str
    case_id: str
    uses_left: int
    expires_at: datetime
    created_by: str
    created_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True)
class User:
    """A member of staff. customer_ids None: every customer."""

    user_id: str
    name: str
    password_hash: str
    role: Role
    customer_ids: Customers
    created_at: datetime
    disabled_at: datetime | None = None


@dataclass(frozen=True)
class Token:
    """An API token or a login: only the hash of its secret. kind is api or login."""

    token_id: str
    kind: str
    secret_sha256: bytes
    user_id: str
    name: str
    role: Role
    customer_ids: Customers
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None = None


# From here on tuples where one is made for each snapshot that comes: a frozen dataclass takes several times as long.


class SnapshotRow(NamedTuple):
    """What lists and pages need of a snapshot without parsing it."""

    snapshot_id: str
    agent_id: str
    customer_id: str
    case_id: str
    flow: int
    session_id: str
    schedule_id: str
    profile: str
    started_at: datetime
    received_at: datetime
    sequence: int
    worst: int
    finding_total: int
    size_bytes: int
    sha256: bytes
    # Names of the objects beside it: artifacts and the bundle file.
    objects: tuple[str, ...] = ()
    # Not empty: stored, but not attached to the case that it asked for, and why.
    notice: str = ""
    # Not empty: damaged on the collector's disk, and what of it. Nothing else of a damaged row is to be believed.
    damage: str = ""


class StoredSnapshot(NamedTuple):
    """A snapshot's row and its bytes: zstd over protobuf, as they came."""

    row: SnapshotRow
    body: bytes
    # Its findings as (check id, object, Severity's number), for the index; written with it, not read back.
    findings: tuple[tuple[str, str, int], ...] = ()


@dataclass(frozen=True)
class Checkpoint:
    """An entry of an audit chain that somebody else remembers."""

    number: int
    sha256: bytes


class AuditEntry(NamedTuple):
    """What an entry of the audit says, before it has its place in the chain."""

    at: datetime
    actor: str
    action: str
    customer_id: str
    object: str
    detail: str


@dataclass(frozen=True)
class ObjectRecord:
    """A file beside a snapshot: its name there, where its bytes lie, and what they must be."""

    name: str
    object: str
    size_bytes: int
    sha256: bytes


class Deposit(NamedTuple):
    """All that one delivered snapshot leaves behind, which is stored whole or not at all.

    entry goes into the audit if the snapshot is new. spool_id "": it came by another way than a spool. notice_code:
    why it stands in no case, for its machine; "" where its row has no notice.
    """

    snapshot: StoredSnapshot
    entry: AuditEntry
    spool_id: str = ""
    sequence: int = 0
    objects: tuple[ObjectRecord, ...] = ()
    notice_code: str = ""


class Delivery(NamedTuple):
    """What came of a snapshot: its bytes, what they must be, the files that were put beside it, and what makes a
    deposit of it all.

    make is called on the thread that stores it and inside its transaction, perhaps more than once: it awaits stores
    only, and what it reads of them still holds when the deposit is durable.
    """

    body: bytes
    sha256: bytes
    make: Callable[[], Awaitable[Deposit]]
    objects: tuple[ObjectRecord, ...] = ()


@dataclass(frozen=True)
class GapDeposit:
    """What an agent had to drop: the sequences first to last, told by the record at sequence."""

    agent_id: str
    spool_id: str
    sequence: int
    first: int
    last: int
    reason: str
    at: datetime


@dataclass(frozen=True)
class Damage:
    """Something stored that is no longer what its hash says."""

    snapshot_id: str
    what: str
    found_at: datetime


@dataclass(frozen=True)
class Loss:
    """Commits that were durable and acknowledged and are not in the store any more, told when it was opened.

    commits and entries: how many commits and audit entries are missing, 0 where nobody can count them.
    settled_at: when somebody said that it is dealt with; until then it is warned of.
    """

    number: int
    found_at: datetime
    what: str
    commits: int
    entries: int
    settled_at: datetime | None = None


@dataclass(frozen=True)
class ScrubState:
    """Where the slow reading of everything stands: after which snapshot of this round, and when the last one ended."""

    position: int
    begun_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class SessionRecord:
    """A live request. state is requested, received, awaiting_consent, running, delivering, or how it ended
    (ok failed refused_policy refused_user expired cancelled killed_limit unknown_after_crash lost)."""

    session_id: str
    case_id: str
    customer_id: str
    agent_id: str
    # Serialized CommandRequest.
    request: bytes
    # path, snapshot, log_tail, watch, reveal, site_probe
    action: str
    requested_by: str
    requested_at: datetime
    deadline_seconds: float
    state: str
    reason: str = ""
    snapshot_id: str = ""
    ended_at: datetime | None = None


@dataclass(frozen=True)
class ScheduleRecord:
    """A timetable of one agent; schedule is a serialized link_pb2.Schedule."""

    schedule_id: str
    agent_id: str
    customer_id: str
    schedule: bytes
    created_by: str
    created_at: datetime
    removed_at: datetime | None = None


@dataclass(frozen=True)
class AuditRow:
    """One link of the hash chain: sha256 covers all other fields and the previous row's hash."""

    number: int
    at: datetime
    actor: str
    action: str
    customer_id: str
    object: str
    detail: str
    previous_sha256: bytes
    sha256: bytes


class Event(NamedTuple):
    """Something that happened, for whoever watches. topic: case:ID, agent:ID, session:ID or fleet.

    kind: snapshot, session, rounds, sections, draft, presence, case, agent. body is small and serializable; rounds
    carries PathRounds, sections what a draft or a running session tells newly.
    """

    topic: str
    kind: str
    customer_id: str
    body: dict[str, Any] = field(default_factory=dict)
    rounds: link_pb2.Rounds | None = None
    sections: tuple[section_pb2.Section, ...] = ()


def worst_severity(findings: Iterable[tuple[str, str, int]]) -> int:
    """The worst state in an index of findings as Severity's number; OK where there are none.

    Unknown and not applicable are coverage, not findings, and never count.
    """
    return max([state for _, _, state in findings if state <= 4], default=1)


def finding_index(snapshot: snapshot_pb2.Snapshot) -> tuple[tuple[str, str, int], ...]:
    """What the index of findings keeps of a snapshot."""
    return tuple([(finding.check_id, finding.object, finding.state) for finding in snapshot.findings])
