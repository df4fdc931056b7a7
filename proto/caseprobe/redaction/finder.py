"""Finds the pieces of a text that may hold an identifier: a pass of each automaton, and a memory of what came of each.

A piece is read closely once; where it comes again, as addresses in logs do, one look into a table gives what stands in
its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush

from caseprobe.redaction.lines import search_of

# A text and the names of what was replaced in it.
Changed = tuple[bytes, Sequence[str]]
AUTOMATON_BYTES = 8 << 20
# Pieces kept at hand; more are read anew, so memory stays bounded at any number of addresses.
REMEMBERED = 1 << 12
# A longer piece is not likely to come again.
LONGEST_REMEMBERED = 200


class Finder:
    """Pieces that any of some patterns matches, each passed through a change."""

    def __init__(self, families: Sequence[Sequence[bytes]], change: Callable[[bytes], Changed]) -> None:
        """families: looks in RE2's syntax; those of a family share an automaton.

        A family is of looks that begin alike: others would multiply each other's states, which a cold automaton makes
        while it reads (all of this module's users' looks in one: 0.4 s for a kernel log, in five: 0.03 s). Of pieces
        that overlap the first counts, and the longest of those that begin together.
        change: gives what stands in a piece's place, and a name for each thing that was replaced in it. It is told the
        piece with the character on either side, a line break where there is none; what it gives has them too.
        """
        self._searches = [search_of(looks, AUTOMATON_BYTES) for looks in families]
        self._change = change
        self._remembered: dict[bytes, Changed] = {}

    def replace(self, data: bytes) -> Changed:
        """The text with every piece changed, and the names of all that was replaced."""
        framed = b"".join((b"\n", data, b"\n"))
        last = len(framed) - 1
        # The next piece of each family, the first of all on top. All in one function, since its loop runs for every
        # address of a dense log.
        ahead: list[tuple[int, int, int]] = []
        seeking = list(range(len(self._searches)))
        pieces: list[bytes] = []
        names: list[str] = []
        done = position = 1
        while True:
            for family in seeking:
                start, end = self._searches[family](framed, position, last)
                if start >= 0:
                    heappush(ahead, (start, -end, family))
            if not ahead:
                return (b"".join((*pieces, framed[done:-1])) if pieces else data), names
            start, end, family = heappop(ahead)
            position, seeking = -end, [family]
            while ahead and ahead[0][0] < position:
                seeking.append(heappop(ahead)[2])
            piece = framed[start - 1 : position + 1]
            changed, replaced = self._remembered.get(piece) or self._read(piece)
            if replaced:
                pieces += (framed[done:start], changed)
                names += replaced
                done = position

    def _read(self, piece: bytes) -> Changed:
        changed, names = self._change(piece)
        if changed[:1] != piece[:1] or changed[-1:] != piece[-1:]:
            # Something went on over the edge, into what belongs to the piece before or behind.
            changed, names = self._change(b" " + piece[1:-1] + b" ")
        found = (changed[1:-1], names)
        if len(piece) <= LONGEST_REMEMBERED:
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            self._remembered[piece] = found
        return found
