"""Finds the pieces of a text that may hold an identifier: one pass of an automaton, and a memory of what came of each.

A piece is read closely once; where it comes again, as addresses in logs do, one look into a table gives what stands in
its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import re2

from caseprobe.redaction.lines import line_options

# A text and the names of what was replaced in it.
Changed = tuple[bytes, Sequence[str]]
AUTOMATON_BYTES = 24 << 20
# Pieces kept at hand; more are read anew, so memory stays bounded at any number of addresses.
REMEMBERED = 1 << 15
# A longer piece is not likely to come again.
LONGEST_REMEMBERED = 200


class Finder:
    """Pieces that any of some patterns matches, each passed through a change."""

    def __init__(self, looks: Sequence[bytes], change: Callable[[bytes], Changed]) -> None:
        """looks: in RE2's syntax; where several match at one place, the first of them counts.

        change: gives what stands in a piece's place, and a name for each thing that was replaced in it. It is told the
        piece with the character on either side, a line break where there is none; what it gives has them too.
        """
        self._automaton = re2.compile(b"|".join(b"(?:" + look + b")" for look in looks), line_options(AUTOMATON_BYTES))
        self._change = change
        self._remembered: dict[bytes, Changed] = {}

    def replace(self, data: bytes) -> Changed:
        """The text with every piece changed, and the names of all that was replaced."""
        framed = b"".join((b"\n", data, b"\n"))
        # The object behind the compiled pattern: one call of it gives two numbers, where a match object takes three
        # times as long to make as the search. All in one loop, since it runs for every address of a dense log.
        match, anchor = self._automaton._regexp.Match, re2._Anchor.UNANCHORED
        pieces: list[bytes] = []
        names: list[str] = []
        done = position = 1
        while True:
            ((start, end),) = match(anchor, framed, position, len(framed) - 1)
            if start < 0:
                return (b"".join((*pieces, framed[done:-1])) if pieces else data), names
            piece = framed[start - 1 : end + 1]
            changed, replaced = self._remembered.get(piece) or self._read(piece)
            if replaced:
                pieces += (framed[done:start], changed)
                names += replaced
                done = end
            position = end

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
