"""A file of fixed size that holds the newest samples: one write a sample, whatever happened before the next start.

A page says how the file is laid out, a table names the columns, records follow, each with its checksum: one that a
power cut tore is passed over. A record carries the boot and two clocks, so that a clock that is set wrong can be told.
"""

from __future__ import annotations

import math
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from caseprobe_agent.durable import sync_folder
from caseprobe_agent.history.figures import Key

NAME = "history.ring"
MAGIC = b"caseprobe ring 1"
# Magic, bytes of the file, seconds from one sample to the next; the checksum comes first everywhere.
HEADER = struct.Struct("<I16sQd")
HEADER_BYTES = 4096
COLUMNS = 246
COLUMN = struct.Struct("<I60s")
TABLE_BYTES = 16384
# Checksum, sequence from 1, wall's clock, clock of the boot, the boot's name in short; then a float for each column.
HEAD = struct.Struct("<I4xQdd8s")
VALUES = struct.Struct(f"<{COLUMNS}f")
RECORD_BYTES = HEAD.size + VALUES.size
BEGIN = HEADER_BYTES + TABLE_BYTES
SEQUENCE = struct.Struct(f"<8xQ{RECORD_BYTES - 16}x")
LEAST_BYTES = BEGIN + 64 * RECORD_BYTES
READ_AT_ONCE = 64
SEPARATOR = "\x1f"


Read = Callable[[int, int], bytes]


class Head(NamedTuple):
    """Which sample a record is of, and when it was taken: seconds since 1970, and since the boot of this name."""

    sequence: int
    wall_seconds: float
    boottime_seconds: float
    boot: bytes


class Layout(NamedTuple):
    """What the first page says."""

    capacity: int
    sample_seconds: float


