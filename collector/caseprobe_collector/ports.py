"""What the use cases need from storage, bus, clock and authority.

Only adapters implement these; only `app` joins the two. Every write takes the Transaction that it belongs to:
a transaction's work is durable (committed with a real fsync) when `Transactions.run` returns, never earlier.
Every read that a person causes names the customers that it may see (None: all).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Protocol, TypeVar

from caseprobe.v1 import link_pb2
from caseprobe_collector.records import (
    Agent,
    AuditRow,
    Case,
    Customer,
    Customers,
    Event,
    JoinCodeRecord,
    ScheduleRecord,
    SessionRecord,
    SnapshotRow,
    StoredSnapshot,
    Token,
    User,
)

T = TypeVar("T")


class Transaction(Protocol):
    """One unit of work in progress; opaque to use cases, handed to the stores' writes."""


class Transactions(Protocol):
    """Group commit: units of work of many callers share one fsync; one that raises is rolled back alone."""

    async def run(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Do the work and commit it durably; raises what the work raised, StorageFull on a full disk."""
        ...


class CaseStore(Protocol):
    """Cases."""

    async def add_case(self, tx: Transaction, case: Case) -> None: ...
    async def close_case(self, tx: Transaction, case_id: str, closed_at: datetime) -> None: ...
    async def reopen_case(self, tx: Transaction, case_id: str) -> None: ...
    async def get_case(self, case_id: str, customers: Customers) -> Case | None: ...
    async def list_cases(
        self, customers: Customers, state: str | None = None, limit: int = 200, before: str | None = None
    ) -> list[Case]: ...


class CustomerStore(Protocol):
    """Customers."""

    async def add_customer(self, tx: Transaction, customer: Customer) -> None: ...
    async def get_customer(self, customer_id: str, customers: Customers) -> Customer | None: ...
    async def find_customer(self, name: str) -> Customer | None: ...
    async def list_customers(self, customers: Customers) -> list[Customer]: ...


class FleetStore(Protocol):
    """Agents and their join codes."""

    async def put_agent(self, tx: Transaction, agent: Agent) -> None: ...
    async def revoke_agent(self, tx: Transaction, agent_id: str, revoked_at: datetime) -> None: ...
    async def get_agent(self, agent_id: str, customers: Customers) -> Agent | None: ...
    async def list_agents(self, customers: Customers, kind: str | None = "enrolled") -> list[Agent]: ...
    async def add_join_code(self, tx: Transaction, code: JoinCodeRecord) -> None: ...
    async def get_join_code(self, secret_sha256: bytes) -> JoinCodeRecord | None: ...
    async def use_join_code(self, tx: Transaction, join_code_id: str) -> bool:
        """Take one use; False where none was left. Inside the transaction, so two callers cannot share the last."""
        ...

    async def mark_seen(self, tx: Transaction, agent_id: str, seen_at: datetime) -> None: ...


class UserStore(Protocol):
    """Staff and their tokens."""

    async def put_user(self, tx: Transaction, user: User) -> None: ...
    async def get_user(self, user_id: str) -> User | None: ...
    async def find_user(self, name: str) -> User | None: ...
    async def list_users(self) -> list[User]: ...
    async def add_token(self, tx: Transaction, token: Token) -> None: ...
    async def find_token(self, secret_sha256: bytes) -> Token | None: ...
    async def list_tokens(self, user_id: str) -> list[Token]: ...
    async def revoke_token(self, tx: Transaction, token_id: str, revoked_at: datetime) -> None: ...


class SnapshotStore(Protocol):
    """Snapshots; idempotent by (agent_id, snapshot_id)."""

    async def add_snapshot(self, tx: Transaction, snapshot: StoredSnapshot) -> bool:
        """Store it with its findings' index; False where it was there already (nothing is changed then)."""
        ...

    async def get_snapshot(self, snapshot_id: str, customers: Customers) -> StoredSnapshot | None:
        """Raises Corrupt where the bytes no longer match their hash."""
        ...

    async def list_by_case(self, case_id: str, customers: Customers, limit: int = 100) -> list[SnapshotRow]: ...
    async def list_by_agent(self, agent_id: str, customers: Customers, limit: int = 100) -> list[SnapshotRow]: ...
    async def last_sequence(self, agent_id: str, spool_id: str) -> int: ...
    async def set_last_sequence(self, tx: Transaction, agent_id: str, spool_id: str, sequence: int) -> None: ...
    async def add_gap(
        self, tx: Transaction, agent_id: str, spool_id: str, first: int, last: int, reason: str, at: datetime
    ) -> None: ...
    async def list_gaps(self, agent_id: str) -> list[tuple[int, int, str, datetime]]: ...


class SessionStore(Protocol):
    """Live sessions."""

    async def add_session(self, tx: Transaction, session: SessionRecord) -> None: ...
    async def set_state(self, tx: Transaction, session_id: str, state: str) -> None:
        """Move a session that has not ended; one that ended stays as it is."""
        ...

    async def end_session(
        self, tx: Transaction, session_id: str, state: str, reason: str, snapshot_id: str, ended_at: datetime
    ) -> bool:
        """False where it had ended already."""
        ...

    async def get_session(self, session_id: str, customers: Customers) -> SessionRecord | None: ...
    async def list_by_case(self, case_id: str, customers: Customers) -> list[SessionRecord]: ...
    async def list_open(self, agent_id: str | None = None) -> list[SessionRecord]: ...


class ScheduleStore(Protocol):
    """Timetables."""

    async def add_schedule(self, tx: Transaction, record: ScheduleRecord) -> None: ...
    async def remove_schedule(self, tx: Transaction, schedule_id: str, removed_at: datetime) -> None: ...
    async def get_schedule(self, schedule_id: str, customers: Customers) -> ScheduleRecord | None: ...
    async def list_by_agent(self, agent_id: str, customers: Customers) -> list[ScheduleRecord]: ...
    async def list_all(self, customers: Customers) -> list[ScheduleRecord]: ...


class AuditStore(Protocol):
    """The hash chain."""

    async def append_audit(
        self, tx: Transaction, at: datetime, actor: str, action: str, customer_id: str, object: str, detail: str
    ) -> AuditRow:
        """Chain one entry to the last, inside the transaction."""
        ...

    async def list_audit(self, first: int = 1, limit: int = 1000) -> list[AuditRow]: ...


# --- the rest of the world -----------------------------------------------------------------------------------


class Objects(Protocol):
    """Durable named bytes: temp + fsync + rename + fsync of the folder. Names are ours, never a user's."""

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> tuple[int, bytes]:
        """Store all chunks durably and give (size, SHA-256); raises StorageFull."""
        ...

    def get(self, name: str) -> AsyncIterator[bytes]:
        """Raises NotFound."""
        ...

    async def delete(self, name: str) -> None: ...
    async def size(self, name: str) -> int | None: ...


class Bus(Protocol):
    """News for whoever listens now; never the reason for an ack. A slow listener loses its oldest events."""

    def publish(self, event: Event) -> None: ...
    def subscribe(self, *topics: str) -> Subscription: ...


class Subscription(Protocol):
    """An async iterator over events that must be closed; `async with` does it."""

    def __aiter__(self) -> AsyncIterator[Event]: ...
    async def __aenter__(self) -> Subscription: ...
    async def __aexit__(self, *exc: object) -> None: ...


class Clock(Protocol):
    """Wall time in UTC, and a monotonic one for durations."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...


class Authority(Protocol):
    """The CA's key: signs agents' certificates, tells its own."""

    def ca_pem(self) -> bytes: ...
    def sign(self, csr_der: bytes, not_after: datetime) -> tuple[str, bytes]:
        """(agent_id, certificate PEM) for a CSR whose own signature is good; raises Corrupt otherwise.
        agent_id is computed from the public key; every name in the CSR is ignored."""
        ...


class Links(Protocol):
    """The streams that are open now; implemented by rpc, used by sessions and schedules."""

    def online(self, agent_id: str) -> bool: ...
    def send(self, agent_id: str, frame: link_pb2.LinkResponse) -> bool:
        """Queue a frame for the agent's one writer; False where it is offline."""
        ...

    def close(self, agent_id: str, frame: link_pb2.LinkResponse) -> None:
        """Send a last frame and end the stream (revocation, drain)."""
        ...
