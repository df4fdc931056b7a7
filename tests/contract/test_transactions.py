"""What every database must promise its callers."""

from __future__ import annotations

import asyncio

import pytest

from caseprobe.errors import UsageError
from caseprobe_collector.ports import Transaction
from caseprobe_collector.storage import Storage
from tests.fakes_storage import customer


async def test_what_ran_is_read_back(storage: Storage) -> None:
    """A transaction's writes are there when run returns, and run gives what the work gave."""

    async def work(tx: Transaction) -> str:
        await storage.customers.add_customer(tx, customer("cust_a"))
        return "done"

    assert await storage.transactions.run(work) == "done"
    assert await storage.customers.get_customer("cust_a", None) == customer("cust_a")


async def test_a_unit_that_raises_is_undone_alone(storage: Storage) -> None:
    """Of three callers at once the one that fails gets its own error, the others are stored."""

    async def add(name: str, fails: bool) -> None:
        async def work(tx: Transaction) -> None:
            await storage.customers.add_customer(tx, customer(name))
            if fails:
                raise ZeroDivisionError(name)

        await storage.transactions.run(work)

    outcomes = await asyncio.gather(
        add("cust_1", False), add("cust_2", True), add("cust_3", False), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), ZeroDivisionError, type(None)]
    assert [one.customer_id for one in await storage.customers.list_customers(None)] == ["cust_1", "cust_3"]


async def test_many_callers_at_once_are_all_stored(storage: Storage) -> None:
    """Five hundred callers, more than one commit takes, each find their own row."""

    async def add(number: int) -> int:
        async def work(tx: Transaction) -> int:
            await storage.customers.add_customer(tx, customer(f"cust_{number:04}"))
            return number

        return await storage.transactions.run(work)

    assert await asyncio.gather(*(add(number) for number in range(500))) == list(range(500))
    assert len(await storage.customers.list_customers(None)) == 500


async def test_a_unit_sees_its_own_writes_and_others_do_not_yet(storage: Storage) -> None:
    """A read inside a unit gives what the unit wrote; after it failed nobody ever sees it."""

    async def work(tx: Transaction) -> None:
        await storage.customers.add_customer(tx, customer("cust_a"))
        assert await storage.customers.find_customer("name of cust_a") == customer("cust_a")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await storage.transactions.run(work)
    assert await storage.customers.find_customer("name of cust_a") is None


async def test_a_transaction_ends_with_its_work(storage: Storage) -> None:
    """A transaction that somebody kept takes nothing after its work returned."""
    kept: list[Transaction] = []

    async def work(tx: Transaction) -> None:
        kept.append(tx)

    await storage.transactions.run(work)
    with pytest.raises(RuntimeError, match="over"):
        await storage.customers.add_customer(kept[0], customer("cust_a"))


async def test_a_cancelled_caller_that_still_waits_writes_nothing(storage: Storage) -> None:
    """Who gives up before its turn leaves no trace, and those around it are served."""

    async def add(name: str) -> None:
        async def work(tx: Transaction) -> None:
            await storage.customers.add_customer(tx, customer(name))

        await storage.transactions.run(work)

    first = asyncio.create_task(add("cust_1"))
    second = asyncio.create_task(add("cust_2"))
    third = asyncio.create_task(add("cust_3"))
    await asyncio.sleep(0)
    second.cancel()
    outcomes = await asyncio.gather(first, second, third, return_exceptions=True)
    assert isinstance(outcomes[1], asyncio.CancelledError)
    assert [one.customer_id for one in await storage.customers.list_customers(None)] == ["cust_1", "cust_3"]


async def test_a_record_twice_is_a_usage_error(storage: Storage) -> None:
    """The database's own complaint never reaches a caller."""

    async def work(tx: Transaction) -> None:
        await storage.customers.add_customer(tx, customer("cust_a"))

    await storage.transactions.run(work)
    with pytest.raises(UsageError, match="exists already"):
        await storage.transactions.run(work)
