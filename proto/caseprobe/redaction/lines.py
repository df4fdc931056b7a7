"""Finds the few lines of a text that a rule must look at: one pass of an automaton, whatever is looked for.

RE2 (https://github.com/google/re2) takes linear time on any input and costs the same for one needle as for hundreds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import re2

Span = tuple[int, int]


class Found(Protocol):
    """What a search gives."""

    def start(self) -> int: ...
    def end(self) -> int: ...


class Finder(Protocol):
    """A compiled pattern, of `re` or of RE2."""

    def search(self, text: bytes, position: int, /) -> Found | None: ...
    def finditer(self, text: bytes, /) -> Iterator[Found]: ...


def finder(pattern: bytes, cased: bool = True) -> Finder:
    """A pattern in RE2's syntax (no look-around), for bytes of any encoding of one byte a character.

    >>> [match.start() for match in finder(rb"[0-9]{2}").finditer(b"a12b345")]
    [1, 4]
    """
    compiled: Finder = re2.compile(pattern, _options(cased))
    return compiled


class Looks:
    """Many patterns in RE2's syntax, all looked for at once and in any case: which lines hold any, and which ones.

    >>> looks = Looks([b"t", b"o"])
    >>> looks.lines(b"one\\nxxx\\nTwo"), looks.of(b"Two"), Looks([]).lines(b"x")
    ([(0, 3), (8, 11)], [0, 1], [])
    """

    def __init__(self, patterns: Sequence[bytes]) -> None:
        """patterns: known by their place from now on."""
        self._any = finder(b"|".join(b"(?:" + one + b")" for one in patterns), cased=False) if patterns else None
        self._set = re2.Set.SearchSet(_options(cased=False))
        for pattern in patterns:
            self._set.Add(pattern)
        self._set.Compile()

    def lines(self, data: bytes) -> list[Span]:
        """Start and end, without line break, of every line in which any pattern matches; in order, each once."""
        return lines_matching(data, self._any) if self._any else []

    def of(self, line: bytes) -> list[int]:
        """The places of the patterns that match in the line, in order."""
        # None where nothing matches: at the end of a line, a look may have taken the line break for a blank.
        return sorted(self._set.Match(line) or ())


def lines_matching(data: bytes, pattern: Finder) -> list[Span]:
    """Start and end of every line in which the pattern matches; in order, each once."""
    found: list[Span] = []
    match = pattern.search(data, 0)
    while match:
        at = match.start()
        start = data.rfind(b"\n", 0, at) + 1
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        found.append((start, end))
        # Behind the line break, which may itself have been the hit.
        match = pattern.search(data, end + 1) if end < len(data) else None
    return found


def rewrite(data: bytes, spans: Iterable[Span], change: Callable[[bytes], bytes]) -> bytes:
    """The text with each span passed through change.

    >>> rewrite(b"one two", [(0, 3)], bytes.upper)
    b'ONE two'
    """
    pieces: list[bytes] = []
    done = 0
    for start, end in spans:
        pieces += (data[done:start], change(data[start:end]))
        done = end
    return b"".join((*pieces, data[done:])) if pieces else data


def _options(cased: bool) -> re2.Options:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.case_sensitive = cased
    options.never_capture = True
    # What is wrong with a pattern is raised; nothing is written to stderr.
    options.log_errors = False
    return options
