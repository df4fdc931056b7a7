"""Kill, rot and a full disk: nothing acknowledged is lost, and nothing that is lost is lost in silence."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sqlite3
import sys
from pathlib import Path
from random import Random

import pytest

from caseprobe.errors import Corrupt
from caseprobe.v1 import link_pb2
from caseprobe_agent.spool import Item, Spool
from tests.fakes_spool import on_small_disk

SNAPSHOT = link_pb2.DATA_KIND_SNAPSHOT
# Appends from many tasks, tells each sequence on stdout once append returned; forgets the oldest now and then.
APPENDER = """
import asyncio, os, sys
from pathlib import Path
from caseprobe_agent.spool import Spool
async def main():
    spool = await Spool.open(Path(sys.argv[1]))
    async def append(number):
        while True:
            sequence = await spool.append(1, f"snap_{number}", "snap", "", b"%d " % number * 200)
            os.write(1, b"%d %d\\n" % (sequence, number))
            if sequence % 97 == 0:
                await spool.acknowledge(sequence - 300)
                os.write(1, b"acked %d\\n" % (sequence - 300))
    await asyncio.gather(*(append(number) for number in range(8)))
asyncio.run(main())
"""


async def everything(spool: Spool) -> list[Item]:
    """All that waits."""
    found: list[Item] = []
    while items := await spool.pending(found[-1].sequence if found else 0, 500):
        found += items
    return found


def declared(items: list[Item]) -> set[int]:
    """Sequences that gaps declare as lost."""
    found = [link_pb2.Gap.FromString(item.body or b"") for item in items if item.kind == 0]
    return {number for gap in found for number in range(gap.first_sequence, gap.last_sequence + 1)}


async def killed_appender(folder: Path, lines: int) -> list[bytes]:
    """Run the appender until it told so many lines, kill it, and give everything that it told."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", APPENDER, str(folder), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout
    told = [await child.stdout.readline() for _ in range(lines)]
    child.send_signal(signal.SIGKILL)
    told += (await child.stdout.read()).splitlines(keepends=True)
    await child.wait()
    return [line.strip() for line in told if line.endswith(b"\n")]


async def test_sigkill_loses_nothing_that_append_returned_for(tmp_path: Path) -> None:
    """Over several lives of one spool: every acknowledged append is there, whole, once, and no number came twice."""
    random = Random(20261122)
    promised: dict[int, int] = {}
    acked = 0
    for _life in range(4):
        for line in await killed_appender(tmp_path, random.randint(1, 400)):
            first, second = line.split()
            if first == b"acked":
                acked = max(acked, int(second))
            else:
                assert int(first) not in promised
                promised[int(first)] = int(second)
    async with await Spool.open(tmp_path) as spool:
        kept = {item.sequence: item for item in await everything(spool)}
        assert spool.damage == ((), 0)
    missing = {sequence for sequence in promised if sequence > acked and sequence not in kept}
    # An acknowledgement whose line was cut off by the kill may have gone through: a prefix, never a hole.
    assert all(sequence < min(kept) for sequence in missing) and len(missing) <= 97
    for sequence in promised.keys() & kept.keys():
        assert kept[sequence].body == b"%d " % promised[sequence] * 200


async def filled(folder: Path, records: int = 40) -> bytes:
    """Make a spool with records in a folder, give its file's bytes."""
    async with await Spool.open(folder) as spool:
        bodies = [b"%d " % number * 300 for number in range(records)]
        await asyncio.gather(*(spool.append(SNAPSHOT, "snap_1", "snap_1", "", body) for body in bodies))
        await spool.start_command("sess_1", b"request")
        await spool.acknowledge(3)
    return (folder / "spool.db").read_bytes()


async def test_any_flipped_bit_is_harmless_quarantined_or_declared(tmp_path: Path) -> None:
    """After each flip the spool opens, every listed record is what was appended, and every other one is in a Gap."""
    random = Random(7)
    image = await filled(tmp_path / "made")
    for number in range(50):
        folder = tmp_path / f"flip-{number}"
        folder.mkdir(mode=0o700)
        damaged = bytearray(image)
        damaged[random.randrange(len(image))] ^= 1 << random.randrange(8)
        (folder / "spool.db").write_bytes(damaged)
        async with await Spool.open(folder) as spool:
            await everything(spool)  # quarantines what it meets
            items = await everything(spool)
            sequence = await spool.append(SNAPSHOT, "snap_2", "snap_2", "", b"goes on")
        good = {item.sequence: item.body for item in items if item.kind == SNAPSHOT}
        assert all(body == b"%d " % (each - 1) * 300 for each, body in good.items() if each <= 40), number
        known = set(good) | declared(items)
        assert 0 in declared(items) or known >= set(range(4, 41)), number
        assert sequence not in known
        shutil.rmtree(folder)


