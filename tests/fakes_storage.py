"""Records with what a test does not care about filled in, and a clock and ids that count."""

from __future__ import annotations

import hashlib
import io
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

from caseprobe.errors import StorageFull
from caseprobe.ids import new_id
from caseprobe_collector.access import Principal, Role
from caseprobe_collector.records import (
    Agent,
    AuditEntry,
    Case,
    Customer,
    Delivery,
    Deposit,
    JoinCodeRecord,
    ScheduleRecord,
    SessionRecord,
    SnapshotRow,
    StoredSnapshot,
    Token,
    User,
)
from caseprobe_collector.storage import Storage

NOW = datetime(2026, 11, 22, 9, 30, 0, 123456, tzinfo=UTC)
ADMIN = Principal("user", "user_admin", "root", Role.ADMIN, None)


class SteppedClock:
    """A clock that moves only when told."""

    def __init__(self, now: datetime = NOW) -> None:
        self.time = now

    def now(self) -> datetime:
        """The time that it stands at."""
        return self.time

    def monotonic(self) -> float:
        """Seconds since the start."""
        return (self.time - NOW).total_seconds()

    def step(self, **by: float) -> None:
        """Move on, as timedelta counts."""
        self.time += timedelta(**by)


class Ids:
    """Ids in the house's form that count up, so that later is larger."""

    def __init__(self) -> None:
        self._numbers: Iterator[int] = itertools.count(1)

    def __call__(self, prefix: str) -> str:
        return new_id(prefix, float(next(self._numbers)), bytes(10))


def counted_bytes() -> Any:
    """A source of bytes that never repeats and is the same in every run."""
    numbers = itertools.count(1)
    return lambda size: hashlib.shake_128(str(next(numbers)).encode()).digest(size)


class StagedInMemory:
    """An object on its way that is kept nowhere."""

    def __init__(self) -> None:
        self.file: BinaryIO = io.BytesIO()
        self.discarded = False

    def write(self, data: bytes) -> None:
        """Append."""
        self.file.write(data)

    async def keep(self, name: str) -> None:
        """Nothing keeps it."""

    def discard(self) -> None:
        """Remember that it was."""
        self.discarded = True


class StagedOnFullDisk(StagedInMemory):
    """One that nothing can be written to."""

    def write(self, data: bytes) -> None:
        """Always StorageFull."""
        raise StorageFull("no room")


def customer(customer_id: str = "cust_a", name: str | None = None) -> Customer:
    """A customer."""
    return Customer(customer_id, name or f"name of {customer_id}", NOW)


def case(case_id: str = "case_1", customer_id: str = "cust_a", **more: Any) -> Case:
    """An open case."""
    return Case(**{**vars(Case(case_id, customer_id, "slow disks", "since monday", "open", NOW, "user_1")), **more})


def agent(agent_id: str = "agent_1", customer_id: str = "cust_a", **more: Any) -> Agent:
    """An enrolled machine."""
    plain = Agent(agent_id, customer_id, "db1", "Debian 12", "0.1.0", "enrolled", NOW, NOW + timedelta(days=30))
    return Agent(**{**vars(plain), **more})


def join_code(number: int = 1, customer_id: str = "cust_a", uses: int = 1, **more: Any) -> JoinCodeRecord:
    """A code that enrols."""
    secret_sha256 = hashlib.sha256(str(number).encode()).digest()
    ends = NOW + timedelta(minutes=15)
    plain = JoinCodeRecord(f"join_{number}", secret_sha256, 1, customer_id, "", uses, ends, "user_1", NOW)
    return JoinCodeRecord(**{**vars(plain), **more})


def user(user_id: str = "user_1", name: str = "ada", **more: Any) -> User:
    """A member of support who sees one customer."""
    plain = User(user_id, name, "hash", Role.SUPPORT, frozenset({"cust_a"}), NOW)
    return User(**{**vars(plain), **more})


def token(number: int = 1, user_id: str = "user_1", **more: Any) -> Token:
    """An API token."""
    secret_sha256 = hashlib.sha256(str(number).encode()).digest()
    plain = Token(f"tok_{number}", "api", secret_sha256, user_id, "ci", Role.VIEWER, None, NOW, None)
    return Token(**{**vars(plain), **more})


def snapshot(
    snapshot_id: str = "snap_1",
    body: bytes = b"body",
    findings: tuple[tuple[str, str, int], ...] = (),
    **more: Any,
) -> StoredSnapshot:
    """A snapshot of agent_1 in no case."""
    row = SnapshotRow(
        snapshot_id=snapshot_id,
        agent_id="agent_1",
        customer_id="cust_a",
        case_id="",
        flow=1,
        session_id="",
        schedule_id="",
        profile="quick",
        started_at=NOW,
        received_at=NOW,
        sequence=1,
        worst=1,
        finding_total=len(findings),
        size_bytes=len(body),
        sha256=hashlib.sha256(body).digest(),
    )
    return StoredSnapshot(row._replace(**more), body, findings)


def deposit(stored: StoredSnapshot | None = None, spool_id: str = "", sequence: int = 0, **more: Any) -> Deposit:
    """A snapshot as it is handed to the store, with its audit entry."""
    stored = stored or snapshot()
    row = stored.row
    entry = AuditEntry(NOW, row.agent_id, "snapshot.store", row.customer_id, row.snapshot_id, "")
    return Deposit(stored, entry, spool_id, sequence, **more)


def delivery(made: Deposit) -> Delivery:
    """What becomes this deposit, which is made already."""

    async def make() -> Deposit:
        return made

    return Delivery(made.snapshot.body, made.snapshot.row.sha256, make, made.objects)


async def deliver(storage: Storage, made: Deposit) -> bool:
    """Store a deposit; gives whether its id was new."""
    _, new = await storage.deposits.deposit(delivery(made))
    return new


def session(session_id: str = "sess_1", case_id: str = "case_1", **more: Any) -> SessionRecord:
    """A session that was asked for."""
    plain = SessionRecord(
        session_id, case_id, "cust_a", "agent_1", b"request", "path", "user_1", NOW, 60.0, "requested"
    )
    return SessionRecord(**{**vars(plain), **more})


def schedule(schedule_id: str = "sched_1", agent_id: str = "agent_1", customer_id: str = "cust_a") -> ScheduleRecord:
    """A timetable."""
    return ScheduleRecord(schedule_id, agent_id, customer_id, b"schedule", "user_1", NOW)
