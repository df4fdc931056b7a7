"""How what the privileged reader answers travels: a row of parts, one a file, folder or program.

Each is a frame of two lengths, a JSON object and bytes; the last one is empty and says that it is the last.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, astuple, dataclass

from caseprobe.errors import MachineAbsent, MachineDenied, MeasurementError, error_from

HEADER = struct.Struct("!II")
# Of one part and of a whole answer; the kernel's ring alone may hold 16 MiB.
HEAD_BYTES, PART_BYTES, ANSWER_BYTES = 64 << 10, 24 << 20, 48 << 20


@dataclass(frozen=True)
class Part:
    """One thing that was read: its path or command line, its bytes; code and why, as of an error, where it was not.

    number: a program's exit code, or how many names a folder holds. why without a code: what a program complained of.
    cut: there was more than may be told.
    """

    name: str
    data: bytes = b""
    code: str = ""
    why: str = ""
    needs: str = ""
    number: int = 0
    cut: bool = False
    last: bool = False

    def told(self) -> None:
        """Raises the error that it stands for, if it does."""
        if not self.code:
            return
        error = error_from(self.code, self.why)
        if isinstance(error, MachineDenied | MachineAbsent):
            error.needs = self.needs
        raise error if isinstance(error, MeasurementError) else MeasurementError(self.why)


LAST = Part("", last=True)


@dataclass(frozen=True)
class Entry:
    """What a folder holds under one name: where a link points; of a file how large it is, and which or how old."""

    name: str
    target: str = ""
    device_number: str = ""
    inode: int = 0
    size_bytes: int = 0
    modified_seconds: float = 0.0


def folder_part(path: str, entries: Iterable[Entry], total: int) -> Part:
    """The part that tells of a folder: some of what it holds, and how many names there are."""
    return Part(path, json.dumps([astuple(entry) for entry in entries]).encode(), number=total)


def entries_of(part: Part) -> dict[str, Entry]:
    """What a folder_part tells, by name. Raises MeasurementError where it is none."""
    kinds = [str, str, str, int, int, float]
    try:
        rows = json.loads(part.data)
        if all([type(value) for value in row] == kinds for row in rows):
            return {row[0]: Entry(*row) for row in rows}
    except (ValueError, TypeError, RecursionError):
        pass
    raise MeasurementError(f"what the reader tells of {part.name} is not of its form")


def part_of(name: str, error: MeasurementError) -> Part:
    """The part that stands for an error."""
    return Part(name, code=error.code, why=str(error), needs=getattr(error, "needs", ""))


def encoded(part: Part) -> bytes:
    """A part as a frame."""
    head = {key: value for key, value in asdict(part).items() if key != "data" and value}
    line = json.dumps(head).encode()
    return HEADER.pack(len(line), len(part.data)) + line + part.data


def decoded(receive: Callable[[int], bytes]) -> Iterator[Part]:
    """The parts of an answer, up to the last one; receive gives exactly so many bytes, or fewer where no more come.

    Raises MeasurementError where the answer ends before its last part, or is none.
    """
    room = ANSWER_BYTES
    while True:
        head, size = HEADER.unpack(_exactly(receive, HEADER.size))
        room -= head + size
        if head > HEAD_BYTES or size > PART_BYTES or room < 0:
            raise MeasurementError("the reader's answer is longer than it may be")
        part = _part(_exactly(receive, head), _exactly(receive, size))
        if part.last:
            return
        yield part


def _exactly(receive: Callable[[int], bytes], size: int) -> bytes:
    data = receive(size)
    if len(data) < size:
        raise MeasurementError("the reader's answer broke off")
    return data


def _part(head: bytes, data: bytes) -> Part:
    known = {"name": str, "code": str, "why": str, "needs": str, "number": int, "cut": bool, "last": bool}
    try:
        told = json.loads(head)
        given = {"name": "", **told}
        if all(type(value) is known[key] for key, value in given.items()):
            return Part(data=data, **given)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass
    raise MeasurementError("the reader's answer is not of its form")
