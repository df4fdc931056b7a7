"""Packed files as a stream: what comes out is handed on in parts, however much a small file may hold."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from caseprobe.errors import MeasurementError

ENDINGS = (".gz", ".xz", ".bz2", ".zst")
PART_BYTES = 1 << 20
PACKED_BYTES = 1 << 16
MEMORY_BYTES = 32 << 20
Read = Callable[[int, int], bytes]


def unpacked(read: Read, path: str) -> Iterator[bytes]:
    """What a file holds, packed as its name says, in parts of at most 1 MiB.

    Raises MeasurementError where it is damaged, after what came out before that.
    """
    if path.endswith(".zst"):
        yield from _zstd(read, path)
        return
    parts = _zlib(read) if path.endswith(".gz") else _streamed(read, path)
    try:
        yield from parts
    except (zlib.error, lzma.LZMAError, OSError, EOFError) as error:
        raise MeasurementError(f"{path} is damaged or was cut: {error}") from error


def _zlib(read: Read) -> Iterator[bytes]:
    """Several packed files one behind the other are one."""
    stream, begun = zlib.decompressobj(31), False
    for part in _packed(read):
        while part:
            begun = True
            yield stream.decompress(part, PART_BYTES)
            part = stream.unconsumed_tail
            if stream.eof:
                part, stream, begun = stream.unused_data, zlib.decompressobj(31), False
    if begun:
        raise EOFError("it ends before its end")


def _streamed(read: Read, path: str) -> Iterator[bytes]:
    stream: lzma.LZMADecompressor | bz2.BZ2Decompressor = bz2.BZ2Decompressor()
    if path.endswith(".xz"):
        stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY_BYTES)
    for part in _packed(read):
        yield stream.decompress(part, PART_BYTES)
        while not stream.eof and not stream.needs_input:
            yield stream.decompress(b"", PART_BYTES)
        if stream.eof:
            return
    raise EOFError("it ends before its end")


def _zstd(read: Read, path: str) -> Iterator[bytes]:
    import zstandard  # only where a log is packed so

    source = io.BufferedReader(_Source(read))
    unpacker = zstandard.ZstdDecompressor(max_window_size=MEMORY_BYTES)
    try:
        with unpacker.stream_reader(source, read_across_frames=True) as stream:
            while part := stream.read(PART_BYTES):
                yield part
    except zstandard.ZstdError as error:
        raise MeasurementError(f"{path} is damaged or was cut: {error}") from error


class _Source(io.RawIOBase):
    """What is read at offsets, as a file."""

    def __init__(self, read: Read) -> None:
        self._read_at, self._place = read, 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """As files do."""
        data = self._read_at(self._place, len(buffer))
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)


def _packed(read: Read) -> Iterator[bytes]:
    offset = 0
    while part := read(offset, PACKED_BYTES):
        yield part
        offset += len(part)
