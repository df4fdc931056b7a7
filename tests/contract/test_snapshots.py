"""What every adapter of the snapshot store must do."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import pytest

from caseprobe.errors import Corrupt, UsageError
from caseprobe_collector.audit import verify
from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import Damage, GapDeposit, ObjectRecord, StoredSnapshot
from caseprobe_collector.storage import Storage
from tests.fakes_storage import NOW, deliver, deposit, snapshot

A, B = frozenset({"cust_a"}), frozenset({"cust_b"})
LARGE = random.Random(1).randbytes((256 << 10) + 1)


async def add(storage: Storage, *snapshots: StoredSnapshot) -> list[bool]:
    """Store these at once."""
    return list(await asyncio.gather(*(deliver(storage, deposit(one)) for one in snapshots)))


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
async def test_one_that_cannot_be_stored_costs_its_neighbours_nothing(filled: Storage, body: bytes) -> None:
    """Of five at once the two that name no machine are refused and leave nothing; the others are stored."""
    agents = ("agent_1", "agent_nobody", "agent_1", "agent_nobody", "agent_2")
    ones = [snapshot(f"snap_{number}", body, agent_id=name) for number, name in enumerate(agents)]
    outcomes = await asyncio.gather(
        *(deliver(filled, deposit(one, "spool", 1)) for one in ones), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [bool, UsageError, bool, UsageError, bool]
    rows = [await filled.snapshots.get_row(one.row.snapshot_id, None) for one in ones]
    assert [row is not None for row in rows] == [True, False, True, False, True]
    assert {entry.object for entry in await filled.audit.list_audit()} == {"snap_0", "snap_2", "snap_4"}


async def test_what_is_delivered_chains_the_audit(filled: Storage) -> None:
    """Each new snapshot has one entry, one that was there none, and the chain holds among entries of other kinds."""

    async def work(tx: Transaction) -> None:
        await filled.audit.append_audit(tx, NOW, "user_1", "case.close", "cust_a", "case_1", "")

    for round_ in range(3):
        batch = [deliver(filled, deposit(snapshot(f"snap_{round_}_{number}"))) for number in range(5)]
        again = deliver(filled, deposit(snapshot("snap_0_0")))
        await asyncio.gather(*batch, filled.transactions.run(work), again)
    rows = await filled.audit.list_audit()
    assert (len(rows), verify(rows)) == (18, None)


async def test_files_beside_a_snapshot_are_known_by_their_hashes(filled: Storage) -> None:
    """What a file must be is stored with the row that names it."""
    record = ObjectRecord("bundle.zip", "agent_1/snap_1/bundle.zip", 3, bytes(32))
    await deliver(filled, deposit(objects=(record,)))
    assert await filled.snapshots.get_object("snap_1", "bundle.zip") == record
    assert await filled.snapshots.get_object("snap_1", "other.zip") is None


async def test_a_snapshot_that_is_deleted_is_gone_and_names_what_may_go_with_it(filled: Storage) -> None:
    """A body that another snapshot has too stays; its id may be used again."""
    record = ObjectRecord("bundle.zip", "agent_1/snap_1/bundle.zip", 3, bytes(32))
    findings = (("a.b", "/", 3),)
    await deliver(filled, deposit(snapshot("snap_1", LARGE, findings), objects=(record,)))
    await deliver(filled, deposit(snapshot("snap_2", LARGE)))

    async def delete(snapshot_id: str) -> list[str]:
        return await filled.transactions.run(lambda tx: filled.deposits.delete_snapshot(tx, snapshot_id))

    assert await delete("snap_1") == ["agent_1/snap_1/bundle.zip"]
    assert await filled.snapshots.get_row("snap_1", None) is None
    assert await filled.snapshots.get_object("snap_1", "bundle.zip") is None
    assert await filled.snapshots.get_snapshot("snap_2", None) == snapshot("snap_2", LARGE)
    (body,) = await delete("snap_2")
    assert body.startswith("bodies/")
    assert await delete("snap_2") == []
    assert await add(filled, snapshot("snap_1")) == [True]


async def test_what_was_found_damaged_is_told_in_lists(filled: Storage) -> None:
    """The first finding stays, and only the snapshot that it names is marked."""
    await add(filled, snapshot("snap_1"), snapshot("snap_2"))
    for what in ("its bytes no longer match", "found again"):
        await filled.snapshots.mark_damaged(Damage("snap_1", what, NOW))
    rows = await filled.snapshots.list_by_agent("agent_1", A)
    assert [(row.snapshot_id, row.damage) for row in rows] == [
        ("snap_2", ""),
        ("snap_1", "its bytes no longer match"),
    ]


async def test_a_body_that_is_not_its_hash_is_refused(filled: Storage) -> None:
    """Bytes that were damaged on the way in are found before they are acknowledged."""
    stored = snapshot()
    with pytest.raises(Corrupt, match="not stored"):
        await add(filled, stored._replace(body=b"b0dy"))
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
        await deliver(filled, deposit(None, spool_id, sequence))

    for sequence in (3, 7, 5):
        await move("spool_a", sequence)
    await move("spool_b", (1 << 64) - 1)
    assert await filled.snapshots.last_sequence("agent_1", "spool_a") == 7
    assert await filled.snapshots.last_sequence("agent_1", "spool_b") == (1 << 63) - 1
    assert await filled.snapshots.last_sequence("agent_2", "spool_a") == 0


async def test_a_gap_is_counted_once(filled: Storage) -> None:
    """The same gap sent again is the same gap."""

    gap = GapDeposit("agent_1", "spool_a", 10, 4, 9, "quota", NOW)
    await filled.deposits.deposit_gap(gap)
    await asyncio.gather(filled.deposits.deposit_gap(gap), filled.deposits.deposit_gap(gap))
    assert await filled.snapshots.last_sequence("agent_1", "spool_a") == 10
    assert await filled.snapshots.list_gaps("agent_1") == [(4, 9, "quota", NOW)]
    assert await filled.snapshots.list_gaps("agent_2") == []
