"""What the console needs of the use cases, as it calls them; the use cases implement these shapes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Protocol

from fastapi import Depends
from starlette.requests import HTTPConnection

from caseprobe.v1 import enrolment_pb2, link_pb2, snapshot_pb2
from caseprobe_collector.access import Principal, Role
from caseprobe_collector.ports import Authority, Bus, Clock
from caseprobe_collector.records import (
    Agent,
    AuditRow,
    Case,
    Customer,
    JoinCodeRecord,
    ScheduleRecord,
    SessionRecord,
    SnapshotRow,
    Token,
    User,
)
from caseprobe_collector.records import Customers as CustomerIds


class ConsoleConfig(Protocol):
    """The settings that the console reads."""

    @property
    def public_names(self) -> Sequence[str]:
        """Names and addresses that people and agents reach the collector by."""
        ...

    @property
    def console_http_loopback(self) -> bool:
        """True only for the demo: plain http on loopback, cookies without Secure."""
        ...


class Cases(Protocol):
    """Support cases."""

    async def create(self, by: Principal, customer_id: str, title: str, description: str = "") -> Case:
        """A new open case."""
        ...

    async def close(self, by: Principal, case_id: str) -> Case:
        """The case, which takes no more evidence."""
        ...

    async def reopen(self, by: Principal, case_id: str) -> Case:
        """The case, open again."""
        ...

    async def get(self, by: Principal, case_id: str) -> Case:
        """One case."""
        ...

    async def list(
        self, by: Principal, state: str | None = None, limit: int = 200, before: str | None = None
    ) -> list[Case]:
        """Cases, newest first."""
        ...


class Customers(Protocol):
    """Tenants."""

    async def create(self, by: Principal, name: str) -> Customer:
        """A new customer."""
        ...

    async def list(self, by: Principal) -> list[Customer]:
        """The customers that one may see."""
        ...

    async def get(self, by: Principal, customer_id: str) -> Customer:
        """One customer."""
        ...


class Fleet(Protocol):
    """Machines and join codes."""

    async def get(self, by: Principal, agent_id: str) -> Agent:
        """One machine."""
        ...

    async def list(self, by: Principal, kind: str | None = "enrolled") -> list[Agent]:
        """Machines of a kind."""
        ...

    async def revoke(self, by: Principal, agent_id: str) -> Agent:
        """The machine, whose key opens nothing any more."""
        ...

    async def create_join_code(
        self,
        by: Principal,
        purpose: int,
        customer_id: str,
        case_id: str = "",
        uses: int = 1,
        lifetime: timedelta | None = None,
    ) -> tuple[JoinCodeRecord, str]:
        """A join code and its text, which is shown once."""
        ...


class Users(Protocol):
    """Staff, logins and tokens."""

    async def create(
        self, by: Principal, name: str, password: str, role: Role, customer_ids: CustomerIds = None
    ) -> User:
        """A new member of staff."""
        ...

    async def login(self, name: str, password: str, now: datetime) -> tuple[str, Token]:
        """A login's secret and its record; raises NotAllowed or Busy."""
        ...

    async def authenticate(self, secret: str) -> Principal | None:
        """Who holds this secret; None where nobody does, or does no more."""
        ...

    async def logout(self, secret: str) -> None:
        """Ends a login."""
        ...

    async def disable(self, by: Principal, user_id: str) -> User:
        """The member of staff, who may do nothing any more."""
        ...

    async def create_token(self, by: Principal, name: str, role: Role, lifetime: timedelta) -> tuple[str, Token]:
        """An API token's secret, shown once, and its record."""
        ...

    async def revoke_token(self, by: Principal, token_id: str) -> None:
        """Ends a token."""
        ...

    async def list_tokens(self, by: Principal) -> list[Token]:
        """One's own tokens."""
        ...

    async def list(self, by: Principal) -> list[User]:
        """All staff."""
        ...


