"""What append returned for is there after anything; what had to go is declared."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.errors import DeliveryError, NotFound, StorageFull, UsageError
from caseprobe.v1 import link_pb2
from caseprobe_agent.spool import Item, Spool
from caseprobe_agent.spool.record import holes, runs

SNAPSHOT, ARTIFACT = link_pb2.DATA_KIND_SNAPSHOT, link_pb2.DATA_KIND_ARTIFACT


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    """A new spool that may hold 10,000 bytes."""
    async with await Spool.open(tmp_path / "spool", quota_bytes=10_000) as opened:
        yield opened


async def keep(spool: Spool, body: bytes, kind: link_pb2.DataKind.ValueType = SNAPSHOT) -> int:
    """Append a body."""
    return await spool.append(kind, "snap_1", "snap_1", "name", body)


def gaps(items: list[Item]) -> list[tuple[int, int, str]]:
    """The declared gaps among items."""
    found = [link_pb2.Gap.FromString(item.body or b"") for item in items if item.kind == 0]
    return [(gap.first_sequence, gap.last_sequence, gap.reason) for gap in found]


async def test_records_come_back_in_order_with_their_hash(spool: Spool) -> None:
    """Sequences ascend; pending lists what is above one, as many as asked."""
    assert [await keep(spool, b"%d" % number) for number in range(5)] == [1, 2, 3, 4, 5]
    items = await spool.pending(1, 3)
    assert [(item.sequence, item.body) for item in items] == [(2, b"1"), (3, b"2"), (4, b"3")]
    assert (items[0].stream_id, items[0].name, items[0].total_bytes, len(items[0].sha256)) == ("snap_1", "name", 1, 32)
    assert await spool.count() == (5, 5)


async def test_a_large_body_is_read_in_pieces(tmp_path: Path) -> None:
    """Above 256 KiB the list has no body; a piece is read by offset."""
    body = bytes(range(256)) * 2000
    async with await Spool.open(tmp_path) as spool:
        sequence = await keep(spool, body)
        (item,) = await spool.pending(0, 10)
        assert (item.body, item.total_bytes) == (None, len(body))
        pieces = [await spool.read(sequence, offset, 100_000) for offset in range(0, len(body), 100_000)]
        assert b"".join(pieces) == body
        assert await spool.read(sequence, len(body) + 5, 10) == b""
        with pytest.raises(NotFound):
            await spool.read(99, 0, 10)


async def test_acknowledged_records_are_gone_and_their_numbers_never_come_again(tmp_path: Path) -> None:
    """Not even after everything was acknowledged and the file was opened anew."""
    async with await Spool.open(tmp_path) as spool:
        for _ in range(3):
            await keep(spool, b"x")
        await spool.acknowledge(2)
        assert [item.sequence for item in await spool.pending(0, 10)] == [3]
        await spool.acknowledge(99)
        assert await spool.count() == (0, 0)
        before = await spool.position()
    async with await Spool.open(tmp_path) as spool:
        assert await spool.position() == before == (before[0], 3)
        assert await keep(spool, b"y") == 4
        assert await spool.pending(0, 10) and spool.damage == ((), 0)


async def test_a_dropped_record_leaves_a_gap_with_its_reason(spool: Spool) -> None:
    """What the collector will never take is declared, once."""
    await keep(spool, b"1")
    await keep(spool, b"2")
    await spool.drop(1, "refused: too_large")
    await spool.drop(1, "refused: too_large")
    items = await spool.pending(0, 10)
    assert [item.sequence for item in items] == [2, 3]
    assert gaps(items) == [(1, 1, "refused: too_large")]


async def test_over_the_quota_the_oldest_bulk_goes_first(spool: Spool) -> None:
    """Snapshots outlive artifacts; the run that went is one gap."""
    await keep(spool, b"s" * 4000)
    await keep(spool, b"a" * 2000, ARTIFACT)
    await keep(spool, b"b" * 2000, ARTIFACT)
    await keep(spool, b"t" * 5000)
    items = await spool.pending(0, 10)
    assert [item.body[:1] for item in items if item.kind and item.body] == [b"s", b"t"]
    assert gaps(items) == [(2, 3, "quota")]


async def test_without_bulk_the_oldest_snapshot_goes(spool: Spool) -> None:
    """The newest evidence goes last."""
    for letter in (b"1", b"2", b"3"):
        await keep(spool, letter * 4000)
    items = await spool.pending(0, 10)
    assert [item.body[:1] for item in items if item.kind and item.body] == [b"2", b"3"]
    assert gaps(items) == [(1, 1, "quota")]


async def test_more_than_the_quota_is_refused_and_nothing_else_goes(spool: Spool) -> None:
    """A record that can never fit does not push out others."""
    await keep(spool, b"1")
    with pytest.raises(StorageFull, match="quota"):
        await keep(spool, b"x" * 10_001)
    assert [item.sequence for item in await spool.pending(0, 10)] == [1]


async def test_of_many_appends_in_one_commit_only_the_guilty_fails(spool: Spool) -> None:
    """Group commit never makes one caller's failure another's."""
    bodies = [b"ok"] * 20 + [b"x" * 10_001] + [b"ok"] * 20
    results = await asyncio.gather(*(keep(spool, body) for body in bodies), return_exceptions=True)
    assert [type(result) for result in results].count(int) == 40
    assert isinstance(results[20], StorageFull)
    kept = sorted(result for result in results if isinstance(result, int))
    assert kept == [item.sequence for item in await spool.pending(0, 100)] == list(range(1, 41))


async def test_two_processes_cannot_share_a_folder(spool: Spool, tmp_path: Path) -> None:
    """The second is told what to do."""
    with pytest.raises(UsageError, match="another caseprobe"):
        await Spool.open(tmp_path / "spool")


async def test_a_closed_spool_says_so(tmp_path: Path) -> None:
    """Appending after the end is an error, not a hang; closing twice is none."""
    spool = await Spool.open(tmp_path)
    await spool.close()
    await spool.close()
    with pytest.raises(DeliveryError, match="closed"):
        await keep(spool, b"x")


async def test_close_commits_what_waits(tmp_path: Path) -> None:
    """What was asked for before the end is done."""
    spool = await Spool.open(tmp_path)
    waiting = [asyncio.ensure_future(keep(spool, b"x")) for _ in range(50)]
    await asyncio.sleep(0)
    await spool.close()
    assert sorted(await asyncio.gather(*waiting)) == list(range(1, 51))


async def test_a_cancelled_append_hurts_nobody(spool: Spool) -> None:
    """Whether it was kept is open; the next one works."""
    task = asyncio.ensure_future(keep(spool, b"x"))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await keep(spool, b"y") in (1, 2)


async def test_the_files_are_private(spool: Spool, tmp_path: Path) -> None:
    """Nobody else reads what waits for the collector."""
    await keep(spool, b"x")
    await spool.acknowledge(1)
    files = [path for path in (tmp_path / "spool").iterdir() if path.name != "spool.reserve"]
    assert {path.stat().st_mode & 0o077 for path in files} == {0}
    assert (tmp_path / "spool").stat().st_mode & 0o077 == 0


async def test_a_full_disk_is_storage_full_and_loses_nothing(spool: Spool) -> None:
    """SQLite's own limit stands in for the disk: what was kept stays, what was not kept was not promised."""
    before = await keep(spool, b"kept")

    def limit(pages: int) -> None:
        spool.store.connection.execute(f"PRAGMA max_page_count = {pages}")

    limit(1)
    with pytest.raises(StorageFull, match="make room"):
        await keep(spool, b"x" * 9000)
    assert [item.sequence for item in await spool.pending(0, 10)] == [before]
    limit(1_000_000)
    assert await keep(spool, b"x" * 9000) == before + 1


