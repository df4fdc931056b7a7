"""The collector's use cases in memory: values in, values out, the same rules of who may see what."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from caseprobe.errors import CaseClosed, CaseprobeError, JoinCodeUnknown, NotAllowed, NotFound
from caseprobe.v1 import enrolment_pb2, link_pb2, snapshot_pb2
from caseprobe_collector.access import Principal, Role
from caseprobe_collector.drafts import Drafts
from caseprobe_collector.records import (
    Agent,
    AuditRow,
    Case,
    Customer,
    Event,
    JoinCodeRecord,
    ScheduleRecord,
    SessionRecord,
    SnapshotRow,
    Token,
    User,
)
from caseprobe_collector.records import Customers as CustomerIds

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def may_see(by: Principal, customer_id: str) -> bool:
    """True where the principal sees this customer."""
    return by.customer_ids is None or customer_id in by.customer_ids


class FakeClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return (self.time - NOW).total_seconds()


class FakeBus:
    """Hands every event to everyone who subscribed to its topic."""

    def __init__(self) -> None:
        self.open: list[FakeSubscription] = []

    def publish(self, event: Event) -> None:
        for subscription in self.open:
            if event.topic in subscription.topics:
                subscription.queue.put_nowait(event)

    def subscribe(self, *topics: str) -> FakeSubscription:
        return FakeSubscription(self, topics)

    async def heard(self, topic: str) -> None:
        """Returns once someone listens to this topic."""
        while not any(topic in subscription.topics for subscription in self.open):
            await asyncio.sleep(0)


class FakeSubscription:
    """One listener's queue; it hears from when it is entered."""

    def __init__(self, bus: FakeBus, topics: tuple[str, ...]) -> None:
        self.bus = bus
        self.topics = topics
        self.queue: asyncio.Queue[Event] = asyncio.Queue()

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            yield await self.queue.get()

    async def __aenter__(self) -> FakeSubscription:
        self.bus.open.append(self)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.bus.open.remove(self)


@dataclass
class World:
    """Everything that the fakes hold between them."""

    customers: dict[str, Customer] = field(default_factory=dict)
    cases: dict[str, Case] = field(default_factory=dict)
    agents: dict[str, Agent] = field(default_factory=dict)
    snapshots: dict[str, tuple[SnapshotRow, snapshot_pb2.Snapshot]] = field(default_factory=dict)
    gaps: dict[str, list[tuple[int, int, str, datetime]]] = field(default_factory=dict)
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    sessions: dict[str, SessionRecord] = field(default_factory=dict)
    rounds: dict[str, link_pb2.Rounds] = field(default_factory=dict)
    sections: dict[str, list[link_pb2.Sections]] = field(default_factory=dict)
    schedules: dict[str, ScheduleRecord] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    join_codes: list[JoinCodeRecord] = field(default_factory=list)
    audit: list[AuditRow] = field(default_factory=list)
    presence: dict[str, str] = field(default_factory=dict)
    bus: FakeBus = field(default_factory=FakeBus)
    drafts: Drafts | None = None
    counter: int = 0

    def new_id(self, kind: str) -> str:
        """An id in the house's form; they count up."""
        self.counter += 1
        return f"{kind}_{self.counter:032x}"

    def record(self, by: Principal, action: str, customer_id: str, thing: str) -> None:
        """Note an audit row; its hashes only look like ones."""
        number = len(self.audit) + 1
        previous = self.audit[-1].sha256 if self.audit else bytes(32)
        digest = hashlib.sha256(previous + action.encode()).digest()
        self.audit.append(AuditRow(number, NOW, by.id, action, customer_id, thing, "", previous, digest))


class FakeCases:
    """Cases of the world."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def create(self, by: Principal, customer_id: str, title: str, description: str = "") -> Case:
        if not may_see(by, customer_id) or customer_id not in self.world.customers:
            raise NotFound(f"no customer {customer_id!r}")
        case = Case(self.world.new_id("case"), customer_id, title, description, "open", NOW, by.id)
        self.world.cases[case.case_id] = case
        self.world.record(by, "case.create", customer_id, case.case_id)
        return case

    async def close(self, by: Principal, case_id: str) -> Case:
        case = replace(await self.get(by, case_id), state="closed", closed_at=NOW)
        self.world.cases[case_id] = case
        return case

    async def reopen(self, by: Principal, case_id: str) -> Case:
        case = replace(await self.get(by, case_id), state="open", closed_at=None)
        self.world.cases[case_id] = case
        return case

    async def get(self, by: Principal, case_id: str) -> Case:
        case = self.world.cases.get(case_id)
        if case is None or not may_see(by, case.customer_id):
            raise NotFound(f"no case {case_id[:60]!r}")
        return case

    async def list(
        self, by: Principal, state: str | None = None, limit: int = 200, before: str | None = None
    ) -> list[Case]:
        found = [c for c in self.world.cases.values() if may_see(by, c.customer_id) and state in (None, c.state)]
        return sorted(found, key=lambda case: case.case_id, reverse=True)[:limit]


class FakeCustomers:
    """Customers of the world."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def create(self, by: Principal, name: str) -> Customer:
        customer = Customer(self.world.new_id("cust"), name, NOW)
        self.world.customers[customer.customer_id] = customer
        return customer

    async def list(self, by: Principal) -> list[Customer]:
        return [c for c in self.world.customers.values() if may_see(by, c.customer_id)]

    async def get(self, by: Principal, customer_id: str) -> Customer:
        customer = self.world.customers.get(customer_id)
        if customer is None or not may_see(by, customer_id):
            raise NotFound(f"no customer {customer_id[:60]!r}")
        return customer


