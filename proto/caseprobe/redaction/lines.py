"""Finds the few lines of a text that a rule must look at, with plain searches that run near memory speed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

Span = tuple[int, int]
# Needles that share a rare character are looked for together, at each place where it stands; rarest in logs first.
PIVOTS = (b"$", b"=", b"_", b"@", b":", b".", b"-")
# Fewer are found faster one by one.
SHARED_FROM = 4


class Needles:
    """Many short texts, of which a line must hold at least one.

    >>> Needles([b"t"]).lines(b"one\\ntwo\\nthree")
    [(4, 7), (8, 13)]
    """

    def __init__(self, needles: Iterable[bytes]) -> None:
        """needles: in lower case; one that holds another is covered by it."""
        every = set(needles)
        shortest = sorted(one for one in every if not any(other != one and other in one for other in every))
        self._plain: list[bytes] = []
        self._patterns: list[re.Pattern[bytes]] = []
        for pivot in (*PIVOTS, b""):
            group = [one for one in shortest if pivot in one]
            shortest = [one for one in shortest if one not in group]
            if pivot and len(group) >= SHARED_FROM:
                self._patterns.append(_around(pivot, group))
            else:
                self._plain += group

    def lines(self, lowered: bytes) -> list[Span]:
        """Start and end, without line break, of every line that holds a needle; in order, each once.

        lowered: the text in lower case.
        """
        found: set[Span] = set()
        for needle in self._plain:
            _collect(lowered, lambda at, needle=needle: lowered.find(needle, at), found)  # type: ignore[misc]
        for pattern in self._patterns:
            _collect(lowered, lambda at, pattern=pattern: _search(pattern, lowered, at), found)  # type: ignore[misc]
        return sorted(found)


def lines_matching(data: bytes, pattern: re.Pattern[bytes]) -> list[Span]:
    """Start and end of every line in which the pattern matches; in order, each once."""
    found: set[Span] = set()
    _collect(data, lambda at: _search(pattern, data, at), found)
    return sorted(found)


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


def _collect(text: bytes, next_hit: Callable[[int], int], found: set[Span]) -> None:
    """Adds the line of every hit. next_hit: the first place at or after one, or -1."""
    at = next_hit(0)
    while at >= 0:
        start = text.rfind(b"\n", 0, at) + 1
        end = text.find(b"\n", at)
        end = len(text) if end < 0 else end
        found.add((start, end))
        # Behind the line break, which may itself have been the hit.
        at = next_hit(end + 1)


def _search(pattern: re.Pattern[bytes], text: bytes, at: int) -> int:
    match = pattern.search(text, at)
    return match.start() if match else -1


def _around(pivot: bytes, needles: list[bytes]) -> re.Pattern[bytes]:
    """A pattern that starts with the pivot, which is searched for at memory speed, and looks both ways from there."""
    cuts = [(one[: one.index(pivot) + 1], one[one.index(pivot) + 1 :]) for one in needles]
    either = (b"(?<=" + re.escape(before) + b")" + re.escape(after) for before, after in cuts)
    return re.compile(re.escape(pivot) + b"(?:" + b"|".join(either) + b")")
