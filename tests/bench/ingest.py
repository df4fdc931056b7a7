"""Snapshots from their frame to their acknowledgement: hashed, unpacked, parsed, indexed, audited, committed with FULL.

The floors store the same bytes and nothing else, on the same disk, in the same run, round by round in turn:
a group commit over sqlite3 for as many callers, each of which waits for its own answer; and executemany of 256 rows.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import zstandard

from caseprobe.v1 import link_pb2, snapshot_pb2
from caseprobe.v1 import section_pb2 as pb
from caseprobe_collector.app.build import SystemClock
from caseprobe_collector.audit import AuditLog
from caseprobe_collector.bus import InProcessBus
from caseprobe_collector.ingest import Ingest, Limits
from caseprobe_collector.storage import Storage, create_storage, open_storage
from tests.bench.reading import Row
from tests.fakes_storage import agent, customer

ROUNDS = 3
CALLERS, WIDE = 64, 256
SMALL, LARGE = 3000, 2000
AGENT = "agent_" + "a" * 26
Step = Callable[[int], Awaitable[object]]


def measure() -> list[Row]:
    """The lines of the table."""
    # In the working folder, because /tmp is memory on some systems and fsync is free there.
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as folder:
        found = asyncio.run(_figures(Path(folder)))
    middle = {name: statistics.median(figures) for name, figures in found.items()}
    small, floor, large, bare = middle["small"], middle["floor small"], middle["large"], middle["floor large"]
    return [
        Row(
            f"snapshots of 2 KiB, frame to acknowledgement, {CALLERS} callers",
            f"{small:.0f}/s, p99 {middle['small p99'] * 1000:.0f} ms",
            f"sqlite3 group commit, {CALLERS} callers: {floor:.0f} rows/s; ratio {small / floor:.2f}",
            "≥ 2000/s, p99 ≤ 100 ms, ≥ 0.35 ×",
            small >= 2000 and middle["small p99"] <= 0.1 and small >= 0.35 * floor,
        ),
        Row(
            f"snapshots of 50 KB, parsed and indexed, {WIDE} callers",
            f"{large:.0f}/s, p99 {middle['large p99'] * 1000:.0f} ms",
            f"sqlite3 executemany of 256 rows: {bare:.0f} rows/s of 50 KB; ratio {large / bare:.2f}; "
            f"{middle['floor packed']:.0f}/s of the {middle['packed bytes'] / 1000:.0f} KB that they are packed to",
            "≥ 0.6 ×",
            large >= 0.6 * bare,
        ),
    ]


async def _figures(folder: Path) -> dict[str, list[float]]:
    """Every figure once a round, so that a busy moment hits all alike."""
    found: dict[str, list[float]] = {}
    create_storage(folder / "data")
    async with open_storage(folder / "data") as storage:
        ingest = await ready(storage)
        for run in range(ROUNDS):
            small = [frame_of(small_snapshot(run, number), number) for number in range(SMALL)]
            raws = [large_snapshot(run, number).SerializeToString() for number in range(LARGE)]
            large = [frame_of_bytes(raw, f"l{number}", number) for number, raw in enumerate(raws)]
            packed = [frame.payload for frame in large]
            figures = {
                "floor small": await floor_per_second(folder / "raw", [frame.payload for frame in small], CALLERS),
                "floor large": await asyncio.to_thread(rows_per_second, folder / "bare", raws),
                "floor packed": await asyncio.to_thread(rows_per_second, folder / "packed", packed),
                "packed bytes": statistics.mean(map(len, packed)),
            }
            figures["small"], figures["small p99"] = await per_second(CALLERS, SMALL, step_of(ingest, small))
            figures["large"], figures["large p99"] = await per_second(WIDE, LARGE, step_of(ingest, large))
            for name, figure in figures.items():
                found.setdefault(name, []).append(figure)
    return found


async def ready(storage: Storage) -> Ingest:
    """The collector's own store of what machines deliver, with one machine."""
    await storage.transactions.run(lambda tx: storage.customers.add_customer(tx, customer()))
    await storage.transactions.run(lambda tx: storage.fleet.put_agent(tx, agent(AGENT)))
    clock = SystemClock()
    audit, bus = AuditLog(storage.audit, clock), InProcessBus()
    return Ingest(
        storage.deposits, storage.snapshots, storage.cases, storage.sessions, storage.objects, audit, bus, clock
    )


def step_of(ingest: Ingest, frames: Sequence[link_pb2.Data]) -> Step:
    """Put one frame together and store it, until it may be acknowledged."""
    machine, assembly = agent(AGENT), ingest.assembly(AGENT, Limits())

    async def step(number: int) -> None:
        item = await assembly.add(frames[number])
        assert item is not None
        await ingest.store(machine, "spool_1", item)

    return step


