"""The agent's own link and spool against the real collector, over a line that breaks."""

from __future__ import annotations

import asyncio
import contextlib
import random
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import zstandard

from caseprobe.v1 import link_pb2, snapshot_pb2
from caseprobe_agent.link import Credentials, Link
from caseprobe_agent.spool import Spool
from tests.desk import Machine, Rig, snapshot_of
from tests.fakes_line import Line

WAIT_SECONDS = 60.0


@dataclass
class Agent:
    """A machine's link with its spool, and what the collector said to it."""

    link: Link
    spool: Spool

    async def keep(self, snapshot: snapshot_pb2.Snapshot) -> int:
        """Put a snapshot into the spool."""
        body = zstandard.ZstdCompressor(level=1).compress(snapshot.SerializeToString())
        name = snapshot.snapshot_id
        sequence = await self.spool.append(link_pb2.DATA_KIND_SNAPSHOT, name, name, "", body)
        self.link.wake()
        return sequence

    async def delivered(self) -> None:
        """Wait until nothing waits."""
        async with asyncio.timeout(WAIT_SECONDS):
            while await self.spool.count() != (0, 0):
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def linked(rig: Rig, machine: Machine, folder: Path, address: str) -> AsyncIterator[Agent]:
    """The machine's link, running."""
    async with await Spool.open(folder) as spool:

        async def hello() -> link_pb2.Hello:
            return link_pb2.Hello(agent_id=machine.agent_id, spool_id=(await spool.position())[0])

        async def handle(frame: link_pb2.LinkResponse) -> None:
            """What is asked of the machine is nothing to these tests."""

        ca_pem = rig.storage.authority.ca_pem()
        credentials = Credentials(address, ca_pem, machine.certificate_pem, machine.key_pem)
        link = Link(credentials, hello, spool, handle, random.Random(3))
        task = asyncio.create_task(link.run())
        try:
            yield Agent(link, spool)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def large(machine: Machine, number: int, size: int) -> snapshot_pb2.Snapshot:
    """A snapshot that no compression makes small."""
    snapshot = snapshot_of(machine, number)
    source = random.Random(number)
    for part in range(size // 64_000):
        snapshot.sections.add(probe=f"part {part}", reason=source.randbytes(64_000).hex()[:64_000])
    return snapshot


async def test_a_large_record_goes_on_where_the_line_broke(rig: Rig, tmp_path: Path) -> None:
    """Cut in the middle of a record, three quarters of it are not sent again, and it is stored once, whole."""
    machine = await rig.enrol()
    snapshot = large(machine, 1, 9_000_000)
    size = len(zlib.compress(snapshot.SerializeToString(), 1))
    async with Line(rig.port).open() as line, linked(rig, machine, tmp_path, line.address) as agent:
        line.cut_after_bytes = size * 3 // 4
        await agent.keep(snapshot)
        await agent.delivered()
    stored = await rig.storage.snapshots.list_by_agent(machine.agent_id, None)
    assert [row.snapshot_id for row in stored] == [snapshot.snapshot_id]
    assert len(line.up_bytes) == 2 and sum(line.up_bytes) < 1.4 * size


async def test_cuts_at_any_moment_lose_and_double_nothing(rig: Rig, tmp_path: Path) -> None:
    """Small and large records over a line that breaks again and again: each is stored, once, in the end."""
    machine = await rig.enrol()
    source = random.Random(20261122)
    snapshots = [large(machine, number, source.choice([0, 0, 0, 1_000_000])) for number in range(1, 40)]
    async with Line(rig.port).open() as line, linked(rig, machine, tmp_path, line.address) as agent:
        breaking = asyncio.create_task(break_often(line, source))
        for snapshot in snapshots:
            await agent.keep(snapshot)
        await breaking
        await agent.delivered()
    stored = await rig.storage.snapshots.list_by_agent(machine.agent_id, None)
    assert sorted(row.snapshot_id for row in stored) == [snapshot.snapshot_id for snapshot in snapshots]
    assert await rig.storage.snapshots.list_gaps(machine.agent_id) == []
    assert len(line.up_bytes) > 3


async def break_often(line: Line, source: random.Random) -> None:
    """Cut each connection once it brought some bytes, several times."""
    for _ in range(6):
        line.cut_after_bytes = source.randrange(20_000, 600_000)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.5):
                while line.cut_after_bytes is not None:
                    await asyncio.sleep(0.01)


async def test_what_was_dropped_reaches_the_collector(rig: Rig, tmp_path: Path) -> None:
    """A gap of the spool is known here, with its reason, and the spool is empty after it."""
    machine = await rig.enrol()
    async with await Spool.open(tmp_path) as spool:
        sequence = await spool.append(link_pb2.DATA_KIND_SNAPSHOT, "snap", "snap", "", b"x")
        await spool.drop(sequence, "quota")
    async with linked(rig, machine, tmp_path, f"127.0.0.1:{rig.port}") as agent:
        await agent.delivered()
    gaps = await rig.storage.snapshots.list_gaps(machine.agent_id)
    assert [gap[:3] for gap in gaps] == [(1, 1, "quota")]
