"""What the journal compresses, unpacked up to a limit: hostile input costs no more memory than asked for."""

from __future__ import annotations

import io
import lzma

XZ, LZ4, ZSTD = 1, 2, 4
MEMORY_BYTES = 64 << 20


def unpack(kind: int, packed: bytes, limit_bytes: int) -> bytes:
    """The first limit_bytes of what was packed (kind: XZ, LZ4 or ZSTD); raises ValueError where it is damaged."""
    try:
        if kind == ZSTD:
            return _zstd(packed, limit_bytes)
        if kind == LZ4:
            return _lz4(packed[8:], limit_bytes)  # the journal writes the size before it, which we need not trust
        if kind == XZ:
            unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY_BYTES)
            return unpacker.decompress(packed, limit_bytes)
    except lzma.LZMAError as error:
        raise ValueError(f"damaged xz data: {error}") from error
    raise ValueError("packed in a way that this version does not know")


def _zstd(packed: bytes, limit_bytes: int) -> bytes:
    import zstandard  # only where a journal holds long messages

    try:
        unpacker = zstandard.ZstdDecompressor(max_window_size=MEMORY_BYTES)
        with unpacker.stream_reader(io.BytesIO(packed)) as stream:
            return stream.read(limit_bytes)
    except zstandard.ZstdError as error:
        raise ValueError(f"damaged zstd data: {error}") from error


def _lz4(packed: bytes, limit_bytes: int) -> bytes:
    """One block (LZ4 block format: github.com/lz4/lz4, doc/lz4_Block_format.md).

    >>> _lz4(bytes([0x35]) + b"abc" + bytes([3, 0]) + bytes([0x10]) + b"!", 99)
    b'abcabcabcabc!'
    """
    out, place = bytearray(), 0
    while place < len(packed) and len(out) < limit_bytes:
        token = packed[place]
        length, place = _length(packed, place + 1, token >> 4)
        out += packed[place : place + length]
        place += length
        if place + 2 > len(packed):
            break
        back = packed[place] | packed[place + 1] << 8
        length, place = _length(packed, place + 2, token & 15)
        _copy(out, back, min(length + 4, limit_bytes))
    return bytes(out[:limit_bytes])


def _length(packed: bytes, place: int, length: int) -> tuple[int, int]:
    """A length that goes on in further bytes where it is 15, and the place behind it."""
    if length < 15:
        return length, place
    while place < len(packed):
        more = packed[place]
        place += 1
        length += more
        if more < 255:
            return length, place
    raise ValueError("damaged lz4 data: it ends within a length")


def _copy(out: bytearray, back: int, length: int) -> None:
    """Append what stands so far back; where that is nearer than it is long, it repeats."""
    if not 0 < back <= len(out):
        raise ValueError("damaged lz4 data: it points before its beginning")
    piece = bytes(out[-back:])
    out += (piece * (length // back + 1))[:length]
