"""Defects planted on purpose, one or two functions each: what the simulation must find, or it finds nothing."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from caseprobe.errors import CaseprobeError
from caseprobe_agent.gate import Gate
from caseprobe_agent.link.feeder import Feeder
from caseprobe_agent.schedule import due, timetable
from caseprobe_agent.session.outcomes import Outcomes
from caseprobe_agent.spool import file as spool_file
from caseprobe_agent.spool import rows, writer
from caseprobe_agent.spool.ledger import Ledger
from caseprobe_agent.spool.rows import Rows
from caseprobe_collector.audit import AuditLog
from caseprobe_collector.ingest import assembly
from caseprobe_collector.rpc.receipts import Receipts
from caseprobe_collector.storage import database, deposits, durable, objects, progress, sessions, upkeep
from caseprobe_collector.storage.deposits import SqlDeposits
from tests.simulation.world import AWAY, BUSY, DISKS, ROT, SYNCS, TIGHT, WIRES, Profile

# Of what it is planted on, under which name, and what becomes of what was there.
Plant = tuple[Any, str, Callable[[Any], Any]]


@dataclass(frozen=True)
class Mutant:
    """A defect: where it is planted, the promise that it breaks, and the world in which that shows."""

    plants: tuple[Plant, ...]
    breaks: tuple[str, ...]
    profile: Profile = field(default_factory=Profile)
    # Where to begin to look; others find it too.
    first_seed: int = 0


def _nothing(original: Any) -> Any:
    return lambda *args, **more: None


def _aside(work: Coroutine[Any, Any, Any]) -> None:
    """Do it some time, and let nobody hear how it went."""
    asyncio.get_running_loop().create_task(work).add_done_callback(lambda done: done.cancelled() or done.exception())


def _never(original: Any) -> Any:
    async def never(*args: Any, **more: Any) -> None:
        """Not at all."""

    return never


def _not_full(original: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(pragma.replace("synchronous = FULL", "synchronous = NORMAL") for pragma in original)


# --- the agent's spool --------------------------------------------------------------------------------------------


def _answers_first(original: Any) -> Any:
    """Callers hear of their work; its commit comes with the next."""

    def transact(self: Any, group: Any) -> Any:
        connection = self.database.connection
        if connection.in_transaction:
            connection.execute("COMMIT")
        connection.execute("BEGIN IMMEDIATE")
        return [unit.work(self.database) for unit in group]

    return transact


def _loses_gap(original: Any) -> Any:
    def give_up(self: Any, sequences: Any, reason: str) -> None:
        for sequence in sequences:
            self._delete("sequence = ?", sequence)

    return give_up


def _numbers_again(original: Any) -> Any:
    def last_sequence(self: Any) -> int:
        (last,) = self._connection.execute("SELECT coalesce(max(sequence), 0) FROM items").fetchone()
        return int(last)

    return last_sequence


def _one_too_many(original: Any) -> Any:
    return lambda self, sequence, limit=-1: original(self, sequence + 1, limit)


# --- commands and timetables ---------------------------------------------------------------------------------------


def _unmarked(original: Any) -> Any:
    return lambda self, command_id, request: True


def _told_once(original: Any) -> Any:
    async def tell(self: Any, command_id: str) -> bool:
        told = self.__dict__.setdefault("told", set())
        if command_id in told:
            return True
        told.add(command_id)
        return bool(await original(self, command_id))

    return tell


def _marked_later(original: Any) -> Any:
    async def mark(self: Any, ask: Any, request: bytes) -> bool:
        async def whenever() -> None:
            await asyncio.sleep(30)
            await original(self, ask, request)

        _aside(whenever())
        return True

    return mark


def _by_the_wall(original: Any) -> Any:
    return lambda last, now: (now.wall - last.slot_wall).total_seconds()


# --- the link ------------------------------------------------------------------------------------------------------


def _sends_once(original: Any) -> Any:
    """Goes on behind what an earlier stream sent, whether it arrived or not."""

    async def feed(self: Any, hold_seconds: float = 0.0) -> None:
        outbox = self._outbox
        self._after = outbox.spool.__dict__.get("sent", 0)
        send = self._send

        async def sent(group: Any) -> None:
            await send(group)
            outbox.spool.__dict__["sent"] = group[-1].sequence

        self._send = sent
        await original(self, hold_seconds)

    return feed


def _acks_what_was_sent(original: Any) -> Any:
    def acknowledge(self: Any, sequence: int) -> None:
        original(self, self._sent)

    return acknowledge


def _drops_without_credit(original: Any) -> Any:
    async def pieces(self: Any, item: Any) -> None:
        if self.credit._on_way_bytes < self.credit.window_bytes / 2:
            await original(self, item)

    return pieces


# --- the collector -------------------------------------------------------------------------------------------------


def _acks_as_they_come(original: Any) -> Any:
    """Each store is acknowledged when it is done, whatever came before it."""

    async def take(self: Any, sequence: int, work: Any, weight_bytes: int = 0) -> None:
        async def store() -> None:
            await asyncio.sleep(0.2 if sequence % 3 == 0 else 0.0)
            self._queue.put_nowait((sequence, _done(await work)))

        _aside(store())

    return take


def _done(value: Any) -> asyncio.Future[Any]:
    future = asyncio.get_running_loop().create_future()
    future.set_result(value)
    return future


def _stored_later(original: Any) -> Any:
    async def deposit(self: Any, one: Any) -> tuple[Any, bool]:
        async def whenever() -> None:
            await asyncio.sleep(0.5)
            await original(self, one)

        _aside(whenever())
        return await one.make(), True

    return deposit


def _failure_is_success(original: Any) -> Any:
    async def deposit(self: Any, one: Any) -> tuple[Any, bool]:
        try:
            stored: tuple[Any, bool] = await original(self, one)
        except CaseprobeError:
            return await one.make(), True
        return stored

    return deposit


def _all_fresh(original: Any) -> Any:
    return lambda connection, ready: (list(ready), [True] * len(ready))


def _crossed(original: Any) -> Any:
    """Acknowledgements go out on the stream that opened last, whoever's it is."""
    newest: list[Any] = []

    def init(self: Any, send: Any, fail: Any, *more: Any) -> None:
        newest[:] = [send]
        original(self, lambda frame: newest[0](frame), fail, *more)

    return init


