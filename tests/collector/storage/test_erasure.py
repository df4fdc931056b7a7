"""Evidence that goes for good: all of it and nothing else, wherever the process stops on the way."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from caseprobe.errors import NotAllowed, NotFound, StorageDamaged, UsageError
from caseprobe_collector.access import Principal, Role
from caseprobe_collector.audit import AuditLog, verify
from caseprobe_collector.ingest.erasure import Erasure
from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import ObjectRecord
from caseprobe_collector.storage import Storage, open_storage
from caseprobe_collector.storage.rowform import ROW_DAMAGE
from tests.fakes_storage import ADMIN, NOW, SteppedClock, agent, case, customer, deliver, deposit, session, snapshot

SHARED, OWN = (random.Random(seed).randbytes(300_000) for seed in (1, 2))
SUPPORT = Principal("user", "user_2", "sam", Role.SUPPORT, None)
OTHER = Principal("user", "user_3", "eve", Role.ADMIN, frozenset({"cust_other"}))


class Killed(BaseException):
    """The process ends here."""


class Ingest:
    """What erasure needs of ingest, over real storage; dies before its k-th call."""

    def __init__(self, storage: Storage, lives: int = 1000) -> None:
        self._storage = storage
        self.lives = lives

    def step(self) -> None:
        """One more."""
        self.lives -= 1
        if self.lives < 0:
            raise Killed

    async def remove(self, tx: Transaction, snapshot_id: str) -> list[str]:
        """As `Ingest.remove`."""
        return await self._storage.deposits.delete_snapshot(tx, snapshot_id)

    async def free(self, names: Sequence[str]) -> None:
        """As `Ingest.free`."""
        self.step()
        await self._storage.deposits.free_objects(names)

    async def run(self, work: Callable[[Transaction], Awaitable[Any]], spare_room: bool = True) -> Any:
        """As the port `Transactions`."""
        self.step()
        return await self._storage.transactions.run(work, spare_room)


async def furnish(storage: Storage) -> None:
    """A closed case of three snapshots, one of them in files, and another case that shares a file with it."""

    async def work(tx: Transaction) -> None:
        await storage.customers.add_customer(tx, customer())
        for name in ("case_1", "case_2"):
            await storage.cases.add_case(tx, case(name))
        await storage.fleet.put_agent(tx, agent())
        await storage.fleet.put_agent(tx, agent("agent_once", kind="one_shot", case_id="case_1"))
        await storage.cases.close_case(tx, "case_1", NOW)

    await storage.transactions.run(work)
    await storage.objects.put_bytes("agent_1/snap_2/bundle.zip", b"bundle")
    bundle = ObjectRecord("bundle.zip", "agent_1/snap_2/bundle.zip", 6, bytes(32))
    await deliver(storage, deposit(snapshot("snap_1", SHARED, case_id="case_1")))
    await deliver(storage, deposit(snapshot("snap_2", OWN, case_id="case_1"), objects=(bundle,)))
    await deliver(storage, deposit(snapshot("snap_3", case_id="case_1")))
    await deliver(storage, deposit(snapshot("snap_4", SHARED, case_id="case_2")))


def erasure(storage: Storage, ingest: Ingest) -> Erasure:
    """The use case, as `app` builds it."""
    audit = AuditLog(storage.audit, SteppedClock())
    return Erasure(cast(Any, ingest), storage.snapshots, storage.cases, cast(Any, ingest), audit)


async def whole(storage: Storage) -> set[str]:
    """The snapshots that are there with all their bytes; one that is there in part fails here."""
    found = set()
    for name in ("snap_1", "snap_2", "snap_3", "snap_4"):
        stored = await storage.snapshots.get_snapshot(name, None)
        if stored is not None:
            found.add(name)
        if name == "snap_2" and stored is not None:
            assert await storage.objects.get_bytes("agent_1/snap_2/bundle.zip") == b"bundle"
    return found


async def test_a_case_goes_with_all_that_is_its_own(data_folder: Path) -> None:
    """Rows, files, the one-shot key's way to it; what another case has too stays, and the audit tells of all."""
    async with open_storage(data_folder) as storage:
        await furnish(storage)
        assert await erasure(storage, Ingest(storage)).delete_case(ADMIN, "case_1") == 3
        assert await whole(storage) == {"snap_4"}
        assert await storage.cases.get_case("case_1", None) is None
        machine = await storage.fleet.get_agent("agent_once", None)
        assert machine is not None
        assert machine.case_id == ""
        assert len(list(storage.objects.names())) == 1
        entries = [f"{row.action} {row.object}" for row in await storage.audit.list_audit()][-4:]
        gone = [f"snapshot.delete snap_{number}" for number in (3, 2, 1)]
        assert entries == ["case.delete case_1", *gone]


