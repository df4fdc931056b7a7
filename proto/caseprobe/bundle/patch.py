"""A bundle in terms of an earlier one, and back: what the receiver has is named, what is new is sent.

Why a patch never makes a wrong bundle: what it makes must have the SHA-256 that its owner agreed to send, as a file
that was sent whole must. Whatever else is wrong with it (another base, another way of packing, hostile bytes) is
Corrupt, and the file is sent whole.
"""

from __future__ import annotations

import io
import zlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from google.protobuf.message import DecodeError

from caseprobe.bundle.pieces import (
    HASH_BYTES,
    LARGEST_MEMBER_BYTES,
    LARGEST_TOTAL_BYTES,
    MOST_ENDS,
    ends,
    hashes,
    pieces,
    too_large,
)
from caseprobe.bundle.reader import BundleReader
from caseprobe.bundle.writer import BundleWriter
from caseprobe.errors import Corrupt, TooLarge, UsageError
from caseprobe.v1.bundle_pb2 import BundlePatch, BundleSketch, PatchBody, PatchMember

# Naming a shorter stretch costs more than sending it.
SHORTEST_BYTES = 24
# Unpacked; a message of nothing but steps takes eight times its bytes.
LARGEST_BODY_BYTES = 8 << 20
# As many members as a reader takes; an empty one takes thirty times its bytes once it is parsed.
MOST_FIELDS = 10_000
MEMBER_TAG, LITERALS_TAG = 0x0A, 0x12


def make_patch(base: BundleSketch, reader: BundleReader, sha256: bytes) -> bytes | None:
    """How to make the bundle of this hash from the one that was sketched; None where it saves nothing worth having."""
    if too_large(reader):
        return None
    known = {member.name: _keys(member.pieces) for member in base.members}
    body, literals = PatchBody(), bytearray()
    for name in reader.names():
        found = list(hashes(name, reader.read(name)))
        body.members.add(name=name, steps=_steps(found, known.get(name, []), literals))
    body.literals = bytes(literals)
    content = body.SerializeToString()
    if len(content) > LARGEST_BODY_BYTES:
        return None
    return BundlePatch(base_sha256=base.sha256, sha256=sha256, body=zlib.compress(content, 9)).SerializeToString()


def read_patch(content: bytes) -> BundlePatch:
    """The patch in these bytes; raises Corrupt."""
    try:
        return BundlePatch.FromString(content)
    except DecodeError:
        raise Corrupt("what came is no patch of a bundle; the bundle must be sent whole") from None


def apply_patch(base: BundleReader, patch: BundlePatch, stream: BinaryIO) -> None:
    """Write the bundle that a patch makes of its base; raises Corrupt where that is not the one that it names."""
    try:
        digest = _written(base, _body(patch), stream)
    except (UsageError, TooLarge):
        digest = b""
    if digest != patch.sha256:
        raise Corrupt("the patch does not make the bundle that it names; the bundle must be sent whole")


def _written(base: BundleReader, body: PatchBody, stream: BinaryIO) -> bytes:
    """The SHA-256 of what was written. No name comes twice, so no member of the base is read twice."""
    writer, literals, total = BundleWriter(stream), io.BytesIO(body.literals), 0
    if too_large(base):
        raise Corrupt("the earlier bundle is too large to make another from it; the bundle must be sent whole")
    names, left = frozenset(base.names()), MOST_ENDS
    for member in body.members:
        old = base.read(member.name) if member.name in names else b""
        left -= ends(old)
        if left < 0:
            raise Corrupt("the earlier bundle is in too many pieces; the bundle must be sent whole")
        data = _made(member, list(pieces(member.name, old)), literals)
        total += len(data)
        if total > LARGEST_TOTAL_BYTES:
            raise Corrupt("the patch makes more than any bundle that is sent so; the bundle must be sent whole")
        writer.add(member.name, data)
    return writer.end()


def _made(member: PatchMember, old: Sequence[bytes], literals: io.BytesIO) -> bytes:
    """A member by its steps."""
    made, at = bytearray(), 0
    for new, passed, count in _threes(member.steps):
        at += passed
        if new < 0 or count < 0 or not 0 <= at <= at + count <= len(old):
            raise Corrupt("the patch names what its base does not have; the bundle must be sent whole")
        made += literals.read(new)
        made += b"".join(old[at : at + count])
        at += count
        if len(made) > LARGEST_MEMBER_BYTES:
            raise Corrupt("the patch makes a member larger than any that is sent so; the bundle must be sent whole")
    return bytes(made)


def _steps(found: Sequence[tuple[bytes, bytes]], base: Sequence[bytes], literals: bytearray) -> list[int]:
    """How to make a member of these pieces (hash and bytes) from a base of these hashes; what is new goes to literals.

    Of several places of a piece the next one is taken: members keep their order.
    """
    places: dict[bytes, list[int]] = {}
    for place, key in enumerate(base):
        places.setdefault(key, []).append(place)
    steps: list[int] = []
    index = at = new_bytes = 0
    while index < len(found):
        place = _next_place(places.get(found[index][0], ()), at)
        count = _stretch(found, index, base, place)
        if sum(len(piece) for _, piece in found[index : index + min(count, SHORTEST_BYTES)]) < SHORTEST_BYTES:
            literals += found[index][1]
            new_bytes += len(found[index][1])
            index += 1
            continue
        steps += (new_bytes, place - at, count)
        at, index, new_bytes = place + count, index + count, 0
    return [*steps, new_bytes, 0, 0] if new_bytes else steps


def _next_place(places: Sequence[int], at: int) -> int:
    """The first place from here on, else the first of all; below zero where there is none."""
    if not places:
        return -1
    number = bisect_left(places, at)
    return places[number] if number < len(places) else places[0]


def _stretch(found: Sequence[tuple[bytes, bytes]], index: int, base: Sequence[bytes], place: int) -> int:
    """How many pieces from here on are those of the base from its place on."""
    count = 0
    while place >= 0 and place + count < len(base) and index + count < len(found):
        if base[place + count] != found[index + count][0]:
            break
        count += 1
    return count


def _body(patch: BundlePatch) -> PatchBody:
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(patch.body, LARGEST_BODY_BYTES + 1)
        if len(content) <= LARGEST_BODY_BYTES and unpacker.eof and _few_fields(content):
            return PatchBody.FromString(content)
    except (zlib.error, DecodeError):
        pass
    raise Corrupt("what came is no patch of a bundle; the bundle must be sent whole")


def _few_fields(content: bytes) -> bool:
    """Whether a body has no other fields than ours, and not too many: looked at before any of them takes memory."""
    at = count = 0
    while at < len(content):
        count += 1
        if count > MOST_FIELDS or content[at] not in (MEMBER_TAG, LITERALS_TAG):
            return False
        at = _end_of_field(content, at + 1)
    return True


def _end_of_field(content: bytes, at: int) -> int:
    """Where the field ends whose length stands here, in groups of seven bits, the lowest first."""
    size = 0
    for number, byte in enumerate(content[at : at + 5]):
        size |= (byte & 0x7F) << 7 * number
        if byte < 0x80:
            return at + number + 1 + size
    raise Corrupt("what came is no patch of a bundle; the bundle must be sent whole")


def _keys(packed: bytes) -> list[bytes]:
    return [packed[start : start + HASH_BYTES] for start in range(0, len(packed), HASH_BYTES)]


def _threes(steps: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    if len(steps) % 3:
        raise Corrupt("the steps of the patch are cut; the bundle must be sent whole")
    return zip(steps[0::3], steps[1::3], steps[2::3], strict=True)