class FakeFleet:
    """Machines of the world."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def get(self, by: Principal, agent_id: str) -> Agent:
        agent = self.world.agents.get(agent_id)
        if agent is None or not may_see(by, agent.customer_id):
            raise NotFound(f"no machine {agent_id[:60]!r}")
        return agent

    async def list(self, by: Principal, kind: str | None = "enrolled") -> list[Agent]:
        return [a for a in self.world.agents.values() if may_see(by, a.customer_id) and kind in (None, a.kind)]

    async def revoke(self, by: Principal, agent_id: str) -> Agent:
        agent = replace(await self.get(by, agent_id), revoked_at=NOW)
        self.world.agents[agent_id] = agent
        return agent

    async def create_join_code(
        self,
        by: Principal,
        purpose: int,
        customer_id: str,
        case_id: str = "",
        uses: int = 1,
        lifetime: timedelta | None = None,
    ) -> tuple[JoinCodeRecord, str]:
        if not may_see(by, customer_id):
            raise NotFound(f"no customer {customer_id[:60]!r}")
        ends = NOW + (lifetime or timedelta(minutes=15))
        number = self.world.new_id("join")
        code = JoinCodeRecord(number, b"", purpose, customer_id, case_id, uses, ends, by.id, NOW)
        self.world.join_codes.append(code)
        return code, "CP1-ABCDE-FGHIJ-KLMNO-PQRST-UVWXY-Z2345"

    async def list_join_codes(self, by: Principal) -> Sequence[JoinCodeRecord]:
        return [code for code in self.world.join_codes if may_see(by, code.customer_id)]

    async def revoke_join_code(self, by: Principal, join_code_id: str) -> JoinCodeRecord:
        codes = await self.list_join_codes(by)
        found = next((code for code in codes if code.join_code_id == join_code_id), None)
        if found is None:
            raise NotFound(f"no join code {join_code_id[:60]!r}")
        withdrawn = replace(found, revoked_at=NOW)
        self.world.join_codes[self.world.join_codes.index(found)] = withdrawn
        return withdrawn


class FakeUsers:
    """Staff of the world; a secret is the token's id, reversed."""

    def __init__(self, world: World) -> None:
        self.world = world

    def issue(self, user: User, kind: str, name: str, role: Role) -> tuple[str, Token]:
        """A token of this user and its secret."""
        number = self.world.new_id("tok")
        ends = NOW + timedelta(hours=12)
        token = Token(number, kind, b"", user.user_id, name, role, user.customer_ids, NOW, ends)
        self.world.tokens[number] = token
        return number[::-1], token

    async def create(
        self, by: Principal, name: str, password: str, role: Role, customer_ids: CustomerIds = None
    ) -> User:
        user = User(self.world.new_id("user"), name, password, role, customer_ids, NOW)
        self.world.users[user.user_id] = user
        return user

    async def login(self, name: str, password: str, now: datetime) -> tuple[str, Token]:
        user = next((u for u in self.world.users.values() if u.name == name), None)
        if user is None or user.password_hash != password or user.disabled_at:
            raise NotAllowed("name or password is wrong")
        return self.issue(user, "login", "", user.role)

    async def authenticate(self, secret: str) -> Principal | None:
        token = self.world.tokens.get(secret[::-1])
        if token is None or token.revoked_at or self.world.users[token.user_id].disabled_at:
            return None
        name = self.world.users[token.user_id].name
        return Principal("user", token.user_id, name, token.role, token.customer_ids)

    async def logout(self, secret: str) -> None:
        self.world.tokens.pop(secret[::-1], None)

    async def disable(self, by: Principal, user_id: str) -> User:
        if user_id not in self.world.users:
            raise NotFound(f"no user {user_id[:60]!r}")
        self.world.users[user_id] = replace(self.world.users[user_id], disabled_at=NOW)
        return self.world.users[user_id]

    async def create_token(self, by: Principal, name: str, role: Role, lifetime: timedelta) -> tuple[str, Token]:
        return self.issue(self.world.users[by.id], "api", name, role)

    async def revoke_token(self, by: Principal, token_id: str) -> None:
        token = self.world.tokens.get(token_id)
        if token is None or token.user_id != by.id:
            raise NotFound(f"no token {token_id[:60]!r}")
        self.world.tokens[token_id] = replace(token, revoked_at=NOW)

    async def list_tokens(self, by: Principal) -> list[Token]:
        return [t for t in self.world.tokens.values() if t.user_id == by.id and t.kind == "api"]

    async def list(self, by: Principal) -> list[User]:
        return list(self.world.users.values())


