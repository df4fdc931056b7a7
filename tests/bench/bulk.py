"""Bulk beside live: one machine uploads 200 MB while it beats, and while another one's commands go through."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from caseprobe.errors import CaseprobeError
from caseprobe.v1 import link_pb2
from caseprobe_agent.link import Credentials, FileOutbox, Link
from caseprobe_collector.records import Agent
from caseprobe_collector.rpc.links import OpenLink
from caseprobe_collector.storage import create_storage, open_storage
from tests.bench.reading import Row
from tests.desk import ADMIN, Machine, Rig, Stream, running_desk

UPLOAD_BYTES = 200 << 20
BEAT_SECONDS = 0.25
LONGEST_SECONDS = 50.0


@dataclass
class Beats:
    """When the collector heard a machine's heartbeats."""

    agent_id: str
    heard: list[float] = field(default_factory=list)

    def watch(self, rig: Rig) -> None:
        """Listen to every heartbeat that reaches the collector."""
        beat = rig.links.beat

        def heard(link: OpenLink, heartbeat: link_pb2.Heartbeat) -> None:
            beat(link, heartbeat)
            agent: Agent = link.agent
            if agent.agent_id == self.agent_id:
                self.heard.append(time.perf_counter())

        rig.links.beat = heard  # type: ignore[method-assign]

    def longest_gap(self) -> float:
        """Seconds between two of them, at most."""
        return max((after - before for before, after in zip(self.heard, self.heard[1:], strict=False)), default=0.0)


def measure() -> list[Row]:
    """The lines of the table."""
    gap, quiet, busy, seconds = asyncio.run(_measure())
    megabytes = UPLOAD_BYTES / 1e6 / seconds
    return [
        Row(
            f"heartbeats every {BEAT_SECONDS:g} s of a machine that uploads 200 MB, longest gap",
            f"{gap:.2f} s",
            f"the upload itself: {megabytes:.0f} MB/s",
            "≤ 2 × the interval",
            gap <= 2 * BEAT_SECONDS,
        ),
        Row(
            f"commands of another machine meanwhile, p99 of {len(busy)}",
            f"{_p99(busy) * 1000:.0f} ms",
            f"without the upload: {_p99(quiet) * 1000:.0f} ms",
            "≤ 50 ms",
            _p99(busy) <= 0.05,
        ),
    ]


def _p99(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.99)]


async def _measure() -> tuple[float, list[float], list[float], float]:
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as name:
        create_storage(Path(name) / "data")
        async with open_storage(Path(name) / "data") as storage, running_desk(storage) as rig:
            loader, other = await rig.enrol(), await rig.enrol()
            beats = Beats(loader.agent_id)
            beats.watch(rig)
            async with rig.stream(other) as stream:
                await stream.next("welcome")
                quiet = await _commands(rig, other, stream, 300)
                busy, seconds = await _beside_upload(rig, loader, other, stream, Path(name))
    return beats.longest_gap(), quiet, busy, seconds


async def _beside_upload(
    rig: Rig, loader: Machine, other: Machine, stream: Stream, folder: Path
) -> tuple[list[float], float]:
    """The other machine's round trips while a child uploads, and how long that took."""
    for name, data in (("ca", rig.storage.authority.ca_pem()), ("certificate", loader.certificate_pem)):
        (folder / name).write_bytes(data)
    (folder / "key").write_bytes(loader.key_pem)
    command = (sys.executable, "-m", "tests.bench.bulk", str(folder), loader.agent_id, f"127.0.0.1:{rig.port}")
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    busy: list[float] = []
    await child.stdout.readline()
    began = time.perf_counter()
    ended = asyncio.create_task(child.stdout.readline())
    while not ended.done() and time.perf_counter() - began < LONGEST_SECONDS:
        busy += await _commands(rig, other, stream, 10)
    seconds = time.perf_counter() - began
    child.kill()
    await child.wait()
    ended.cancel()
    return busy, seconds


async def _commands(rig: Rig, machine: Machine, stream: Stream, count: int) -> list[float]:
    """Seconds from the person's request to the machine's having it, each."""
    request = link_pb2.CommandRequest(deadline_seconds=60, path=link_pb2.PathAction(target="192.0.2.1", rounds=1))
    seconds = []
    for _ in range(count):
        began = time.perf_counter()
        await rig.sessions.request(ADMIN, "case_1", machine.agent_id, request)
        await stream.next("command")
        seconds.append(time.perf_counter() - began)
    return seconds


async def _upload(folder: Path, agent_id: str, address: str) -> None:
    """In the child: a bundle of random bytes, which the collector takes whole and refuses in the end."""
    outbox = FileOutbox(
        io.BytesIO(os.urandom(1 << 20) * (UPLOAD_BYTES >> 20)), link_pb2.DATA_KIND_BUNDLE, f"snap_{1:032x}"
    )
    ca, certificate, key = ((folder / name).read_bytes() for name in ("ca", "certificate", "key"))
    credentials = Credentials(address, ca, certificate, key)

    async def hello() -> link_pb2.Hello:
        return link_pb2.Hello(agent_id=agent_id, spool_id="spool_bench")

    async def handle(frame: link_pb2.LinkResponse) -> None:
        """Nothing is asked."""

    link = Link(credentials, hello, outbox, handle, random.Random(1))

    async def beat() -> None:
        while True:
            link.send(link_pb2.LinkRequest(heartbeat=link_pb2.Heartbeat()), link_pb2.LANE_CONTROL)
            await asyncio.sleep(BEAT_SECONDS)

    beating = asyncio.create_task(beat())
    print("begins", flush=True)
    with contextlib.suppress(CaseprobeError):
        await link.deliver_once(LONGEST_SECONDS)
    beating.cancel()
    print("ended", flush=True)


if __name__ == "__main__":
    asyncio.run(_upload(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