def _ends_again(original: Any) -> Any:
    return lambda session: True


def _not_audited(original: Any) -> Any:
    async def record(self: Any, tx: Any, by: Any, action: str, *more: Any) -> None:
        if action != "session.request":
            await original(self, tx, by, action, *more)

    return record


def _unchecked(original: Any) -> Any:
    def whole(data: Any) -> Any:
        content = data.payload
        return assembly.Assembled(
            data.kind, data.sequence, data.stream_id, len(content), hashlib.sha256(content).digest(), content
        )

    return whole


def _synced_alone(original: Any) -> Any:
    """Every later sync succeeds, and brings nothing of what a failed one lost."""

    def sync(path: Path) -> None:
        if path.exists():
            with path.open("rb") as file:
                os.fsync(file.fileno())

    return sync


def _noted_early(original: Any) -> Any:
    """Before the commit that it speaks of."""

    def stamp(self: Any, connection: Any) -> None:
        original(self, connection)
        if self._stamped is not None:
            self._write(self._stamped[0])

    return stamp


def _file_not_synced(original: Any) -> Any:
    def keep(self: Any, name: str) -> None:
        self._name(self._temporary, name)
        self._temporary = None

    return keep


LARGE = Profile(weights=DISKS.weights, large_ratio=0.4)
# Syncs that fail and processes that are killed at once.
LAPSES = Profile(weights=(("sync", 8), ("kill", 4), ("power", 2)), fault_seconds=1.0)
MUTANTS: dict[str, Mutant] = {
    "spool: synchronous NORMAL": Mutant(((spool_file, "PRAGMAS", _not_full),), ("I1", "I2", "I3"), DISKS),
    "spool: answers before its commit": Mutant(
        ((writer.Writer, "_transact", _answers_first),), ("I2", "I3", "I4", "slots"), DISKS
    ),
    "spool: goes on with a log whose sync failed": Mutant(((spool_file, "_begin_log_anew", _nothing),), ("I3",), SYNCS),
    "spool: goes on with a handle whose sync failed": Mutant(((writer.Writer, "_renew", _nothing),), ("I4",), DISKS),
    "spool: what had to go leaves no gap": Mutant(((Rows, "_give_up", _loses_gap),), ("I3",), TIGHT),
    "spool: gives a number twice": Mutant(((Rows, "last_sequence", _numbers_again),), ("I2", "I3")),
    "spool: forgets one more than was acknowledged": Mutant(((Rows, "acknowledge", _one_too_many),), ("I3",), WIRES),
    "spool and ingest: checksums are not looked at": Mutant(
        ((rows, "sound", lambda original: lambda row: True), (assembly, "_whole", _unchecked)),
        ("I3", "I5"),
        ROT,
        first_seed=1,
    ),
    "ledger: a start leaves no mark": Mutant(((Ledger, "start", _unmarked),), ("once",), BUSY),
    "gate: runs before the start marker is durable": Mutant(((Gate, "_mark", _marked_later),), ("once",), BUSY),
    "session: what a crash interrupted has no end": Mutant(
        ((Outcomes, "recover", _never),), ("once",), BUSY, first_seed=8
    ),
    "session: an outcome is told once": Mutant(
        ((Outcomes, "welcomed", _never), (Outcomes, "tell", _told_once)), ("once",), BUSY
    ),
    "timetable: what ran is not remembered": Mutant(
        ((timetable.Timetable, "_keep", _never),), ("slots",), first_seed=33
    ),
    "timetable: a period by the wall clock": Mutant(((due, "_elapsed", _by_the_wall),), ("slots",)),
    "link: sends nothing again": Mutant(((Feeder, "feed", _sends_once),), ("I3",), WIRES, first_seed=1),
    "link: forgets what was sent": Mutant(((Feeder, "acknowledge", _acks_what_was_sent),), ("I3",), WIRES),
    "link: drops what finds no credit": Mutant(((Feeder, "_send_pieces", _drops_without_credit),), ("I3",)),
    "receipts: the largest, not the contiguous": Mutant(((Receipts, "take", _acks_as_they_come),), ("I1",)),
    "receipts: two machines' sequences are mixed": Mutant(
        ((Receipts, "__init__", _crossed),), ("I1", "I3", "once"), first_seed=1
    ),
    "ingest: acknowledges before the commit": Mutant(((SqlDeposits, "deposit", _stored_later),), ("I1", "I2")),
    "ingest: a failed commit is acknowledged": Mutant(
        ((SqlDeposits, "deposit", _failure_is_success),), ("I1", "I2", "I3"), DISKS
    ),
    "ingest: what comes again is new": Mutant(((deposits, "_fresh", _all_fresh),), ("I3",), BUSY, first_seed=2),
    "storage: synchronous NORMAL": Mutant(((database, "PRAGMAS", _not_full),), ("I1", "I2"), DISKS),
    "storage: goes on with a log whose sync failed": Mutant(
        ((upkeep, "write_anew", _nothing),), ("I1", "I5"), LAPSES, first_seed=8
    ),
    "storage: a log whose sync failed is synced once more": Mutant(
        ((upkeep, "write_anew", _synced_alone),), ("I1", "I5"), LAPSES, first_seed=8
    ),
    "storage: the note is not written": Mutant(((progress.Progress, "_write", _nothing),), ("I5",), ROT),
    "storage: the note is ahead of its commit": Mutant(((progress.Progress, "stamp", _noted_early),), ("I5",), DISKS),
    "storage: the note is not compared": Mutant(
        ((progress, "loss_of", lambda original: lambda noted, found: ""),), ("I5",), ROT
    ),
    "objects: the file is not synced": Mutant(((objects.StagedFile, "_keep", _file_not_synced),), ("I1", "I5"), LARGE),
    "objects: the folder is not synced": Mutant(
        ((objects, "sync_folder", _nothing), (durable, "sync_folder", _nothing)), ("I1", "I5"), LARGE
    ),
    "sessions: an end after the end": Mutant(((sessions, "_open", _ends_again),), ("once",), AWAY),
    "sessions: a request is not audited": Mutant(((AuditLog, "record", _not_audited),), ("audit",)),
}
