"""Dumps of a router's table in MRT (TABLE_DUMP_V2: RFC 6396, several paths a prefix: RFC 8050): who announces what.

Whoever made a dump is not trusted: a record has a size at most, and what lies about a length ends in ValueError.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

HEAD = struct.Struct("!IHHI")  # when, type, subtype, bytes that follow
TABLE_DUMP_V2 = 13
# Subtypes of unicast routes: IP version, and how many bytes name the path of several.
UNICAST = {2: (4, 0), 4: (6, 0), 8: (4, 4), 10: (6, 4)}
OTHERS = (1, 3, 5, 6, 9, 11, 12)  # the table of peers, multicast, routes of other families
BITS = {4: 32, 6: 128}
LONGEST_RECORD = 4 << 20
SEQUENCE_BYTES, ENTRY_BYTES = 4, 8  # before a prefix; of an entry before its attributes: peer, time, their length
AS_PATH, EXTENDED = 2, 0x10
AS_SET, AS_SEQUENCE = 1, 2
NUMBER_BYTES = 4


class Announced(NamedTuple):
    """A prefix and the AS in which its way begins; the address is a number."""

    version: int
    address: int
    length: int
    origin: int


def read_announced(read: Callable[[int], bytes]) -> Iterator[Announced]:
    """Every unicast prefix whose origin is one AS, in the order of the dump.

    read gives so many bytes, fewer at the end alone. Raises ValueError for what is no such dump, or a cut one.
    """
    while head := read(HEAD.size):
        _, kind, subtype, size = HEAD.unpack(_whole(head, HEAD.size))
        if kind != TABLE_DUMP_V2 or subtype not in (*UNICAST, *OTHERS) or size > LONGEST_RECORD:
            raise ValueError("it is no table dump in MRT (TABLE_DUMP_V2)")
        body = _whole(read(size), size)
        if subtype in UNICAST:
            version, path_bytes = UNICAST[subtype]
            found = _announced(_Bytes(body, SEQUENCE_BYTES), version, path_bytes)
            if found is not None:
                yield found


def _whole(data: bytes, size: int) -> bytes:
    if len(data) < size:
        raise ValueError("it ends in the middle of a record")
    return data


class _Bytes:
    """A record from some place on; what reaches beyond its end raises ValueError."""

    def __init__(self, data: bytes, place: int = 0) -> None:
        self.data = data
        self.place = place

    def take(self, size: int) -> bytes:
        part = _whole(self.data[self.place : self.place + size], size)
        self.place += size
        return part

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    @property
    def left(self) -> bool:
        return self.place < len(self.data)


def _announced(record: _Bytes, version: int, path_bytes: int) -> Announced | None:
    """The prefix of a record with the origin that the first path with one names: peers seldom differ in it."""
    length = record.number(1)
    if length > BITS[version]:
        raise ValueError(f"a prefix has {length} bits")
    size = (length + 7) // 8
    free = BITS[version] - length
    address = record.number(size) << (BITS[version] - 8 * size) >> free << free
    for _ in range(record.number(2)):
        record.take(ENTRY_BYTES - 2 + path_bytes)
        origin = _origin(_Bytes(record.take(record.number(2))))
        if origin:
            return Announced(version, address, length, origin)
    return None


def _origin(attributes: _Bytes) -> int:
    """The AS in which the path begins, 0 where it names none or a set of several."""
    while attributes.left:
        flags, kind = attributes.take(2)
        value = _Bytes(attributes.take(attributes.number(2 if flags & EXTENDED else 1)))
        if kind == AS_PATH:
            return _last(value)
    return 0


def _last(path: _Bytes) -> int:
    origin = 0
    while path.left:
        kind, count = path.take(2)
        numbers = path.take(NUMBER_BYTES * count)
        if kind == AS_SEQUENCE or (kind == AS_SET and count == 1):
            origin = int.from_bytes(numbers[-NUMBER_BYTES:], "big")
        elif kind == AS_SET:
            origin = 0
    return origin
