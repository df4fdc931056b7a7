"""What a machine had sent of a large item when the collector was stopped or killed is not sent again."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import zstandard

from caseprobe.v1 import link_pb2
from caseprobe_collector.storage import open_storage
from caseprobe_collector.storage.shelf import KEPT
from tests.desk import Machine, Rig, Stream, running_desk, snapshot_of

SIZE, PIECE = 900_000, 200_000


def body_of(machine: Machine) -> bytes:
    """A snapshot of a few pieces, which nothing makes smaller."""
    snapshot = snapshot_of(machine)
    seed = hashlib.shake_256(b"noise").hexdigest(SIZE // 2)
    snapshot.sections.add(probe="log", reason=seed)
    return zstandard.ZstdCompressor(level=1).compress(snapshot.SerializeToString())


async def send(stream: Stream, body: bytes, begin: int, end: int, sequence: int = 1) -> None:
    """The pieces from one offset to another."""
    for offset in range(begin, end, PIECE):
        payload = body[offset : min(offset + PIECE, end)]
        data = link_pb2.Data(
            sequence=sequence,
            kind=link_pb2.DATA_KIND_SNAPSHOT,
            stream_id="snap_1",
            offset=offset,
            total_bytes=len(body),
            sha256=hashlib.sha256(body).digest(),
            payload=payload,
        )
        await stream.send(data=data)


@asynccontextmanager
async def collector(folder: Path, again: bool = False) -> AsyncIterator[Rig]:
    """A collector from its start to its end in order."""
    async with open_storage(folder) as storage, running_desk(storage, again) as rig:
        yield rig


async def cut(folder: Path, upto: int) -> tuple[Machine, bytes]:
    """A machine that had sent so much when its collector was stopped, and what it sends."""
    async with collector(folder) as rig:
        machine = await rig.enrol()
        body = body_of(machine)
        async with rig.stream(machine) as stream:
            await stream.next("welcome")
            await send(stream, body, 0, upto)
            for _ in range(upto // PIECE):
                await stream.next("credit")
            await stream.end()
    return machine, body


async def test_an_upload_goes_on_after_a_restart(data_folder: Path) -> None:
    """The new collector says how much it has; the rest makes it whole, stored once, and nothing is left over."""
    machine, body = await cut(data_folder, 2 * PIECE)
    async with collector(data_folder, again=True) as rig:
        async with rig.stream(machine) as stream:
            [resume] = (await stream.next("welcome")).resume
            assert (resume.stream_id, resume.offset) == ("snap_1", 2 * PIECE)
            await send(stream, body, resume.offset, len(body))
            assert (await stream.next("ack")).sequence == 1
        [row] = await rig.storage.snapshots.list_by_agent(machine.agent_id, None)
        assert row.sha256 == hashlib.sha256(body).digest()
    assert list((data_folder / "unfinished").iterdir()) == []


async def test_an_upload_goes_on_after_the_collector_was_killed(data_folder: Path, tmp_path: Path) -> None:
    """What the disk holds in the middle of an upload is all that the next process needs; even half a piece of it."""
    left = tmp_path / "as it was left"
    async with collector(data_folder) as rig:
        machine = await rig.enrol()
        body = body_of(machine)
        async with rig.stream(machine) as stream:
            await stream.next("welcome")
            await send(stream, body, 0, 2 * PIECE)
            for _ in range(2):
                await stream.next("credit")
            shutil.copytree(data_folder, left, ignore=lambda _, names: [name for name in names if name == "lock"])
    [file] = (left / "unfinished").iterdir()
    os.truncate(file, 2 * PIECE - 5)
    async with collector(left, again=True) as rig:
        async with rig.stream(machine) as stream:
            [resume] = (await stream.next("welcome")).resume
            assert (resume.stream_id, resume.offset) == ("snap_1", 2 * PIECE - 5)
            await send(stream, body, resume.offset, len(body))
            assert (await stream.next("ack")).sequence == 1
        [row] = await rig.storage.snapshots.list_by_agent(machine.agent_id, None)
        assert row.sha256 == hashlib.sha256(body).digest()
    assert list((left / "unfinished").iterdir()) == []


async def test_two_streams_of_one_key_do_not_write_into_one_file(data_folder: Path) -> None:
    """Runs of one person beside each other: each item is its own, whatever the other is sending."""
    async with collector(data_folder) as rig:
        machine = await rig.enrol()
        first = link_pb2.Data(stream_id="snap_1", kind=link_pb2.DATA_KIND_SNAPSHOT, total_bytes=9, sha256=bytes(32))
        one, other = (rig.storage.shelf.begin(machine.agent_id, first) for _ in range(2))
        one.write(b"one")
        other.write(b"other")
        assert rig.storage.shelf.take(machine.agent_id) == []
        rig.storage.shelf.leave(other)
        rig.storage.shelf.leave(one)
        [(_, staged, size)] = rig.storage.shelf.take(machine.agent_id)
        assert size == 3
        staged.discard()


async def test_what_a_machine_gave_up_does_not_fill_its_places(data_folder: Path) -> None:
    """The newest of its unfinished items may go on; the others make room."""
    async with collector(data_folder) as rig:
        machine = await rig.enrol()
        for number in range(5):
            first = link_pb2.Data(
                stream_id=f"snap_{number}", kind=link_pb2.DATA_KIND_SNAPSHOT, total_bytes=9, sha256=bytes(32)
            )
            staged = rig.storage.shelf.begin(machine.agent_id, first)
            rig.storage.shelf.leave(staged)
            [path] = (data_folder / "unfinished").glob(f"*snap_{number}*")
            os.utime(path, (number, number))
        taken = rig.storage.shelf.take(machine.agent_id)
        assert sorted(first.stream_id for first, _, _ in taken) == ["snap_3", "snap_4"]
        for _, staged, _ in taken:
            staged.discard()
        assert list((data_folder / "unfinished").iterdir()) == []


async def test_bytes_that_changed_meanwhile_cost_the_upload_and_no_more(data_folder: Path) -> None:
    """What lay on the disk is not trusted: the whole must have its hash, or it is sent again from its start."""
    machine, body = await cut(data_folder, 2 * PIECE)
    [left] = (data_folder / "unfinished").iterdir()
    left.write_bytes(bytes(2 * PIECE))
    async with collector(data_folder, again=True) as rig, rig.stream(machine) as stream:
        await send(stream, body, 2 * PIECE, len(body))
        assert (await stream.next("refusal")).code == "corrupt"
        await send(stream, body, 0, len(body))
        assert (await stream.next("ack")).sequence == 1


@pytest.mark.parametrize("name", ["nonsense", "agent_x.snap_1.1.5.00", "agent_" + "a" * 26 + ".snap_1.1.9"])
async def test_a_name_that_is_none_of_ours_is_removed(data_folder: Path, name: str) -> None:
    """Nobody is told of it, and it is gone when the time for what was left is over."""
    async with collector(data_folder) as rig:
        machine = await rig.enrol()
        (data_folder / "unfinished" / name).write_bytes(b"x")
        (data_folder / "unfinished" / f"{machine.agent_id}.snap.1").write_bytes(b"x")
        async with rig.stream(machine) as stream:
            assert list((await stream.next("welcome")).resume) == []
        rig.clock.shift = KEPT
        async with rig.stream(machine) as stream:
            await stream.next("welcome")
        assert list((data_folder / "unfinished").iterdir()) == []


async def test_what_nobody_comes_for_is_not_kept_for_ever(data_folder: Path) -> None:
    """As long as a machine may go on without a new join code."""
    machine, _ = await cut(data_folder, 2 * PIECE)
    async with collector(data_folder, again=True) as rig:
        rig.clock.shift = KEPT
        async with rig.stream(machine) as stream:
            assert list((await stream.next("welcome")).resume) == []
    assert list((data_folder / "unfinished").iterdir()) == []