class Enrolment(Protocol):
    """How a key becomes an agent."""

    async def enrol(self, request: enrolment_pb2.EnrolRequest, source: str) -> enrolment_pb2.EnrolResponse:
        """A certificate; raises Refused with its reason."""
        ...


class Snapshots(Protocol):
    """What machines delivered."""

    async def get(self, by: Principal, snapshot_id: str) -> tuple[SnapshotRow, snapshot_pb2.Snapshot]:
        """One snapshot."""
        ...

    async def list_by_case(self, by: Principal, case_id: str) -> list[SnapshotRow]:
        """A case's, newest first."""
        ...

    async def list_by_agent(self, by: Principal, agent_id: str) -> list[SnapshotRow]:
        """A machine's, newest first."""
        ...

    async def list_gaps(self, by: Principal, agent_id: str) -> list[tuple[int, int, str, datetime]]:
        """What a machine had to drop: first, last, reason, when."""
        ...

    async def object_chunks(self, by: Principal, snapshot_id: str, name: str) -> AsyncIterator[bytes]:
        """The bytes of one file beside it; raises NotFound before the first."""
        ...

    async def delete(self, by: Principal, snapshot_id: str) -> None:
        """Remove it and its files for good."""
        ...

    async def delete_case(self, by: Principal, case_id: str) -> int:
        """Remove a closed case with all its evidence for good; gives how many snapshots."""
        ...

    async def import_bundle(self, by: Principal, case_id: str, chunks: AsyncIterator[bytes]) -> SnapshotRow:
        """Attach a bundle file that came by another way."""
        ...


class Sessions(Protocol):
    """Live requests."""

    async def request(
        self,
        by: Principal,
        case_id: str,
        agent_id: str,
        request: link_pb2.CommandRequest,
        idempotency_key: str = "",
    ) -> SessionRecord:
        """Recorded, audited, dispatched."""
        ...

    async def cancel(self, by: Principal, session_id: str) -> None:
        """Ask the machine to stop."""
        ...

    async def get(self, by: Principal, session_id: str) -> SessionRecord:
        """One session."""
        ...

    async def list_by_case(self, by: Principal, case_id: str) -> list[SessionRecord]:
        """A case's, newest first."""
        ...

    async def recent_rounds(self, by: Principal, session_id: str) -> link_pb2.Rounds:
        """The rounds of a running session so far."""
        ...


class Schedules(Protocol):
    """Timetables."""

    async def add(self, by: Principal, agent_id: str, schedule: link_pb2.Schedule) -> ScheduleRecord:
        """A new timetable for one machine."""
        ...

    async def remove(self, by: Principal, schedule_id: str) -> None:
        """Ends a timetable."""
        ...

    async def list(self, by: Principal, agent_id: str | None = None) -> list[ScheduleRecord]:
        """Timetables of one machine, or all."""
        ...


class Presence(Protocol):
    """Whether a machine's stream is open."""

    def of(self, agent_id: str) -> str:
        """online, unresponsive or offline."""
        ...

    def since(self, agent_id: str) -> datetime | None:
        """Since when."""
        ...

    def seen_at(self, agent_id: str) -> datetime | None:
        """When it last said anything, where that is known here."""
        ...

    def why(self, agent_id: str) -> str:
        """Why it is not online, "" where it is."""
        ...


class Audit(Protocol):
    """The hash chain, to be read."""

    async def list(self, by: Principal, first: int = 1, limit: int = 1000) -> list[AuditRow]:
        """Rows from a number on."""
        ...


@dataclass(frozen=True)
class Services:
    """Everything that a route may call."""

    config: ConsoleConfig
    authority: Authority
    cases: Cases
    customers: Customers
    fleet: Fleet
    users: Users
    enrolment: Enrolment
    snapshots: Snapshots
    sessions: Sessions
    schedules: Schedules
    presence: Presence
    audit: Audit
    bus: Bus
    clock: Clock


def services(connection: HTTPConnection) -> Services:
    """The services of the application that answers."""
    found: Services = connection.app.state.services
    return found


Use = Annotated[Services, Depends(services)]
