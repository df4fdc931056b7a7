"""Whole items made durable, and only then acknowledged.

Why an acknowledged snapshot is never lost: `store` returns after `DepositStore.deposit` did, which is a real fsync, and
after every object that the row names was put, which is an fsync of file and folder. Nothing else makes an ack.
Why it is recorded once: row and spool sequence commit together, and a row that is there changes nothing, so what
is sent again after a lost ack is answered like the first time.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO

import zstandard
from google.protobuf.message import DecodeError

from caseprobe.bundle import BundleReader
from caseprobe.errors import Corrupt, NotAllowed
from caseprobe.v1 import link_pb2, snapshot_pb2
from caseprobe_collector.audit import AuditLog
from caseprobe_collector.ingest.assembly import Assembled
from caseprobe_collector.ports import (
    Bus,
    CaseStore,
    Clock,
    DepositStore,
    Objects,
    SessionStore,
    SnapshotStore,
)
from caseprobe_collector.records import (
    Agent,
    Deposit,
    Event,
    GapDeposit,
    ObjectRecord,
    SnapshotRow,
    StoredSnapshot,
    finding_index,
    worst_severity,
)

SNAPSHOT_ID = re.compile(r"snap_[0-9a-f]{32}")
MAX_SNAPSHOT_BYTES = 64 << 20
BUNDLE_OBJECT = "bundle.zip"
CHUNK_BYTES = 256 << 10


@dataclass(frozen=True)
class Stored:
    """What the agent is told: stored, and where it could not be attached, why (code and sentence)."""

    sequence: int
    snapshot_id: str
    notice_code: str = ""
    notice: str = ""


def decompress(body: bytes, limit_bytes: int = MAX_SNAPSHOT_BYTES) -> bytes:
    """The bytes under zstd, never more than the limit whatever the header claims; raises Corrupt."""
    try:
        with zstandard.ZstdDecompressor().stream_reader(body) as reader:
            raw = reader.read(limit_bytes + 1)
    except zstandard.ZstdError as error:
        raise Corrupt(f"not a zstd stream: {error}") from None
    if len(raw) > limit_bytes:
        raise Corrupt(f"a snapshot of more than {limit_bytes} bytes")
    return raw


def parse_snapshot(raw: bytes) -> snapshot_pb2.Snapshot:
    """The message in these bytes; raises Corrupt."""
    try:
        return snapshot_pb2.Snapshot.FromString(raw)
    except DecodeError:
        raise Corrupt("the snapshot's bytes are not a snapshot") from None


def object_name(agent_id: str, snapshot_id: str) -> str:
    """Where a bundle's bytes lie: made of our own ids alone."""
    return f"{agent_id}/{snapshot_id}/{BUNDLE_OBJECT}"


def _timestamp(snapshot: snapshot_pb2.Snapshot) -> datetime:
    # A machine's clock may be centuries off, and beyond what datetime holds.
    try:
        return snapshot.started_at.ToDatetime(tzinfo=UTC)
    except (OverflowError, ValueError):
        return datetime(1970, 1, 1, tzinfo=UTC)


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
        yield chunk


