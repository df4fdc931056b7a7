"""The spool as the rest of the agent sees it: every call is durable when it returns."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from caseprobe.errors import StorageFull
from caseprobe.v1 import link_pb2
from caseprobe_agent.spool.file import SpoolFile, Store
from caseprobe_agent.spool.record import Item
from caseprobe_agent.spool.writer import Worker, Writer

QUOTA_BYTES = 256 * 1024 * 1024
DELETE_STEP = 32


def _random_id() -> str:
    return "spool_" + secrets.token_hex(8)


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
        wall: Callable[[], float] = time.time,
        new_id: Callable[[], str] = _random_id,
        worker: Worker | None = None,
    ) -> Self:
        """Open or make the spool of a folder; a damaged file is set aside and what can be read of it goes on.

        worker: who commits; a thread of its own where none is given.
        Raises UsageError where another process has it, ConfigurationError or DeliveryError where it cannot be used.
        """
        file = SpoolFile(folder, quota_bytes, wall, new_id)
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
        self, kind: link_pb2.DataKind.ValueType, stream_id: str, snapshot_id: str, name: str, body: bytes
    ) -> int:
        """Keep a record and give its sequence. Raises StorageFull: then it was not kept, and nothing was lost."""
        return await self._writer.run(lambda store: store.rows.append(kind, stream_id, snapshot_id, name, body))

    async def pending(self, after: int, limit: int) -> list[Item]:
        """Records above a sequence, in order, at most limit of them."""
        return await self._writer.run(lambda store: store.rows.pending(after, limit))

    async def read(self, sequence: int, offset: int, size: int) -> bytes:
        """A piece of a record's body; raises NotFound where it is gone."""
        return await self._writer.run(lambda store: store.rows.read(sequence, offset, size))

    async def acknowledge(self, sequence: int) -> None:
        """Forget everything up to here: the collector holds it. Works on a full disk too."""
        try:
            await self._writer.run(lambda store: store.rows.acknowledge(sequence))
        except StorageFull:
            # Deleting needs room before it makes room, less so in small steps.
            self._file.release_reserve()
            while not await self._writer.run(lambda store: store.rows.acknowledge(sequence, DELETE_STEP)):
                pass
        self._file.keep_reserve()

    async def drop(self, sequence: int, reason: str) -> None:
        """Give one record up; a Gap with the reason goes to the collector in its stead."""
        try:
            await self._writer.run(lambda store: store.rows.drop(sequence, reason))
        except StorageFull:
            self._file.release_reserve()
            await self._writer.run(lambda store: store.rows.drop(sequence, reason))

    async def count(self) -> tuple[int, int]:
        """Records and bytes that wait."""
        return await self._writer.run(lambda store: store.rows.count())

    async def position(self) -> tuple[str, int]:
        """Spool id and last acknowledged sequence, for Hello."""
        return await self._writer.run(lambda store: (store.rows.spool_id, store.rows.last_acked()))

    # --- small state -----------------------------------------------------------------------------------------

    async def put_state(self, name: str, value: bytes) -> None:
        """Keep a small value durably, replacing what was there."""
        await self._writer.run(lambda store: store.ledger.put_state(name, value))

    async def get_state(self, name: str) -> bytes | None:
        """A value, None where it was never put."""
        return await self._writer.run(lambda store: store.ledger.get_state(name))

    # --- command ledger --------------------------------------------------------------------------------------

    async def start_command(self, command_id: str, request: bytes) -> bool:
        """Mark a command as started, before anything of it runs; False where it was seen before: never run it."""
        return await self._writer.run(lambda store: store.ledger.start(command_id, request))

    async def end_command(self, command_id: str, outcome: bytes) -> bool:
        """Keep a command's one outcome (serialized); False where it had one: the first stays."""
        return await self._writer.run(lambda store: store.ledger.end(command_id, outcome))

    async def open_commands(self) -> list[tuple[str, bytes]]:
        """Id and request of what was started and has no outcome; after a start: what a crash interrupted."""
        return await self._writer.run(lambda store: store.ledger.open())

    async def command_outcome(self, command_id: str) -> bytes | None:
        """The outcome that a command ended with, to answer a repeated request; None where there is none."""
        return await self._writer.run(lambda store: store.ledger.outcome(command_id))

    async def unacked_outcomes(self) -> list[tuple[str, bytes]]:
        """Id and outcome of what the collector has not confirmed: sent again on every connection."""
        return await self._writer.run(lambda store: store.ledger.unacked())

    async def forget_outcome(self, command_id: str) -> None:
        """The collector holds the outcome; the id stays known, so that a replay never runs."""
        await self._writer.run(lambda store: store.ledger.forget(command_id))
