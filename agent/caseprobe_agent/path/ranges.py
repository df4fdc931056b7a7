"""From prefixes, one inside another, to ranges of addresses that follow one another: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

NUMBER_BITS, LENGTH_BITS = 32, 8


class Range(NamedTuple):
    """Addresses from the first to the last, as numbers, and the AS that announces them."""

    first: int
    last: int
    origin: int


def packed(address: int, length: int, origin: int) -> int:
    """A prefix as one number, by which a table of a million takes little memory and is sorted, the wider first."""
    return (address << LENGTH_BITS | length) << NUMBER_BITS | origin


def ranges(prefixes: Iterable[int], bits: int) -> Iterator[Range]:
    """The ranges of packed prefixes in order: of an address the longest prefix counts; neighbours of one AS are one.

    >>> table = [packed(0, 1, 64500), packed(64, 2, 64501), packed(192, 2, 64501)]
    >>> [tuple(one) for one in ranges(table, bits=8)]
    [(0, 63, 64500), (64, 127, 64501), (192, 255, 64501)]
    """
    pending: Range | None = None
    for piece in _pieces(sorted(prefixes), bits):
        if pending is not None and (pending.last + 1, pending.origin) == (piece.first, piece.origin):
            pending = pending._replace(last=piece.last)
        else:
            if pending is not None:
                yield pending
            pending = piece
    if pending is not None:
        yield pending


def _pieces(prefixes: Iterable[int], bits: int) -> Iterator[Range]:
    """What each prefix has for itself, piece by piece."""
    around: list[Range] = []  # the prefixes that the place is in, each inside the one before
    place = 0
    for number in prefixes:
        prefix = _unpacked(number, bits)
        while around and around[-1].last < prefix.first:
            over = around.pop()
            yield from _piece(place, over.last, over.origin)
            place = max(place, over.last + 1)
        if around:
            yield from _piece(place, prefix.first - 1, around[-1].origin)
        place = prefix.first
        around.append(prefix)
    while around:
        over = around.pop()
        yield from _piece(place, over.last, over.origin)
        place = max(place, over.last + 1)


def _unpacked(number: int, bits: int) -> Range:
    origin = number & (1 << NUMBER_BITS) - 1
    length = number >> NUMBER_BITS & (1 << LENGTH_BITS) - 1
    first = number >> NUMBER_BITS + LENGTH_BITS
    return Range(first, first | (1 << bits - length) - 1, origin)


def _piece(first: int, last: int, origin: int) -> Iterator[Range]:
    if first <= last:
        yield Range(first, last, origin)
