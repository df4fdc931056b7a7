"""Reads a bundle that anyone may have made: nothing is extracted, every size is checked before memory is taken.

Members are found from front to back by their local headers, so a file that was cut anywhere gives all that was
finished. Where there is a central directory it must say the same; desktop programs go by it.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from hashlib import sha256
from typing import IO

from caseprobe.bundle.layout import (
    CENTRAL_MAGIC,
    DEFLATED,
    LOCAL,
    LOCAL_BYTES,
    LOCAL_MAGIC,
    LONGEST_NAME,
    PART_BYTES,
    STORED,
    Entry,
    directory_end,
    name_fault,
    whole_name,
)
from caseprobe.bundle.manifest import Manifest, Verification, manifest_from_json, sentence, signature_fits
from caseprobe.bundle.snapshot_json import snapshot_from_json
from caseprobe.errors import Corrupt, NotFound
from caseprobe.v1.snapshot_pb2 import Snapshot

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class ReadLimits:
    """What a reader accepts; total_bytes and ratio are of the unpacked content."""

    members: int = 10_000
    total_bytes: int = 512 << 20
    ratio: float = 200.0
    # Small files may be packed more tightly: 1 MiB of zeros does no harm.
    ratio_from_bytes: int = 32 << 20
    whole_bytes: int = 64 << 20


class BundleReader:
    """A bundle on a stream that can seek.

    complete: the file has its manifest and directory. damage: what is wrong with the rest of the file where reading
    had to stop early; empty where it ended properly or was just cut.
    """

    def __init__(self, stream: IO[bytes], limits: ReadLimits | None = None) -> None:
        """Looks at all headers; Corrupt where it is no bundle, or one that no caseprobe would write."""
        self._stream = stream
        self._limits = limits or ReadLimits()
        self._members: dict[str, Entry] = {}
        # By the name that its parts share.
        self._whole: dict[str, list[Entry]] = {}
        self._folded: set[str] = set()
        self._total_bytes = self._packed_bytes = 0
        self.damage = ""
        self._end = stream.seek(0, 2)
        at = self._scan()
        self.complete = not self.damage and MANIFEST in self._members and self._directory_agrees(at)

    def names(self) -> tuple[str, ...]:
        """The members in their order; one that is stored in parts is named once."""
        return tuple(self._whole)

    def size_bytes(self, name: str) -> int:
        """The unpacked size of a member, all parts together."""
        return sum(part.size_bytes for part in self._parts(name))

    def read(self, name: str) -> bytes:
        """A member's bytes, all parts together.

        Raises NotFound, and Corrupt where they are not what the header says or are more than may be read at once.
        """
        parts = self._parts(name)
        if sum(part.size_bytes for part in parts) > self._limits.whole_bytes:
            raise Corrupt(f"{name} is larger than {self._limits.whole_bytes >> 20} MiB; read it in parts")
        return b"".join(map(self._read_member, parts))

    def snapshot(self) -> Snapshot:
        """The snapshot in the bundle."""
        return snapshot_from_json(self.read("snapshot.json"))

    def manifest(self) -> Manifest:
        """What the file says of itself; proves nothing before verify(). Raises NotFound where it was cut."""
        return manifest_from_json(self.read(MANIFEST))

    def verify(self) -> Verification:
        """Reads everything and compares it with the manifest and its signature; says in words what that proves."""
        if self.damage:
            text = f"Damaged: {self.damage}. The members before that can be read, but nothing proves them."
            return Verification(False, False, "none", "", text)
        if not self.complete:
            return Verification(False, False, "none", "", sentence(False, "", "none", ""))
        manifest = self.manifest()
        wrong = self._difference(manifest)
        kind, key_id = manifest.signature.key_kind, manifest.signature.key_id
        signed_by = kind if kind == "none" or signature_fits(manifest) else "invalid"
        return Verification(True, not wrong, signed_by, key_id, sentence(True, wrong, signed_by, key_id))

    def _difference(self, manifest: Manifest) -> str:
        """The first thing in the file that is not as the manifest says; empty where all is."""
        names = [name for name in self._members if name != MANIFEST]
        if set(names) != set(manifest.members):
            odd = sorted(set(names) ^ set(manifest.members))[0]
            return f"{odd} is " + ("missing" if odd in manifest.members else "not in the manifest")
        for name in names:
            try:
                digest = sha256(self._read_member(self._members[name])).digest()
            except Corrupt:
                return f"{name} cannot be unpacked"
            if digest != manifest.members[name]:
                return f"{name} has another hash than the manifest says"
        return ""

    def _parts(self, name: str) -> list[Entry]:
        """The member, or the members that are its parts in order; NotFound where there is none."""
        if name in self._members:
            return [self._members[name]]
        parts = {whole_name(part.name)[1]: part for part in self._whole.get(name, ())}
        if not parts or sorted(parts) != list(range(1, len(parts) + 1)):
            raise NotFound(f"the bundle has no whole member {name}")
        return [parts[number] for number in sorted(parts)]

    def _scan(self) -> int:
        """Takes in local headers up to the directory, the cut or the damage; gives where that is."""
        at = 0
        while self._end - at >= LOCAL_BYTES:
            header = self._bytes(at, LOCAL_BYTES)
            if header[:4] != LOCAL_MAGIC:
                self._other(at, header[:4])
                break
            member = self._member(at, header)
            if member is None or member.data_offset + member.packed_bytes > self._end:
                return at
            self._take(member)
            at = member.data_offset + member.packed_bytes
        if not self._members:
            raise Corrupt("this is not a caseprobe bundle, or nothing of it was finished: give the file as it was made")
        return at

    def _other(self, at: int, magic: bytes) -> None:
        """Notes where what follows the members is no directory."""
        if magic != CENTRAL_MAGIC:
            self.damage = f"nothing that caseprobe writes follows from byte {at} on"

    def _member(self, at: int, header: bytes) -> Entry | None:
        """The entry at an offset; None where its header was cut; Corrupt where it is nothing that we write."""
        _, _, flags, method, _, _, crc, packed, size, name_length, _ = struct.unpack(LOCAL, header)
        if flags & 0x1:
            raise Corrupt("the bundle has an encrypted member, which caseprobe never writes; do not open it")
        if at + LOCAL_BYTES + name_length > self._end:
            return None
        name = self._bytes(at + LOCAL_BYTES, min(name_length, 4 * LONGEST_NAME)).decode("utf-8", "replace")
        if fault := name_fault(name):
            raise Corrupt(f"a member's name {fault}; such an archive is not read")
        member = Entry(name, method, crc, packed, size, at)
        if method not in (STORED, DEFLATED) or member.local_header()[:LOCAL_BYTES] != header:
            raise Corrupt("the archive was packed by another program; ask for the bundle as caseprobe wrote it")
        return member

    def _take(self, member: Entry) -> None:
        """Adds a member; Corrupt where that breaks a limit."""
        self._total_bytes += member.size_bytes
        self._packed_bytes += member.packed_bytes
        self._folded.add(member.name.lower())
        if len(self._folded) <= len(self._members):
            raise Corrupt("the archive has two members of one name; such an archive is not read")
        self._members[member.name] = member
        self._whole.setdefault(whole_name(member.name)[0], []).append(member)
        bomb = self._total_bytes > max(self._limits.ratio * self._packed_bytes, self._limits.ratio_from_bytes)
        if member.size_bytes > PART_BYTES or self._total_bytes > self._limits.total_bytes or bomb:
            raise Corrupt("the archive would unpack to more than any bundle; it was not unpacked")
        if len(self._members) > self._limits.members:
            raise Corrupt(f"the archive has more than {self._limits.members} members; it was not read")

    def _directory_agrees(self, at: int) -> bool:
        """Whether the directory follows and says what the local headers say; otherwise damage tells."""
        entries = list(self._members.values())
        expected = b"".join(member.directory_entry() for member in entries)
        expected += directory_end(entries, len(expected), at)
        found = self._bytes(at, len(expected) + 1)
        if found == expected:
            return True
        if not expected.startswith(found):
            self.damage = "its directory says something else than its members"
        return False

    def _read_member(self, member: Entry) -> bytes:
        """One entry, unpacked to exactly the size and checksum of its header, or Corrupt."""
        packed = self._bytes(member.data_offset, member.packed_bytes)
        data = packed if member.method == STORED else _inflate(packed, member.size_bytes)
        if data is None or len(data) != member.size_bytes or zlib.crc32(data) != member.crc:
            raise Corrupt(f"{member.name} is damaged: its content is not what its header says; ask for the file again")
        return data

    def _bytes(self, at: int, length: int) -> bytes:
        self._stream.seek(at)
        return self._stream.read(length)


def _inflate(packed: bytes, size_bytes: int) -> bytes | None:
    """Deflated bytes, never more than one over the announced size; None where they are no deflate stream."""
    unpacker = zlib.decompressobj(-15)
    try:
        data = unpacker.decompress(packed, size_bytes + 1)
    except zlib.error:
        return None
    return data if unpacker.eof and not unpacker.unused_data else None