async def test_rot_in_the_log_of_a_killed_process_is_declared(tmp_path: Path) -> None:
    """SQLite ends its log at the first bad frame and says nothing; the note beside it tells what is missing."""
    child = tmp_path / "child"
    async with await Spool.open(tmp_path / "made") as spool:
        for number in range(40):
            await spool.append(SNAPSHOT, "snap_1", "snap_1", "", b"%d " % number * 300)
        await spool.acknowledge(3)
        shutil.copytree(tmp_path / "made", child)  # what a kill leaves
    log = bytearray((child / "spool.db-wal").read_bytes())
    log[len(log) // 2] ^= 1
    (child / "spool.db-wal").write_bytes(log)
    async with await Spool.open(child) as spool:
        items = await everything(spool)
        good = {item.sequence for item in items if item.kind}
        assert 4 in good and 40 not in good
        assert good | declared(items) == set(range(4, 41)) and spool.damage[1] == len(declared(items))


@pytest.mark.parametrize("size", [0, 1, 50, 4096, 5000, 20_000])
async def test_a_file_that_was_cut_is_set_aside_and_told(tmp_path: Path, size: int) -> None:
    """What is left of it goes on under a new spool id; the old file is kept."""
    image = await filled(tmp_path)
    async with await Spool.open(tmp_path) as spool:
        old_id, _acked = await spool.position()
    (tmp_path / "spool.db").write_bytes(image[:size])
    async with await Spool.open(tmp_path) as spool:
        new_id, _acked = await spool.position()
        assert new_id != old_id
        await spool.append(SNAPSHOT, "snap_2", "snap_2", "", b"goes on")
        aside, lost = spool.damage
        items = await everything(spool)
    if size > 1:  # SQLite takes one byte for an empty file
        assert aside == ("spool.db.damaged-1",) and (tmp_path / aside[0]).read_bytes() == image[:size]
    good = {item.sequence for item in items if item.kind and item.stream_id == "snap_1"}
    assert 0 in declared(items) or good | declared(items) >= set(range(4, 41))
    assert lost or 0 in declared(items)


async def test_rot_in_one_record_costs_only_that_record(tmp_path: Path) -> None:
    """The damaged one is quarantined and declared in the same step; the others come."""
    await filled(tmp_path)
    with sqlite3.connect(tmp_path / "spool.db") as connection:
        connection.execute("UPDATE items SET body = x'00' || substr(body, 2) WHERE sequence = 10")
        connection.execute("UPDATE items SET stream_id = 'snap_x' WHERE sequence = 20")
    connection.close()
    async with await Spool.open(tmp_path) as spool:
        first = await everything(spool)
        items = await everything(spool)
        assert spool.store.connection.execute("SELECT sequence FROM quarantine").fetchall() == [(10,), (20,)]
    assert {item.sequence for item in first} >= set(range(4, 41)) - {10, 20}
    assert declared(items) == {10, 20}


async def test_a_row_that_vanished_is_declared(tmp_path: Path) -> None:
    """A hole in the numbers that SQLite's own check does not see is found on opening."""
    await filled(tmp_path)
    with sqlite3.connect(tmp_path / "spool.db") as connection:
        connection.execute("DELETE FROM items WHERE sequence IN (7, 8, 9, 40)")
    connection.close()
    async with await Spool.open(tmp_path) as spool:
        assert declared(await everything(spool)) == {7, 8, 9, 40}
        assert spool.damage == ((), 4)


async def test_a_spool_file_that_was_removed_is_told(tmp_path: Path) -> None:
    """An empty spool in an old one's place is a loss, not a beginning: each number is declared, once."""
    await filled(tmp_path)
    (tmp_path / "spool.db").unlink()
    async with await Spool.open(tmp_path) as spool:
        items = await everything(spool)
        assert declared(items) == set(range(4, 41)) and items[0].sequence > 40
        await spool.acknowledge(items[-1].sequence)
    async with await Spool.open(tmp_path) as spool:
        assert await everything(spool) == []


async def test_damage_under_a_running_spool_is_corrupt_once_and_then_it_goes_on(tmp_path: Path) -> None:
    """The caller that met it hears of it; the next works on a new file whose numbers go on above the old ones."""
    await filled(tmp_path)
    async with await Spool.open(tmp_path) as spool:
        old_id, _acked = await spool.position()
        with (tmp_path / "spool.db").open("r+b") as file:
            file.write(b"\0" * (tmp_path / "spool.db").stat().st_size)
        spool.store.connection.execute("PRAGMA cache_size = 0")
        with pytest.raises(Corrupt, match="set aside"):
            await everything(spool)
        new_id, _acked = await spool.position()
        assert new_id != old_id and spool.damage[0] == ("spool.db.damaged-1",)
        assert await spool.append(SNAPSHOT, "snap_2", "snap_2", "", b"goes on") > 40
        assert 0 in declared(await everything(spool)) or spool.damage[1] == 37


FILLER = """
import asyncio, sys
from pathlib import Path
from caseprobe.errors import StorageFull
from caseprobe_agent.spool import Spool
async def main():
    async with await Spool.open(Path(sys.argv[1]) / "spool") as spool:
        kept = await spool.append(1, "s", "s", "", b"first")
        await spool.acknowledge(0)
        while True:
            try:
                kept = await spool.append(1, "s", "s", "", b"x" * 5000)
            except StorageFull:
                break
        items = []
        while more := await spool.pending(items[-1].sequence if items else 0, 100):
            items += more
        assert [item.sequence for item in items] == list(range(1, kept + 1)), (kept, len(items))
        await spool.acknowledge(kept)
        assert await spool.append(1, "s", "s", "", b"x" * 5000) == kept + 1
        print(kept)
asyncio.run(main())
"""


async def test_a_really_full_disk_loses_nothing_and_recovers_by_acknowledging(tmp_path: Path) -> None:
    """On a small tmpfs of its own: StorageFull, everything kept is listed, and an ack makes room again."""
    code, out, err = await on_small_disk(FILLER, tmp_path)
    assert code == 0, err
    assert int(out) > 100


async def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """A file where the folder should be is said so."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Exception, match="choose another data folder") as raised:
        await Spool.open(tmp_path / "file")
    assert "\n" not in str(raised.value)
