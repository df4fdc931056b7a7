"""Where a stretch of time stands in a text log, found by halving: a log of any length costs a few hundred reads.

Lines tell their time in rough order only. A clock that was set back, a year that lines do not tell and several writers
make it go back: a few dozen looks all over the file find where it does, and each stretch between is searched alone.
What is out of order by little is found around the ends. A record's further lines belong to the one that tells its time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from caseprobe.parse.logs.stamps import HEAD_BYTES, moment_of
from caseprobe.parse.logs.window import Window

Read = Callable[[int, int], bytes]
Span = tuple[int, int]

NO_TIME = "its lines tell no time of a form that is known"
BLOCK_BYTES = 1 << 16
LOOKS = 64
# A look goes no further than this for a line that tells its time; a whole search reads no more than that.
LOOK_BYTES, READ_AT_MOST = 256 << 10, 256 << 20
# What is later than the line after it by less is out of order, not a clock that was set.
STEP_SECONDS = 60.0
# What goes back by more is a new year in a log that tells none.
YEAR_STEP_SECONDS = 180 * 86_400.0


@dataclass(frozen=True)
class Line:
    """Where a line begins that tells its time, and that time."""

    place: int
    at: float


@dataclass(frozen=True)
class Stretch:
    """A part of the file in which time goes on; latest completes the year of its lines."""

    begin: int
    end: int
    latest: float


class TimedText:
    """A text log, read in parts. Raises ValueError where it tells no time or has lines too long to look through."""

    def __init__(self, read: Read, size: int, latest: float, utc_offset_seconds: Callable[[float], int]) -> None:
        """size: what stands behind it is not looked at. latest: no line is newer.

        utc_offset_seconds: of the zone whose time lines tell that name none, at a moment.
        """
        self._read = read
        self._size = size
        self._latest = latest
        self._offset = utc_offset_seconds
        self._left_bytes = READ_AT_MOST

    def spans(self, window: Window) -> list[Span]:
        """Where the lines of this time stand, whole records, in the order of the file."""
        if not self._size:
            return []
        return _joined(span for stretch in self._stretches(window.from_at) for span in self._span(stretch, window))

    def first(self, moment: float) -> Line | None:
        """The first line that tells its time, if that is near the beginning; its zone is that of a moment."""
        return self._next(0, min(self._size, LOOK_BYTES), self._latest, self._offset(moment))

    def _stretches(self, moment: float) -> list[Stretch]:
        """The file in parts in which time goes on."""
        step = max(self._size // LOOKS, BLOCK_BYTES)
        offset = self._offset(moment)
        looks = [
            self._next(begin, min(begin + min(step, LOOK_BYTES), self._size), self._latest, offset)
            for begin in range(0, self._size, step)
        ]
        lines = [line for line in looks if line is not None]
        if not lines:
            raise ValueError(NO_TIME)
        found, end, latest = list[Stretch](), self._size, self._latest
        for earlier, later in zip(reversed(lines[:-1]), reversed(lines[1:]), strict=True):
            if later.at < earlier.at - STEP_SECONDS:
                border = self._border(earlier, later, offset)
                found.append(Stretch(border, end, latest))
                end = border
                latest = later.at if earlier.at - later.at > YEAR_STEP_SECONDS else latest
        return [Stretch(0, end, latest), *reversed(found)]

    def _border(self, earlier: Line, later: Line, offset: int) -> int:
        """Where the time falls below that of the earlier line."""
        least = earlier.at - STEP_SECONDS
        return self._first(earlier.place, later.place, lambda at: at < least, self._latest, offset)

    def _span(self, stretch: Stretch, window: Window) -> Iterator[Span]:
        """Where the window stands in one stretch; each end by the zone's time at that moment."""
        from_offset, to_offset = self._offset(window.from_at), self._offset(window.to_at)
        begin, end, latest = stretch.begin, stretch.end, stretch.latest
        first = self._first(begin, end, lambda at: at >= window.from_at, latest, from_offset)
        last = self._first(first, end, lambda at: at > window.to_at, latest, to_offset)
        around = self._lines(max(begin, first - BLOCK_BYTES), first, latest, from_offset)
        first = next((line.place for line in around if window.holds(line.at)), first)
        behind = list(self._lines(last, min(end, last + BLOCK_BYTES), latest, to_offset))
        held = [number for number, line in enumerate(behind) if window.holds(line.at)]
        if held:
            following = behind[held[-1] + 1 :]
            last = following[0].place if following else min(end, last + BLOCK_BYTES)
        if first < last:
            yield first, last

    def _first(self, begin: int, end: int, is_it: Callable[[float], bool], latest: float, offset: int) -> int:
        """Where the first line stands of which it is true, as it is of all behind it; end where there is none."""
        low, high = begin, end
        while high - low > BLOCK_BYTES:
            middle = (low + high) // 2
            line = self._next(middle, high, latest, offset)
            if line is None or is_it(line.at):
                high = middle
            else:
                low = line.place
        return next((line.place for line in self._lines(low, end, latest, offset) if is_it(line.at)), end)

    def _next(self, begin: int, end: int, latest: float, offset: int) -> Line | None:
        """The first line that begins between two places and tells its time."""
        return next(self._lines(begin, end, latest, offset), None)

    def _lines(self, begin: int, end: int, latest: float, offset: int) -> Iterator[Line]:
        """Every line that begins between two places and tells its time."""
        for place, head in self._heads(begin, end):
            at = moment_of(head, latest, offset)
            if at is not None:
                yield Line(place, at)

    def _heads(self, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Where each line begins between two places, and its first bytes."""
        # The byte before tells whether a line begins at the first place.
        for start in range(max(0, begin - 1), end, BLOCK_BYTES):
            data = self._block(start)
            if start == begin == 0:
                yield 0, data[:HEAD_BYTES]
            at = data.find(b"\n", 0, BLOCK_BYTES) + 1
            while at and start + at < end:
                yield start + at, data[at : at + HEAD_BYTES]
                at = data.find(b"\n", at, BLOCK_BYTES) + 1
            if len(data) < BLOCK_BYTES:
                return

    def _block(self, offset: int) -> bytes:
        """A block, and of what follows as much as the head of a line that begins at its end."""
        size = BLOCK_BYTES + HEAD_BYTES
        self._left_bytes -= size
        if self._left_bytes < 0:
            raise ValueError("its lines are too long to be looked through")
        return self._read(offset, size)


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Those that touch as one."""
    found: list[Span] = []
    for begin, end in spans:
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((begin, end))
    return found
