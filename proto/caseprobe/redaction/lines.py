"""Finds the few lines of a text that a rule must look at: one pass of an automaton, whatever is looked for.

RE2 (https://github.com/google/re2) takes linear time on any input and costs the same for one needle as for hundreds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, lru_cache

import re2

Span = tuple[int, int]
# Gives the first match in a text from one place up to another; (-1, -1) where there is none.
Search = Callable[[bytes, int, int], Span]

# Patterns in one automaton multiply each other's states, which a cold one makes while it reads; in several they cost a
# pass each. Measured on a cold kernel log: long ones multiply most, words without repeats hardly at all.
LONG_BYTES = 500
REPEATING = re.compile(rb"[^\\][*+{]")
LONG, SHORT = 5, 2
SETS = 5
AUTOMATON_BYTES = 16 << 20


class Looks:
    """Many patterns in RE2's syntax, all looked for at once and in any case: which lines hold any, and which ones.

    >>> looks = Looks([b"t", b"o"])
    >>> looks.lines(b"one\\nxxx\\nTwo"), looks.of(b"Two"), Looks([]).lines(b"x")
    ([(0, 3), (8, 11)], [0, 1], [])
    """

    def __init__(self, patterns: Sequence[bytes]) -> None:
        """patterns: known by their place from now on; they match within a line, whatever they say of blanks."""
        self._places = dealt(patterns)
        self._shares = [tuple(_in_lines(patterns[place] for place in places)) for places in self._places]

    @cached_property
    def _any(self) -> list[Search]:
        return [search_of(share, AUTOMATON_BYTES) for share in self._shares]

    def lines(self, data: bytes) -> list[Span]:
        """Start and end, without line break, of every line in which any pattern matches; in order, each once."""
        found = [lines_matching(data, one) for one in self._any]
        return found[0] if len(found) == 1 else sorted({span for spans in found for span in spans})

    def of(self, line: bytes) -> list[int]:
        """The places of the patterns that match in one of those lines, in order.

        Raises ValueError where none does: the automaton failed then, and whoever asks must not pass the line on.
        """
        # An automaton that passed over the text has its states at hand; a set, which tells more, would make its own.
        found = (number for number, search in enumerate(self._any) if search(line, 0, len(line))[0] >= 0)
        return _any_of([place for number in found for place in self._of_share(number, line)])

    def _of_share(self, number: int, line: bytes) -> list[int]:
        """The places of those patterns that match of an automaton that finds something in the line."""
        places = self._places[number]
        if len(places) == 1:
            return places
        return [places[at] for at in _any_of(_set_of(self._shares[number]).Match(line) or [])]


class Sets:
    """Many patterns in RE2's syntax, in any case: which of them match in a piece that was found by other means."""

    def __init__(self, patterns: Sequence[bytes]) -> None:
        """patterns: known by their place from now on."""
        patterns = _in_lines(patterns)
        self._shares = [tuple(patterns[at::SETS]) for at in range(min(SETS, len(patterns)))]

    def of(self, piece: bytes) -> list[int]:
        """The places of the patterns that match in a piece, in order; ValueError where none does."""
        shares = enumerate(self._shares)
        return _any_of([at + SETS * place for at, share in shares for place in _set_of(share).Match(piece) or ()])


def _in_lines(patterns: Iterable[bytes]) -> list[bytes]:
    """The patterns with "^" and "$" for the ends of a line."""
    return [b"(?m:" + one + b")" for one in patterns]


def _any_of(matching: list[int]) -> list[int]:
    """What matches, in order: an automaton found something there."""
    if not matching:
        raise ValueError("a line that holds something holds nothing on a closer look")
    return sorted(matching)


def dealt(patterns: Sequence[bytes]) -> list[list[int]]:
    """The places of the patterns of each automaton: long ones, short ones with repeats, and one for all others.

    >>> dealt([b"a", b"b+", b"c", b"d" * 500])
    [[3], [1], [0, 2]]
    """
    long, short, plain = list[int](), list[int](), list[int]()
    for place, one in enumerate(patterns):
        (long if len(one) >= LONG_BYTES else short if REPEATING.search(one) else plain).append(place)
    shares = [*(long[at::LONG] for at in range(LONG)), *(short[at::SHORT] for at in range(SHORT)), plain]
    return [share for share in shares if share]


@lru_cache(maxsize=32)
def _set_of(patterns: tuple[bytes, ...]) -> re2.Set:
    """Patterns that are looked for together, each known by its place; the last few are kept, as re2.compile does."""
    matcher = re2.Set.SearchSet(line_options(AUTOMATON_BYTES))
    for pattern in patterns:
        matcher.Add(pattern)
    matcher.Compile()
    return matcher


def search_of(patterns: Sequence[bytes], memory_bytes: int) -> Search:
    """What finds the first piece of a text that any of the patterns matches; of two at one place the first counts.

    It calls the object behind a compiled pattern, which gives two numbers: a match object takes three times as long to
    make as the search.
    """
    compiled = re2.compile(b"|".join(b"(?:" + pattern + b")" for pattern in patterns), line_options(memory_bytes))
    match, anywhere = compiled._regexp.Match, re2._Anchor.UNANCHORED
    return lambda text, begin, end: match(anywhere, text, begin, end)[0]


def lines_matching(data: bytes, search: Search) -> list[Span]:
    """Start and end of every line in which something is found; in order, each once."""
    found: list[Span] = []
    last = len(data)
    at, _ = search(data, 0, last)
    while at >= 0:
        start = data.rfind(b"\n", 0, at) + 1
        end = data.find(b"\n", at)
        end = last if end < 0 else end
        found.append((start, end))
        # Behind the line break, which may itself have been the hit.
        at = search(data, end + 1, last)[0] if end < last else -1
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


def line_options(memory_bytes: int) -> re2.Options:
    """How RE2 looks at the lines of a text in any encoding of one byte a character, in any case.

    memory_bytes: for each automaton's states; beyond them it begins anew, and is slow.
    """
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.case_sensitive = False
    options.never_capture = True
    # A blank in a look is no line break: what is found in a text is found in one of its lines alone, too.
    options.never_nl = True
    # What is wrong with a pattern is raised; nothing is written to stderr.
    options.log_errors = False
    options.max_mem = memory_bytes
    return options
