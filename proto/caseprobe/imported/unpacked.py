"""The bytes under gzip, xz or bzip2, or as they are: in order, bounded, never more in memory than asked for."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import IO

from caseprobe.errors import Corrupt
from caseprobe.imported.limits import ImportLimits

PART_BYTES = 64 << 10
GZIP, XZ, BZIP2 = b"\x1f\x8b", b"\xfd7zXZ\x00", b"BZh"


class Ended(Exception):
    """There are no more bytes; the text says why where this is not the file's own end."""


class Unpacked:
    """A stream that is read from front to back."""

    def __init__(self, stream: IO[bytes], limits: ImportLimits) -> None:
        """stream: at its start; what it is packed with is told by its first bytes."""
        self._stream = stream
        self._limits = limits
        self._packed_bytes = self._unpacked_bytes = 0
        self._left = b""
        first = self._packed(PART_BYTES)
        self._parts = self._opened(first)

    def read(self, size: int) -> bytes:
        """Exactly so many bytes; raises Ended where there are fewer, Corrupt for a bomb or a damaged stream."""
        if len(self._left) < size:
            self._fill(size)
        data, self._left = self._left[:size], self._left[size:]
        return data

    def skip(self, size: int) -> None:
        """Pass over so many bytes; raises as read does."""
        while size > len(self._left):
            size -= len(self._left)
            self._left = b""
            self._left = self._next()
        self._left = self._left[size:]

    def _fill(self, size: int) -> None:
        parts, have = [self._left], len(self._left)
        while have < size:
            part = self._next()
            parts.append(part)
            have += len(part)
        self._left = b"".join(parts)

    def _next(self) -> bytes:
        try:
            part = next(self._parts)
        except StopIteration:
            raise Ended("") from None
        except (lzma.LZMAError, zlib.error, OSError, EOFError) as error:
            raise Corrupt(f"the archive cannot be unpacked: {_why(error)}; ask for it again") from None
        self._unpacked_bytes += len(part)
        limits = self._limits
        if self._unpacked_bytes > max(limits.ratio_from_bytes, limits.ratio * self._packed_bytes):
            raise Corrupt("the archive would unpack to far more than any archive of this kind; it was not read")
        if self._unpacked_bytes > limits.unpacked_bytes:
            raise Ended(f"only the first {limits.unpacked_bytes >> 20} MiB of its content were read")
        return part

    def _packed(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._packed_bytes += len(data)
        if self._packed_bytes > self._limits.packed_bytes:
            raise Ended(f"only the first {self._limits.packed_bytes >> 20} MiB of the file were read")
        return data

    def _opened(self, first: bytes) -> Iterator[bytes]:
        if first.startswith(GZIP):
            return self._inflated(first)
        if first.startswith(XZ):
            xz = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=self._limits.xz_memory_bytes)
            return self._fed(first, xz.decompress, lambda: xz.needs_input, lambda: xz.eof)
        if first.startswith(BZIP2):
            bzip2 = bz2.BZ2Decompressor()
            return self._fed(first, bzip2.decompress, lambda: bzip2.needs_input, lambda: bzip2.eof)
        return self._plain(first)

    def _plain(self, data: bytes) -> Iterator[bytes]:
        while data:
            yield data
            data = self._packed(PART_BYTES)

    def _inflated(self, data: bytes) -> Iterator[bytes]:
        unpacker = zlib.decompressobj(31)
        while not unpacker.eof:
            if not data:
                raise Ended("the file is cut")
            if part := unpacker.decompress(data, PART_BYTES):
                yield part
            data = unpacker.unconsumed_tail or self._packed(PART_BYTES)

    def _fed(
        self, data: bytes, unpack: Callable[[bytes, int], bytes], hungry: Callable[[], bool], ended: Callable[[], bool]
    ) -> Iterator[bytes]:
        """For unpackers that keep what they have not used yet."""
        while not ended():
            if hungry() and not data:
                raise Ended("the file is cut")
            if part := unpack(data, PART_BYTES):
                yield part
            data = self._packed(PART_BYTES) if hungry() and not ended() else b""


def _why(error: Exception) -> str:
    text = str(error).rstrip(".").lower() or "it is damaged"
    return "its xz dictionary is larger than is read here (repack it with xz -6)" if "memory" in text else text
