"""What the writer's connection gets between commits: room ahead of the log."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

from caseprobe_collector.ports import Transaction
from caseprobe_collector.storage import Storage, open_storage
from caseprobe_collector.storage.note import NoteFile
from caseprobe_collector.storage.progress import Progress
from caseprobe_collector.storage.reserve import Reserve
from caseprobe_collector.storage.upkeep import LEAST_AHEAD_BYTES, Upkeep
from tests.fakes_storage import customer

DATABASE = "collector.sqlite3"


async def test_commits_do_not_make_the_log_longer(empty_folder: Path, tmp_path: Path) -> None:
    """They overwrite zeros; who comes after a kill reads up to the zeros and finds all of it."""
    folder = Path(shutil.copytree(empty_folder, tmp_path / "data"))
    async with open_storage(folder) as storage:
        sizes = []
        for letter in "abc":
            await storage.transactions.run(partial(_add, storage, f"cust_{letter}"))
            sizes.append((folder / f"{DATABASE}-wal").stat().st_size)
        for side in ("", "-wal"):
            shutil.copy(folder / f"{DATABASE}{side}", tmp_path)
    assert sizes[0] == sizes[1] == sizes[2] > LEAST_AHEAD_BYTES
    with closing(sqlite3.connect(tmp_path / DATABASE)) as connection:
        assert connection.execute("SELECT count(*) FROM customers").fetchone() == (3,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def _add(storage: Storage, customer_id: str, tx: Transaction) -> None:
    await storage.customers.add_customer(tx, customer(customer_id))


def test_room_that_is_kept_for_cleaning_is_not_used_for_it(tmp_path: Path) -> None:
    """A disk that was full a moment ago has better uses for what is free now."""
    log = tmp_path / "log"
    log.write_bytes(b"frames")
    reserve = Reserve(tmp_path / "reserve", 4096)
    upkeep = Upkeep(log, reserve, Progress(log, NoteFile(tmp_path / "note")))
    with closing(sqlite3.connect(":memory:")) as connection:
        upkeep.committed(connection)
        assert log.stat().st_size == 6
        assert reserve.fill()
        upkeep.committed(connection)
        assert log.stat().st_size == 6 + LEAST_AHEAD_BYTES
