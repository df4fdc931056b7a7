"""A stretch of time of a text log and of what rotation made of it, without reading what lies outside.

A file is read as it was opened: what is renamed, cut, written or removed meanwhile is read as far as it is there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from caseprobe.errors import MachineAbsent, MeasurementError
from caseprobe.parse.logs.timed_text import NO_TIME, Read, Span, TimedText
from caseprobe.parse.logs.window import Window
from caseprobe_agent.machine import FileFacts, Machine, text_logs
from caseprobe_agent.machine.unpacking import ENDINGS, unpacked

DAY_SECONDS = 86_400.0
ROTATED_AT_MOST = 64
HEAD_BYTES = 512
# A packed log can only be read from its beginning: as much as that of each, for as long as that in all.
UNPACKED_AT_MOST, UNPACK_SECONDS = 256 << 20, 2.5
LINE_BYTES = 512 << 10


@dataclass
class Windowed:
    """Whole lines in their order, the newest that fit; truncated where older ones of the window were left out.

    errors: what stood in the way of reading more of it.
    """

    limit_bytes: int
    data: bytes = b""
    truncated: bool = False
    errors: list[MeasurementError] = field(default_factory=list)

    def put_behind(self, newer: bytes) -> None:
        """Add what comes behind it; the oldest goes where there is no room."""
        self._put(self.data + newer)

    def put_before(self, older: bytes) -> None:
        """Add what comes before it, as far as there is room."""
        self._put(older + self.data)

    def _put(self, data: bytes) -> None:
        if len(data) > self.limit_bytes:
            data = data[-self.limit_bytes - 1 :].partition(b"\n")[2]
            self.truncated = True
        self.data = data


def read_window(machine: Machine, path: str, window: Window, limit_bytes: int) -> Windowed:
    """The window's newest part that fits, out of the log and its rotated files, packed ones too.

    Raises MachineAbsent where there is none of them, and why where none of them could be read.
    """
    found, files_total = Windowed(limit_bytes), 0
    search = _Search(machine, window, found)
    for name in _names(machine, path):
        try:
            older = search.add(name)
            files_total += 1
        except MachineAbsent:
            continue
        except MeasurementError as error:
            found.errors.append(error)
            continue
        if found.truncated or not older:
            break
    if not files_total:
        raise next(iter(found.errors), MachineAbsent(f"{path} does not exist on this machine"))
    return found


def _names(machine: Machine, path: str) -> Iterator[str]:
    """The log, and once it was read what rotation made of it: so nothing slips through that is renamed meanwhile."""
    yield path
    yield from text_logs.rotated(machine, path, ROTATED_AT_MOST, text_logs.PACKED)


class _Search:
    """Takes the window out of one file after the other, the newest first."""

    def __init__(self, machine: Machine, window: Window, found: Windowed) -> None:
        self._machine = machine
        self._window = window
        self._found = found
        self._heads = set[bytes]()
        self._unpack_seconds = UNPACK_SECONDS

    def add(self, name: str) -> bool:
        """Put a file's part before what there is; True where older files may hold more. Raises as Machine.opened."""
        facts = self._machine.file_facts(name)
        if facts.modified_seconds < self._window.from_at - DAY_SECONDS:
            return False
        if name.endswith(text_logs.PACKED) and not name.endswith(ENDINGS):
            raise MeasurementError(f"{name} is packed in a way that this version does not read")
        with self._machine.opened(name) as read:
            head = hashlib.blake2b(read(0, HEAD_BYTES)).digest()
            # A log that was rotated while we read it is there under two names.
            if head in self._heads:
                return True
            self._heads.add(head)
            try:
                first_at = (self._packed if name.endswith(ENDINGS) else self._plain)(name, read, facts)
            except ValueError as error:
                raise MeasurementError(f"{name} holds no window: {error}") from error
        return first_at is None or first_at >= self._window.from_at

    def _plain(self, name: str, read: Read, facts: FileFacts) -> float | None:
        """Add what it holds; gives when its first line was written."""
        text, limit_bytes = self._text(read, facts.size_bytes, facts), self._found.limit_bytes
        for begin, end in reversed(text.spans(self._window)):
            data = text_logs.between(read, max(begin, end - limit_bytes - 1), end)
            if len(data) < min(end - begin, limit_bytes + 1):
                self._found.errors.append(MeasurementError(f"{name} was cut while it was read"))
            self._found.put_before(data)
            if self._found.truncated:
                break
        first = text.first(self._window.from_at)
        return None if first is None else first.at

    def _packed(self, name: str, read: Read, facts: FileFacts) -> float | None:
        """The same for a packed file, which is looked through from its beginning."""
        held, first_at, goes_on = Windowed(self._found.limit_bytes), None, False
        timed = list[bool]()
        try:
            for lines in self._in_time(name, _whole_lines(unpacked(read, name))):
                text = self._text(_reader(lines), len(lines), facts)
                first = text.first(self._window.from_at)
                first_at = first.at if first_at is None and first is not None else first_at
                spans = self._spans(text, len(lines), goes_on)
                timed.append(spans is not None)
                for begin, end in spans or ():
                    held.put_behind(lines[begin:end])
                goes_on = any(end == len(lines) for _, end in (spans or [])[-1:])
        except MeasurementError as error:
            self._found.errors.append(error)
        if timed and not any(timed):
            raise ValueError(NO_TIME)
        self._found.put_before(held.data)
        self._found.truncated |= held.truncated
        return first_at

    def _in_time(self, name: str, parts: Iterator[bytes]) -> Iterator[bytes]:
        """The same parts, until one file has given enough or all of them have taken long enough."""
        begun, size = self._machine.monotonic_seconds(), 0
        try:
            for part in parts:
                size += len(part)
                if size > UNPACKED_AT_MOST or self._machine.monotonic_seconds() - begun > self._unpack_seconds:
                    raise MeasurementError(f"{name}: only its first {size >> 20} MiB were unpacked")
                yield part
        finally:
            self._unpack_seconds -= self._machine.monotonic_seconds() - begun

    def _spans(self, text: TimedText, size: int, goes_on: bool) -> list[Span] | None:
        """Where the window stands in a part; None where it tells no time.

        goes_on: the last record before it may have more lines.
        """
        try:
            spans = text.spans(self._window)
        except ValueError:
            # No record is longer than that.
            return [(0, size)] if goes_on and size <= LINE_BYTES else None
        first = text.first(self._window.from_at)
        return [(0, first.place), *spans] if goes_on and first is not None else spans

    def _text(self, read: Read, size: int, facts: FileFacts) -> TimedText:
        # A file's last line is no newer than the file, and no file is newer than now.
        latest = min(facts.modified_seconds, self._machine.wall_seconds())
        return TimedText(read, size, latest, self._machine.utc_offset_seconds)


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
