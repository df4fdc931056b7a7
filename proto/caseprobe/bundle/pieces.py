"""A bundle's members cut into pieces by their content, so that two bundles of one machine have most of them in common.

Cut is what members say, not how they are packed: one changed byte changes all that follows it in a deflated member.
What is packed again from the same content is the same file only where both sides cut and pack alike; `packer` names
how, and the hash of the whole proves it.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterator
from functools import cache

from caseprobe.bundle.reader import BundleReader
from caseprobe.v1.bundle_pb2 import BundleSketch

# To be raised with every change of how members are cut.
CUT = 1
HASH_BYTES = 8
# Logs change at their ends: about so many lines share a piece, so that remembering them costs little.
LOG_LINES = 32
LONGEST_PIECE_BYTES = 16 << 10
# What is larger is sent whole: a member is taken apart in memory.
LARGEST_MEMBER_BYTES, LARGEST_TOTAL_BYTES = 16 << 20, 64 << 20
ARTIFACTS = "artifacts/"
# Of all members together: each costs a step and, where it is a piece's, some 40 bytes beside its own.
MOST_ENDS = 1 << 19
LINE_ENDS = re.compile(rb"\r\n?|\n")
ENDS = re.compile(rb"\n|</[a-z0-9]+>")


def pieces(name: str, data: bytes) -> Iterator[bytes]:
    """A member's bytes in pieces that end with a line or a closing tag, or where one is very long.

    >>> list(pieces("snapshot.json", b"{\\n 1\\n}")), list(pieces("report.html", b"<p>a</p><p>b</p>"))
    ([b'{\\n', b' 1\\n', b'}'], [b'<p>a</p>', b'<p>b</p>'])
    """
    for piece in _grouped(data) if name.startswith(ARTIFACTS) else _ended(data, ENDS):
        for start in range(0, len(piece), LONGEST_PIECE_BYTES):
            yield piece[start : start + LONGEST_PIECE_BYTES]


def hashes(name: str, data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each piece with its short hash: enough to find it, while the hash of the whole decides whether all is right."""
    return ((hashlib.blake2b(piece, digest_size=HASH_BYTES).digest(), piece) for piece in pieces(name, data))


def sketch_of(reader: BundleReader, sha256: bytes) -> BundleSketch | None:
    """What is remembered of a bundle; None where it is too large to be taken apart."""
    if too_large(reader):
        return None
    sketch, left = BundleSketch(sha256=sha256), MOST_ENDS
    for name in reader.names():
        data = reader.read(name)
        left -= ends(data)
        if left < 0:
            return None
        sketch.members.add(name=name, pieces=b"".join(key for key, _ in hashes(name, data)))
    return sketch


def ends(data: bytes) -> int:
    """No fewer than the lines and the pieces of a member, told without cutting it.

    >>> ends(b"<p>a</p>")
    2
    """
    return data.count(b"\n") + data.count(b"\r") + data.count(b"</") + len(data) // LONGEST_PIECE_BYTES + 1


def too_large(reader: BundleReader) -> bool:
    """Whether a bundle has a member, or all in all more, than is taken apart."""
    sizes = [reader.size_bytes(name) for name in reader.names()]
    return max(sizes) > LARGEST_MEMBER_BYTES or sum(sizes) > LARGEST_TOTAL_BYTES


@cache
def packer() -> bytes:
    """Names how this program cuts and packs: alike where two programs' libraries pack alike."""
    noise = hashlib.shake_128(b"caseprobe").hexdigest(4096)
    probe = "\n".join(noise[start : start + 64] for start in range(0, len(noise), 48)).encode()
    compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = compressor.compress(probe) + compressor.flush()
    return hashlib.blake2b(bytes([CUT]) + packed, digest_size=HASH_BYTES).digest()


def _ended(data: bytes, ends_of: re.Pattern[bytes]) -> Iterator[bytes]:
    """Each piece up to its end, and what is left."""
    begin = 0
    for end in ends_of.finditer(data):
        yield data[begin : end.end()]
        begin = end.end()
    if begin < len(data):
        yield data[begin:]


def _grouped(data: bytes) -> Iterator[bytes]:
    """Lines put together up to one that its own content makes the last, whatever stands before it."""
    group = bytearray()
    for line in _ended(data, LINE_ENDS):
        group += line
        if zlib.crc32(line) % LOG_LINES == 0:
            yield bytes(group)
            group.clear()
    if group:
        yield bytes(group)
