"""Rows that carry their own hash: no bit of one flips unseen, and a damaged one is believed in nothing but its id."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from caseprobe.errors import StorageDamaged
from caseprobe_collector.ports import Transaction
from caseprobe_collector.storage import Storage, open_storage
from caseprobe_collector.storage.checkup import check_store
from caseprobe_collector.storage.rowform import ROW_DAMAGE
from caseprobe_collector.storage.scrub import Scrub
from caseprobe_collector.storage.sealed import ALL, MACHINE_ROWS, SEAL, Sealed
from tests.fakes_storage import NOW, SteppedClock, agent, case, customer, schedule, session, token, user

DATABASE = "collector.sqlite3"
LATER = NOW + timedelta(hours=1)
SECRET = hashlib.sha256(b"secret").digest()


@pytest.fixture
async def folder(data_folder: Path) -> Path:
    """A store with one sealed row of each kind, each of which was changed once."""
    async with open_storage(data_folder) as storage:

        async def work(tx: Transaction) -> None:
            await storage.customers.add_customer(tx, customer())
            await storage.cases.add_case(tx, case())
            await storage.fleet.put_agent(tx, agent())
            await storage.users.put_user(tx, user())
            await storage.users.put_user(tx, user(disabled_at=LATER))
            await storage.users.add_token(tx, token(secret_sha256=SECRET))
            await storage.users.revoke_token(tx, token().token_id, LATER)
            await storage.sessions.add_session(tx, session())
            await storage.sessions.set_state(tx, "sess_1", "running")
            await storage.schedules.add_schedule(tx, schedule())
            await storage.schedules.remove_schedule(tx, "sched_1", LATER)

        await storage.transactions.run(work)
    return data_folder


def flipped(value: object) -> object:
    """What one bit that flips may make of a stored value."""
    match value:
        case str():
            return value[:-1] + chr(ord(value[-1]) ^ 1) if value else "\x01"
        case bytes():
            return value[:-1] + bytes([value[-1] ^ 1])
        case int():
            return value ^ 1
    return 1


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.word)
def test_a_flip_in_any_column_is_found(folder: Path, kind: Sealed) -> None:
    """In each column of each table, that alone is told; put back, the store is sound."""
    table, names = kind.table.name, [column.name for column in kind.table.columns]
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as connection:
        assert check_store(folder).problems == []
        for name in set(names) - ({"last_seen_at"} if kind is MACHINE_ROWS else set()):
            (was,) = connection.execute(f"SELECT {name} FROM {table}").fetchone()
            connection.execute(f"UPDATE {table} SET {name} = ?", (flipped(was),))
            told = [one for one in check_store(folder).problems if one.kind == kind.word]
            connection.execute(f"UPDATE {table} SET {name} = ?", (was,))
            assert len(told) == 1, name
        assert check_store(folder).problems == []


Read = Callable[[Storage], Awaitable[object]]
# What gives one row by its id, and what lists them.
READS: dict[str, tuple[Read, Read]] = {
    "customers": (lambda s: s.customers.get_customer("cust_a", None), lambda s: s.customers.list_customers(None)),
    "users": (lambda s: s.users.get_user("user_1"), lambda s: s.users.list_users()),
    "sessions": (lambda s: s.sessions.get_session("sess_1", None), lambda s: s.sessions.list_by_case("case_1", None)),
    "schedules": (lambda s: s.schedules.get_schedule("sched_1", None), lambda s: s.schedules.list_all(None)),
}


@pytest.mark.parametrize("table", READS)
async def test_a_damaged_row_is_not_shown_as_good(folder: Path, table: str) -> None:
    """Asked for by its id it is an error that says so; a list of sound ones goes on without it."""
    one, all_of_them = READS[table]
    async with open_storage(folder) as storage:
        assert await one(storage) is not None
        assert len(await all_of_them(storage)) == 1  # type: ignore[arg-type]
    hurt(folder, table)
    async with open_storage(folder) as storage:
        with pytest.raises(StorageDamaged, match="is damaged on the collector's disk"):
            await one(storage)
        assert await all_of_them(storage) == []


async def test_a_damaged_token_opens_nothing(folder: Path) -> None:
    """A flipped bit takes no revocation back; its holder logs in again."""
    async with open_storage(folder) as storage:
        found = await storage.users.find_token(SECRET)
        assert found is not None
        assert found.revoked_at == LATER
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as connection:
        connection.execute("UPDATE tokens SET revoked_at = NULL")
    async with open_storage(folder) as storage:
        assert await storage.users.find_token(SECRET) is None
        assert await storage.users.list_tokens("user_1") == []


async def test_the_slow_reading_tells_of_damaged_rows_once(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Every kind, at the end of each round, in the log and in the count."""
    for kind in ALL:
        hurt(folder, kind.table.name)
    clock = SteppedClock()
    with caplog.at_level(logging.ERROR):
        async with open_storage(folder) as storage:
            found = storage.scrub
            scrub = Scrub(found._database, found._objects, found._snapshots, clock.now)
            for _ in range(2):
                await scrub.step()
                clock.step(days=1, seconds=1)
            assert await scrub.count_damaged() == len(ALL)
    assert len([one for one in caplog.records if ROW_DAMAGE in one.getMessage()]) == len(ALL)


def hurt(folder: Path, table: str) -> None:
    """Let the hash of a table's rows rot."""
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as connection:
        connection.execute(f"UPDATE {table} SET {SEAL} = zeroblob(32)")
