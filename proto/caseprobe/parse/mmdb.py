"""MaxMind DB files (.mmdb): what is known of the network that an address is in.

Source: the format's specification 2.0, https://maxmind.github.io/MaxMind-DB/. Whoever made the file is not trusted:
depth and number of values are bounded, and what lies about itself ends in ValueError.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

MARKER = b"\xab\xcd\xefMaxMind.com"
METADATA_BYTES = 128 << 10  # in which the marker must be, at the end of the file
SEPARATOR_BYTES = 16
RECORD_BITS = (24, 28, 32)
DEEPEST, VALUES_AT_MOST = 16, 5000
POINTER, STRING, DOUBLE, BYTES, UINT16, UINT32, MAP, INT32, UINT64, UINT128, ARRAY = range(1, 12)
BOOLEAN, FLOAT = 14, 15
# How many bytes tell the length of a value that is 29 or longer, and from where they count.
LONGER = {29: (1, 29), 30: (2, 285), 31: (3, 65_821)}
# As above for pointers: bytes, and from where they count; the fourth kind holds no bits of its own.
POINTERS = ((1, 0), (2, 2048), (3, 526_336), (4, 0))


class _Values:
    """Values out of a data section; every place is an offset in it."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._left = VALUES_AT_MOST

    def at(self, place: int, depth: int = 0) -> tuple[object, int]:
        """The value at a place, and the place behind it. Raises ValueError."""
        self._left -= 1
        if depth > DEEPEST or self._left < 0:
            raise ValueError("the values are nested too deep, or too many")
        kind, size, place = self._head(place)
        if kind == POINTER:
            return self.at(size, depth + 1)[0], place
        if kind == MAP:
            return self._map(size, place, depth)
        if kind == ARRAY:
            return self._array(size, place, depth)
        if kind == BOOLEAN:
            return bool(size), place
        return _scalar(kind, self._bytes(place, size)), place + size

    def _head(self, place: int) -> tuple[int, int, int]:
        """Kind, size (of a pointer: where it leads) and the place behind both."""
        control = self._bytes(place, 1)[0]
        place += 1
        kind, size = control >> 5, control & 31
        if kind == POINTER:
            count, base = POINTERS[size >> 3]
            own = (size & 7) << (8 * count) if count < 4 else 0
            return kind, own + int.from_bytes(self._bytes(place, count), "big") + base, place + count
        if kind == 0:
            kind = self._bytes(place, 1)[0] + 7
            place += 1
        if size in LONGER:
            count, base = LONGER[size]
            return kind, int.from_bytes(self._bytes(place, count), "big") + base, place + count
        return kind, size, place

    def _map(self, size: int, place: int, depth: int) -> tuple[object, int]:
        found: dict[str, object] = {}
        for _ in range(size):
            key, place = self.at(place, depth + 1)
            found[str(key)], place = self.at(place, depth + 1)
        return found, place

    def _array(self, size: int, place: int, depth: int) -> tuple[object, int]:
        found = []
        for _ in range(size):
            value, place = self.at(place, depth + 1)
            found.append(value)
        return found, place

    def _bytes(self, place: int, size: int) -> bytes:
        part = bytes(self._data[place : place + size])
        if len(part) < size or place < 0:
            raise ValueError("the file ends in the middle of a value")
        return part


def _scalar(kind: int, data: bytes) -> object:
    if kind == STRING:
        return data.decode("utf-8", "replace")
    if kind in (UINT16, UINT32, UINT64, UINT128):
        return int.from_bytes(data, "big")
    if kind == INT32:
        return int.from_bytes(data, "big", signed=len(data) == 4)
    if (kind, len(data)) in ((DOUBLE, 8), (FLOAT, 4)):
        return float(struct.unpack("!d" if kind == DOUBLE else "!f", data)[0])
    if kind == BYTES:
        return data
    raise ValueError(f"there is no value of kind {kind}")


@dataclass(frozen=True)
class Mmdb:
    """A file that was opened: its search tree and the values behind it."""

    tree: memoryview
    values: memoryview
    nodes: int
    record_bits: int
    v6: bool

    def find(self, packed: bytes) -> dict[str, object]:
        """What is known of an address (4 or 16 bytes); empty where it is in no network. Raises ValueError."""
        if len(packed) == 16 and not self.v6:
            return {}
        # In a tree of IPv6 the IPv4 addresses are ::/96.
        bits = packed.rjust(16, b"\0") if self.v6 else packed
        node = 0
        for position in range(len(bits) * 8):
            node = self._next(node, bits[position >> 3] >> (7 - (position & 7)) & 1)
            if node >= self.nodes:
                break
        if node <= self.nodes:
            return {}
        value, _ = _Values(self.values).at(node - self.nodes - SEPARATOR_BYTES)
        return value if isinstance(value, dict) else {}

    def _next(self, node: int, bit: int) -> int:
        size = self.record_bits // 4
        both = bytes(self.tree[node * size : node * size + size])
        if len(both) < size:
            raise ValueError("the search tree is cut")
        if self.record_bits == 28:  # the two records share the byte in the middle, the left one has its upper half
            upper = both[3] >> 4 if bit == 0 else both[3] & 15
            return upper << 24 | int.from_bytes(both[:3] if bit == 0 else both[4:], "big")
        half = size // 2
        return int.from_bytes(both[half:] if bit else both[:half], "big")


def open_mmdb(data: memoryview) -> Mmdb:
    """The file that these bytes are. Raises ValueError for bytes that are none."""
    tail = bytes(data[-METADATA_BYTES:])
    found = tail.rfind(MARKER)
    if found < 0:
        raise ValueError("this is no MaxMind DB file")
    metadata, _ = _Values(memoryview(tail)[found + len(MARKER) :]).at(0)
    number: Callable[[str], int] = lambda name: _number(metadata, name)  # noqa: E731
    nodes, bits, version = number("node_count"), number("record_size"), number("ip_version")
    size = nodes * bits // 4
    if bits not in RECORD_BITS or version not in (4, 6) or size + SEPARATOR_BYTES > len(data):
        raise ValueError("the file says of itself what cannot be")
    return Mmdb(data[:size], data[size + SEPARATOR_BYTES :], nodes, bits, version == 6)


def _number(metadata: object, name: str) -> int:
    value = metadata.get(name) if isinstance(metadata, dict) else None
    if not isinstance(value, int):
        raise ValueError(f"the file does not say its {name}")
    return value
