"""What every adapter of the audit store must do."""

from __future__ import annotations

import asyncio

import pytest

from caseprobe_collector.audit import verify
from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import Checkpoint
from caseprobe_collector.storage import Storage
from tests.fakes_storage import NOW


async def append(storage: Storage, object: str, fails: bool = False) -> None:
    """One entry in a transaction of its own."""

    async def work(tx: Transaction) -> None:
        await storage.audit.append_audit(tx, NOW, "user:u", "case.create", "cust_a", object, "detail")
        if fails:
            raise ZeroDivisionError

    await storage.transactions.run(work)


async def test_entries_form_one_chain(storage: Storage) -> None:
    """Of many callers at once too; numbers have no hole and every hash fits."""
    await asyncio.gather(*(append(storage, f"case_{number}") for number in range(40)))
    rows = await storage.audit.list_audit()
    assert [row.number for row in rows] == list(range(1, 41))
    assert verify(rows) is None


async def test_an_entry_that_is_rolled_back_leaves_no_hole(storage: Storage) -> None:
    """The next entry follows the last that was stored."""
    await append(storage, "case_1")
    with pytest.raises(ZeroDivisionError):
        await append(storage, "case_2", fails=True)
    await append(storage, "case_3")
    rows = await storage.audit.list_audit()
    assert [row.object for row in rows] == ["case_1", "case_3"]
    assert verify(rows) is None


async def test_the_chain_is_read_in_pages(storage: Storage) -> None:
    """A page can be checked on the hash of the page before it, and an entry seen before be found again."""
    for number in range(5):
        await append(storage, f"case_{number}")
    first = await storage.audit.list_audit(1, 2)
    second = await storage.audit.list_audit(3, 10)
    assert [row.number for row in first + second] == [1, 2, 3, 4, 5]
    checkpoint = Checkpoint(5, second[-1].sha256)
    assert verify(second, first[-1].sha256, 3, checkpoint) is None
    assert verify(second[:-1], first[-1].sha256, 3, checkpoint) is not None
