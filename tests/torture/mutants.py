"""The product broken on purpose, one mechanism each, so that it is known which fault guards which mechanism."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from caseprobe.v1 import link_pb2

# In words; and under which other names the simulation's oracle speaks of it.
INVARIANTS: Mapping[int, tuple[str, ...]] = {
    1: ("what was acknowledged is never lost",),
    2: ("everything is there exactly once, a command runs at most once", "once", "audit"),
    3: ("what a spool accepted is there, delivered, or told as a gap",),
    4: ("nothing is trusted after a failed sync",),
    5: ("nothing is shown that nobody measured; clocks that jump change nothing", "slots"),
    6: ("a full disk is refused, survived and cleaned up",),
}


@dataclass(frozen=True)
class Mutant:
    """What is taken out of the product, the invariant that rests on it, and the fault whose runs must see it."""

    words: str
    invariant: int
    caught_by: str
    apply: Callable[[], None]


def _swap(owner: Any, name: str, value: object) -> None:
    """Put another thing in the place of one of the product's; a name that is not there any more is an error."""
    getattr(owner, name)
    setattr(owner, name, value)


def _unsynced(pragmas: Sequence[str]) -> tuple[str, ...]:
    found = tuple(pragma.replace("= FULL", "= OFF") for pragma in pragmas)
    assert found != tuple(pragmas), "nothing there is synced"
    return found


def _commits_unsynced() -> None:
    from caseprobe_collector.storage import database

    _swap(database, "PRAGMAS", _unsynced(database.PRAGMAS))


def _ack_before_commit() -> None:
    from caseprobe_collector.rpc.receipts import Receipts

    take = Receipts.take

    async def at_once(self: Any, sequence: int, *more: Any, **named: Any) -> None:
        self._send(link_pb2.LinkResponse(ack=link_pb2.Ack(sequence=sequence)))
        await take(self, sequence, *more, **named)

    _swap(Receipts, "take", at_once)


def _files_unsynced() -> None:
    # SQLite syncs past this; what is left are the objects.
    _swap(os, "fsync", lambda descriptor: None)


def _failed_sync_passed_over() -> None:
    fsync = os.fsync

    def hopeful(descriptor: int) -> None:
        with contextlib.suppress(OSError):
            fsync(descriptor)

    _swap(os, "fsync", hopeful)


def _no_dedupe() -> None:
    from caseprobe_collector.storage import chain, deposits

    store = deposits.store_deposits

    def again(connection: Any, ready: Any) -> list[bool]:
        added = store(connection, ready)
        seen = [one.deposit.entry for one, new in zip(ready, added, strict=True) if not new]
        chain.append_entries(connection, seen)
        return added

    _swap(deposits, "store_deposits", again)


def _spool_unsynced() -> None:
    from caseprobe_agent.spool import file

    _swap(file, "PRAGMAS", _unsynced(file.PRAGMAS))


def _kept_before_commit() -> None:
    from caseprobe_agent.spool import Spool

    append, under_way = Spool.append, set[Any]()

    async def soon(self: Any, *arguments: Any) -> int:
        task = asyncio.create_task(append(self, *arguments))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        return 0

    _swap(Spool, "append", soon)


def _sent_is_acknowledged() -> None:
    from caseprobe_agent.link.feeder import Feeder

    send = Feeder._send

    async def forgetful(self: Any, group: Any) -> None:
        await send(self, group)
        self.acknowledge(group[-1].sequence)

    _swap(Feeder, "_send", forgetful)


def _no_gap() -> None:
    from caseprobe_agent.spool.rows import Rows

    def silent(self: Any, first: int, last: int, reason: str) -> int:
        return 0

    _swap(Rows, "append_gap", silent)


def _reserve_is_gone() -> None:
    from caseprobe_agent.spool.reserve import Reserve

    take = Reserve.take

    def once(self: Any) -> bool:
        if not hasattr(self, "taken"):
            self.taken = take(self)
        return True

    _swap(Reserve, "take", once)


def _log_without_room() -> None:
    from caseprobe_agent.spool.reserve import Room

    _swap(Room, "cover", lambda self, size: None)


def _seals_unread() -> None:
    from caseprobe_agent.spool import rows

    _swap(rows, "sound", lambda row: True)


def _hashes_unread() -> None:
    from caseprobe_collector.storage import snapshots

    class Agreeable:
        """Stands for hashlib: whatever is compared with it is right."""

        class _Equal:
            def digest(self) -> Any:
                return self

            def __eq__(self, other: object) -> bool:
                return True

            def __ne__(self, other: object) -> bool:
                return False

            __hash__ = None  # type: ignore[assignment]

        def sha256(self, data: bytes) -> Any:
            return self._Equal()

    _swap(snapshots, "hashlib", Agreeable())


def _boot_clock_is_the_wall() -> None:
    from caseprobe_agent.machine import Machine

    _swap(Machine, "boottime_seconds", lambda self: time.time())


ALL: Mapping[str, Mutant] = {
    "commits-unsynced": Mutant("the collector's commits are not synced", 1, "cut", _commits_unsynced),
    "ack-before-commit": Mutant("the ack leaves before the commit", 1, "kill", _ack_before_commit),
    "files-unsynced": Mutant("objects and bundles are not synced", 1, "cut", _files_unsynced),
    "no-dedupe": Mutant("what comes again is recorded again", 2, "kill", _no_dedupe),
    "spool-unsynced": Mutant("the spool's commits are not synced", 3, "agent-cut", _spool_unsynced),
    "kept-before-commit": Mutant("append returns before the commit", 3, "agent-call", _kept_before_commit),
    "sent-is-acked": Mutant("what was sent is forgotten before the ack", 3, "agent-kill", _sent_is_acknowledged),
    "no-gap": Mutant("what the quota takes leaves no gap", 3, "agent-full", _no_gap),
    "reserve-used": Mutant("what was lent for cleaning up is not held back again", 6, "agent-tiny", _reserve_is_gone),
    "log-without-room": Mutant("the log outgrows the room of the file", 6, "agent-full", _log_without_room),
    "failed-sync": Mutant("a failed fsync of an object is passed over", 4, "call-eio", _failed_sync_passed_over),
    "seals-unread": Mutant("a record's checksum is not looked at", 5, "flip-spool", _seals_unread),
    "hashes-unread": Mutant("a snapshot's hash is not looked at", 5, "flip-store", _hashes_unread),
    "wall-clock": Mutant("periods are counted by the wall clock", 5, "clock-agent", _boot_clock_is_the_wall),
}


def apply(name: str) -> None:
    """Break the product in this process."""
    ALL[name].apply()
