"""The spool as the rest of the agent sees it: every call is durable when it returns.

Three kinds of calls meet a full disk differently. An append may be refused: what it brings was not promised to anybody
yet. A small write (`_small`) ends or guards what was begun, and an acknowledgement makes room: refused, they would
leave a command without an end, or a spool that can only grow. So these are tried with what is there, and then once
more on the room that is held back for them, which an append never gets (`reserve`).
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self, TypeVar

from caseprobe.errors import DeliveryError, StorageFull
from caseprobe.v1 import link_pb2
from caseprobe_agent.spool.file import SpoolFile, connect
from caseprobe_agent.spool.record import Item
from caseprobe_agent.spool.rows import Quota
from caseprobe_agent.spool.store import Store
from caseprobe_agent.spool.writer import Worker, Writer

# Where nobody says otherwise (`spool_quota_bytes`, `spool_keep_seconds`).
QUOTA_BYTES = 256 * 1024 * 1024
# Of running time; see Quota.
KEEP_SECONDS = 30 * 24 * 3600.0
DELETE_STEP = 32
T = TypeVar("T")


def _random_id() -> str:
    return "spool_" + secrets.token_hex(8)


def _elapsed() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Spool:
    """Records, small state and the command ledger of one agent, in one folder that one process holds.

    Also the link's outbox. Opened with `Spool.open`, closed with `close` or by `async with`.
    """

    def __init__(self, file: SpoolFile, writer: Writer[Store]) -> None:
        self._file = file
        self._writer = writer

    @classmethod
    async def open(
        cls,
        folder: Path,
        quota_bytes: int = QUOTA_BYTES,
        keep_seconds: float = KEEP_SECONDS,
        elapsed: Callable[[], float] = _elapsed,
        new_id: Callable[[], str] = _random_id,
        connect: Callable[[Path], sqlite3.Connection] = connect,
        worker: Worker | None = None,
    ) -> Self:
        """Open or make the spool of a folder; a damaged file is set aside and what can be read of it goes on.

        elapsed: seconds that no clock step moves; connect: how the database is opened, for tests that make it fail;
        worker: who commits, a thread of its own where none is given.
        Raises UsageError where another process has it, ConfigurationError or DeliveryError where it cannot be used.
        """
        file = SpoolFile(folder, Quota(quota_bytes, keep_seconds), elapsed, new_id, connect)
        file.lock.take()
        try:
            store = await asyncio.to_thread(file.open)
        except BaseException:
            file.lock.release()
            raise
        return cls(file, Writer(store, file.replace, file.committed, worker))

    async def close(self) -> None:
        """Commit what waits and let the folder go."""
        await self._writer.close()
        self._file.lock.release()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    @property
    def damage(self) -> tuple[tuple[str, ...], int]:
        """Names of damaged files that were set aside, and how many records were lost; told once, in `status`."""
        return tuple(self._file.set_aside), self._file.lost_records

    @property
    def store(self) -> Store:
        """The open file, for tests that damage it."""
        return self._writer.database

    # --- records ---------------------------------------------------------------------------------------------

    async def append(
        self,
        kind: link_pb2.DataKind.ValueType,
        stream_id: str,
        snapshot_id: str,
        name: str,
        body: bytes,
        evidence: bool = False,
    ) -> int:
        """Keep a record and give its sequence. evidence: it shows a fault or belongs to a case, so it goes last.

        Raises StorageFull: then it was not kept, and nothing was lost.
        """

        def append(store: Store) -> int:
            # First of all: with the reserve in use or not whole, the room that is left is for cleaning up.
            self._file.reserve.claim()
            return store.rows.append(kind, stream_id, snapshot_id, name, body, evidence)

        return await self._writer.run(append)

    async def pending(self, after: int, limit: int) -> list[Item]:
        """Records above a sequence, in order, at most limit of them."""
        # Small, since a damaged one is put into quarantine: on a full disk it must not hold up what makes room.
        return await self._small(lambda store: store.rows.pending(after, limit))

    async def read(self, sequence: int, offset: int, size: int) -> bytes:
        """A piece of a record's body; raises NotFound where it is gone."""
        return await self._writer.run(lambda store: store.rows.read(sequence, offset, size))

    async def acknowledge(self, sequence: int) -> None:
        """Forget everything up to here: the collector holds it. Works on a full disk too."""
        try:
            await self._writer.run(lambda store: store.rows.acknowledge(sequence))
        except DeliveryError:
            # Deleting needs room before it makes room, less so in small steps.
            lent = self._file.reserve.lent
            while not await self._writer.run(lambda store: store.rows.acknowledge(sequence, DELETE_STEP), lent):
                pass

    async def drop(self, sequence: int, reason: str) -> None:
        """Give one record up; a Gap with the reason goes to the collector in its stead."""
        await self._small(lambda store: store.rows.drop(sequence, reason))

    async def count(self) -> tuple[int, int]:
        """Records and bytes that wait."""
        return await self._writer.run(lambda store: store.rows.count())

    async def position(self) -> tuple[str, int]:
        """Spool id and last acknowledged sequence, for Hello."""
        return await self._writer.run(lambda store: (store.rows.spool_id, store.rows.last_acked()))

    # --- small state -----------------------------------------------------------------------------------------

    async def put_state(self, name: str, value: bytes) -> None:
        """Keep a small value durably, replacing what was there."""
        await self._small(lambda store: store.state.put(name, value))

    async def get_state(self, name: str) -> bytes | None:
        """A value, None where it was never put, or was found damaged."""
        return await self._writer.run(lambda store: store.state.get(name))

    # --- command ledger --------------------------------------------------------------------------------------

    async def start_command(self, command_id: str, request: bytes) -> bool:
        """Mark a command as started, before anything of it runs; False where it was seen before: never run it."""
        return await self._small(lambda store: store.ledger.start(command_id, request))

    async def end_command(self, command_id: str, outcome: bytes, record: int = 0) -> bool:
        """Keep a command's one outcome (serialized); False where it had one: the first stays.

        record: sequence of the snapshot that it names; the outcome is due once the collector holds that.
        """
        return await self._small(lambda store: store.ledger.end(command_id, outcome, record))

    async def open_commands(self) -> list[tuple[str, bytes]]:
        """Id and request of what was started and has no outcome; after a start: what a crash interrupted."""
        return await self._writer.run(lambda store: store.ledger.open())

    async def command_outcome(self, command_id: str) -> bytes | None:
        """The outcome that a command ended with, to answer a repeated request; None where there is none."""
        return await self._writer.run(lambda store: store.ledger.outcome(command_id))

    async def unacked_outcomes(self) -> list[tuple[str, bytes]]:
        """Id and outcome of what is due and the collector has not confirmed: sent again on every connection."""
        return await self._writer.run(lambda store: store.ledger.unacked())

    async def waiting_outcomes(self) -> list[str]:
        """Ids of what ended and names a snapshot that still waits here."""
        return await self._writer.run(lambda store: store.ledger.waiting())

    async def forget_outcome(self, command_id: str) -> None:
        """The collector holds the outcome; the id stays known, so that a replay never runs."""
        await self._small(lambda store: store.ledger.forget(command_id))

    async def settle_doubt(self, collector_ms: int) -> None:
        """The collector's time now: after damage to the ledger, only what it asks for from here on may run."""
        await self._small(lambda store: store.ledger.settle(collector_ms))

    async def _small(self, work: Callable[[Store], T]) -> T:
        """A small write, which must not fail for want of room: the reserve is there for it."""
        try:
            return await self._writer.run(work)
        except StorageFull:
            return await self._writer.run(work, self._file.reserve.lent)
