"""A stretch of time of a text log and of what rotation made of it, without reading what lies outside.

A file is read as it was opened: what is renamed, cut, written or removed meanwhile is read as far as it is there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from caseprobe.errors import MachineAbsent, MeasurementError
from caseprobe.parse.logs.timed_text import Line, Read, Span, TimedText
from caseprobe.parse.logs.window import Window
from caseprobe_agent.machine import Machine, text_logs
from caseprobe_agent.machine.unpacking import ENDINGS, unpacked

DAY_SECONDS = 86_400.0
ROTATED_AT_MOST = 64
HEAD_BYTES = 512
# A packed log can only be read from its beginning: as much as that of each, for as long as that in all.
UNPACKED_AT_MOST, UNPACK_SECONDS = 256 << 20, 2.5
LINE_BYTES = 512 << 10


@dataclass
class Windowed:
    """Whole lines in their order; truncated where older ones of the window were left out for want of room.

    errors: what stood in the way of reading more of it. files_total: how many could be read. unpack_seconds: what is
    left for unpacking.
    """

    data: bytes = b""
    truncated: bool = False
    errors: list[MeasurementError] = field(default_factory=list)
    files_total: int = 0
    unpack_seconds: float = UNPACK_SECONDS

    def put_behind(self, newer: bytes, limit_bytes: int) -> None:
        """Add what comes behind it; the oldest goes where there is no room."""
        self.data += newer
        self._cut(limit_bytes)

    def put_before(self, older: bytes, limit_bytes: int) -> None:
        """Add what comes before it, as far as there is room."""
        self.data = older + self.data
        self._cut(limit_bytes)

    def _cut(self, limit_bytes: int) -> None:
        if len(self.data) > limit_bytes:
            self.data = self.data[-limit_bytes - 1 :].partition(b"\n")[2]
            self.truncated = True


@dataclass(frozen=True)
class _File:
    """One file that is open: its name, what reads it, its size and when it was last written."""

    name: str
    read: Read
    size_bytes: int
    modified_seconds: float


def read_window(machine: Machine, path: str, window: Window, limit_bytes: int) -> Windowed:
    """The window's newest part that fits, out of the log and its rotated files, packed ones too.

    Raises MachineAbsent where there is none of them, and why where none of them could be read.
    """
    found, heads = Windowed(), set[bytes]()
    for name in _names(machine, path):
        try:
            if _add(machine, name, window, limit_bytes, found, heads) or found.truncated:
                break
        except MachineAbsent:
            continue
        except MeasurementError as error:
            found.errors.append(error)
    if not found.files_total:
        raise next(iter(found.errors), MachineAbsent(f"{path} does not exist on this machine"))
    return found


def _names(machine: Machine, path: str) -> Iterator[str]:
    """The log, and once it was read what rotation made of it: so nothing slips through that is renamed meanwhile."""
    yield path
    yield from text_logs.rotated(machine, path, ROTATED_AT_MOST, text_logs.PACKED)


def _add(machine: Machine, name: str, window: Window, limit_bytes: int, found: Windowed, heads: set[bytes]) -> bool:
    """Put a file's part of the window before what there is; True where older files cannot hold any more of it."""
    facts = machine.file_facts(name)
    if facts.modified_seconds < window.from_at - DAY_SECONDS:
        found.files_total += 1
        return True
    if name.endswith(text_logs.PACKED) and not name.endswith(ENDINGS):
        raise MeasurementError(f"{name} is packed in a way that this version does not read")
    with machine.reader(name) as read:
        head = hashlib.blake2b(read(0, HEAD_BYTES)).digest()
        # A log that was rotated while we read it is there under two names.
        if head in heads:
            return False
        heads.add(head)
        file = _File(name, read, facts.size_bytes, facts.modified_seconds)
        try:
            first_at = (_packed if name.endswith(ENDINGS) else _plain)(machine, file, window, limit_bytes, found)
        except ValueError as error:
            raise MeasurementError(f"{name} holds no window: {error}") from error
    found.files_total += 1
    return first_at is not None and first_at < window.from_at


def _plain(machine: Machine, file: _File, window: Window, limit_bytes: int, found: Windowed) -> float | None:
    """Add what it holds; gives when its first line was written."""
    text = _text(machine, file, file.read, file.size_bytes)
    for begin, end in reversed(text.spans(window)):
        data = text_logs.between(file.read, max(begin, end - limit_bytes - 1), end)
        if len(data) < min(end - begin, limit_bytes + 1):
            found.errors.append(MeasurementError(f"{file.name} was cut while it was read"))
        found.put_before(data, limit_bytes)
        if found.truncated:
            break
    first = text.first(window.from_at)
    return None if first is None else first.at


def _packed(machine: Machine, file: _File, window: Window, limit_bytes: int, found: Windowed) -> float | None:
    """The same for a packed file, which is looked through from its beginning."""
    held, first_at, unpacked_bytes, goes_on = Windowed(), None, 0, False
    begun = machine.monotonic_seconds()
    try:
        for lines in _whole_lines(unpacked(file.read, file.name)):
            unpacked_bytes += len(lines)
            late = machine.monotonic_seconds() - begun > found.unpack_seconds
            if late or unpacked_bytes > UNPACKED_AT_MOST:
                raise MeasurementError(f"{file.name}: only its first {unpacked_bytes >> 20} MiB were unpacked")
            text = _text(machine, file, _reader(lines), len(lines))
            first = text.first(window.from_at)
            first_at = first.at if first_at is None and first is not None else first_at
            spans = _spans(text, window, len(lines), first, goes_on)
            for begin, end in spans:
                held.put_behind(lines[begin:end], limit_bytes)
            goes_on = bool(spans) and spans[-1][1] == len(lines)
    except MeasurementError as error:
        found.errors.append(error)
    found.unpack_seconds -= machine.monotonic_seconds() - begun
    found.put_before(held.data, limit_bytes)
    found.truncated = found.truncated or held.truncated
    return first_at


def _spans(text: TimedText, window: Window, size: int, first: Line | None, goes_on: bool) -> list[Span]:
    """Where the window stands in a part; goes_on: the last record before it may have more lines."""
    try:
        spans = text.spans(window)
    except ValueError:
        # No record is longer than that.
        return [(0, size)] if goes_on and size <= LINE_BYTES else []
    return [(0, first.place), *spans] if goes_on and first is not None else spans


def _text(machine: Machine, file: _File, read: Read, size: int) -> TimedText:
    # A file's last line is no newer than the file, and no file is newer than now.
    latest = min(file.modified_seconds, machine.wall_seconds())
    return TimedText(read, size, latest, machine.utc_offset_seconds)


def _reader(data: bytes) -> Read:
    return lambda offset, size: data[offset : offset + size]


def _whole_lines(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes, cut behind line ends, unless a line is very long."""
    rest = b""
    for part in parts:
        data = rest + part
        cut = data.rfind(b"\n") + 1 or (len(data) if len(data) > LINE_BYTES else 0)
        rest = data[cut:]
        if cut:
            yield data[:cut]
    if rest:
        yield rest