async def test_wherever_it_is_killed_nothing_is_half_there(data_folder: Path) -> None:
    """At every step: what is there is whole, the other case is untouched, and asking again ends it."""
    async with open_storage(data_folder) as storage:
        await furnish(storage)
    left = []
    for lives in range(5):
        folder = Path(shutil.copytree(data_folder, data_folder.with_name(str(lives))))
        async with open_storage(folder) as storage:
            with contextlib.suppress(Killed):
                await erasure(storage, Ingest(storage, lives)).delete_case(ADMIN, "case_1")
        async with open_storage(folder) as storage:
            left.append((len(await whole(storage)), await storage.cases.get_case("case_1", None) is None))
            assert verify(await storage.audit.list_audit()) is None
            with contextlib.suppress(NotFound):
                await erasure(storage, Ingest(storage)).delete_case(ADMIN, "case_1")
            assert await whole(storage) == {"snap_4"}
            assert await storage.cases.get_case("case_1", None) is None
    assert left == [(4, False), (4, False), (1, False), (1, False), (1, True)]


async def test_who_may_not_and_what_is_open_changes_nothing(data_folder: Path) -> None:
    """Only admins of the customer, and a case only once it is closed and its sessions have ended."""
    async with open_storage(data_folder) as storage:
        await furnish(storage)
        use, entries = erasure(storage, Ingest(storage)), await storage.audit.list_audit()
        for refused, kind in (
            (use.delete_case(SUPPORT, "case_1"), NotAllowed),
            (use.delete_snapshot(SUPPORT, "snap_1"), NotAllowed),
            (use.delete_case(OTHER, "case_1"), NotFound),
            (use.delete_snapshot(OTHER, "snap_1"), NotFound),
            (use.delete_case(ADMIN, "case_2"), UsageError),
        ):
            with pytest.raises(kind):
                await refused
        assert await storage.audit.list_audit() == entries
        await storage.transactions.run(lambda tx: storage.sessions.add_session(tx, session(case_id="case_1")))
        with pytest.raises(UsageError, match="has not ended"):
            await use.delete_case(ADMIN, "case_1")
        assert await storage.cases.get_case("case_1", None) is not None


async def test_a_file_that_is_put_again_meanwhile_stays(data_folder: Path) -> None:
    """The same bytes delivered while their last snapshot goes: the new one keeps them."""
    async with open_storage(data_folder) as storage:
        await furnish(storage)
        use = erasure(storage, Ingest(storage))
        for number in range(20):
            again = deposit(snapshot(f"snap_again_{number}", OWN))
            gone = "snap_2" if not number else f"snap_again_{number - 1}"
            await asyncio.gather(deliver(storage, again), use.delete_snapshot(ADMIN, gone))
            assert await storage.snapshots.get_snapshot(f"snap_again_{number}", None) is not None


@pytest.mark.parametrize("change", ["state = 'open'", "customer_id = 'cust_b'", "created_at = 'x'", "title = x'ff'"])
async def test_a_case_whose_row_rotted_is_shown_as_damaged(data_folder: Path, change: str) -> None:
    """In lists by its id alone; opened, it says so; an admin can remove it."""
    async with open_storage(data_folder) as storage:
        await furnish(storage)
        await storage.transactions.run(lambda tx: storage.customers.add_customer(tx, customer("cust_b")))
        _execute(data_folder, f"UPDATE cases SET {change} WHERE case_id = 'case_1'")
        good, bad = await storage.cases.list_cases(None)
        assert (good.case_id, good.damage) == ("case_2", "")
        assert (bad.case_id, bad.title, bad.state, bad.damage) == ("case_1", ROW_DAMAGE, "damaged", ROW_DAMAGE)
        with pytest.raises(StorageDamaged, match="case_1 is damaged"):
            await storage.cases.get_case("case_1", None)
        assert await erasure(storage, Ingest(storage)).delete_case(ADMIN, "case_1") == 3


@pytest.mark.parametrize("change", ["revoked_at = NULL", "policy = '{'", "customer_id = 'cust_b'", "kind = 'x'"])
async def test_a_machine_whose_row_rotted_is_not_believed(data_folder: Path, change: str) -> None:
    """A bit takes back no revocation; when it was seen last is nobody's proof."""
    async with open_storage(data_folder) as storage:
        await furnish(storage)
        await storage.transactions.run(lambda tx: storage.customers.add_customer(tx, customer("cust_b")))
        await storage.transactions.run(lambda tx: storage.fleet.revoke_agent(tx, "agent_1", NOW))
        await storage.transactions.run(lambda tx: storage.fleet.mark_seen(tx, {"agent_1": NOW}))
        sound = await storage.fleet.get_agent("agent_1", None)
        assert sound is not None
        assert (sound.revoked_at, sound.last_seen_at) == (NOW, NOW)
        _execute(data_folder, f"UPDATE agents SET {change} WHERE agent_id = 'agent_1'")
        with pytest.raises(StorageDamaged, match="agent_1 is damaged"):
            await storage.fleet.get_agent("agent_1", None)
        shown = {one.agent_id: (one.label, one.damage) for one in await storage.fleet.list_agents(None, None)}
        assert shown == {"agent_1": (ROW_DAMAGE, ROW_DAMAGE), "agent_once": ("db1", "")}


def _execute(folder: Path, statement: str) -> None:
    connection = sqlite3.connect(folder / "collector.sqlite3")
    with connection:
        connection.execute(statement)
    connection.close()
