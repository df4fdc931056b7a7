"""Whole items made durable, and only then acknowledged.

Why an acknowledged snapshot is never lost: `store` returns after `DepositStore.deposit` did, which is a real fsync, and
after every object that the row names was put, which is an fsync of file and folder. Nothing else makes an ack.
Why it is recorded once: row and spool sequence commit together, and a row that is there changes nothing, so what
is sent again after a lost ack is answered like the first time.
Why nothing is refused, nor attached, for what was true a moment ago: a small snapshot is read, and every one's case is
looked up, by the thread that stores it and inside the commit that stores it (`_delivery`). The event loop does next to
nothing for a snapshot, so the two threads do not take the interpreter from each other for each of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

import zstandard

from caseprobe.errors import Corrupt, NotAllowed, StorageDamaged
from caseprobe.v1 import link_pb2, snapshot_pb2
from caseprobe.v1.consent_pb2 import SignedConsent
from caseprobe_collector.audit import AuditLog
from caseprobe_collector.bases import BUNDLE_OBJECT
from caseprobe_collector.ingest.assembly import Assembled, Assembly, Limits, Offload
from caseprobe_collector.ingest.budget import Budget
from caseprobe_collector.ingest.forms import (
    agreed_case,
    attach_consent,
    object_name,
    read_bundle,
    read_snapshot,
    unpacked_bytes,
)
from caseprobe_collector.ingest.parking import Parking
from caseprobe_collector.ingest.patching import Patching, content_of
from caseprobe_collector.ingest.unsealing import Unsealing
from caseprobe_collector.ports import (
    Bus,
    CaseStore,
    Clock,
    DepositStore,
    Objects,
    SessionStore,
    Shelf,
    SnapshotStore,
    Staged,
    Transaction,
)
from caseprobe_collector.records import (
    Agent,
    Delivery,
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
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Up to here a snapshot is unpacked and parsed by the thread that stores it: a hop to another would cost more.
IN_PLACE_BYTES = 128 << 10


class Stored(NamedTuple):
    """What the agent is told: stored, and where it could not be attached, why (code and sentence)."""

    sequence: int
    snapshot_id: str
    notice_code: str = ""
    notice: str = ""


def _timestamp(snapshot: snapshot_pb2.Snapshot) -> datetime:
    # A machine's clock may be centuries off, and beyond what datetime holds.
    at = snapshot.started_at
    try:
        return EPOCH + timedelta(seconds=at.seconds, microseconds=at.nanos // 1000)
    except OverflowError:
        return EPOCH


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
        offload: Offload = asyncio.to_thread,
        budget: Budget | None = None,
        shelf: Shelf | None = None,
        secret: bytes = b"",
    ) -> None:
        """shelf: where unfinished items lie, for the next process too; None: they go with this one.

        secret: of the key that bundles are encrypted to; empty: none is opened.
        """
        self.budget = budget or Budget()
        self._offload = offload
        self._shelf = shelf
        self._parking = Parking(clock, shelf=shelf)
        self._unsealing = Unsealing(objects, secret, offload)
        self._patching = Patching(snapshots, objects, offload)
        # For the thread that stores alone.
        self._unpacker = zstandard.ZstdDecompressor()
        self._deposits = deposits
        self._snapshots = snapshots
        self._cases = cases
        self._sessions = sessions
        self._objects = objects
        self._audit = audit
        self._bus = bus
        self._clock = clock

    def assembly(self, agent_id: str, limits: Limits) -> Assembly:
        """What puts the items of one machine's stream together."""

        def stage(first: link_pb2.Data) -> Staged:
            return self._shelf.begin(agent_id, first) if self._shelf is not None else self._objects.stage()

        return Assembly(limits, stage, self._offload)

    def resumed(self, agent_id: str, limits: Limits) -> Assembly | None:
        """What goes on with the items that the machine's last stream left unfinished; None where it left none."""
        if not (partials := self._parking.take(agent_id)):
            return None
        assembly = self.assembly(agent_id, limits)
        assembly.adopt(partials)
        return assembly

    def leave(self, agent_id: str, assembly: Assembly | None) -> None:
        """Keep a while what a stream that ended left unfinished; None: it never began an item."""
        self._parking.park(agent_id, assembly.leave() if assembly is not None else {})

    def close(self) -> None:
        """Put away what is unfinished."""
        self._parking.close()

    async def store(self, agent: Agent, spool_id: str, item: Assembled) -> Stored:
        """Make one item durable; raises Corrupt, NotAllowed, StorageFull, Busy. What was staged of it is used up."""
        if item.kind == link_pb2.DATA_KIND_BUNDLE:
            staged = item.staged or await self._offload(self._staged, item.content)
            return await self.store_bundle(agent, staged, item.sha256, spool_id, item.sequence, item.consent)
        if item.kind == link_pb2.DATA_KIND_BUNDLE_SEALED:
            staged, sha256 = await self.opened(item.staged or await self._offload(self._staged, item.content))
            return await self.store_bundle(agent, staged, sha256, spool_id, item.sequence, item.consent)
        body = item.content if item.staged is None else await self._offload(content_of, item)
        if item.kind == link_pb2.DATA_KIND_BUNDLE_PATCH:
            staged, sha256 = await self._patching.whole(agent, body)
            return await self.store_bundle(agent, staged, sha256, spool_id, item.sequence, item.consent)
        read = partial(read_snapshot, body, self._unpacker)
        if unpacked_bytes(body) > IN_PLACE_BYTES:
            read = partial(_already, await self._offload(read_snapshot, body))
        return await self._commit(self._delivery(agent, read, body, item.sha256, spool_id, item.sequence))

    async def opened(self, sealed: Staged) -> tuple[Staged, bytes]:
        """The bundle in an encrypted file, which is used up by it, and its SHA-256; raises Corrupt, StorageFull."""
        return await self._unsealing.opened(sealed)

    async def store_bundle(
        self,
        agent: Agent,
        staged: Staged,
        sha256: bytes,
        spool_id: str = "",
        sequence: int = 0,
        consent: SignedConsent | None = None,
    ) -> Stored:
        """Make a bundle file of this hash and its snapshot durable; raises Corrupt where it is cut, garbled, altered.

        consent: what came beside it; it is kept with the snapshot where it speaks of exactly this file and of the case
        that the key was let in for, and the bundle is refused where it does not.
        The file is durable under its name before the row that names it is handed to the writer, and its name holds its
        hash: until that commit it takes the place of no file that a row names, of a damaged snapshot that it repairs
        either. If the commit never comes it is an orphan, and once it came the file of the damaged one is; the next
        start sweeps either away.
        """
        try:
            snapshot = await self._offload(read_bundle, staged.file)
            _check_identity(agent, snapshot)
            snapshot.consent.ClearField("signed")
            if consent is not None:
                await self._offload(attach_consent, snapshot, consent, sha256)
                _check_case(agent, agreed_case(consent))
            objects = await self._keep(staged, sha256, agent.agent_id, snapshot.snapshot_id)
        finally:
            await self._offload(staged.discard)
        body = zstandard.ZstdCompressor(level=3).compress(snapshot.SerializeToString())
        body_sha256, read = hashlib.sha256(body).digest(), partial(_already, snapshot)
        return await self._commit(self._delivery(agent, read, body, body_sha256, spool_id, sequence, objects))

    async def _keep(self, staged: Staged, sha256: bytes, agent_id: str, snapshot_id: str) -> tuple[ObjectRecord, ...]:
        # A resent bundle must not replace bytes that were acknowledged, unless they are damaged by now.
        with contextlib.suppress(Corrupt):
            if await self._snapshots.get_snapshot(snapshot_id, None) is not None:
                return ()
        name = object_name(agent_id, snapshot_id, sha256)
        size = staged.file.seek(0, 2)
        await staged.keep(name)
        return (ObjectRecord(BUNDLE_OBJECT, name, size, sha256),)

    def _staged(self, content: bytes) -> Staged:
        staged = self._objects.stage()
        try:
            staged.write(content)
        except BaseException:
            staged.discard()
            raise
        return staged

    async def remove(self, tx: Transaction, snapshot_id: str) -> list[str]:
        """Remove what was stored, within a unit of work; gives the objects to be deleted once that is durable."""
        return await self._deposits.delete_snapshot(tx, snapshot_id)

    async def free(self, names: Sequence[str]) -> None:
        """Delete objects that removed rows named, unless others name them."""
        await self._deposits.free_objects(names)

    async def store_gap(self, agent: Agent, spool_id: str, gap: link_pb2.Gap) -> Stored:
        """Record what the agent had to drop."""
        first, last, now = gap.first_sequence, gap.last_sequence, self._clock.now()
        await self._deposits.deposit_gap(
            GapDeposit(agent.agent_id, spool_id, gap.sequence, first, last, gap.reason[:200], now)
        )
        return Stored(gap.sequence, "")

    async def _commit(self, delivery: Delivery) -> Stored:
        deposit, new = await self._deposits.deposit(delivery)
        if not new:
            return await self._stored_before(delivery, deposit)
        return self._told(deposit)

    def _delivery(
        self,
        agent: Agent,
        read: Callable[[], snapshot_pb2.Snapshot],
        body: bytes,
        sha256: bytes,
        spool_id: str,
        sequence: int,
        objects: tuple[ObjectRecord, ...] = (),
    ) -> Delivery:
        """What becomes a deposit when it is stored: a case that was closed or deleted by then takes nothing more."""

        async def make() -> Deposit:
            snapshot = read()
            _check_identity(agent, snapshot)
            case_id, code, notice = await self._attachment(agent, snapshot)
            findings = finding_index(snapshot)
            names = tuple([one.name for one in objects])
            row = self._row(agent, snapshot, findings, len(body), sha256, names, case_id, notice)
            entry = self._audit.entry(agent.agent_id, "snapshot.store", row.customer_id, row.snapshot_id, notice)
            return Deposit(StoredSnapshot(row, body, findings), entry, spool_id, sequence, objects, code)

        return Delivery(body, sha256, make, objects)

    async def _stored_before(self, delivery: Delivery, deposit: Deposit) -> Stored:
        """The answer of the first time; another machine's id is refused.

        Whoever sends it again still has it, and forgets it once it is acknowledged: so what was stored is read back
        first, and if it is damaged by now, what came takes its place.
        """
        row = deposit.snapshot.row
        try:
            first = await self._snapshots.get_snapshot(row.snapshot_id, None)
        except Corrupt:
            deposit, replaced = await self._deposits.replace_damaged(delivery._replace(make=partial(_repair, delivery)))
            if replaced:
                return self._told(deposit)
            first = None
        if first is None or first.row.agent_id != row.agent_id:
            raise NotAllowed(f"snapshot id {row.snapshot_id} belongs to another machine")
        notice = first.row.notice
        return Stored(deposit.sequence, row.snapshot_id, "not_attached" if notice else "", notice)

    async def _attachment(self, agent: Agent, snapshot: snapshot_pb2.Snapshot) -> tuple[str, str, str]:
        """(case id or "", notice code, notice): a machine's word alone never attaches anything."""
        try:
            case_id = await self._entitled_case(agent, snapshot)
        except StorageDamaged:
            # What was measured is kept even where the session that asked for it is not sound any more.
            return "", "case_damaged", f"{snapshot.session_id} is damaged; the snapshot is kept on its machine's page"
        if not case_id:
            return "", "", ""
        try:
            case = await self._cases.get_case(case_id, frozenset({agent.customer_id}))
        except StorageDamaged:
            # Its machine forgets what is acknowledged, so what was measured is kept even where its case is not sound.
            return "", "case_damaged", f"{case_id} is damaged; the snapshot is kept on its machine's page"
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
        findings: tuple[tuple[str, str, int], ...],
        size_bytes: int,
        sha256: bytes,
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
            worst=worst_severity(findings),
            finding_total=len(findings),
            size_bytes=size_bytes,
            sha256=sha256,
            objects=objects,
            notice=notice,
        )

    def _told(self, deposit: Deposit) -> Stored:
        """Tell whoever listens, and what the machine is told."""
        row = deposit.snapshot.row
        body = {"snapshot_id": row.snapshot_id, "agent_id": row.agent_id, "worst": row.worst, "flow": row.flow}
        for topic in (f"agent:{row.agent_id}", *([f"case:{row.case_id}"] if row.case_id else [])):
            self._bus.publish(Event(topic, "snapshot", row.customer_id, body))
        return Stored(deposit.sequence, row.snapshot_id, deposit.notice_code, row.notice)


async def _repair(delivery: Delivery) -> Deposit:
    made = await delivery.make()
    return made._replace(entry=made.entry._replace(action="snapshot.repair"))


def _already(snapshot: snapshot_pb2.Snapshot) -> snapshot_pb2.Snapshot:
    return snapshot


def _check_identity(agent: Agent, snapshot: snapshot_pb2.Snapshot) -> None:
    """Identity is the TLS key's alone: a snapshot that names another machine is refused, not corrected."""
    if snapshot.agent_id != agent.agent_id:
        raise NotAllowed(f"the snapshot names {snapshot.agent_id[:60]!r}, the key is {agent.agent_id}")
    if not SNAPSHOT_ID.fullmatch(snapshot.snapshot_id):
        raise Corrupt("the snapshot's id has not the form of one")


def _check_case(agent: Agent, agreed: str) -> None:
    """A key that redeemed another code meanwhile brings nothing into that one's case that was agreed to for its own."""
    if agreed not in ("", agent.case_id):
        raise NotAllowed(
            f"it was agreed to be sent to {agreed[:60]!r}, this key was let in for another case; send it again"
        )
