"""The agent's spool: durable appends a second, beside sqlite3 itself with as many rows in each of its commits."""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from caseprobe.v1 import link_pb2
from caseprobe_agent.spool import Spool
from tests.bench.reading import Row

ROUNDS, COUNT, CALLERS = 3, 15_000, 256
BODY = bytes(range(256)) * 4


async def appends_per_second(folder: Path) -> float:
    """Records of 1 KiB a second, each durable when its caller goes on."""
    async with await Spool.open(folder) as spool:
        numbers = iter(range(COUNT))

        async def caller() -> None:
            for number in numbers:
                name = f"snap_{number}"
                await spool.append(link_pb2.DATA_KIND_SNAPSHOT, name, name, "", BODY)

        started = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(CALLERS)))
        return COUNT / (time.perf_counter() - started)


def raw_rows_per_second(path: Path) -> float:
    """The same rows through sqlite3, as many to a commit as there are callers, with the same durability."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 256"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE rows (number INTEGER PRIMARY KEY, body BLOB)")
    started = time.perf_counter()
    for _ in range(COUNT // CALLERS):
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(CALLERS):
            connection.execute("INSERT INTO rows (body) VALUES (?)", (BODY,))
        connection.execute("COMMIT")
    seconds = time.perf_counter() - started
    connection.close()
    return COUNT // CALLERS * CALLERS / seconds


def measure() -> list[Row]:
    """The line of the table."""
    ours, raw = [], []
    # In the working folder, because /tmp is memory on some systems and fsync is free there.
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as name:
        for number in range(ROUNDS):
            ours.append(asyncio.run(appends_per_second(Path(name) / f"spool-{number}")))
            raw.append(raw_rows_per_second(Path(name) / f"raw-{number}"))
    rate, floor = statistics.median(ours), statistics.median(raw)
    return [
        Row(
            f"spool appends of 1 KiB, {CALLERS} callers, FULL",
            f"{rate:.0f}/s",
            f"sqlite3, {CALLERS} rows a commit: {floor:.0f}/s; ratio {rate / floor:.2f}",
            "≥ 20,000/s",
            rate >= 20_000,
        )
    ]