class FakeEnrolment:
    """Takes one secret."""

    async def enrol(self, request: enrolment_pb2.EnrolRequest, source: str) -> enrolment_pb2.EnrolResponse:
        if request.secret != b"good":
            raise JoinCodeUnknown("the collector does not know this join code; ask for a new one")
        return enrolment_pb2.EnrolResponse(agent_id="agent_abc", certificate=b"PEM", link_address=source)


class FakeAuthority:
    """A CA that signs nothing."""

    def ca_pem(self) -> bytes:
        return b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"

    def sign(self, csr_der: bytes, not_after: datetime) -> tuple[str, bytes]:
        return "agent_abc", b"PEM"


class FakeSnapshots:
    """Snapshots of the world."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def get(self, by: Principal, snapshot_id: str) -> tuple[SnapshotRow, snapshot_pb2.Snapshot]:
        found = self.world.snapshots.get(snapshot_id)
        if found is None or not may_see(by, found[0].customer_id):
            raise NotFound(f"no snapshot {snapshot_id[:60]!r}")
        return found

    def _rows(self, by: Principal) -> list[SnapshotRow]:
        rows = [row for row, _ in self.world.snapshots.values() if may_see(by, row.customer_id)]
        return sorted(rows, key=lambda row: row.received_at, reverse=True)

    async def list_by_case(self, by: Principal, case_id: str) -> list[SnapshotRow]:
        return [row for row in self._rows(by) if row.case_id == case_id]

    async def list_by_agent(self, by: Principal, agent_id: str) -> list[SnapshotRow]:
        return [row for row in self._rows(by) if row.agent_id == agent_id]

    async def list_gaps(self, by: Principal, agent_id: str) -> list[tuple[int, int, str, datetime]]:
        return self.world.gaps.get(agent_id, [])

    async def object_chunks(self, by: Principal, snapshot_id: str, name: str) -> AsyncIterator[bytes]:
        await self.get(by, snapshot_id)
        data = self.world.objects.get((snapshot_id, name))
        if data is None:
            raise NotFound(f"snapshot {snapshot_id} has no file {name[:80]!r}")

        async def chunks() -> AsyncIterator[bytes]:
            yield data

        return chunks()

    async def delete(self, by: Principal, snapshot_id: str) -> None:
        await self.get(by, snapshot_id)
        del self.world.snapshots[snapshot_id]

    async def delete_case(self, by: Principal, case_id: str) -> int:
        await FakeCases(self.world).get(by, case_id)
        gone = [row.snapshot_id for row in await self.list_by_case(by, case_id)]
        for snapshot_id in gone:
            del self.world.snapshots[snapshot_id]
        del self.world.cases[case_id]
        return len(gone)

    async def import_bundle(self, by: Principal, case_id: str, chunks: AsyncIterator[bytes]) -> SnapshotRow:
        data = b"".join([chunk async for chunk in chunks])
        case = self.world.cases.get(case_id)
        if case is None or not may_see(by, case.customer_id):
            raise NotFound(f"no case {case_id[:60]!r}")
        row = snapshot_row(self.world.new_id("snap"), case.customer_id, case_id, size_bytes=len(data))
        self.world.snapshots[row.snapshot_id] = (row, snapshot_pb2.Snapshot(snapshot_id=row.snapshot_id))
        return row


def snapshot_row(
    snapshot_id: str, customer_id: str, case_id: str = "", agent_id: str = "agent_abc", **more: Any
) -> SnapshotRow:
    """A snapshot's row with what a test does not care about filled in."""
    row = SnapshotRow(
        snapshot_id=snapshot_id,
        agent_id=agent_id,
        customer_id=customer_id,
        case_id=case_id,
        flow=snapshot_pb2.FLOW_ONE_SHOT,
        session_id="",
        schedule_id="",
        profile="quick",
        started_at=NOW,
        received_at=NOW,
        sequence=1,
        worst=1,
        finding_total=0,
        size_bytes=4096,
        sha256=bytes(32),
    )
    return row._replace(**more)


