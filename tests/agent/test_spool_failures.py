"""A disk that fails: what was not kept is never said to be kept, the failed handle is not used again, and it heals."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import sqlite3
import struct
import sys
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from caseprobe.errors import DeliveryError, StorageFull
from caseprobe.v1 import link_pb2
from caseprobe_agent.spool import Spool
from caseprobe_agent.spool.file import connect
from tests.fakes_spool import on_small_disk

SNAPSHOT = link_pb2.DATA_KIND_SNAPSHOT


@dataclass
class Disk:
    """Opens databases whose next commits fail as told; keeps every connection that it gave."""

    fails: list[int] = field(default_factory=list)
    given: list[FailingConnection] = field(default_factory=list)

    def connect(self, path: Path) -> sqlite3.Connection:
        """A connection to a file on this disk."""
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=FailingConnection)
        connection.disk = self
        self.given.append(connection)
        return connection


class FailingConnection(sqlite3.Connection):
    """Fails commits with SQLite's own error codes; counts what is asked of it after that."""

    disk: Disk
    failed = False
    used_after = 0

    def execute(self, sql: str, /, *parameters: object) -> sqlite3.Cursor:
        """As SQLite does, but for the commits that are to fail."""
        if self.failed and sql != "ROLLBACK":
            self.used_after += 1
        if sql == "COMMIT" and self.disk.fails:
            self.failed = True
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = self.disk.fails.pop()
            raise error
        return super().execute(sql, *parameters)  # type: ignore[arg-type]


async def keep(spool: Spool, body: bytes = b"x") -> int:
    """Append a body."""
    return await spool.append(SNAPSHOT, "snap_1", "snap_1", "", body)


@pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_WRITE])
async def test_after_a_failed_fsync_the_handle_is_never_used_again(tmp_path: Path, code: int) -> None:
    """The caller hears that it was not kept; the next works on a file that was opened and checked anew."""
    disk = Disk()
    async with await Spool.open(tmp_path, connect=disk.connect) as spool:
        first = await keep(spool, b"first")
        disk.fails = [code]
        with pytest.raises(DeliveryError, match="cannot write the spool"):
            await keep(spool, b"lost")
        second = await keep(spool, b"second")
        assert [item.body for item in await spool.pending(0, 9)] == [b"first", b"second"]
        assert second > first
    failed, fresh = disk.given
    assert failed.failed and failed.used_after == 0 and not fresh.failed


async def test_a_disk_that_goes_on_failing_fails_every_caller_and_heals(tmp_path: Path) -> None:
    """No success is reported between two failures, and none is needed by hand when it works again."""
    disk = Disk()
    async with await Spool.open(tmp_path, connect=disk.connect) as spool:
        await keep(spool, b"kept")
        disk.fails = [sqlite3.SQLITE_IOERR_FSYNC] * 9
        for _ in range(3):
            with pytest.raises(DeliveryError):
                await keep(spool)
        disk.fails = []
        await keep(spool, b"again")
        assert [item.body for item in await spool.pending(0, 9)] == [b"kept", b"again"]
    assert all(connection.used_after == 0 for connection in disk.given)


async def test_of_a_group_whose_commit_failed_no_caller_is_told_of_success(tmp_path: Path) -> None:
    """One fsync for all: where it fails, each is tried alone on a new handle, and answered for itself."""
    disk = Disk()
    async with await Spool.open(tmp_path, connect=disk.connect) as spool:
        disk.fails = [sqlite3.SQLITE_IOERR_FSYNC] * 3
        results = await asyncio.gather(*(keep(spool, b"%d" % number) for number in range(20)), return_exceptions=True)
        kept = {result for result in results if isinstance(result, int)}
        assert kept == {item.sequence for item in await spool.pending(0, 99)}
        assert any(isinstance(result, DeliveryError) for result in results)


@pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_FULL | 256])
async def test_small_writes_use_the_reserve_of_a_full_disk(tmp_path: Path, code: int) -> None:
    """A command's outcome and an acknowledgement get through where a measurement does not."""
    disk = Disk()
    async with await Spool.open(tmp_path, connect=disk.connect) as spool:
        await keep(spool)
        disk.fails = [code]
        with pytest.raises(StorageFull):
            await keep(spool)
        disk.fails = [code]
        assert await spool.start_command("sess_1", b"r")
        disk.fails = [code]
        assert await spool.end_command("sess_1", b"ok")
        disk.fails = [code]
        await spool.acknowledge(1)
        assert await spool.count() == (0, 0)


