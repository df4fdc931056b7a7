"""What a machine had sent of a large item when the collector was stopped is not sent again."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import zstandard

from caseprobe.v1 import link_pb2
from caseprobe_collector.ingest.parking import KEPT_SECONDS
from caseprobe_collector.storage import open_storage
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
        rig.clock.shift = timedelta(seconds=KEPT_SECONDS)
        async with rig.stream(machine) as stream:
            await stream.next("welcome")
        assert list((data_folder / "unfinished").iterdir()) == []


async def test_what_nobody_comes_for_is_not_kept_for_ever(data_folder: Path) -> None:
    """As long as if it had been left to the new collector at its start."""
    machine, _ = await cut(data_folder, 2 * PIECE)
    async with collector(data_folder, again=True) as rig:
        rig.clock.shift = timedelta(seconds=KEPT_SECONDS)
        async with rig.stream(machine) as stream:
            assert list((await stream.next("welcome")).resume) == []
    assert list((data_folder / "unfinished").iterdir()) == []
