"""The machine's own record of every request and what became of it: a chain of hashes in an append-only file."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from caseprobe.errors import Corrupt, StorageFull

FIRST_PREVIOUS = "0" * 64


@dataclass(frozen=True)
class Entry:
    """One line of the chain. at is UTC in ISO form; sha256 is over all other fields, previous included."""

    number: int
    at: str
    action: str
    object: str
    by: str
    detail: str
    previous: str
    sha256: str = ""

    def digest(self) -> str:
        """What sha256 must be."""
        fields = {name: value for name, value in asdict(self).items() if name != "sha256"}
        return hashlib.sha256(json.dumps(fields, sort_keys=True, ensure_ascii=True).encode()).hexdigest()

    def line(self) -> str:
        """The entry as it stands in the file, hash and newline included."""
        return json.dumps({**asdict(self), "sha256": self.digest()}, ensure_ascii=True) + "\n"


def parse(line: str) -> Entry:
    """The entry that a line holds; raises Corrupt."""
    try:
        return Entry(**json.loads(line))
    except (ValueError, TypeError) as error:
        raise Corrupt(f"not an audit entry: {error}") from error


def verify(lines: Iterable[str]) -> str | None:
    """None where the chain is whole, else one sentence that names the first line that is not what it was.

    An altered, deleted, inserted or reordered line is seen; a cut-off end only against a checkpoint.
    """
    previous, number = FIRST_PREVIOUS, 0
    for position, line in enumerate(lines, 1):
        try:
            entry = parse(line)
        except Corrupt:
            return f"line {position} is not an audit entry"
        if entry.sha256 != entry.digest():
            return f"line {position} (entry {entry.number}) was altered"
        if entry.previous != previous or entry.number != number + 1:
            return f"line {position}: entry {number + 1} was deleted, inserted or moved"
        previous, number = entry.sha256, entry.number
    return None


class Audit:
    """The chain in one file; several processes may append. What record gives back is durable."""

    def __init__(self, path: Path, clock: Callable[[], datetime]) -> None:
        self._path = path
        self._clock = clock
        self._turn = asyncio.Lock()
        self._read_bytes = 0
        self._last = Entry(0, "", "", "", "", "", "", FIRST_PREVIOUS)
        self._days: dict[tuple[str, str], int] = {}

    async def record(self, action: str, object: str, by: str, detail: str = "") -> Entry:
        """Append one entry and sync it to the disk; raises StorageFull where that fails, and nothing is recorded."""
        async with self._turn:
            return await asyncio.to_thread(self._append, action, object, by, detail)

    def entries(self) -> Iterator[Entry]:
        """Every entry that can be read, oldest first."""
        for line in self.lines():
            yield parse(line)

    def lines(self) -> list[str]:
        """The file's lines; none where nothing was ever recorded."""
        try:
            return self._path.read_text(encoding="ascii", errors="replace").splitlines()
        except FileNotFoundError:
            return []

    @property
    def newest(self) -> Entry:
        """The last entry that this process wrote or read; its number is 0 where it did neither."""
        return self._last

    def since(self, number: int) -> list[Entry]:
        """Every entry that can be read from this number on; the newest alone where there are not so many."""
        lines = self.lines()
        found = []
        for line in lines[max(0, min(number, len(lines)) - 1) :]:
            with contextlib.suppress(Corrupt):
                found.append(parse(line))
        return found

    def count_on(self, day: str, action: str) -> int:
        """How often an action was recorded on a day ("2026-11-22", UTC)."""
        with self._open() as file:
            self._catch_up(file)
        return self._days.get((day, action), 0)

    def _append(self, action: str, object: str, by: str, detail: str) -> Entry:
        """The blocking part of record."""
        try:
            with self._open() as file:
                self._catch_up(file)
                at = self._clock().isoformat(timespec="milliseconds")
                entry = Entry(self._last.number + 1, at, action, object, by, detail, self._last.sha256)
                self._write(file, entry.line().encode())
                return self._took(entry)
        except OSError as error:
            raise StorageFull(f"{self._path}: the audit entry could not be written: {error.strerror}") from error

    def _write(self, file: int, data: bytes) -> None:
        """All of the line or nothing of it."""
        end = os.lseek(file, 0, os.SEEK_END)
        try:
            written = os.write(file, data)
            if written != len(data):
                raise OSError(28, "no space left on device")
            os.fsync(file)
        except OSError:
            os.ftruncate(file, end)
            raise
        self._read_bytes = end + len(data)

    def _took(self, entry: Entry) -> Entry:
        """Remember an entry as the last one."""
        self._last = Entry(**{**asdict(entry), "sha256": entry.sha256 or entry.digest()})
        day = (entry.at[:10], entry.action)
        self._days[day] = self._days.get(day, 0) + 1
        return self._last

    def _catch_up(self, file: int) -> None:
        """Read what another process appended; a torn last line was never acknowledged and is cut off."""
        data = os.pread(file, max(0, os.fstat(file).st_size - self._read_bytes), self._read_bytes)
        whole, _, torn = data.rpartition(b"\n")
        if torn:
            os.ftruncate(file, self._read_bytes + len(data) - len(torn))
        for line in whole.decode("ascii", "replace").splitlines():
            try:
                self._took(parse(line))
            except Corrupt:
                continue  # verify names it; the chain goes on from the last entry that can be read
        self._read_bytes += len(data) - len(torn)

    @contextmanager
    def _open(self) -> Iterator[int]:
        """The file, locked against other processes; made with its folder where it does not exist."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(self._path, flags, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)