LIMITED = """
import asyncio, resource, sys
from pathlib import Path
from caseprobe.errors import DeliveryError
from caseprobe_agent.spool import Spool
async def main():
    async with await Spool.open(Path(sys.argv[1])) as spool:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, hard))
        kept, failed = [], 0
        while failed < 3:
            try:
                kept.append(await spool.append(1, "s", "s", "", b"x" * 5000))
            except DeliveryError:
                failed += 1
        items = await spool.pending(0, 1000)
        assert set(kept) <= {item.sequence for item in items}, (kept, len(items))
        await spool.acknowledge(kept[-1])
        assert await spool.append(1, "s", "s", "", b"x" * 5000) > kept[-1]
        print(len(kept))
asyncio.run(main())
"""


async def test_a_file_that_may_not_grow_is_as_a_full_disk(tmp_path: Path) -> None:
    """EFBIG: what was kept is listed, nothing else is promised, and an acknowledgement makes room again."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", LIMITED, str(tmp_path)), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await child.communicate()
    assert child.returncode == 0, err.decode()
    assert int(out) > 50


OPENER = """
import asyncio, sys
from pathlib import Path
from caseprobe_agent.spool import Spool
folder = Path(sys.argv[1])
async def main():
    async with await Spool.open(folder / "spool") as spool:
        await spool.append(1, "s", "s", "", b"first")
    with (folder / "filler").open("wb", buffering=0) as filler:
        try:
            while filler.write(b"x" * 4096):
                pass
        except OSError:
            pass
    async with await Spool.open(folder / "spool") as spool:
        assert [item.body for item in await spool.pending(0, 9)] == [b"first"]
        await spool.acknowledge(1)
        (folder / "filler").unlink()
        assert await spool.append(1, "s", "s", "", b"x" * 100_000) == 2
    print("opened")
asyncio.run(main())
"""


async def test_a_spool_on_a_full_disk_opens_and_heals(tmp_path: Path) -> None:
    """Every last byte of a tmpfs taken while the agent was off: it starts, tells what it has, and goes on."""
    code, out, err = await on_small_disk(OPENER, tmp_path)
    assert (code, out.strip()) == (0, "opened"), err


LIVES = """
import asyncio, os, sys
from pathlib import Path
from caseprobe.errors import DeliveryError
from caseprobe_agent.spool import Spool
folder = Path(sys.argv[1])
def take_the_rest():
    with (folder / "filler").open("ab", buffering=0) as filler:
        try:
            while filler.write(b"x" * 4096):
                pass
        except OSError:
            pass
async def live(life):
    spool = await Spool.open(folder / "spool")
    refused = 0
    async def measure():
        nonlocal refused
        while refused < 40:
            try:
                await spool.append(1, "s", "s", "", b"x" * 3000)
            except DeliveryError:
                refused += 1
    async def end_things():
        while refused < 40:
            await spool.put_state("name", os.urandom(600))
    await asyncio.gather(measure(), measure(), measure(), end_things())
    await spool.count()
    held = (folder / "spool/spool.reserve").stat()
    assert held.st_blocks * 512 >= held.st_size == 1536 * 1024, held
    if life == 3:
        items = await spool.pending(0, 10**6)
        await spool.acknowledge(items[-1].sequence)
        (folder / "filler").unlink()
        await spool.append(1, "s", "s", "", b"x" * 3000)
        print("acknowledged", len(items))
    sys.stdout.flush()
    os._exit(0)
for life in range(4):
    if life == 2:
        take_the_rest()
    if os.fork() == 0:
        asyncio.run(live(life))
    assert os.wait()[1] == 0, life
"""


async def test_appends_on_a_full_disk_leave_the_reserve_to_what_cleans_up(tmp_path: Path) -> None:
    """Killed again and again on a disk that it filled itself: it starts, refuses, ends what it began, and empties."""
    code, out, err = await on_small_disk(LIVES, tmp_path)
    assert (code, out.split()[:1]) == (0, ["acknowledged"]), err


LARGE = """
import asyncio, os, sys
from pathlib import Path
from caseprobe.errors import StorageFull
from caseprobe_agent.spool import Spool
folder = Path(sys.argv[1])
async def keep(size):
    spool = await Spool.open(folder / "spool")
    try:
        await spool.append(1, "s", "s", "", os.urandom(size))
        print("kept")
    except StorageFull:
        print("refused")
    sys.stdout.flush()
    os._exit(0)
