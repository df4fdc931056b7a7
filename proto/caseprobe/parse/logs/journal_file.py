"""A file of systemd's journal, read from its newest entry back, without systemd.

Format: systemd, docs/JOURNAL_FILE_FORMAT.md and src/libsystemd/sd-journal/journal-def.h (252): objects of a type, flags
and size, eight bytes aligned. The header names the first of a chain of arrays of offsets of entries; an entry is its
times and the offsets of its fields, which entries share; a field's value may be compressed. "Compact" files (252 and
later) have offsets of 4 bytes. journald may write while we read: what is half written is passed over.

Nothing in the file is trusted: every offset is checked, chains only go forward, sizes and counts are bounded.
"""

from __future__ import annotations

import heapq
import math
import struct
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any

from caseprobe.parse.logs.entry import Entry
from caseprobe.parse.logs.journal_text import FIELDS_READ, entry_of
from caseprobe.parse.logs.unpack import LZ4, XZ, ZSTD, unpack

Read = Callable[[int, int], bytes]

SIGNATURE = b"LPKSHHRH"
HEADER = struct.Struct("<8sII8x16s16s16s16s15Q")
OBJECT = struct.Struct("<BB6xQ")
TIMES = struct.Struct("<QQQ")
DATA, FIELD, ENTRY, ENTRY_ARRAY = 1, 2, 3, 6
COMPACT = 16
# What a reader must understand: compression (1 xz, 2 lz4, 8 zstd), keyed hashes (4), compact (16).
UNDERSTOOD = 31
ENTRY_FIXED, ARRAY_FIXED, FIELD_FIXED = 64, 24, 40
BLOCK_BYTES = 1 << 17
BLOCKS_AT_MOST = 64
# journald doubles the arrays as they fill; its largest files need some thirty.
ARRAYS_AT_MOST = 4096
BUCKETS_AT_MOST, CHAIN_AT_MOST = 1 << 16, 256
FIELDS_AT_MOST = 1024
OFFSETS_AT_ONCE = 4096
VALUE_BYTES = 16 << 10
SHARED_AT_MOST = 1 << 16
DAMAGED_AT_MOST = 1000
FIELDS = {name.encode(): name for name in FIELDS_READ}
Field = tuple[str, str]


class Damaged(ValueError):
    """What is not of the journal's form; the message says what."""


