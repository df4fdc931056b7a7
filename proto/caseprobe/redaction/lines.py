"""Finds the few lines of a text that a rule must look at, with plain searches that run at memory speed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

Span = tuple[int, int]


def lines_with(lowered: bytes, needles: Iterable[bytes]) -> list[Span]:
    """Start and end, without line break, of every line that holds one of the needles; in order, each once.

    lowered: the text in lower case, as the needles are.

    >>> lines_with(b"one\\ntwo\\nthree", [b"t"])
    [(4, 7), (8, 13)]
    """
    found: set[Span] = set()
    for needle in needles:
        at = lowered.find(needle)
        while at >= 0:
            start = lowered.rfind(b"\n", 0, at) + 1
            end = lowered.find(b"\n", at)
            end = len(lowered) if end < 0 else end
            found.add((start, end))
            at = lowered.find(needle, end)
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
