"""What the use cases need from storage, bus, clock and authority.

Only adapters implement these; only `app` joins the two. Every write takes the Transaction that it belongs to:
a transaction's work is durable (committed with a real fsync) when `Transactions.run` returns, never earlier.
Every read that a person causes names the customers that it may see (None: all).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import BinaryIO, Protocol, TypeVar

from caseprobe.v1 import link_pb2
from caseprobe_collector.records import (
    Agent,
    AuditRow,
    Case,
    Checkpoint,
    Customer,
    Customers,
    Damage,
    Delivery,
    Deposit,
    Event,
    GapDeposit,
    JoinCodeRecord,
    Loss,
    ObjectRecord,
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

    async def run(self, work: Callable[[Transaction], Awaitable[T]], spare_room: bool = True) -> T:
        """Do the work and commit it durably; raises what the work raised, StorageFull on a full disk, Busy.

        spare_room: whether it may use the room that is kept for staff on a full disk; what machines cause may not.
        work awaits stores only: reads in it see its own writes, and whatever else it waited for, every other caller
        of its commit would wait for. It may run on another thread, so it leaves bus, queues and events alone; what
        is to be told is told after `run` returned, when it is true.
        """


class CaseStore(Protocol):
    """Cases."""

    async def add_case(self, tx: Transaction, case: Case) -> None:
        """Store a new case."""

    async def close_case(self, tx: Transaction, case_id: str, closed_at: datetime) -> None:
        """End a case; it takes no more evidence."""

    async def reopen_case(self, tx: Transaction, case_id: str) -> None:
        """Let a closed case take evidence again."""

    async def delete_case(self, tx: Transaction, case_id: str) -> None:
        """Remove a case that has no snapshots any more, with its sessions and codes; raises UsageError while one of
        its sessions has not ended."""

    async def get_case(self, case_id: str, customers: Customers) -> Case | None:
        """One case, None where there is none for these customers."""

    async def list_cases(
        self, customers: Customers, state: str | None = None, limit: int = 200, before: str | None = None
    ) -> list[Case]:
        """Cases of these customers, newest first."""


class CustomerStore(Protocol):
    """Customers."""

    async def add_customer(self, tx: Transaction, customer: Customer) -> None:
        """Store a new customer."""

    async def get_customer(self, customer_id: str, customers: Customers) -> Customer | None:
        """One customer, None where there is none."""

    async def find_customer(self, name: str) -> Customer | None:
        """The customer of this name, None where there is none."""

    async def list_customers(self, customers: Customers) -> list[Customer]:
        """These customers by name."""


class FleetStore(Protocol):
    """Agents."""

    async def put_agent(self, tx: Transaction, agent: Agent) -> None:
        """Store a machine, new or changed."""

    async def revoke_agent(self, tx: Transaction, agent_id: str, revoked_at: datetime) -> None:
        """End a machine's enrolment."""

    async def get_agent(self, agent_id: str, customers: Customers) -> Agent | None:
        """One machine, None where there is none for these customers."""

    async def list_agents(self, customers: Customers, kind: str | None = "enrolled") -> list[Agent]:
        """Machines of these customers."""

    async def mark_seen(self, tx: Transaction, seen: Mapping[str, datetime]) -> None:
        """Remember when machines last spoke, by their ids."""


class JoinCodeStore(Protocol):
    """What lets a key become an agent."""

    async def add_join_code(self, tx: Transaction, code: JoinCodeRecord) -> None:
        """Store a join code's record; never its secret."""

    async def get_join_code(self, secret_sha256: bytes) -> JoinCodeRecord | None:
        """One join code's record, None where there is none."""

    async def list_join_codes(self, customers: Customers, since: datetime) -> list[JoinCodeRecord]:
        """Those of these customers that end after this time, newest first."""

    async def use_join_code(self, tx: Transaction, join_code_id: str) -> bool:
        """Take one use; False where none was left. Inside the transaction, so two callers cannot share the last."""

    async def used_at(self, join_code_id: str, agent_id: str) -> datetime | None:
        """When this key became a machine by this code, None where it did not."""

    async def revoke_join_code(self, tx: Transaction, join_code_id: str, revoked_at: datetime) -> None:
        """Withdraw it: it lets nobody in any more."""


class UserStore(Protocol):
    """Staff and their tokens."""

    async def put_user(self, tx: Transaction, user: User) -> None:
        """Store a user, new or changed."""

    async def get_user(self, user_id: str) -> User | None:
        """One user, None where there is none."""

    async def find_user(self, name: str) -> User | None:
        """The user of this name, None where there is none."""

    async def list_users(self) -> list[User]:
        """All users by name."""

    async def add_token(self, tx: Transaction, token: Token) -> None:
        """Store a login or API token by its secret's hash."""

    async def find_token(self, secret_sha256: bytes) -> Token | None:
        """The token of this hash, None where there is none."""

    async def list_tokens(self, user_id: str) -> list[Token]:
        """A user's tokens."""

    async def revoke_token(self, tx: Transaction, token_id: str, revoked_at: datetime) -> None:
        """End a token."""


