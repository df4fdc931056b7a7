"""Durable commits: a lone caller and 64 at once, beside sqlite3 itself on the same disk in the same run."""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import sqlalchemy as sa

from caseprobe_collector.ports import Transaction
from caseprobe_collector.storage import Storage, create_storage, open_storage
from caseprobe_collector.storage.unit import unit_of
from tests.bench.reading import Row
from tests.fakes_storage import agent, case, customer, deposit, snapshot

ROUNDS = 3
LONE, MANY, CALLERS = 300, 3000, 64
BODY = bytes(range(256)) * 8

RAW = sa.Table(
    "raw", sa.MetaData(), sa.Column("number", sa.Integer, primary_key=True), sa.Column("body", sa.LargeBinary)
)
INSERT = sa.insert(RAW)

Step = Callable[[int], Awaitable[object]]


def raw_commits_per_second(path: Path, commits: int, rows: int) -> float:
    """Rows of 2 KiB a second through sqlite3, this many to a commit, as durable as ours."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE IF NOT EXISTS raw (number INTEGER PRIMARY KEY, body BLOB)")
    started = time.perf_counter()
    for _ in range(commits):
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(rows):
            connection.execute("INSERT INTO raw (body) VALUES (?)", (BODY,))
        connection.execute("COMMIT")
    seconds = time.perf_counter() - started
    connection.close()
    return commits * rows / seconds


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


def steps(storage: Storage, run: int) -> tuple[Step, Step]:
    """(the statement that sqlite3 gets too, a whole ingest: row, body, two findings, spool position, audit entry).

    Each writes something new: SQLite leaves a page alone that gets what it holds already, and then no fsync is due.
    """

    async def one(number: int) -> None:
        await storage.transactions.run(lambda tx: unit_of(tx).write(INSERT, {"body": BODY}))

    async def ingest(number: int) -> None:
        snapshot_id = f"snap_{run:016x}{number:016x}"
        stored = snapshot(snapshot_id, BODY + snapshot_id.encode(), (("a.b", "/", 3), ("c.d", "", 2)))
        await storage.deposits.deposit(deposit(stored, "spool_1", number))

    return one, ingest


async def figures_of(folder: Path) -> dict[str, list[float]]:
    """Every figure once a round, rounds interleaved, so that a busy moment hits all alike."""
    found: dict[str, list[float]] = {}
    create_storage(folder / "data")
    async with open_storage(folder / "data") as storage:
        await storage.transactions.run(lambda tx: furnish(storage, tx))
        for run in range(ROUNDS):
            one, ingest = steps(storage, run)
            _, warm = steps(storage, run + ROUNDS)
            await per_second(1, 50, warm)
            figures = {
                "raw lone": await asyncio.to_thread(raw_commits_per_second, folder / "raw", LONE, 1),
                "lone": (await per_second(1, LONE, one))[0],
                "raw many": await asyncio.to_thread(raw_commits_per_second, folder / "raw", MANY // CALLERS, CALLERS),
                "many": (await per_second(CALLERS, MANY, one))[0],
            }
            figures["ingest"], figures["ingest p99"] = await per_second(CALLERS, MANY, ingest)
            for name, figure in figures.items():
                found.setdefault(name, []).append(figure)
    return found


async def furnish(storage: Storage, tx: Transaction) -> None:
    """A customer, a case, a machine, and the table that sqlite3 gets too."""
    unit_of(tx).connection.execute(sa.schema.CreateTable(RAW))
    await storage.customers.add_customer(tx, customer())
    await storage.cases.add_case(tx, case())
    await storage.fleet.put_agent(tx, agent())


def measure() -> list[Row]:
    """The lines of the table."""
    # In the working folder, because /tmp is memory on some systems and fsync is free there.
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as folder:
        found = asyncio.run(figures_of(Path(folder)))
    middle = {name: statistics.median(figures) for name, figures in found.items()}
    lone, many, ingest = middle["lone"], middle["many"], middle["ingest"]
    return [
        Row(
            "durable commits, one caller",
            f"{lone:.0f}/s",
            f"sqlite3: {middle['raw lone']:.0f}/s",
            "≥ 0.5 of it",
            lone >= middle["raw lone"] / 2,
        ),
        Row(
            f"durable commits, {CALLERS} callers",
            f"{many:.0f}/s",
            f"sqlite3, {CALLERS} rows a commit: {middle['raw many']:.0f} rows/s",
            "≥ 2 × one caller",
            many >= 2 * lone,
        ),
        Row(
            f"snapshots of 2 KiB stored, {CALLERS} callers",
            f"{ingest:.0f}/s, p99 {middle['ingest p99'] * 1000:.0f} ms",
            "6 statements each, audit among them",
            "≥ 2000/s, p99 ≤ 100 ms",
            ingest >= 2000 and middle["ingest p99"] <= 0.1,
        ),
    ]
