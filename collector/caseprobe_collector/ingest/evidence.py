"""Evidence for those who may see it: snapshots as their machines judged them, and the raw files beside them."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import tempfile
from collections.abc import AsyncIterator
from datetime import datetime
from typing import BinaryIO

from caseprobe.errors import CaseClosed, CaseprobeError, Corrupt, NotAllowed, NotFound, TooLarge, UsageError
from caseprobe.v1 import section_pb2, snapshot_pb2
from caseprobe_collector.access import Action, Principal, decide
from caseprobe_collector.audit import AuditLog
from caseprobe_collector.bases import BUNDLE_OBJECT
from caseprobe_collector.ingest.assembly import Limits
from caseprobe_collector.ingest.erasure import Erasure
from caseprobe_collector.ingest.forms import (
    first_object_name,
    is_bundle,
    is_sealed,
    read_bundle,
    read_member,
    read_snapshot,
    whole_bundle,
)
from caseprobe_collector.ingest.store import Ingest
from caseprobe_collector.ports import (
    CaseStore,
    Clock,
    Converter,
    FleetStore,
    Objects,
    SnapshotStore,
    Staged,
    Transaction,
    Transactions,
)
from caseprobe_collector.records import Agent, Case, Damage, SnapshotRow

CHUNK_BYTES = 256 << 10
# Of a machine that is known by its bundle alone.
LONGEST_LABEL = 200
BUNDLE_DAMAGE = "its bundle file is gone or no longer matches its SHA-256"


class Evidence:
    """Reads snapshots and their files, and takes bundles that were carried here by hand."""

    def __init__(
        self,
        transactions: Transactions,
        snapshots: SnapshotStore,
        cases: CaseStore,
        fleet: FleetStore,
        objects: Objects,
        ingest: Ingest,
        audit: AuditLog,
        clock: Clock,
        limits: Limits,
        converter: Converter | None = None,
    ) -> None:
        """converter: for archives of other programs; None: only bundles are taken."""
        self._transactions = transactions
        self._snapshots = snapshots
        self._cases = cases
        self._fleet = fleet
        self._objects = objects
        self._ingest = ingest
        self._audit = audit
        self._clock = clock
        self._limits = limits
        self._converter = converter
        self._erasure = Erasure(transactions, snapshots, cases, ingest, audit)

    async def get(self, by: Principal, snapshot_id: str) -> tuple[SnapshotRow, snapshot_pb2.Snapshot]:
        """A snapshot with its row; raises NotFound, or Corrupt where its bytes no longer match their hash."""
        try:
            stored = await self._snapshots.get_snapshot(snapshot_id, by.customer_ids)
            if stored is None:
                raise NotFound(f"no snapshot {snapshot_id[:60]!r}")
            if not decide(by, Action.SNAPSHOT_READ, stored.row.customer_id):
                raise NotAllowed("you may not read snapshots")
            snapshot = read_snapshot(stored.body)
            if not decide(by, Action.REVEAL, stored.row.customer_id):
                _keep_back_names(snapshot)
            return stored.row, snapshot
        except Corrupt:
            await self._mark(snapshot_id, "its bytes no longer match their SHA-256")
            raise

    async def _mark(self, snapshot_id: str, what: str) -> None:
        """Remember the damage where that is possible: a full or damaged disk must not hide it behind another error."""
        with contextlib.suppress(CaseprobeError):
            await self._snapshots.mark_damaged(Damage(snapshot_id, what, self._clock.now()))

    async def list_by_case(self, by: Principal, case_id: str) -> list[SnapshotRow]:
        """A case's snapshots, newest first."""
        _may_read(by)
        return await self._snapshots.list_by_case(case_id, by.customer_ids)

    async def list_by_agent(self, by: Principal, agent_id: str) -> list[SnapshotRow]:
        """A machine's snapshots, newest first, attached to a case or not."""
        _may_read(by)
        return await self._snapshots.list_by_agent(agent_id, by.customer_ids)

    async def list_gaps(self, by: Principal, agent_id: str) -> list[tuple[int, int, str, datetime]]:
        """What a machine had to drop: first and last sequence, reason, when it said so; oldest first. NotFound."""
        _may_read(by)
        if await self._fleet.get_agent(agent_id, by.customer_ids) is None:
            raise NotFound(f"no machine {agent_id[:60]!r}")
        return await self._snapshots.list_gaps(agent_id)

    async def object_chunks(self, by: Principal, snapshot_id: str, name: str) -> AsyncIterator[bytes]:
        """The bytes of the bundle file ("bundle.zip") or of one of its artifacts.

        Raises NotFound before the first, and Corrupt where the file no longer matches its hash: nothing of it is given.
        """
        row, snapshot = await self.get(by, snapshot_id)
        if BUNDLE_OBJECT not in row.objects:
            raise NotFound(f"snapshot {row.snapshot_id} came without files")
        if name != BUNDLE_OBJECT and name not in _told(snapshot):
            raise NotFound(f"snapshot {row.snapshot_id} has no file {name[:80]!r}")
        file = await self._proven(row)
        return _chunks(file) if name == BUNDLE_OBJECT else _member(file, name)

    async def _proven(self, row: SnapshotRow) -> BinaryIO:
        """The bundle in a file of its own, all of which was read and is what it must be."""
        file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by whoever reads it to its end)
        try:
            record = await self._snapshots.get_object(row.snapshot_id, BUNDLE_OBJECT)
            name = record.object if record else first_object_name(row.agent_id, row.snapshot_id)
            sha256 = await _copy(self._objects.get(name), file)
            # What 0.1.0 stored has no hash of the whole; the manifest in it has one of every member.
            if sha256 != record.sha256 if record else not await asyncio.to_thread(whole_bundle, file):
                raise Corrupt(f"{row.snapshot_id} is damaged on the collector's disk: {BUNDLE_DAMAGE}")
            return file
        except (Corrupt, NotFound) as error:
            file.close()
            await self._mark(row.snapshot_id, BUNDLE_DAMAGE)
            raise Corrupt(f"{row.snapshot_id} is damaged on the collector's disk: {BUNDLE_DAMAGE}") from error
        except BaseException:
            file.close()
            raise

    async def delete(self, by: Principal, snapshot_id: str) -> None:
        """Remove a snapshot and its files for good, damaged ones too; see `Erasure`."""
        await self._erasure.delete_snapshot(by, snapshot_id)

    async def delete_case(self, by: Principal, case_id: str) -> int:
        """Remove a closed case with all its evidence for good; gives how many snapshots. See `Erasure`."""
        return await self._erasure.delete_case(by, case_id)

    async def import_bundle(self, by: Principal, case_id: str, chunks: AsyncIterator[bytes]) -> SnapshotRow:
        """Attach a bundle file that came by another way, or the bundle of another program's archive; twice is once.

        Raises Corrupt where it is cut, altered or nothing that is known, TooLarge, NotFound for the case, CaseClosed,
        and UsageError for what is attached elsewhere already: evidence belongs to one case.
        """
        case = await self._case(by, case_id)
        staged = await asyncio.to_thread(self._objects.stage)
        try:
            sha256 = await self._receive(chunks, staged)
            if await asyncio.to_thread(is_sealed, staged.file):
                staged, sha256 = await self._ingest.opened(staged)
            if self._converter is not None and not await asyncio.to_thread(is_bundle, staged.file):
                staged, archive = await asyncio.to_thread(self._objects.stage), staged
                try:
                    sha256 = await self._converter.convert(archive.file, case.customer_id, staged)
                finally:
                    archive.discard()
            snapshot = await asyncio.to_thread(read_bundle, staged.file)
            agent = await self._carrier(by, case, snapshot)
            stored = await self._ingest.store_bundle(agent, staged, sha256)
        finally:
            staged.discard()
        row, _ = await self.get(by, stored.snapshot_id)
        if row.case_id != case_id:
            where = f"belongs to {row.case_id}" if row.case_id else "was stored without a case"
            raise UsageError(f"{row.snapshot_id} was here before, {where} and stays there; it was not attached again")
        return row

    async def _receive(self, chunks: AsyncIterator[bytes], staged: Staged) -> bytes:
        """The SHA-256 of all chunks, which are written to the staged file."""
        size, digest = 0, hashlib.sha256()
        async for chunk in chunks:
            size += len(chunk)
            if size > self._limits.bundle_bytes:
                raise TooLarge(f"over the collector's cap of {self._limits.bundle_bytes} bytes for a bundle")
            digest.update(chunk)
            await asyncio.to_thread(staged.write, chunk)
        return digest.digest()

    async def _case(self, by: Principal, case_id: str) -> Case:
        case = await self._cases.get_case(case_id, by.customer_ids)
        if case is None:
            raise NotFound(f"no case {case_id[:60]!r}")
        if not decide(by, Action.BUNDLE_IMPORT, case.customer_id):
            raise NotAllowed("you may not import bundles")
        if case.state != "open":
            raise CaseClosed(f"{case_id} is closed; reopen it to attach a bundle")
        return case

    async def _carrier(self, by: Principal, case: Case, snapshot: snapshot_pb2.Snapshot) -> Agent:
        """The machine that the bundle names, entered as carried if it never spoke to us itself."""
        now = self._clock.now()
        agent = Agent(
            agent_id=snapshot.agent_id,
            customer_id=case.customer_id,
            label=_system(snapshot).host_name[:LONGEST_LABEL] or "carried by hand",
            system=_system(snapshot).system,
            version=snapshot.agent_version[:40],
            kind="one_shot",
            enrolled_at=now,
            certificate_expires_at=now,
            case_id=case.case_id,
        )

        async def work(tx: Transaction) -> None:
            known = await self._fleet.get_agent(snapshot.agent_id, None)
            if known is not None and known.customer_id != case.customer_id:
                raise NotAllowed("this bundle's machine belongs to another customer")
            await self._audit.record(tx, by, "bundle.import", case.customer_id, case.case_id, snapshot.snapshot_id)
            if known is None:
                await self._fleet.put_agent(tx, agent)

        await self._transactions.run(work)
        return agent