class FakeSessions:
    """Sessions of the world; nothing is dispatched."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def request(
        self, by: Principal, case_id: str, agent_id: str, request: link_pb2.CommandRequest, idempotency_key: str = ""
    ) -> SessionRecord:
        case = await FakeCases(self.world).get(by, case_id)
        if case.state != "open":
            raise CaseClosed(f"{case_id} is closed; reopen it to measure for it")
        agent = await FakeFleet(self.world).get(by, agent_id)
        session = SessionRecord(
            session_id=self.world.new_id("sess"),
            case_id=case_id,
            customer_id=agent.customer_id,
            agent_id=agent_id,
            request=request.SerializeToString(),
            action=request.WhichOneof("action") or "",
            requested_by=by.id,
            requested_at=NOW,
            deadline_seconds=request.deadline_seconds,
            state="requested",
        )
        self.world.sessions[session.session_id] = session
        return session

    async def cancel(self, by: Principal, session_id: str) -> None:
        session = await self.get(by, session_id)
        self.world.sessions[session_id] = replace(session, state="cancelled", ended_at=NOW)

    async def get(self, by: Principal, session_id: str) -> SessionRecord:
        session = self.world.sessions.get(session_id)
        if session is None or not may_see(by, session.customer_id):
            raise NotFound(f"no session {session_id[:60]!r}")
        return session

    async def list_by_case(self, by: Principal, case_id: str) -> list[SessionRecord]:
        found = [s for s in self.world.sessions.values() if s.case_id == case_id and may_see(by, s.customer_id)]
        return sorted(found, key=lambda session: session.requested_at, reverse=True)

    async def recent_rounds(self, by: Principal, session_id: str) -> link_pb2.Rounds:
        await self.get(by, session_id)
        return self.world.rounds.get(session_id, link_pb2.Rounds(session_id=session_id))

    async def recent_sections(self, by: Principal, session_id: str) -> list[link_pb2.Sections]:
        await self.get(by, session_id)
        return self.world.sections.get(session_id, [])


class FakeCaseStore:
    """Cases of the world, as a store has them."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def get_case(self, case_id: str, customer_ids: CustomerIds) -> Case | None:
        case = self.world.cases.get(case_id)
        return case if case and (customer_ids is None or case.customer_id in customer_ids) else None


class FakeSchedules:
    """Timetables of the world."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def add(self, by: Principal, agent_id: str, schedule: link_pb2.Schedule) -> ScheduleRecord:
        agent = await FakeFleet(self.world).get(by, agent_id)
        number = self.world.new_id("sched")
        record = ScheduleRecord(number, agent_id, agent.customer_id, schedule.SerializeToString(), by.id, NOW)
        self.world.schedules[number] = record
        return record

    async def remove(self, by: Principal, schedule_id: str) -> None:
        record = self.world.schedules.get(schedule_id)
        if record is None or not may_see(by, record.customer_id):
            raise NotFound(f"no timetable {schedule_id[:60]!r}")
        del self.world.schedules[schedule_id]

    async def list(self, by: Principal, agent_id: str | None = None) -> list[ScheduleRecord]:
        rows = [r for r in self.world.schedules.values() if may_see(by, r.customer_id)]
        return [r for r in rows if agent_id in (None, r.agent_id)]


class FakePresence:
    """What the world says of each machine."""

    def __init__(self, world: World) -> None:
        self.world = world

    def of(self, agent_id: str) -> str:
        return self.world.presence.get(agent_id, "offline")

    def since(self, agent_id: str) -> datetime | None:
        return NOW if agent_id in self.world.presence else None

    def seen_at(self, agent_id: str) -> datetime | None:
        """A minute after."""
        return NOW + timedelta(minutes=1) if agent_id in self.world.presence else None

    def why(self, agent_id: str) -> str:
        """The one reason."""
        return "nothing came from it for 40 s"


class FakeAudit:
    """The world's audit rows."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def list(self, by: Principal, first: int = 1, limit: int = 1000) -> list[AuditRow]:
        return self.world.audit[first - 1 : first - 1 + limit]

    async def newest(self, by: Principal) -> int:
        return len(self.world.audit)


@dataclass(frozen=True)
class FakeConfig:
    """Settings of a console in a test."""

    public_names: tuple[str, ...] = ("console.test",)
    console_http_loopback: bool = True


async def ready_unless(error: CaseprobeError | None) -> list[str]:
    """Stands in for a storage that answers, or does not."""
    if error:
        raise error
    return []