for size in (3_300_000, 1_900_000):
    if os.fork() == 0:
        asyncio.run(keep(size))
    assert os.wait()[1] == 0, size
async def start():
    async with await Spool.open(folder / "spool") as spool:
        print(*[item.total_bytes for item in await spool.pending(0, 9)])
        await spool.acknowledge(2)
        assert await spool.count() == (0, 0)
asyncio.run(start())
"""


async def test_what_the_log_holds_has_its_room_in_the_file_before_it_is_kept(tmp_path: Path) -> None:
    """A record that fits into the log and not into the file as well is refused: no start could bring it over."""
    code, out, err = await on_small_disk(LARGE, tmp_path)
    assert (code, out.split()) == (0, ["refused", "kept", "1900000"]), err


async def test_only_the_newest_damaged_files_are_kept(tmp_path: Path) -> None:
    """Damage again and again does not fill the disk with what it took."""
    for _ in range(4):
        async with await Spool.open(tmp_path) as spool:
            await keep(spool)
        (tmp_path / "spool.db").write_bytes(b"no database " * 1000)
    async with await Spool.open(tmp_path):
        pass
    kept = {path.name for path in tmp_path.glob("spool.db.damaged-*")}
    assert kept == {"spool.db.damaged-3", "spool.db.damaged-4"}


FIRST_VERSION = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE items (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, stream_id TEXT NOT NULL,
  snapshot_id TEXT NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL, sha256 BLOB NOT NULL, seal INTEGER NOT NULL,
  bulk INTEGER NOT NULL, appended_at REAL NOT NULL, body BLOB NOT NULL);
CREATE INDEX bulk_items ON items (sequence) WHERE bulk = 1;
CREATE TABLE quarantine (sequence INTEGER PRIMARY KEY, name TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE state (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE commands (
  number INTEGER PRIMARY KEY AUTOINCREMENT, command_id TEXT NOT NULL UNIQUE, request BLOB NOT NULL, outcome BLOB,
  acked INTEGER NOT NULL DEFAULT 0);
INSERT INTO meta VALUES ('spool_id', 'spool_0123456789abcdef'), ('acked', 1);
INSERT INTO state VALUES ('schedules', x'74696d657461626c6573');
INSERT INTO commands (command_id, request, outcome) VALUES ('sess_1', x'', CAST('outcome' AS BLOB));
INSERT INTO commands (command_id, request) VALUES ('sess_2', CAST('request' AS BLOB));
"""


def write_first_version(path: Path) -> None:
    """The spool of an agent 0.1.0: three records were given out, the first is acknowledged."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(FIRST_VERSION)
        for sequence, body in enumerate((b"first", b"second", b"third"), start=1):
            digest = hashlib.sha256(body).digest()
            seal = zlib.crc32(struct.pack(">QIQ", sequence, SNAPSHOT, len(body)) + digest + b"snap_1\0snap_1\0")
            row = (sequence, SNAPSHOT, "snap_1", "snap_1", "", len(body), digest, seal, 0, 1.7e9, body)
            connection.execute("INSERT INTO items VALUES (?,?,?,?,?,?,?,?,?,?,?)", row)
        connection.execute("DELETE FROM items WHERE sequence = 1")


async def test_a_spool_of_the_first_version_goes_on(tmp_path: Path) -> None:
    """Records, numbers, state and ledger of 0.1.0 are all there under the new form, once."""
    write_first_version(tmp_path / "spool.db")
    for _ in range(2):
        async with await Spool.open(tmp_path) as spool:
            items = await spool.pending(0, 99)
            assert [(item.sequence, item.body) for item in items] == [(2, b"second"), (3, b"third")]
            assert await spool.get_state("schedules") == b"timetables"
            assert await spool.position() == ("spool_0123456789abcdef", 1)
            assert await spool.unacked_outcomes() == [("sess_1", b"outcome")]
            assert await spool.open_commands() == [("sess_2", b"request")]
            assert not await spool.start_command("sess_1", b"request")
            assert spool.damage == ((), 0)
    async with await Spool.open(tmp_path) as spool:
        assert await keep(spool) == 4


def test_the_usual_connection_leaves_transactions_to_us(tmp_path: Path) -> None:
    """Python's own implicit transactions would end a group in its middle."""
    connection = connect(tmp_path / "x.db")
    assert connection.isolation_level is None
    connection.close()