class DepositStore(Protocol):
    """What machines deliver. Many deposits share one fsync; each is stored whole or not at all."""

    async def deposit(self, delivery: Delivery) -> tuple[Deposit, bool]:
        """Store a snapshot with its index, its spool's place and its audit entry; durable when this returns.

        Gives what was made of the delivery, and False where its id was there already: then only the spool's place
        moves. Raises Corrupt where the body is not what its hash says, what `make` raises, StorageFull, Busy.
        """

    async def replace_damaged(self, delivery: Delivery) -> tuple[Deposit, bool]:
        """Put a snapshot in the place of one of its id that is damaged; False where the audit names another machine
        as the one that delivered it."""

    async def delete_snapshot(self, tx: Transaction, snapshot_id: str) -> list[str]:
        """Remove a snapshot with its index; gives the objects that nothing names any more, to be deleted after.

        A unit of work and no deposit, so that it works on a full disk.
        """

    async def free_objects(self, names: Sequence[str]) -> None:
        """Remove these objects, but for those that a row names again or that were put for one that is on its way."""

    async def deposit_gap(self, gap: GapDeposit) -> None:
        """Record what an agent had to drop; the same gap again changes nothing."""

    async def ready(self) -> None:
        """Raise what keeps deposits from being stored now, such as StorageFull; used for readiness."""


class SnapshotStore(Protocol):
    """Snapshots, by ids that are unique among all machines."""

    async def get_snapshot(self, snapshot_id: str, customers: Customers) -> StoredSnapshot | None:
        """Raises Corrupt where the row or the bytes no longer match their hash, and remembers that they do not."""

    async def get_row(self, snapshot_id: str, customers: Customers) -> SnapshotRow | None:
        """One snapshot's row, None where there is none; of a damaged one only its id and the damage are told."""

    async def list_by_case(self, case_id: str, customers: Customers, limit: int = 100) -> list[SnapshotRow]:
        """Snapshots of a case, newest first."""

    async def list_by_agent(self, agent_id: str, customers: Customers, limit: int = 100) -> list[SnapshotRow]:
        """Snapshots of a machine, newest first."""

    async def get_object(self, snapshot_id: str, name: str) -> ObjectRecord | None:
        """What the file of this name beside a snapshot must be, None where there is none."""

    async def last_sequence(self, agent_id: str, spool_id: str) -> int:
        """The largest sequence stored of a spool, 0 where there is none.

        Items are stored side by side, so a smaller one may still be missing: this never tells an agent to forget any.
        """

    async def list_gaps(self, agent_id: str) -> list[tuple[int, int, str, datetime]]:
        """What an agent had to drop: first, last, reason, when."""

    async def mark_damaged(self, damage: Damage) -> None:
        """Remember that a snapshot is damaged, so that lists and severities say so before anyone opens it."""


class SessionStore(Protocol):
    """Live sessions."""

    async def add_session(self, tx: Transaction, session: SessionRecord) -> None:
        """Store a new session."""

    async def set_state(self, tx: Transaction, session_id: str, state: str) -> None:
        """Move a session that has not ended; one that ended stays as it is."""

    async def end_session(
        self, tx: Transaction, session_id: str, state: str, reason: str, snapshot_id: str, ended_at: datetime
    ) -> bool:
        """False where it had ended already."""

    async def get_session(self, session_id: str, customers: Customers) -> SessionRecord | None:
        """One session, None where there is none for these customers."""

    async def list_by_case(self, case_id: str, customers: Customers) -> list[SessionRecord]:
        """Sessions of a case, newest first."""

    async def list_open(self, agent_id: str | None = None) -> list[SessionRecord]:
        """Sessions that have not ended, of one agent or of all."""


class ScheduleStore(Protocol):
    """Timetables."""

    async def add_schedule(self, tx: Transaction, record: ScheduleRecord) -> None:
        """Store a new timetable."""

    async def remove_schedule(self, tx: Transaction, schedule_id: str, removed_at: datetime) -> None:
        """End a timetable; its record stays."""

    async def get_schedule(self, schedule_id: str, customers: Customers) -> ScheduleRecord | None:
        """One timetable, None where there is none for these customers."""

    async def list_by_agent(self, agent_id: str, customers: Customers) -> list[ScheduleRecord]:
        """A machine's timetables."""

    async def list_all(self, customers: Customers) -> list[ScheduleRecord]:
        """All timetables of these customers."""


class AuditStore(Protocol):
    """The hash chain."""

    async def append_audit(
        self, tx: Transaction, at: datetime, actor: str, action: str, customer_id: str, object: str, detail: str
    ) -> AuditRow:
        """Chain one entry to the last, inside the transaction."""

    async def list_audit(self, first: int = 1, limit: int = 1000) -> list[AuditRow]:
        """Entries in the order of the chain, from this number on."""

    async def newest_audit(self) -> Checkpoint | None:
        """The last entry of the chain."""


