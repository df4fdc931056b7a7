"""One text that may be a known file: what it is, and its values hidden piece by piece.

It only ever hides, and after the rules did, so nothing is hidden less than without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from caseprobe.redaction.rule import HIDDEN

# A file shows what it is in its beginning.
HEAD_BYTES = 4096
# Words that stand for no secret: hiding them would only hide that none is set.
EMPTY = frozenset((b"", b"*", b"!", b"!!", b"!*", b"*NP*", b"x", b"none", b"null", b'""', b"''", b"-"))


@dataclass(frozen=True)
class Format:
    """A kind of file and where its secrets are.

    path: matches the end of a path of such a file. shape: matches in the beginning of one without a telling name, with
    needle, a text that it then holds; empty where only the name tells. values: each group is a secret, line by line.
    section: a line after which every value (behind "=" or ":") is one, until end matches a line, or, where end is
    empty, until a line is indented no more than it; whole: such lines are hidden whole.
    """

    name: str
    path: bytes
    values: tuple[bytes, ...] = ()
    needle: bytes = b""
    shape: bytes = b""
    section: bytes = b""
    end: bytes = rb"\s*\["
    whole: bool = False

    @cached_property
    def marker(self) -> bytes:
        """What stands in a secret's place."""
        return b"_hidden_" + self.name.encode() + b"_"

    @cached_property
    def named(self) -> re.Pattern[bytes]:
        """Matches a path of such a file."""
        return re.compile(
            rb"(?i)(?:.*[/\\ ])?(?:" + self.path + rb")(?:[.~-](?:bak|old|orig|save|dpkg-\w{1,8}|[0-9]{1,8}))?"
        )

    def fits(self, source: bytes, head: bytes) -> bool:
        """Whether a text is one, by where it comes from or by its beginning."""
        if source and self.path and self.named.fullmatch(source):
            return True
        return bool(self.needle) and self.needle in head and re.search(rb"(?im)" + self.shape, head) is not None


class KnownFile:
    """A text that comes whole or in pieces of whole lines."""

    def __init__(self, source: str, formats: Iterable[Format]) -> None:
        """source: the file's path as the machine has it, or the command that wrote the text; may be empty."""
        self._source = source.encode("utf-8", "surrogateescape")
        self._formats = tuple(formats)
        self._found: tuple[Format, ...] | None = None
        # The format whose section goes on, and how far its first line was indented.
        self._inside: Format | None = None
        self._indent = 0

    def settle(self, head: bytes) -> None:
        """Decide by the source and the text's first HEAD_BYTES what it is; only the first call counts."""
        if self._found is None:
            self._found = tuple(one for one in self._formats if one.fits(self._source, head[:HEAD_BYTES]))

    def hide(self, data: bytes) -> tuple[bytes, list[str]]:
        """The text with the values of every format that it has hidden, and that format's name for each; lines stay."""
        self.settle(data)
        hidden: list[str] = []
        for one in self._found or ():
            for value in one.values:
                data = self._values(one, value, data, hidden)
            if one.section:
                data = self._sections(one, data, hidden)
        return data, hidden

    def _values(self, one: Format, value: bytes, data: bytes, hidden: list[str]) -> bytes:
        def replaced(match: re.Match[bytes]) -> bytes:
            text = match[0]
            for group in range(match.re.groups, 0, -1):
                start, end = match.span(group)
                if start >= 0 and not _is_nothing(match[group]):
                    text = text[: start - match.start()] + one.marker + text[end - match.start() :]
                    hidden.append(one.name)
            return text

        return re.sub(rb"(?im)" + value, replaced, data)

    def _sections(self, one: Format, data: bytes, hidden: list[str]) -> bytes:
        """Line by line, since a section may go on in the next piece."""
        begin, end, lines = re.compile(rb"(?i)" + one.section), re.compile(rb"(?i)" + one.end), data.split(b"\n")
        for number, line in enumerate(lines):
            indent = len(line) - len(line.lstrip())
            if self._inside is one and (end.match(line) if one.end else line.strip() and indent <= self._indent):
                self._inside = None
            elif self._inside is one:
                lines[number] = _line(one, line, hidden)
            if begin.match(line):
                self._inside, self._indent = one, indent
        return b"\n".join(lines)


PAIR = re.compile(rb"(\s*[\"']?[^\s:=#]{1,256}[\"']?\s*[:=]\s*[\"']?)(.*?)([\"']?[,;]?\s*)")


def _line(one: Format, line: bytes, hidden: list[str]) -> bytes:
    """A line of a section of secrets."""
    pair = PAIR.fullmatch(line)
    if one.whole and line.strip():
        hidden.append(one.name)
        return line[: len(line) - len(line.lstrip())] + one.marker
    if pair is None or _is_nothing(pair[2]) or pair[2] in (b"|", b">", b"{", b"["):
        return line
    hidden.append(one.name)
    return pair[1] + one.marker + pair[3]


def _is_nothing(value: bytes) -> bool:
    """Whether a value is none, or is hidden already."""
    return value.strip().lower() in EMPTY or HIDDEN.fullmatch(value.strip(b"\"'")) is not None
