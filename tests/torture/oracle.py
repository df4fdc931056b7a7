"""What was going to be sent, what was acknowledged, and what of that is there: three sets, compared.

Both kinds of line go to a file of the oracle's own, fsynced, away from the disk that is hurt: `intent` before a
record is handed over, `acked` once its acknowledgement came. A promise is an acked line, nothing else.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

LONGEST_LIST = 5


@dataclass
class Held:
    """What the collector's store holds. hashes: SHA-256 of the bytes as they are read now, by snapshot id."""

    hashes: dict[str, bytes] = field(default_factory=dict)
    # Ids that are there twice, by whatever counts them: rows of one spool's sequence, entries of the audit.
    duplicates: set[str] = field(default_factory=set)
    # Ids whose row is there and whose bytes are not, or are not what the row says.
    unreadable: set[str] = field(default_factory=set)
    # Other things that must not be, in words.
    wrong: list[str] = field(default_factory=list)


@dataclass
class Outcome:
    """What a number of runs of one fault gave; outcomes are added up."""

    runs: int = 0
    acknowledged: int = 0
    lost: int = 0
    duplicates: int = 0
    unreadable: int = 0
    # What else was not as promised, one line each.
    wrong: list[str] = field(default_factory=list)
    # What took longer than is asked; a long run on a quiet machine says so, a test on a busy one does not fail for it.
    late: list[str] = field(default_factory=list)
    # Slowest of each kind, in seconds.
    slowest: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, other: Outcome) -> None:
        """Add another's figures to these."""
        for name in ("runs", "acknowledged", "lost", "duplicates", "unreadable"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.wrong += other.wrong
        self.late += other.late
        for name, seconds in other.slowest.items():
            self.took(name, seconds)
        for name, number in other.counts.items():
            self.count(name, number)

    def took(self, name: str, seconds: float) -> None:
        """Note a duration; the longest stays."""
        self.slowest[name] = max(self.slowest.get(name, 0.0), round(seconds, 3))

    def count(self, name: str, number: int = 1) -> None:
        """Count something."""
        self.counts[name] = self.counts.get(name, 0) + number

    @property
    def clean(self) -> bool:
        """True where nothing was lost, doubled, unreadable or otherwise wrong."""
        return not (self.lost or self.duplicates or self.unreadable or self.wrong)


class Oracle:
    """Intent and acknowledged, on a disk that no fault touches."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._waiting: list[bytes] = []
        self._flushing: asyncio.Task[None] | None = None
        self.intents: dict[str, bytes] = {}
        self.acked: set[str] = set()
        self.refused: list[str] = []
        self.news = asyncio.Event()

    async def intend(self, items: Iterable[tuple[str, bytes]]) -> None:
        """These (id, SHA-256) are going to be handed over; on return that is on disk."""
        for name, digest in items:
            self.intents[name] = digest
            self._waiting.append(f"intent {name} {digest.hex()}\n".encode())
        await self.flushed()

    def acknowledge(self, names: Iterable[str]) -> None:
        """These were acknowledged; the lines reach the disk with the next flush."""
        for name in names:
            self.acked.add(name)
            self._waiting.append(f"acked {name}\n".encode())
        self.news.set()

    def note(self, words: str) -> None:
        """A line of another kind."""
        self._waiting.append(f"{words}\n".encode())

    def refuse(self, name: str, why: str) -> None:
        """This one was refused for good: nobody promised anything about it."""
        self.refused.append(f"{name}: {why}")
        self.intents.pop(name, None)

    async def flushed(self) -> None:
        """Wait until every line so far is on disk; many callers share one fsync."""
        while self._waiting or self._flushing:
            if self._flushing is None:
                lines, self._waiting = self._waiting, []
                self._flushing = asyncio.create_task(asyncio.to_thread(self._write, lines))
            task = self._flushing
            await asyncio.shield(task)
            if self._flushing is task:
                self._flushing = None

    async def acks(self, more: int, seconds: float = 30.0) -> None:
        """Wait for so many more acknowledgements; TimeoutError where they do not come."""
        wanted = len(self.acked) + more
        async with asyncio.timeout(seconds):
            while len(self.acked) < wanted:
                self.news.clear()
                await self.news.wait()

    async def all_acked(self, seconds: float = 30.0) -> None:
        """Wait until everything intended is acknowledged; TimeoutError."""
        async with asyncio.timeout(seconds):
            while len(self.acked) < len(self.intents):
                self.news.clear()
                await self.news.wait()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, lines: list[bytes]) -> None:
        self._file.write(b"".join(lines))
        os.fsync(self._file.fileno())


@dataclass
class Diary:
    """What another process's oracle wrote; a line that a kill cut short says nothing."""

    intents: dict[str, bytes] = field(default_factory=dict)
    acked: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    # How many the spool would not take, and how many small writes.
    declined: int = 0
    small_declined: int = 0
    # Whether the link of a machine is up.
    links: dict[str, bool] = field(default_factory=dict)
    # Spool and sequence of what was acknowledged.
    places: dict[str, tuple[str, int]] = field(default_factory=dict)


def past_of(path: Path) -> Path:
    """Where the pages of a diary go that were turned."""
    return path.with_name(f"{path.name}.past")


def turn_page(path: Path) -> None:
    """Begin the file anew; what it told stays known. Only while nobody writes it.

    A limit on the size of files holds for a process's diary too, and must not strike that first.
    """
    if path.exists():
        whole, _, _ = path.read_bytes().rpartition(b"\n")
        with past_of(path).open("ab") as past:
            past.write(whole + b"\n")
        path.unlink()


def read_diary(path: Path) -> Diary:
    """The lines of a file so far: intent, acked, at."""
    diary = Diary()
    text = "".join(one.read_text() for one in (past_of(path), path) if one.exists())
    for line in text.splitlines(keepends=True):
        words = line.split()
        if not line.endswith("\n"):
            continue
        if words[0] == "intent":
            diary.intents[words[1]] = bytes.fromhex(words[2])
        elif words[0] == "acked":
            diary.acked.add(words[1])
        elif words[0] == "refused":
            diary.declined += 1
        elif words[0] == "small":
            diary.small_declined += 1
        elif words[0] == "link":
            diary.links[words[1]] = words[2] == "up"
        elif words[0] == "at":
            diary.places[words[1]] = words[2], int(words[3])
    return diary


def compare(oracle: Oracle | Diary, held: Held, acked: Collection[str] | None = None) -> Outcome:
    """The three sets. acked: what was acknowledged at the moment that the store is from; all of it by default."""
    promised = set(oracle.acked if acked is None else acked)
    lost = promised - held.hashes.keys() - held.unreadable
    altered = {name for name, digest in held.hashes.items() if oracle.intents.get(name, digest) != digest}
    foreign = held.hashes.keys() - oracle.intents.keys()
    wrong = list(held.wrong)
    if foreign:
        wrong.append(f"{len(foreign)} that nobody sent, such as {sorted(foreign)[0]}")
    wrong += [f"refused: {one}" for one in oracle.refused[:LONGEST_LIST]]
    return Outcome(
        runs=1,
        acknowledged=len(promised),
        lost=len(lost),
        duplicates=len(held.duplicates),
        unreadable=len(held.unreadable | altered),
        wrong=wrong,
    )
