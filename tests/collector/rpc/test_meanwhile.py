"""What becomes of a snapshot whose case changes between its arrival and its commit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from caseprobe.v1 import link_pb2
from caseprobe_collector.ingest import Assembled
from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import Delivery, Deposit
from caseprobe_collector.storage import Storage, open_storage
from caseprobe_collector.storage.deposits import SqlDeposits
from tests.desk import ADMIN, record_of, running_desk, snapshot_of
from tests.fakes_storage import NOW


class Late(SqlDeposits):
    """Something else is committed after a delivery came and before it is stored."""

    def __init__(self, storage: Storage, before: Callable[[Storage], Awaitable[None]]) -> None:
        super().__init__(storage.deposits._database, storage.objects)
        self._before: Callable[[], Awaitable[None]] = partial(before, storage)

    async def deposit(self, delivery: Delivery) -> tuple[Deposit, bool]:
        """Behind it."""
        await self._before()
        return await super().deposit(delivery)


async def close(storage: Storage) -> None:
    """Its work is done."""
    await storage.transactions.run(lambda tx: storage.cases.close_case(tx, "case_1", NOW))


async def delete(storage: Storage) -> None:
    """With all its evidence, of which there is none yet."""

    async def work(tx: Transaction) -> None:
        await storage.cases.close_case(tx, "case_1", NOW)
        await storage.cases.delete_case(tx, "case_1")

    await storage.transactions.run(work)


@pytest.mark.parametrize(("change", "code"), [(close, "case_closed"), (delete, "case_unknown")])
async def test_a_case_that_ends_meanwhile_takes_nothing_and_costs_nothing(
    data_folder: Path, change: Callable[[Storage], Awaitable[None]], code: str
) -> None:
    """What was measured is kept on its machine's page: refused, its machine would forget it."""
    async with open_storage(data_folder) as storage, running_desk(storage) as rig:
        machine = await rig.enrol(kind="one_shot", case_id="case_1")
        agent, sent = await rig.agent(machine), record_of(snapshot_of(machine), 1)
        rig.ingest._deposits = Late(storage, change)
        item = Assembled(link_pb2.DATA_KIND_SNAPSHOT, 1, sent.stream_id, sent.total_bytes, sent.sha256, sent.payload)
        stored = await rig.ingest.store(agent, "spool_1", item)
        assert (stored.sequence, stored.notice_code) == (1, code)
        row, _ = await rig.evidence.get(ADMIN, stored.snapshot_id)
        assert (row.case_id, row.notice) == ("", stored.notice)
        assert await rig.evidence.list_by_case(ADMIN, "case_1") == []
