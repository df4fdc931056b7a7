"""Evidence removed for good: a snapshot, or a case with all that was measured for it.

Why nothing that stays is hurt, wherever it stops: rows go before files, and each snapshot's rows go in one commit, with
their entry in the audit. A file whose row is gone is an orphan at worst, which the next start sweeps; a row whose file
is gone would be damage. Files have names made of their hash, so two snapshots may share one: it goes with the last
(`DepositStore.free_objects`). A case goes in steps, each whole in itself, itself last: whoever finds it half empty asks
again. Its entry in the audit comes before the first step. All of it works on a full disk.
"""

from __future__ import annotations

from caseprobe.errors import NotAllowed, NotFound, StorageDamaged, UsageError
from caseprobe_collector.access import Action, Principal, decide
from caseprobe_collector.audit import AuditLog
from caseprobe_collector.ingest.store import Ingest
from caseprobe_collector.ports import CaseStore, SnapshotStore, Transaction, Transactions
from caseprobe_collector.records import SnapshotRow

# Snapshots of one commit: whoever else commits then waits for them.
AT_ONCE = 20


class Erasure:
    """What admins delete; entries in the audit stay."""

    def __init__(
        self,
        transactions: Transactions,
        snapshots: SnapshotStore,
        cases: CaseStore,
        ingest: Ingest,
        audit: AuditLog,
    ) -> None:
        self._transactions = transactions
        self._snapshots = snapshots
        self._cases = cases
        self._ingest = ingest
        self._audit = audit

    async def delete_snapshot(self, by: Principal, snapshot_id: str) -> None:
        """Remove one; raises NotFound, NotAllowed."""

        async def work(tx: Transaction) -> list[str]:
            row = await self._snapshots.get_row(snapshot_id, by.customer_ids)
            if row is None:
                raise NotFound(f"no snapshot {snapshot_id[:60]!r}")
            if not decide(by, Action.SNAPSHOT_DELETE, row.customer_id or None):
                raise NotAllowed("only admins may delete snapshots")
            return await self._remove(tx, by, row)

        await self._ingest.free(await self._transactions.run(work))

    async def delete_case(self, by: Principal, case_id: str) -> int:
        """Remove a case and its evidence; gives how many snapshots. Raises NotFound, NotAllowed, and UsageError for a
        case that is open or whose sessions have not all ended."""
        await self._transactions.run(lambda tx: self._begin(tx, by, case_id))
        removed = 0
        while rows := await self._snapshots.list_by_case(case_id, by.customer_ids, AT_ONCE):
            await self._remove_all(by, rows)
            removed += len(rows)
        await self._transactions.run(lambda tx: self._cases.delete_case(tx, case_id))
        return removed

    async def _begin(self, tx: Transaction, by: Principal, case_id: str) -> None:
        customer_id = ""
        try:
            case = await self._cases.get_case(case_id, by.customer_ids)
            if case is None:
                raise NotFound(f"no case {case_id[:60]!r}")
            if case.state != "closed":
                raise UsageError(f"{case_id} is open: close it first, so that nothing more arrives for it")
            customer_id = case.customer_id
        except StorageDamaged:
            pass  # a damaged one can go; whose it was, its row cannot say any more
        if not decide(by, Action.CASE_DELETE, customer_id or None):
            raise NotAllowed("only admins may delete cases")
        await self._audit.record(tx, by, "case.delete", customer_id, case_id)

    async def _remove_all(self, by: Principal, rows: list[SnapshotRow]) -> None:
        async def work(tx: Transaction) -> list[str]:
            return [name for row in rows for name in await self._remove(tx, by, row)]

        await self._ingest.free(await self._transactions.run(work))

    async def _remove(self, tx: Transaction, by: Principal, row: SnapshotRow) -> list[str]:
        """The files that no row names any more."""
        await self._audit.record(tx, by, "snapshot.delete", row.customer_id, row.snapshot_id, row.damage)
        return await self._ingest.remove(tx, row.snapshot_id)