class Ring:
    """The file, open for its one writer; raises OSError where it cannot be made or written."""

    def __init__(self, path: Path, size_bytes: int, sample_seconds: float) -> None:
        """Goes on where the last writer ended; what is of another size or form is begun anew."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            if not self._fits(size_bytes, sample_seconds):
                self._begin(path, size_bytes, sample_seconds)
            self._capacity = capacity_of(size_bytes)
            written = newest_first(self._read, self._capacity)
            self._sequence = next((head.sequence for _, head in written if head), 0)
            # By figure, its column, and the last sample that told it.
            self._columns = {key: (at, self._sequence) for at, key in columns(self._read).items()}
        except BaseException:
            os.close(self._file)
            raise

    def close(self) -> None:
        """Writes no more."""
        os.close(self._file)

    def append(self, wall_seconds: float, boottime_seconds: float, boot: bytes, values: Mapping[Key, float]) -> None:
        """Keep one sample in place of the oldest; figures that there is no column for are left out."""
        self._sequence += 1
        row = [math.nan] * COLUMNS
        for key, value in values.items():
            if (column := self._column(_fitted(key))) is not None:
                row[column] = value
        body = HEAD.pack(0, self._sequence, wall_seconds, boottime_seconds, boot[:8])[4:] + VALUES.pack(*row)
        os.pwrite(self._file, _sealed(body), _place(self._sequence, self._capacity))

    def _column(self, key: Key) -> int | None:
        column, last = self._columns.get(key, (None, 0))
        if column is None and (column := self._free_column()) is not None:
            text = SEPARATOR.join(key).encode().ljust(COLUMN.size - 4, b"\0")
            os.pwrite(self._file, _sealed(text), HEADER_BYTES + column * COLUMN.size)
        if column is not None and last != self._sequence:
            self._columns[key] = column, self._sequence
        return column

    def _free_column(self) -> int | None:
        """One that was never used, else one whose figure no record tells any more."""
        used = {column for column, _ in self._columns.values()}
        if len(used) < COLUMNS:
            return next(column for column in range(COLUMNS) if column not in used)
        key, (column, last) = min(self._columns.items(), key=lambda item: item[1][1])
        if self._sequence - last <= self._capacity:
            return None
        del self._columns[key]
        return column

    def _fits(self, size_bytes: int, sample_seconds: float) -> bool:
        try:
            layout = layout_of(self._read)
        except ValueError:
            return False
        same = layout == Layout(capacity_of(size_bytes), sample_seconds)
        return same and os.fstat(self._file).st_size == size_bytes

    def _begin(self, path: Path, size_bytes: int, sample_seconds: float) -> None:
        """An empty ring, all of whose room is taken at once: a disk that fills up later does not end it."""
        os.ftruncate(self._file, 0)
        try:
            os.posix_fallocate(self._file, 0, size_bytes)
        except OSError:
            # Where the disk is full nothing of it stays taken.
            os.ftruncate(self._file, 0)
            raise
        os.pwrite(self._file, _sealed(HEADER.pack(0, MAGIC, size_bytes, sample_seconds)[4:]), 0)
        os.fsync(self._file)
        sync_folder(path.parent)

    def _read(self, offset: int, size: int) -> bytes:
        return os.pread(self._file, size, offset)


def capacity_of(size_bytes: int) -> int:
    """How many samples a file of this size holds."""
    return (size_bytes - BEGIN) // RECORD_BYTES


def layout_of(read: Read) -> Layout:
    """How a ring is laid out. Raises ValueError where it is none of this form."""
    data = _whole(read(0, HEADER.size))
    if data is None or len(data) < HEADER.size:
        raise ValueError("it is no ring of this version's form")
    _, magic, size_bytes, sample_seconds = HEADER.unpack(data)
    if magic != MAGIC or not LEAST_BYTES <= size_bytes <= 1 << 32 or not 0 < sample_seconds < math.inf:
        raise ValueError("it is no ring of this version's form")
    return Layout(capacity_of(size_bytes), sample_seconds)


def columns(read: Read) -> dict[int, Key]:
    """Which figure stands in each column that is in use; one without a name where its entry is damaged."""
    table = read(HEADER_BYTES, COLUMNS * COLUMN.size)
    parts = (table[at : at + COLUMN.size] for at in range(0, len(table) - COLUMN.size + 1, COLUMN.size))
    return {column: _key(_whole(part), column) for column, part in enumerate(parts) if any(part)}


def _key(row: bytes | None, column: int) -> Key:
    name, _, obj = ("" if row is None else row[4:].rstrip(b"\0").decode("utf-8", "replace")).partition(SEPARATOR)
    return (name, obj) if name else ("", str(column))


def _fitted(key: Key) -> Key:
    """As it stands in the table, where long names are cut."""
    text = SEPARATOR.join(key).encode()[: COLUMN.size - 4].decode("utf-8", "ignore")
    name, _, obj = text.partition(SEPARATOR)
    return name, obj


def newest_first(read: Read, capacity: int) -> Iterator[tuple[int, Head | None]]:
    """Where each record stands that was ever written, and its head; None where its checksum is wrong."""
    found: list[tuple[int, int]] = []
    for first in range(0, capacity, READ_AT_ONCE):
        begin = BEGIN + first * RECORD_BYTES
        data = read(begin, min(READ_AT_ONCE, capacity - first) * RECORD_BYTES)
        told = SEQUENCE.iter_unpack(data[: len(data) // RECORD_BYTES * RECORD_BYTES])
        found += [(sequence, begin + at * RECORD_BYTES) for at, (sequence,) in enumerate(told) if sequence]
    for _, place in sorted(found, reverse=True):
        record = _whole(read(place, RECORD_BYTES))
        yield place, None if record is None else Head(*HEAD.unpack_from(record)[1:])


def _place(sequence: int, capacity: int) -> int:
    return BEGIN + (sequence - 1) % capacity * RECORD_BYTES


def _sealed(body: bytes) -> bytes:
    """With its checksum before it."""
    return zlib.crc32(body).to_bytes(4, "little") + body


def _whole(data: bytes) -> bytes | None:
    """What was sealed, with its checksum; None where it was not written whole."""
    return data if zlib.crc32(data[4:]).to_bytes(4, "little") == data[:4] else None
