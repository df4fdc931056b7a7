"""Evidence for those who may see it: snapshots as their machines judged them, and the raw files beside them."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from typing import IO

from caseprobe.bundle import BundleReader
from caseprobe.errors import CaseClosed, NotAllowed, NotFound, TooLarge
from caseprobe.v1 import snapshot_pb2
from caseprobe_collector.access import Action, Principal, decide
from caseprobe_collector.audit import AuditLog
from caseprobe_collector.ingest.assembly import Limits
from caseprobe_collector.ingest.store import BUNDLE_OBJECT, Ingest, decompress, object_name, parse_snapshot, read_bundle
from caseprobe_collector.ports import CaseStore, Clock, FleetStore, Objects, SnapshotStore, Transaction, Transactions
from caseprobe_collector.records import Agent, Case, SnapshotRow


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
    ) -> None:
        self._transactions = transactions
        self._snapshots = snapshots
        self._cases = cases
        self._fleet = fleet
        self._objects = objects
        self._ingest = ingest
        self._audit = audit
        self._clock = clock
        self._limits = limits

    async def get(self, by: Principal, snapshot_id: str) -> tuple[SnapshotRow, snapshot_pb2.Snapshot]:
        """A snapshot with its row; raises NotFound, or Corrupt where its bytes no longer match their hash."""
        stored = await self._snapshots.get_snapshot(snapshot_id, by.customer_ids)
        if stored is None:
            raise NotFound(f"no snapshot {snapshot_id[:60]!r}")
        if not decide(by, Action.SNAPSHOT_READ, stored.row.customer_id):
            raise NotAllowed("you may not read snapshots")
        return stored.row, parse_snapshot(decompress(stored.body))

    async def list_by_case(self, by: Principal, case_id: str) -> list[SnapshotRow]:
        """A case's snapshots, newest first."""
        _may_read(by)
        return await self._snapshots.list_by_case(case_id, by.customer_ids)

    async def list_by_agent(self, by: Principal, agent_id: str) -> list[SnapshotRow]:
        """A machine's snapshots, newest first, attached to a case or not."""
        _may_read(by)
        return await self._snapshots.list_by_agent(agent_id, by.customer_ids)

    async def object_chunks(self, by: Principal, snapshot_id: str, name: str) -> AsyncIterator[bytes]:
        """The bytes of the bundle file ("bundle.zip") or of one of its artifacts; raises NotFound before the first."""
        row, snapshot = await self.get(by, snapshot_id)
        if BUNDLE_OBJECT not in row.objects:
            raise NotFound(f"snapshot {row.snapshot_id} came without files")
        stored = object_name(row.agent_id, row.snapshot_id)
        if name == BUNDLE_OBJECT:
            return self._objects.get(stored)
        if name not in {artifact.name for artifact in snapshot.artifacts if not artifact.withheld_reason}:
            raise NotFound(f"snapshot {row.snapshot_id} has no file {name[:80]!r}")
        return self._member(stored, name)

    async def _member(self, stored: str, name: str) -> AsyncIterator[bytes]:
        with tempfile.SpooledTemporaryFile(8 << 20) as file:
            await _copy(self._objects.get(stored), file, self._limits.bundle_bytes)
            yield await asyncio.to_thread(lambda: BundleReader(file).read(name))

    async def import_bundle(self, by: Principal, case_id: str, chunks: AsyncIterator[bytes]) -> SnapshotRow:
        """Attach a bundle file that came by another way; twice is the same as once.

        Raises Corrupt where it is cut or altered, TooLarge, NotFound for the case, CaseClosed.
        """
        case = await self._case(by, case_id)
        with tempfile.SpooledTemporaryFile(8 << 20) as file:
            await _copy(chunks, file, self._limits.bundle_bytes)
            file.seek(0)
            snapshot = await asyncio.to_thread(read_bundle, file)
            agent = await self._carrier(by, case, snapshot)
            file.seek(0)
            stored = await self._ingest.store_bundle(agent, file)
        row, _ = await self.get(by, stored.snapshot_id)
        return row

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
        known = await self._fleet.get_agent(snapshot.agent_id, None)
        if known is not None and known.customer_id != case.customer_id:
            raise NotAllowed("this bundle's machine belongs to another customer")
        now = self._clock.now()
        agent = Agent(
            agent_id=snapshot.agent_id,
            customer_id=case.customer_id,
            label="carried by hand",
            system=_system(snapshot),
            version=snapshot.agent_version[:40],
            kind="one_shot",
            enrolled_at=now,
            certificate_expires_at=now,
            case_id=case.case_id,
        )

        async def work(tx: Transaction) -> None:
            await self._audit.record(tx, by, "bundle.import", case.customer_id, case.case_id, snapshot.snapshot_id)
            if known is None:
                await self._fleet.put_agent(tx, agent)

        await self._transactions.run(work)
        return agent


def _may_read(by: Principal) -> None:
    if not decide(by, Action.SNAPSHOT_READ):
        raise NotAllowed("you may not read snapshots")


def _system(snapshot: snapshot_pb2.Snapshot) -> str:
    return next((section.system.system for section in snapshot.sections if section.HasField("system")), "")


async def _copy(chunks: AsyncIterator[bytes], file: IO[bytes], limit_bytes: int) -> None:
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > limit_bytes:
            raise TooLarge(f"over the collector's cap of {limit_bytes} bytes for a bundle")
        file.write(chunk)
