"""Journal files made here, in the forms that no program of this machine writes, and broken ones."""

from __future__ import annotations

import lzma
import struct
from collections.abc import Mapping, Sequence

import zstandard

SEQUENCE_ID = bytes(range(16))
BEGIN_MICROSECONDS = 1_763_769_600_000_000
HEADER_BYTES, TABLE_BUCKETS = 272, 3


def journal_bytes(
    entries: Sequence[Mapping[str, bytes]], *, compact: bool = False, packed: str = "", per_array: int = 4
) -> bytes:
    """A file with these entries, one second apart; packed: "xz", "lz4" or "zstd" for messages; arrays are chained."""
    return _Writer(compact, packed, per_array).write(entries)


class _Writer:
    """Objects one behind the other; offsets that are known later are patched in."""

    def __init__(self, compact: bool, packed: str, per_array: int) -> None:
        self.compact, self.packed, self.per_array = compact, packed, per_array
        self.data = bytearray(HEADER_BYTES)
        self.values: dict[bytes, int] = {}
        self.users: dict[int, list[int]] = {}

    def write(self, entries: Sequence[Mapping[str, bytes]]) -> bytes:
        table = self.put(5, bytes(16 * TABLE_BUCKETS))
        offsets = [self.entry(number, fields) for number, fields in enumerate(entries)]
        first = self.arrays(offsets)
        self.fields(table + 16)
        for value, users in self.users.items():
            struct.pack_into("<3Q", self.data, value + 40, users[0], self.arrays(users[1:]), len(users))
        flags = 4 | (16 if self.compact else 0) | {"xz": 1, "lz4": 2, "zstd": 8, "": 0}[self.packed]
        newest = BEGIN_MICROSECONDS + (len(entries) - 1) * 1_000_000
        ids = (bytes(16), bytes(16), bytes(16), SEQUENCE_ID)
        sizes = (HEADER_BYTES, len(self.data) - HEADER_BYTES, 0, 0, table + 16, 16 * TABLE_BUCKETS, 0, 0)
        counts = (len(entries), len(entries), 1, first, BEGIN_MICROSECONDS, newest, 0)
        header = struct.pack("<8sII8x16s16s16s16s15Q", b"LPKSHHRH", 0, flags, *ids, *sizes, *counts)
        self.data[: len(header)] = header
        return bytes(self.data)

    def put(self, kind: int, body: bytes, flags: int = 0) -> int:
        """One object, eight bytes aligned; gives its offset."""
        self.data += bytes(-len(self.data) % 8)
        offset = len(self.data)
        self.data += struct.pack("<BB6xQ", kind, flags, 16 + len(body)) + body
        return offset

    def entry(self, number: int, fields: Mapping[str, bytes]) -> int:
        values = [self.value(name, value) for name, value in fields.items()]
        times = struct.pack("<3Q", number + 1, BEGIN_MICROSECONDS + number * 1_000_000, (number + 1) * 1_000_000)
        if self.compact:
            items = struct.pack(f"<{len(values)}I", *values)
        else:
            items = b"".join(struct.pack("<2Q", value, 0) for value in values)
        offset = self.put(3, times + bytes(24) + items)
        for value in values:
            self.users.setdefault(value, []).append(offset)
        return offset

    def value(self, name: str, value: bytes) -> int:
        whole = name.encode() + b"=" + value
        if whole not in self.values:
            flags, body = self.pack(whole) if name == "MESSAGE" and self.packed else (0, whole)
            self.values[whole] = self.put(1, bytes(56 if self.compact else 48) + body, flags)
        return self.values[whole]

    def pack(self, whole: bytes) -> tuple[int, bytes]:
        if self.packed == "xz":
            return 1, lzma.compress(whole)
        if self.packed == "zstd":
            return 4, zstandard.ZstdCompressor().compress(whole)
        length = len(whole) - 15
        more = b"\xff" * (length // 255) + bytes([length % 255]) if length >= 0 else b""
        token = bytes([min(len(whole), 15) << 4])
        return 2, struct.pack("<Q", len(whole)) + token + more + whole

    def arrays(self, offsets: Sequence[int]) -> int:
        """A chain of arrays of entries; gives the offset of the first, 0 for none."""
        first = before = 0
        for begin in range(0, len(offsets), self.per_array):
            part = offsets[begin : begin + self.per_array]
            # Room that is not used yet, as journald leaves it at the end of the last one.
            items = struct.pack(
                f"<{self.per_array}{'I' if self.compact else 'Q'}", *part, *[0] * (self.per_array - len(part))
            )
            here = self.put(6, bytes(8) + items)
            if before:
                struct.pack_into("<Q", self.data, before + 16, here)
            first, before = first or here, here
        return first

    def fields(self, table: int) -> None:
        """The table of fields, each with the chain of its values; all hang in one bucket."""
        chains: dict[bytes, list[int]] = {}
        for whole, offset in self.values.items():
            chains.setdefault(whole.partition(b"=")[0], []).append(offset)
        before = 0
        for name, values in chains.items():
            for one, following in zip(values, [*values[1:], 0], strict=True):
                struct.pack_into("<Q", self.data, one + 32, following)
            before = self.put(2, struct.pack("<3Q", 0, before, values[0]) + name)
        struct.pack_into("<2Q", self.data, table, before, before)
