"""The lines of a report with their numbers, and what is written in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from caseprobe.v1 import section_smart_pb2 as smart

READ, FAILED = smart.SMART_PART_STATE_READ, smart.SMART_PART_STATE_FAILED
UNSUPPORTED, CUT = smart.SMART_PART_STATE_UNSUPPORTED, smart.SMART_PART_STATE_CUT
# Counters of 128 bits exist; what is larger than this is no counter that anyone met.
LARGEST = (1 << 64) - 1
LONGEST_LINE = 4096
ENTRIES_AT_MOST = 1000


class Reader:
    """One pass over the lines of a report: each part takes its own lines and leaves the next one's heading.

    >>> reader = Reader(["a", "b"])
    >>> reader.next(), reader.number, reader.peek()
    ('a', 1, 'b')
    """

    def __init__(self, lines: list[str]) -> None:
        """Stands before the first line; number is that of the line last taken."""
        self.lines = lines
        self.number = 0

    def more(self) -> bool:
        """True while there is a line."""
        return self.number < len(self.lines)

    def next(self) -> str:
        """The next line; only where there is more."""
        self.number += 1
        return self.lines[self.number - 1]

    def peek(self) -> str:
        """The line after that, left where it is; empty at the end."""
        return self.lines[self.number] if self.more() else ""

    def block(self) -> Iterator[str]:
        """Lines up to the next blank one, which is taken too."""
        while self.more():
            line = self.next()
            if not line.strip():
                return
            yield line

    def line(self) -> smart.SmartLine:
        """The line last taken, as evidence."""
        return smart.SmartLine(line=self.number, text=self.lines[self.number - 1][:LONGEST_LINE])

    def ended(self) -> bool:
        """True where the line last taken is the blank one that ends a part: one without it was cut."""
        return self.number > 0 and not self.lines[self.number - 1].strip()


Parse = Callable[[Reader, str, smart.SmartDisk], None]


def whole(text: str) -> int | None:
    """A whole number as smartctl prints it, with thousands marks or in hexadecimal; None where it is none.

    >>> whole("1,234"), whole("0x1f"), whole("12h"), whole("")
    (1234, 31, None, None)
    """
    if text.isdigit() and text.isascii():
        return int(text) if len(text) < 20 else _large(text)
    if text != (bare := text.strip()):
        return whole(bare)
    if text[:2] in ("0x", "0X"):
        return _hexadecimal(text[2:])
    plain = text.replace(",", "").replace("\u00a0", "").replace("\u202f", "").replace(".", "").replace("'", "")
    return whole(plain) if plain != text and len(plain) < 100 else None


def _large(digits: str) -> int:
    return min(int(digits), LARGEST) if len(digits) < 100 else LARGEST


def _hexadecimal(digits: str) -> int | None:
    try:
        return min(int(digits, 16), LARGEST) if digits.isalnum() and len(digits) <= 40 else None
    except ValueError:
        return None


def first_number(text: str) -> int | None:
    """The number that a text begins with, whatever follows it.

    >>> first_number("53045 (0 5)"), first_number("39h+12m"), first_number("0x001b"), first_number("-")
    (53045, 39, 27, None)
    """
    word = text.split(None, 1)[0] if text.strip() else ""
    if (number := whole(word)) is not None:
        return number
    digits = word[: len(word) - len(word.lstrip("0123456789"))]
    return whole(digits)


def mark(disk: smart.SmartDisk, name: str, state: smart.SmartPartState.ValueType, reason: str = "") -> None:
    """Say what became of a part; the first word about a part that was read or cut stays."""
    for part in disk.parts:
        if part.name == name:
            if part.state not in (READ, CUT):
                part.state, part.reason = state, reason[:LONGEST_LINE]
            return
    disk.parts.add(name=name, state=state, reason=reason[:LONGEST_LINE])


def part(disk: smart.SmartDisk, name: str) -> smart.SmartPart | None:
    """What became of a part; None where the report does not speak of it."""
    return next((one for one in disk.parts if one.name == name), None)


def tell(disk: smart.SmartDisk, name: str, value: float, line: smart.SmartLine) -> None:
    """A named value with its line; of two of one name the first stays."""
    if all(one.name != name for one in disk.values):
        disk.values.add(name=name, value=value, line=line)
