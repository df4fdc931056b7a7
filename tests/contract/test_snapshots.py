"""What every adapter of the snapshot store must do."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from caseprobe.errors import Corrupt
from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import StoredSnapshot
from caseprobe_collector.storage import Storage
from tests.fakes_storage import NOW, snapshot

A, B = frozenset({"cust_a"}), frozenset({"cust_b"})
LARGE = random.Random(1).randbytes((256 << 10) + 1)


async def add(storage: Storage, *snapshots: StoredSnapshot) -> list[bool]:
    """Store these in one transaction."""

    async def work(tx: Transaction) -> list[bool]:
        return [await storage.snapshots.add_snapshot(tx, one) for one in snapshots]

    return await storage.transactions.run(work)


@pytest.mark.parametrize("body", [b"", b"small", LARGE[:-1], LARGE])
async def test_a_body_comes_back_byte_for_byte(filled: Storage, body: bytes) -> None:
    """At, below and above the size where it moves out of the database."""
    stored = snapshot(body=body, objects=("bundle.zip",), notice="case closed", session_id="sess_1")
    assert await add(filled, stored) == [True]
    assert await filled.snapshots.get_snapshot("snap_1", A) == stored
    assert await filled.snapshots.get_snapshot("snap_1", B) is None


async def test_the_same_again_changes_nothing(filled: Storage) -> None:
    """Idempotent within and across transactions, whatever the second one claims."""
    first = snapshot()
    assert await add(filled, first, first) == [True, False]
    other = snapshot(body=b"other", agent_id="agent_2", customer_id="cust_b", worst=4)
    assert await add(filled, other) == [False]
    assert await filled.snapshots.get_snapshot("snap_1", None) == first
    assert await filled.snapshots.list_by_agent("agent_2", None) == []


@pytest.mark.parametrize("body", [b"small", LARGE])
async def test_a_snapshot_that_is_rolled_back_is_not_there(filled: Storage, body: bytes) -> None:
    """It can be stored afterwards as if it were new."""

    async def work(tx: Transaction) -> None:
        await filled.snapshots.add_snapshot(tx, snapshot(body=body))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await filled.transactions.run(work)
    assert await filled.snapshots.get_snapshot("snap_1", None) is None
    assert await add(filled, snapshot(body=body)) == [True]


async def test_a_body_that_is_not_its_hash_is_refused(filled: Storage) -> None:
    """Bytes that were damaged on the way in are found before they are acknowledged."""
    stored = snapshot()
    with pytest.raises(Corrupt, match="not stored"):
        await add(filled, replace(stored, body=b"b0dy"))
    assert await filled.snapshots.get_snapshot("snap_1", None) is None


async def test_lists_are_newest_first_and_narrowed(filled: Storage) -> None:
    """By arrival, not by what a machine's clock says; limit is a limit."""
    long_ago = NOW - timedelta(days=20000)
    rows = [
        snapshot(f"snap_{n}", started_at=long_ago - timedelta(days=n), case_id="case_1" if n else "") for n in range(3)
    ]
    await add(filled, *rows)
    assert [row.snapshot_id for row in await filled.snapshots.list_by_agent("agent_1", A)] == [
        "snap_2",
        "snap_1",
        "snap_0",
    ]
    assert [row.snapshot_id for row in await filled.snapshots.list_by_case("case_1", A, 1)] == ["snap_2"]
    assert await filled.snapshots.list_by_case("case_1", B) == []
    assert await filled.snapshots.list_by_case("", A) == []


async def test_a_spool_moves_forward_only(filled: Storage) -> None:
    """Each spool of each machine for itself; a claim that no column holds is the largest that one does."""

    async def move(spool_id: str, sequence: int) -> None:
        async def work(tx: Transaction) -> None:
            await filled.snapshots.set_last_sequence(tx, "agent_1", spool_id, sequence)

        await filled.transactions.run(work)

    for sequence in (3, 7, 5):
        await move("spool_a", sequence)
    await move("spool_b", (1 << 64) - 1)
    assert await filled.snapshots.last_sequence("agent_1", "spool_a") == 7
    assert await filled.snapshots.last_sequence("agent_1", "spool_b") == (1 << 63) - 1
    assert await filled.snapshots.last_sequence("agent_2", "spool_a") == 0


async def test_a_gap_is_counted_once(filled: Storage) -> None:
    """The same gap sent again is the same gap."""

    async def work(tx: Transaction) -> None:
        await filled.snapshots.add_gap(tx, "agent_1", "spool_a", 4, 9, "quota", NOW)

    await filled.transactions.run(work)
    await filled.transactions.run(work)
    assert await filled.snapshots.list_gaps("agent_1") == [(4, 9, "quota", NOW)]
    assert await filled.snapshots.list_gaps("agent_2") == []
