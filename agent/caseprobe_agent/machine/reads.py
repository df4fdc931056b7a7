"""What the privileged reader may be asked: numbers of compiled-in reads; and how what it answers travels.

A question is one byte, the number of a read. The answer is a row of parts, one a file, folder or program, each a frame
of two lengths, a JSON object and bytes; the last one is empty and says that it is the last. What is missing where no
reader is asked, and which read gives it, stands here too: both sides go by the same list.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import IntEnum

from caseprobe.errors import MachineAbsent, MachineDenied, MeasurementError, error_from

SOCKET = "/run/caseprobe-reader.sock"
ADVICE = "run as root, or set up the reader (`caseprobe service`), to include"
HEADER = struct.Struct("!II")
# Of one part and of a whole answer; the kernel's ring alone may hold 16 MiB.
HEAD_BYTES, PART_BYTES, ANSWER_BYTES = 64 << 10, 24 << 20, 48 << 20


class Read(IntEnum):
    """Every read that there is."""

    KERNEL_LOG = 1
    FIRMWARE = 2
    DISKS = 3
    OPEN_FILES = 4
    BOARD_SENSORS = 5

    @property
    def word(self) -> str:
        """Its name in logs and in snapshots."""
        return self.name.lower()


KERNEL_LOG = "/dev/kmsg"
FIRMWARE = tuple(f"/sys/class/dmi/id/{name}" for name in ("product_serial", "product_uuid"))
OPEN_FILES = re.compile(r"/proc/[1-9]\d{0,9}/fd(?=/|$)")
PROGRAMS = {"smartctl": Read.DISKS, "ipmitool": Read.BOARD_SENSORS}


def read_of(path: str) -> Read | None:
    """The read that gives what a path may hide; None where none does.

    >>> read_of("/proc/12/fd/3"), read_of("/etc/shadow")
    (<Read.OPEN_FILES: 4>, None)
    """
    if path in FIRMWARE:
        return Read.FIRMWARE
    if OPEN_FILES.match(path):
        return Read.OPEN_FILES
    return Read.KERNEL_LOG if path == KERNEL_LOG else None


def advice(path: str) -> str:
    """What to do where a path is denied.

    >>> advice("/etc/shadow")
    'run as root to include it'
    """
    return "run as root to include it" if read_of(path) is None else f"{ADVICE} it"


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

    def told(self) -> Part:
        """Itself; raises the error that it stands for."""
        if not self.code:
            return self
        error = error_from(self.code, self.why)
        if isinstance(error, MachineDenied | MachineAbsent):
            error.needs = self.needs
        raise error if isinstance(error, MeasurementError) else MeasurementError(self.why)


LAST = Part("", last=True)


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
