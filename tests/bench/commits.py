"""Durable commits: a lone caller and 64 at once, beside sqlite3 itself on the same disk in the same run."""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa

from caseprobe_collector.ports import Transaction
from caseprobe_collector.storage import create_storage, open_storage
from caseprobe_collector.storage.unit import unit_of
from tests.bench.ingest import per_second
from tests.bench.reading import Row

ROUNDS = 3
LONE, MANY, CALLERS = 300, 3000, 64
BODY = bytes(range(256)) * 8

RAW = sa.Table(
    "raw", sa.MetaData(), sa.Column("number", sa.Integer, primary_key=True), sa.Column("body", sa.LargeBinary)
)
INSERT = sa.insert(RAW)


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


async def figures_of(folder: Path) -> dict[str, list[float]]:
    """Every figure once a round, rounds interleaved, so that a busy moment hits all alike."""
    found: dict[str, list[float]] = {}
    create_storage(folder / "data")
    async with open_storage(folder / "data") as storage:
        await storage.transactions.run(furnish)

        async def one(number: int) -> None:
            # Something new each time: SQLite leaves a page alone that gets what it holds, and then no fsync is due.
            await storage.transactions.run(lambda tx: unit_of(tx).write(INSERT, {"body": BODY}))

        for _ in range(ROUNDS):
            await per_second(1, 50, one)
            figures = {
                "raw lone": await asyncio.to_thread(raw_commits_per_second, folder / "raw", LONE, 1),
                "lone": (await per_second(1, LONE, one))[0],
                "raw many": await asyncio.to_thread(raw_commits_per_second, folder / "raw", MANY // CALLERS, CALLERS),
                "many": (await per_second(CALLERS, MANY, one))[0],
            }
            for name, figure in figures.items():
                found.setdefault(name, []).append(figure)
    return found


async def furnish(tx: Transaction) -> None:
    """The table that sqlite3 gets too."""
    unit_of(tx).connection.execute(sa.schema.CreateTable(RAW))


def measure() -> list[Row]:
    """The lines of the table."""
    # In the working folder, because /tmp is memory on some systems and fsync is free there.
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as folder:
        found = asyncio.run(figures_of(Path(folder)))
    middle = {name: statistics.median(figures) for name, figures in found.items()}
    lone, many = middle["lone"], middle["many"]
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
    ]
