"""One suite for every adapter of a port: add an adapter's name to a fixture's params and it must pass them all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from caseprobe_collector.bus import InProcessBus
from caseprobe_collector.ports import Bus, Objects, Transaction
from caseprobe_collector.storage import Storage, open_storage
from caseprobe_collector.storage.objects import FileObjects
from tests.fakes_storage import agent, case, customer, user

METADATA_ADAPTERS = ("sqlite",)  # later: postgres
OBJECT_ADAPTERS = ("files",)  # later: s3
BUS_ADAPTERS = ("in-process",)  # later: nats


@pytest.fixture(params=METADATA_ADAPTERS)
async def storage(request: pytest.FixtureRequest, data_folder: Path) -> AsyncIterator[Storage]:
    """Empty stores."""
    async with open_storage(data_folder) as opened:
        yield opened


@pytest.fixture
async def filled(storage: Storage) -> Storage:
    """Two customers, a case and a machine of each, one user."""

    async def work(tx: Transaction) -> None:
        for letter, number in (("a", 1), ("b", 2)):
            await storage.customers.add_customer(tx, customer(f"cust_{letter}"))
            await storage.cases.add_case(tx, case(f"case_{number}", f"cust_{letter}"))
            await storage.fleet.put_agent(tx, agent(f"agent_{number}", f"cust_{letter}"))
        await storage.users.put_user(tx, user())

    await storage.transactions.run(work)
    return storage


@pytest.fixture(params=OBJECT_ADAPTERS)
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    """An empty object store."""
    return FileObjects(tmp_path / "objects")


@pytest.fixture(params=BUS_ADAPTERS)
def bus(request: pytest.FixtureRequest) -> Bus:
    """A bus whose listeners keep three events."""
    return InProcessBus(kept=3)