def _may_read(by: Principal) -> None:
    if not decide(by, Action.SNAPSHOT_READ):
        raise NotAllowed("you may not read snapshots")


def _keep_back_names(snapshot: snapshot_pb2.Snapshot) -> None:
    """Take out a true name that was told to those who may ask for such; the owner's text quotes it, too."""
    for section in snapshot.sections:
        if section.HasField("reveal"):
            section.reveal.value = ""
            section.reason = "shown to those who may ask for true names"
            snapshot.consent.ClearField("text_shown")
            snapshot.consent.ClearField("grant")


def _system(snapshot: snapshot_pb2.Snapshot) -> section_pb2.SystemFacts:
    """What it tells of its machine; empty where it tells nothing."""
    none = section_pb2.SystemFacts()
    return next((section.system for section in snapshot.sections if section.HasField("system")), none)


def _told(snapshot: snapshot_pb2.Snapshot) -> set[str]:
    return {artifact.name for artifact in snapshot.artifacts if not artifact.withheld_reason}


async def _chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        file.seek(0)
        while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
            yield chunk


async def _member(file: BinaryIO, name: str) -> AsyncIterator[bytes]:
    with file:
        yield await asyncio.to_thread(read_member, file, name)


async def _copy(chunks: AsyncIterator[bytes], file: BinaryIO) -> bytes:
    """The SHA-256 of what was copied."""
    digest = hashlib.sha256()
    async for chunk in chunks:
        digest.update(chunk)
        file.write(chunk)
    return digest.digest()
