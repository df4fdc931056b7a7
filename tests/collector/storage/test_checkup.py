"""A store that is read through: what is not as it was written is named, what is sound is not."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from caseprobe.v1 import snapshot_pb2
from caseprobe_collector.cli.root import run
from caseprobe_collector.records import ObjectRecord, finding_index
from caseprobe_collector.storage import Storage, open_storage
from caseprobe_collector.storage.checkup import check_store
from caseprobe_collector.storage.scrub import IDLE_SECONDS, Scrub
from tests.fakes_storage import SteppedClock, agent, case, customer, deliver, deposit, snapshot

BUNDLE = b"a bundle's bytes"


async def furnish(folder: Path) -> None:
    """A case, a machine, three snapshots as they are delivered: one large, one with a bundle."""
    async with open_storage(folder) as storage:
        await storage.transactions.run(lambda tx: storage.customers.add_customer(tx, customer()))
        await storage.transactions.run(lambda tx: storage.cases.add_case(tx, case()))
        await storage.transactions.run(lambda tx: storage.fleet.put_agent(tx, agent()))
        await storage.objects.put_bytes("agent_1/snap_2/bundle.zip", BUNDLE)
        record = ObjectRecord("bundle.zip", "agent_1/snap_2/bundle.zip", len(BUNDLE), hashlib.sha256(BUNDLE).digest())
        for name, size, objects in (("snap_1", 300_000, ()), ("snap_2", 500, (record,)), ("snap_3", 500, ())):
            await _deliver(storage, name, size, objects)


async def _deliver(storage: Storage, name: str, size: int, objects: tuple[ObjectRecord, ...]) -> None:
    taken = snapshot_pb2.Snapshot(snapshot_id=name, agent_id="agent_1")
    taken.findings.add(check_id="disk.space", object="/", state=3)
    # So that it does not pack.
    noise = hashlib.shake_256(name.encode()).hexdigest(size)
    taken.sections.add(probe="system_log").lines.add(source="syslog", text=noise)
    body = zstandard.ZstdCompressor(level=1).compress(taken.SerializeToString())
    entry = deposit().entry
    stored = snapshot(name, body, findings=finding_index(taken))
    made = deposit(stored, objects=objects)
    action = type(entry)(entry.at, "agent_1", "snapshot.store", "cust_a", name, "")
    await deliver(storage, type(made)(made.snapshot, action, objects=objects))


def _change(statement: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        connection = sqlite3.connect(folder / "collector.sqlite3")
        with connection:
            connection.execute(statement)
        connection.close()

    return change


def _rot(pattern: str) -> Callable[[Path], None]:
    def rot(folder: Path) -> None:
        path = next((folder / "objects").glob(pattern))
        path.write_bytes(b"\x01" + path.read_bytes()[1:])

    return rot


def _remove(pattern: str) -> Callable[[Path], None]:
    return lambda folder: next((folder / "objects").glob(pattern)).unlink()


HURTS: dict[str, Callable[[Path], None]] = {
    "case": _change("UPDATE cases SET state = 'closed'"),
    "machine": _change("UPDATE agents SET label = 'x'"),
    "snapshot snap_3": _change("UPDATE snapshots SET worst = 0 WHERE snapshot_id = 'snap_3'"),
    "body snap_3": _change("UPDATE snapshot_bodies SET body = x'00' WHERE snapshot_id = 'snap_3'"),
    "body snap_1": _rot("bodies/*/*"),
    "file snap_2": _remove("agent_1/snap_2/bundle.zip"),
    "index snap_3": _change("UPDATE findings SET state = 1 WHERE snapshot_id = 'snap_3'"),
    "audit": _change("UPDATE audit SET detail = 'else' WHERE number = 1"),
    "audit snap_3": _change("UPDATE audit SET object = 'snap_x' WHERE object = 'snap_3'"),
    "loss": lambda folder: (folder / "note").unlink(),
}


@pytest.fixture
async def folder(data_folder: Path) -> Path:
    """A store with something of everything in it."""
    await furnish(data_folder)
    return data_folder


async def test_a_sound_store_is_sound(folder: Path) -> None:
    """While it is open, too; everything in it is counted."""
    heard: list[tuple[int, int]] = []
    async with open_storage(folder):
        found = check_store(folder, lambda done, total: heard.append((done, total)))
    assert (found.problems, found.snapshots_total, found.files_total, found.audit_entries_total) == ([], 3, 2, 3)
    assert heard[-1] == (3, 3)


async def test_whatever_is_not_as_it_was_written_is_named(folder: Path) -> None:
    """One change each, and that alone is told; an audit entry that speaks of something else breaks two promises."""
    for number, (named, hurt) in enumerate(HURTS.items()):
        broken = Path(shutil.copytree(folder, folder.with_name(str(number)), ignore=shutil.ignore_patterns("*-shm")))
        hurt(broken)
        told = {f"{one.kind} {one.object}".strip() for one in check_store(broken).problems}
        kind, _, name = named.partition(" ")
        assert any(one.startswith(kind) and one.endswith(name) for one in told), (named, told)
        assert len(told) == (2 if named == "audit snap_3" else 1), (named, told)


async def test_the_command_says_it_as_one_object_and_by_its_code(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 where all is sound, 1 where something is not, 2 where there is no store; a loss that is settled is history."""
    words = ["check", "--json", "--data-folder", str(folder)]
    assert await _run(words) == 0
    assert json.loads(capsys.readouterr().out)["sound"] is True
    (folder / "note").unlink()
    async with open_storage(folder):
        pass
    assert await _run(words) == 1
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert problem["kind"] == "loss"
    assert await _run([*words, "--settle"]) == 0
    assert await _run(["check", "--data-folder", str(folder / "nothing")]) == 2


async def _run(words: list[str]) -> int:
    return await asyncio.to_thread(run, words)


async def test_the_slow_reading_tells_of_damage_once_and_goes_on_where_it_was(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Body and file; the round ends, the next one begins a day later and says nothing new."""
    _rot("bodies/*/*")(folder)
    _remove("agent_1/snap_2/bundle.zip")(folder)
    clock = SteppedClock()
    with caplog.at_level(logging.ERROR):
        async with open_storage(folder) as storage:
            scrub = _scrub(storage, clock)
            pauses = [await scrub.step() for _ in range(4)]
            assert [pause == IDLE_SECONDS for pause in pauses] == [False, False, False, True]
            assert await scrub.count_damaged() == 2
            rows = await storage.snapshots.list_by_agent("agent_1", None)
            assert [bool(row.damage) for row in rows] == [False, True, True]
        async with open_storage(folder) as storage:
            scrub = _scrub(storage, clock)
            assert await scrub.step() == IDLE_SECONDS
            clock.step(days=1, seconds=1)
            assert await scrub.step() < IDLE_SECONDS
    told = [record.getMessage() for record in caplog.records]
    assert [words.split(" is damaged")[0] for words in told] == ["snap_1", "snap_2"]


async def test_a_reading_that_was_cut_goes_on(folder: Path) -> None:
    """From the last place that was kept, not from the beginning."""
    async with open_storage(folder) as storage:
        scrub = _scrub(storage, SteppedClock())
        for _ in range(2):
            await scrub.step()
    async with open_storage(folder) as storage:
        scrub = _scrub(storage, SteppedClock())
        assert [await scrub.step() == IDLE_SECONDS for _ in range(2)] == [False, True]


def _scrub(storage: Storage, clock: SteppedClock) -> Scrub:
    found = storage.scrub
    return Scrub(found._database, found._objects, found._snapshots, clock.now, keep_every=2)