class JournalFile:
    """One file: its header is read at once, its entries when they are asked for.

    oldest_at, newest_at: seconds since 1970; sequence_id names the writer that sequence numbers belong to.
    """

    def __init__(self, read: Read) -> None:
        """read gives up to so many bytes at an offset, fewer at the end. Raises Damaged where it is no journal."""
        self._read = read
        self._blocks: dict[int, bytes] = {}
        self._shared: dict[int, Field | None] = {}
        header = self._header()
        self.sequence_id = header[6].hex()
        self.entries_total, self._first_array = header[15], header[18]
        self.oldest_at, self.newest_at = header[19] / 1e6, header[20] / 1e6
        self._field_table = header[11], header[12]
        self._compact = bool(header[2] & COMPACT)
        self._payload = 72 if self._compact else 64
        self._offset_bytes = 4 if self._compact else 8
        self.damaged_total = 0

    def _header(self) -> tuple[Any, ...]:
        data = self._read(0, HEADER.size)
        if len(data) < HEADER.size or not data.startswith(SIGNATURE):
            raise Damaged("it does not begin as a journal does")
        header = HEADER.unpack(data)
        if unknown := header[2] & ~UNDERSTOOD:
            raise Damaged(f"it is of a newer form than this version reads (flags {unknown:#x})")
        return header

    def newest_first(self, kernel_only: bool = False, until: float = math.inf) -> Iterator[Entry]:
        """Every entry that can be read; damaged ones are counted and passed over, too many of them end it.

        kernel_only: by the file's own index of what the kernel wrote, so that the others cost nothing. until: those
        that are newer are left out by halving, since the index is in the order of time as far as the clock was.
        """
        try:
            for offset in self._kernel_offsets(until) if kernel_only else self._all_offsets(until):
                entry = self._entry_at(offset)
                if entry is not None:
                    yield entry
                elif self.damaged_total > DAMAGED_AT_MOST:
                    return
        except Damaged:
            self.damaged_total += 1

    def _all_offsets(self, until: float) -> Iterator[int]:
        return self._offsets(self._first_array, self.entries_total, until)

    def _kernel_offsets(self, until: float) -> Iterator[int]:
        """Where the entries stand that share the field _TRANSPORT=kernel; its first is not in the arrays."""
        for offset in self._values_of(b"_TRANSPORT"):
            _, size = self._object(offset, DATA, self._payload)
            length = min(size, self._payload + VALUE_BYTES)
            first, arrays, total = TIMES.unpack_from(data := self._bytes(offset, length), 40)
            if data[self._payload :] == b"_TRANSPORT=kernel":
                yield from self._offsets(arrays, total - 1, until)
                yield first

    def _values_of(self, name: bytes) -> Iterator[int]:
        """Where the values of a field stand: the file chains them behind the field, the field in a hash table."""
        begin, size = self._field_table
        count = min(size // 16, BUCKETS_AT_MOST)
        for offset in struct.unpack(f"<{count * 2}Q", self._bytes(begin, count * 16))[::2]:
            for field in self._chain(offset, FIELD, FIELD_FIXED, 24):
                _, length = self._object(field, FIELD, FIELD_FIXED)
                if length == FIELD_FIXED + len(name) and self._bytes(field + FIELD_FIXED, len(name)) == name:
                    (head,) = struct.unpack("<Q", self._bytes(field + 32, 8))
                    yield from self._chain(head, DATA, self._payload, 32)

    def _chain(self, offset: int, kind: int, at_least: int, place: int) -> Iterator[int]:
        """Objects that each name the next one at a place within them."""
        for _ in range(CHAIN_AT_MOST):
            if not offset:
                return
            self._object(offset, kind, at_least)
            yield offset
            (offset,) = struct.unpack("<Q", self._bytes(offset + place, 8))

    def _offsets(self, first_array: int, total: int, until: float) -> Iterator[int]:
        """What the arrays from this one on name, the last first, from the last one on that is not too new."""
        arrays = self._arrays(first_array, total)
        left = sum(count for _, count in arrays)
        newer = 0 if until >= self.newest_at else left - self._count_until(arrays, left, until)
        for begin, count in reversed(arrays):
            newer, count = max(0, newer - count), count - newer
            while count > 0:
                part = min(count, OFFSETS_AT_ONCE)
                count -= part
                data = self._bytes(begin + count * self._offset_bytes, part * self._offset_bytes)
                yield from reversed(struct.unpack(f"<{part}{'I' if self._compact else 'Q'}", data))

    def _count_until(self, arrays: Sequence[tuple[int, int]], total: int, until: float) -> int:
        """How many of the entries in these arrays are not newer than a moment."""
        ends = list(accumulate(count for _, count in arrays))

        def at(place: int) -> float:
            number = bisect_right(ends, place)
            begin, count = arrays[number]
            offset = begin + (place - (ends[number] - count)) * self._offset_bytes
            entry = int.from_bytes(self._bytes(offset, self._offset_bytes), "little")
            self._object(entry, ENTRY, ENTRY_FIXED)
            return float(TIMES.unpack(self._bytes(entry + OBJECT.size, TIMES.size))[1]) / 1e6

        return bisect_right(range(total), until, key=at)

    def _arrays(self, offset: int, left: int) -> list[tuple[int, int]]:
        """Where the offsets in each array begin, and how many it holds."""
        found: list[tuple[int, int]] = []
        while offset and left > 0:
            _, size = self._object(offset, ENTRY_ARRAY, ARRAY_FIXED)
            count = min(left, (size - ARRAY_FIXED) // self._offset_bytes)
            found.append((offset + ARRAY_FIXED, count))
            left -= count
            (following,) = struct.unpack("<Q", self._bytes(offset + OBJECT.size, 8))
            if (following and following <= offset) or len(found) > ARRAYS_AT_MOST:
                self.damaged_total += 1
                break
            offset = following
        return found

    def _entry_at(self, offset: int) -> Entry | None:
        """None where it is damaged."""
        try:
            _, size = self._object(offset, ENTRY, ENTRY_FIXED)
            item_bytes = 4 if self._compact else 16
            count = min((size - ENTRY_FIXED) // item_bytes, FIELDS_AT_MOST)
            data = self._bytes(offset + OBJECT.size, ENTRY_FIXED - OBJECT.size + count * item_bytes)
            sequence, at, monotonic = TIMES.unpack_from(data)
            form = f"<{count}I" if self._compact else f"<{count * 2}Q"
            items = struct.unpack_from(form, data, ENTRY_FIXED - OBJECT.size)
            fields = dict(self._fields(items if self._compact else items[::2]))
            fields["__REALTIME_TIMESTAMP"], fields["__MONOTONIC_TIMESTAMP"] = str(at), str(monotonic)
            return entry_of({"MESSAGE": "", **fields}, sequence, self.sequence_id)
        except Damaged:
            self.damaged_total += 1
            return None

    def _fields(self, items: Sequence[int]) -> Iterator[Field]:
        """The fields that we know among these."""
        for item in items:
            field = self._shared[item] if item in self._shared else self._field_at(item)
            if field is not None:
                yield field

    def _field_at(self, offset: int) -> Field | None:
        flags, size = self._object(offset, DATA, self._payload)
        length = min(size - self._payload, VALUE_BYTES)
        data = self._bytes(offset + OBJECT.size, self._payload - OBJECT.size + length)
        payload = data[self._payload - OBJECT.size :]
        if packed := flags & (XZ | LZ4 | ZSTD):
            try:
                payload = unpack(packed, payload, VALUE_BYTES)
            except ValueError as error:
                raise Damaged(str(error)) from error
        name, _, value = payload.partition(b"=")
        known = FIELDS.get(name)
        field = (known, value.decode("utf-8", "replace")) if known else None
        entries_that_share = int.from_bytes(data[40:48], "little")
        if field is None or entries_that_share > 1:
            if len(self._shared) >= SHARED_AT_MOST:
                self._shared.clear()
            self._shared[offset] = field
        return field

    def _object(self, offset: int, kind: int, at_least: int) -> tuple[int, int]:
        """Flags and size of the object at an offset."""
        if offset < HEADER.size or offset & 7:
            raise Damaged("an offset points nowhere")
        found, flags, size = OBJECT.unpack(self._bytes(offset, OBJECT.size))
        if found != kind or size < at_least:
            raise Damaged("an offset points to another thing")
        return flags, size

    def _bytes(self, offset: int, size: int) -> bytes:
        """Exactly these bytes; raises Damaged where the file has fewer."""
        number, begin = divmod(offset, BLOCK_BYTES)
        found = self._block(number)[begin : begin + size]
        while len(found) < size:
            number += 1
            more = self._block(number)[: size - len(found)]
            if not more:
                raise Damaged("it ends within an object")
            found += more
        return found

    def _block(self, number: int) -> bytes:
        block = self._blocks.get(number)
        if block is None:
            if len(self._blocks) >= BLOCKS_AT_MOST:
                self._blocks.clear()
            block = self._blocks[number] = self._read(number * BLOCK_BYTES, BLOCK_BYTES)
        return block


def newest_first(files: Sequence[JournalFile], kernel_only: bool = False, until: float = math.inf) -> Iterator[Entry]:
    """The entries of several files in one stream, the newest first; a file is read when its time has come."""
    heap: list[tuple[float, int, Iterator[Entry], Entry | None]] = [
        (-file.newest_at, number, file.newest_first(kernel_only, until), None) for number, file in enumerate(files)
    ]
    heapq.heapify(heap)
    while heap:
        _, number, entries, entry = heap[0]
        if entry is not None:
            yield entry
        following = next(entries, None)
        if following is None:
            heapq.heappop(heap)
        else:
            heapq.heapreplace(heap, (-(following.at or 0.0), number, entries, following))