class WitnessStore(Protocol):
    """What machines told of their own audit chains."""

    async def get_witnessed(self, agent_id: str) -> Checkpoint | None:
        """The newest entry of a machine's chain that was noted."""

    async def put_witnessed(self, tx: Transaction, agent_id: str, newest: Checkpoint) -> None:
        """Note it in place of the one before."""


class LossStore(Protocol):
    """What was acknowledged and found missing."""

    async def list_losses(self) -> list[Loss]:
        """All of them, oldest first."""

    async def settle_losses(self, tx: Transaction, settled_at: datetime) -> int:
        """Those that stand are dealt with; gives how many."""


# --- the rest of the world -----------------------------------------------------------------------------------


class Staged(Protocol):
    """An object on its way: bytes in a file that nobody finds by a name until it is kept. Blocking but for keep."""

    @property
    def file(self) -> BinaryIO:
        """The bytes so far, to be read back; its position is the reader's to set."""

    def write(self, data: bytes) -> None:
        """Append; raises StorageFull."""

    async def keep(self, name: str) -> None:
        """Make it durable under this name, replacing what was there at once or not at all; raises StorageFull."""

    def discard(self) -> None:
        """Forget it; nothing where it was kept or discarded already."""


class Converter(Protocol):
    """Makes a bundle of what another program recorded of a machine: redacted, judged, signed as every bundle."""

    async def convert(self, archive: BinaryIO, customer_id: str, bundle: Staged) -> bytes:
        """Write the bundle of an archive (a plain file) and give its SHA-256; the same for a file and a customer.

        Raises Corrupt where the archive is of no kind that is known, or hostile; StorageFull.
        """


class Shelf(Protocol):
    """Where the pieces of unfinished items lie, whatever becomes of the process that takes them. Blocking."""

    def begin(self, agent_id: str, first: link_pb2.Data) -> Staged:
        """A file for an item of which the first piece said this; raises StorageFull."""

    def leave(self, staged: Staged) -> None:
        """Let go of a file that was begun or taken here: it stays for whoever goes on. Any other is discarded."""

    def take(self, agent_id: str) -> list[tuple[link_pb2.Data, Staged, int]]:
        """A machine's items that nobody has open: what its first piece said, the file, how many bytes it has."""

    def sweep(self, now: datetime) -> None:
        """Remove what nobody went on with in time, and the oldest where there is too much."""


class Objects(Protocol):
    """Durable named bytes: temp + fsync + rename + fsync of the folder. Names are ours, never a user's."""

    def stage(self) -> Staged:
        """An empty object on its way; blocking, raises StorageFull."""

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> tuple[int, bytes]:
        """Store all chunks durably and give (size, SHA-256); raises StorageFull."""

    def get(self, name: str) -> AsyncIterator[bytes]:
        """Raises NotFound."""

    async def delete(self, name: str) -> None:
        """Remove an object; nothing where there is none."""

    async def size(self, name: str) -> int | None:
        """An object's size in bytes, None where there is none."""


class Bus(Protocol):
    """News for whoever listens now; never the reason for an ack. A slow listener loses its oldest events."""

    def publish(self, event: Event) -> None:
        """Hand an event to whoever listens to its topic; never waits."""

    def subscribe(self, *topics: str) -> Subscription:
        """Events of these topics from now on."""


class Subscription(Protocol):
    """An async iterator over events that must be closed; `async with` does it."""

    def __aiter__(self) -> AsyncIterator[Event]: ...
    async def __aenter__(self) -> Subscription: ...
    async def __aexit__(self, *exc: object) -> None: ...


class Clock(Protocol):
    """Wall time in UTC, and a monotonic one for durations."""

    def now(self) -> datetime:
        """Wall clock, UTC."""

    def monotonic(self) -> float:
        """Seconds that never jump."""


class Authority(Protocol):
    """The CA's key: signs agents' certificates, tells its own."""

    def ca_pem(self) -> bytes:
        """The certificate authority's certificate."""

    def sign(self, csr_der: bytes, not_after: datetime) -> tuple[str, bytes]:
        """(agent_id, certificate PEM) for a CSR whose own signature is good; raises Corrupt otherwise.
        agent_id is computed from the public key; every name in the CSR is ignored."""


class Links(Protocol):
    """The streams that are open now; implemented by rpc, used by sessions and schedules."""

    def online(self, agent_id: str) -> bool:
        """Whether the machine's link is open."""

    def send(self, agent_id: str, frame: link_pb2.LinkResponse) -> bool:
        """Queue a frame for the agent's one writer; False where it is offline."""

    def close(self, agent_id: str, frame: link_pb2.LinkResponse) -> None:
        """Send a last frame and end the stream (revocation, drain)."""
