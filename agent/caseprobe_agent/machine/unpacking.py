"""Packed files as a stream: what comes out is handed on in parts, however much a small file may hold."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator

from caseprobe.errors import MeasurementError

ENDINGS = (".gz", ".xz", ".bz2")
PART_BYTES = 1 << 20
PACKED_BYTES = 1 << 16
MEMORY_BYTES = 32 << 20
Read = Callable[[int, int], bytes]


def unpacked(read: Read, path: str) -> Iterator[bytes]:
    """What a file holds, packed as its name says, in parts of at most 1 MiB.

    Raises MeasurementError where it is damaged, after what came out before that.
    """
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


def _packed(read: Read) -> Iterator[bytes]:
    offset = 0
    while part := read(offset, PACKED_BYTES):
        yield part
        offset += len(part)