async def per_second(callers: int, total: int, step: Step) -> tuple[float, float]:
    """(steps a second, 99th percentile of one in seconds) with this many callers, each one step at a time."""
    numbers, taken = iter(range(total)), list[float]()

    async def caller() -> None:
        for number in numbers:
            began = time.perf_counter()
            await step(number)
            taken.append(time.perf_counter() - began)

    started = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return total / (time.perf_counter() - started), sorted(taken)[int(len(taken) * 0.99)]


def open_raw(path: Path) -> sqlite3.Connection:
    """A table of bytes, as durable as ours."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode = WAL", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE IF NOT EXISTS raw (number INTEGER PRIMARY KEY, body BLOB)")
    return connection


def rows_per_second(path: Path, bodies: Sequence[bytes]) -> float:
    """Rows a second through executemany, 256 to a commit."""
    connection = open_raw(path)
    started = time.perf_counter()
    for first in range(0, len(bodies), 256):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO raw (body) VALUES (?)", [(one,) for one in bodies[first : first + 256]])
        connection.execute("COMMIT")
    seconds = time.perf_counter() - started
    connection.close()
    return len(bodies) / seconds


async def floor_per_second(path: Path, bodies: Sequence[bytes], callers: int) -> float:
    """Rows a second for callers who each wait for the commit of their own row."""
    connection = open_raw(path)
    waiting: list[tuple[bytes, asyncio.Future[None]]] = []
    wake = asyncio.Event()

    def commit(rows: list[tuple[bytes]]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO raw (body) VALUES (?)", rows)
        connection.execute("COMMIT")

    async def serve() -> None:
        while await wake.wait():
            wake.clear()
            batch, waiting[:] = waiting[:], []
            await asyncio.to_thread(commit, [(body,) for body, _ in batch])
            for _, answer in batch:
                answer.set_result(None)

    async def step(number: int) -> None:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.append((bodies[number], answer))
        wake.set()
        await answer

    server = asyncio.create_task(serve())
    rate, _ = await per_second(callers, len(bodies), step)
    server.cancel()
    await asyncio.gather(server, return_exceptions=True)
    connection.close()
    return rate


def frame_of(snapshot: snapshot_pb2.Snapshot, sequence: int) -> link_pb2.Data:
    """A snapshot as it travels."""
    return frame_of_bytes(snapshot.SerializeToString(), snapshot.snapshot_id, sequence)


def frame_of_bytes(raw: bytes, stream_id: str, sequence: int) -> link_pb2.Data:
    """Packed, hashed and framed."""
    body = zstandard.ZstdCompressor(level=3).compress(raw)
    return link_pb2.Data(
        kind=link_pb2.DATA_KIND_SNAPSHOT,
        sequence=sequence,
        stream_id=stream_id,
        total_bytes=len(body),
        sha256=hashlib.sha256(body).digest(),
        payload=body,
    )


def small_snapshot(run: int, number: int) -> snapshot_pb2.Snapshot:
    """Two findings, and lines enough that 2 KiB travel."""
    made = _begun(run, number, 0)
    noise = random.Random(number).randbytes(1750).hex()
    made.sections.add(probe="system_log", outcome=pb.PROBE_OUTCOME_OK).lines.add(source="/var/log/syslog", text=noise)
    return made


def large_snapshot(run: int, number: int) -> snapshot_pb2.Snapshot:
    """About 50 KB: processes, log lines; it packs to a third."""
    made, dice = _begun(run, number, 1), random.Random(number)
    top = made.sections.add(probe="processes", outcome=pb.PROBE_OUTCOME_OK).processes
    for pid in range(150):
        top.top_cpu.add(pid=pid * 7, name=f"worker-{pid}", user=f"user-{pid % 9}", cpu_ratio=dice.random())
    log = made.sections.add(probe="system_log", outcome=pb.PROBE_OUTCOME_OK)
    noise = dice.randbytes(3000).hex()
    for line in range(380):
        text = f"Nov 22 10:{line:06} kernel: I/O error, dev sda, sector {noise[line * 15 : line * 15 + 15]} read reset"
        log.lines.add(source="/var/log/syslog", text=text)
    return made


def _begun(run: int, number: int, kind: int) -> snapshot_pb2.Snapshot:
    name = f"snap_{kind:08x}{run:08x}{number:016x}"
    made = snapshot_pb2.Snapshot(snapshot_id=name, agent_id=AGENT, profile="quick", sequence=number)
    made.started_at.FromSeconds(1_795_311_180 + number)
    for check in ("disk.space", "log.errors"):
        made.findings.add(check_id=check, object="/", state=3)
    return made