class Ingest:
    """Stores what agents deliver."""

    def __init__(
        self,
        deposits: DepositStore,
        snapshots: SnapshotStore,
        cases: CaseStore,
        sessions: SessionStore,
        objects: Objects,
        audit: AuditLog,
        bus: Bus,
        clock: Clock,
    ) -> None:
        self._deposits = deposits
        self._snapshots = snapshots
        self._cases = cases
        self._sessions = sessions
        self._objects = objects
        self._audit = audit
        self._bus = bus
        self._clock = clock

    async def store(self, agent: Agent, spool_id: str, item: Assembled) -> Stored:
        """Make one item durable; raises Corrupt, NotAllowed, StorageFull. The item's file is closed."""
        with item.file as file:
            if item.kind == link_pb2.DATA_KIND_BUNDLE:
                return await self.store_bundle(agent, file, spool_id, item.sequence)
            body = file.read()
        snapshot = parse_snapshot(await asyncio.to_thread(decompress, body))
        return await self._commit(agent, snapshot, body, (), spool_id, item.sequence)

    async def store_bundle(self, agent: Agent, file: IO[bytes], spool_id: str = "", sequence: int = 0) -> Stored:
        """Make a bundle file and its snapshot durable; raises Corrupt where it is cut, garbled or altered."""
        snapshot = await asyncio.to_thread(read_bundle, file)
        _check_identity(agent, snapshot)
        name = object_name(agent.agent_id, snapshot.snapshot_id)
        # A resent bundle must not replace bytes that were acknowledged.
        records: tuple[ObjectRecord, ...] = ()
        if await self._snapshots.get_row(snapshot.snapshot_id, None) is None:
            file.seek(0)
            size, sha256 = await self._objects.put(name, _chunks(file))
            records = (ObjectRecord(BUNDLE_OBJECT, name, size, sha256),)
        body = zstandard.ZstdCompressor(level=3).compress(snapshot.SerializeToString())
        return await self._commit(agent, snapshot, body, records, spool_id, sequence)

    async def store_gap(self, agent: Agent, spool_id: str, gap: link_pb2.Gap) -> Stored:
        """Record what the agent had to drop."""
        first, last, now = gap.first_sequence, gap.last_sequence, self._clock.now()
        await self._deposits.deposit_gap(
            GapDeposit(agent.agent_id, spool_id, gap.sequence, first, last, gap.reason[:200], now)
        )
        return Stored(gap.sequence, "")

    async def _commit(
        self,
        agent: Agent,
        snapshot: snapshot_pb2.Snapshot,
        body: bytes,
        objects: tuple[ObjectRecord, ...],
        spool_id: str,
        sequence: int,
    ) -> Stored:
        _check_identity(agent, snapshot)
        case_id, code, notice = await self._attachment(agent, snapshot)
        row = self._row(agent, snapshot, body, tuple(one.name for one in objects), case_id, notice)
        entry = self._audit.entry(agent.agent_id, "snapshot.store", row.customer_id, row.snapshot_id, notice)
        stored = StoredSnapshot(row, body, finding_index(snapshot))
        if await self._deposits.deposit(Deposit(stored, entry, spool_id, sequence, objects)):
            self._announce(row)
            return Stored(sequence, row.snapshot_id, code, notice)
        return await self._stored_before(agent, row, sequence)

    async def _stored_before(self, agent: Agent, row: SnapshotRow, sequence: int) -> Stored:
        """The answer of the first time; another machine's id is refused."""
        first = await self._snapshots.get_row(row.snapshot_id, None)
        if first is None or (first.agent_id != agent.agent_id and not first.damage):
            raise NotAllowed(f"snapshot id {row.snapshot_id} belongs to another machine")
        return Stored(sequence, row.snapshot_id, "not_attached" if first.notice else "", first.notice)

    async def _attachment(self, agent: Agent, snapshot: snapshot_pb2.Snapshot) -> tuple[str, str, str]:
        """(case id or "", notice code, notice): a machine's word alone never attaches anything."""
        case_id = await self._entitled_case(agent, snapshot)
        if not case_id:
            return "", "", ""
        case = await self._cases.get_case(case_id, frozenset({agent.customer_id}))
        if case is None:
            return "", "case_unknown", f"{case_id} does not exist; the snapshot is kept on its machine's page"
        if case.state != "open":
            return "", "case_closed", f"{case_id} is closed; the snapshot is kept on its machine's page"
        return case_id, "", ""

    async def _entitled_case(self, agent: Agent, snapshot: snapshot_pb2.Snapshot) -> str:
        if agent.kind == "one_shot" or snapshot.flow == snapshot_pb2.FLOW_ONE_SHOT:
            return agent.case_id
        if not snapshot.session_id:
            return ""
        session = await self._sessions.get_session(snapshot.session_id, frozenset({agent.customer_id}))
        return session.case_id if session is not None and session.agent_id == agent.agent_id else ""

    def _row(
        self,
        agent: Agent,
        snapshot: snapshot_pb2.Snapshot,
        body: bytes,
        objects: tuple[str, ...],
        case_id: str,
        notice: str,
    ) -> SnapshotRow:
        return SnapshotRow(
            snapshot_id=snapshot.snapshot_id,
            agent_id=agent.agent_id,
            customer_id=agent.customer_id,
            case_id=case_id,
            flow=snapshot.flow,
            session_id=snapshot.session_id,
            schedule_id=snapshot.schedule_id,
            profile=snapshot.profile,
            started_at=_timestamp(snapshot),
            received_at=self._clock.now(),
            sequence=snapshot.sequence,
            worst=worst_severity(snapshot),
            finding_total=len(snapshot.findings),
            size_bytes=len(body),
            sha256=hashlib.sha256(body).digest(),
            objects=objects,
            notice=notice,
        )

    def _announce(self, row: SnapshotRow) -> None:
        body = {"snapshot_id": row.snapshot_id, "agent_id": row.agent_id, "worst": row.worst, "flow": row.flow}
        for topic in (f"agent:{row.agent_id}", *([f"case:{row.case_id}"] if row.case_id else [])):
            self._bus.publish(Event(topic, "snapshot", row.customer_id, body))


def _check_identity(agent: Agent, snapshot: snapshot_pb2.Snapshot) -> None:
    """Identity is the TLS key's alone: a snapshot that names another machine is refused, not corrected."""
    if snapshot.agent_id != agent.agent_id:
        raise NotAllowed(f"the snapshot names {snapshot.agent_id[:60]!r}, the key is {agent.agent_id}")
    if not SNAPSHOT_ID.fullmatch(snapshot.snapshot_id):
        raise Corrupt("the snapshot's id has not the form of one")


def read_bundle(file: IO[bytes]) -> snapshot_pb2.Snapshot:
    """The snapshot of a bundle that is whole and signed by the key of the machine that it names."""
    reader = BundleReader(file)
    proof = reader.verify()
    if not proof.complete or not proof.hashes_ok or proof.signed_by == "invalid":
        raise Corrupt(f"{proof.sentence} It was not stored.")
    snapshot = reader.snapshot()
    # A file that was carried here came over no TLS: its signature is all that says whose it is.
    if proof.signed_by == "none" or proof.key_id != snapshot.agent_id:
        raise NotAllowed("the bundle is not signed by the machine that it names; it was not stored")
    return snapshot