async def test_state_is_kept(tmp_path: Path) -> None:
    """Small values survive; a name without one gives None."""
    async with await Spool.open(tmp_path) as spool:
        await spool.put_state("schedules", b"1")
        await spool.put_state("schedules", b"2")
    async with await Spool.open(tmp_path) as spool:
        assert await spool.get_state("schedules") == b"2"
        assert await spool.get_state("other") is None


async def test_a_command_starts_once_and_ends_once(tmp_path: Path) -> None:
    """Also across restarts, and after its outcome was acknowledged and forgotten."""
    async with await Spool.open(tmp_path) as spool:
        assert await spool.start_command("sess_1", b"request")
        assert not await spool.start_command("sess_1", b"request")
        assert await spool.open_commands() == [("sess_1", b"request")]
        assert await spool.end_command("sess_1", b"ok")
        assert not await spool.end_command("sess_1", b"failed")
        assert not await spool.end_command("sess_2", b"ok")
    async with await Spool.open(tmp_path) as spool:
        assert await spool.open_commands() == []
        assert await spool.unacked_outcomes() == [("sess_1", b"ok")]
        await spool.forget_outcome("sess_1")
        assert await spool.unacked_outcomes() == []
        assert await spool.command_outcome("sess_1") == b"ok"
        assert not await spool.start_command("sess_1", b"request")


async def test_a_command_that_has_not_ended_is_not_forgotten(spool: Spool) -> None:
    """An acknowledgement that comes too early changes nothing."""
    await spool.start_command("sess_1", b"request")
    await spool.forget_outcome("sess_1")
    assert await spool.open_commands() == [("sess_1", b"request")]


async def test_of_a_hundred_starts_at_once_one_wins(spool: Spool) -> None:
    """Duplicate delivery never runs a command twice."""
    wins = await asyncio.gather(*(spool.start_command("sess_1", b"r") for _ in range(100)))
    assert wins.count(True) == 1


async def test_commits_are_durable_in_sqlites_sense(spool: Spool) -> None:
    """FULL (2) and WAL: anything less loses acknowledged records in a power cut."""
    connection: sqlite3.Connection = spool.store.connection
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@given(st.sets(st.integers(1, 60)), st.sets(st.integers(1, 60)))
def test_holes_are_what_no_range_covers(single: set[int], other: set[int]) -> None:
    """Computed from ranges, the same as counted one by one."""
    known = sorted([(number, number) for number in single] + list(runs(sorted(other))))
    missing = {number for first, last in holes(1, 60, known) for number in range(first, last + 1)}
    assert missing == set(range(1, 61)) - single - other
