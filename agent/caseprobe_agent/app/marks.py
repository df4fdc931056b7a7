"""Marks that the owner sets before and after a reproduction: kept here, and written into the machine's log."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from caseprobe.errors import Corrupt, UsageError
from caseprobe_agent.identity.files import make_private_folder, read_private, write_private
from caseprobe_agent.machine import Machine
from caseprobe_agent.session.measure import boot_id

NAME = "marks.json"
BEGIN, END = "begin", "end"
KEPT_AT_MOST = 100
TEXT_AT_MOST = 500
# A begin that was forgotten is no beginning of today's reproduction.
OPEN_SECONDS = 24 * 3600.0
# A log tells whole seconds, and its daemon is a little late.
AROUND_SECONDS = 2.0


@dataclass(frozen=True)
class Mark:
    """kind: begin or end. at: seconds since 1970; boottime_seconds: since the start of the boot of this id."""

    kind: str
    text: str
    at: float
    boottime_seconds: float
    boot_id: str

    def line(self) -> str:
        """As it stands in the log."""
        return f"mark {self.kind}: {self.text}" if self.text else f"mark {self.kind}"


@dataclass(frozen=True)
class Marked:
    """The time that was marked, in seconds since 1970, and what was said at either end."""

    from_at: float
    to_at: float
    from_text: str
    to_text: str


class Marks:
    """The marks of one state folder, the oldest first."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    def all(self) -> list[Mark]:
        """Every mark that is kept. Raises Corrupt, ConfigurationError."""
        data = read_private(self._path)
        try:
            rows = json.loads(data or b"[]")
            return [Mark(str(row["kind"]), str(row["text"]), *_clocks(row)) for row in rows]
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            raise Corrupt(f"{self._path} cannot be read as marks: remove it and mark again") from None

    def add(self, mark: Mark) -> None:
        """Keep a mark, durably, with the newest before it. Raises StorageFull, ConfigurationError."""
        make_private_folder(self._path.parent)
        rows = [asdict(one) for one in [*self.all(), mark][-KEPT_AT_MOST:]]
        write_private(self._path, json.dumps(rows).encode())

    def next_kind(self, now: float) -> str:
        """What a mark is that is not said to be either: the end of what was begun, else a beginning."""
        last = next(reversed(self.all()), None)
        return END if last is not None and last.kind == BEGIN and 0 <= now - last.at <= OPEN_SECONDS else BEGIN

    def marked(self, now: Callable[[str], Mark]) -> Marked:
        """What lies between the last two marks, or since the last one where that began something.

        now: a mark of this moment, of a kind. Raises UsageError where there is nothing between marks.
        """
        marks = self.all()
        if not marks:
            raise UsageError("nothing is marked yet: `caseprobe mark` before and after you reproduce the problem")
        if marks[-1].kind == BEGIN:
            return _between(marks[-1], now(END))
        if len(marks) == 1:
            raise UsageError("there is one mark, and it is an end: give the time yourself with --from and --to-time")
        return _between(marks[-2], marks[-1])


def mark_now(kind: str, text: str = "") -> Mark:
    """A mark of this moment on this machine."""
    machine = Machine()
    return Mark(kind, cleaned(text), machine.wall_seconds(), machine.boottime_seconds(), boot_id(machine))


def cleaned(text: str) -> str:
    """A person's words as one line without control characters, which would speak to whoever reads the log.

    >>> cleaned("login fails \\x1b[2J\\nagain ")
    'login fails [2J again'
    """
    clean = "".join(one if one.isprintable() else " " if one.isspace() else "" for one in text)
    return " ".join(clean.split())[:TEXT_AT_MOST]


def _between(first: Mark, last: Mark) -> Marked:
    """Where the clock was set between them, the log tells the time before that by the one clock, then by the other."""
    elapsed = last.boottime_seconds - first.boottime_seconds if first.boot_id == last.boot_id else last.at - first.at
    begin, end = min(first.at, last.at - elapsed), max(last.at, first.at + elapsed)
    return Marked(begin - AROUND_SECONDS, end + AROUND_SECONDS, first.text, last.text)


def _clocks(row: dict[str, object]) -> tuple[float, float, str]:
    return float(str(row["at"])), float(str(row["boottime_seconds"])), str(row["boot_id"])
