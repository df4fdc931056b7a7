"""A tar archive, member by member: the forms that tar and Python write (ustar, pax, GNU), nothing else believed.

Source: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended Header"; GNU tar manual, "Basic Tar Format".
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import NamedTuple

from caseprobe.errors import Corrupt
from caseprobe.imported.limits import ImportLimits
from caseprobe.imported.unpacked import Ended, Unpacked

BLOCK = 512
EMPTY = bytes(BLOCK)
FILE, FOLDER, LINK, HARD_LINK, OTHER = "file", "folder", "link", "hard link", "other"
KINDS = {b"0": FILE, b"\0": FILE, b"7": FILE, b"5": FOLDER, b"2": LINK, b"1": HARD_LINK}
PAX, PAX_GLOBAL, LONG_NAME, LONG_TARGET = b"x", b"g", b"L", b"K"
PAX_USED = (b"path", b"linkpath", b"size", b"mtime")
CHUNK_BYTES = 64 << 10
# In seconds: no file is older than the epoch, none is from after the year 9999.
LATEST = 253_402_300_799.0


class Member(NamedTuple):
    """One member as its headers say; target: of a link, as written."""

    name: str
    kind: str
    size_bytes: int
    target: str
    modified_seconds: float


class TarReader:
    """Members in their order; the content of the one that was just given can be read until the next is asked for.

    damage: why the reading ended before the archive's own end; empty where it did not.
    """

    def __init__(self, stream: Unpacked, limits: ImportLimits) -> None:
        """stream: at the first header."""
        self._stream = stream
        self._limits = limits
        self._rest = 0
        self.damage = ""
        self.members_total = 0

    def __iter__(self) -> Iterator[Member]:
        """Raises Corrupt for what is no tar archive, or one that breaks a limit that refuses it."""
        try:
            while (member := self._next()) is not None:
                yield member
        except Ended as error:
            self.damage = str(error) or "the file is cut"
            if not self.members_total:
                raise Corrupt("the archive is cut before its first member; ask for it again") from None

    def chunks(self) -> Iterator[bytes]:
        """What is left of this member's content; raises Ended where the archive is cut in it."""
        while (left := self._rest) > 0:
            padding = -left % BLOCK if left <= CHUNK_BYTES else 0
            data = self._stream.read(min(left, CHUNK_BYTES) + padding)
            self._rest = left - min(left, CHUNK_BYTES)
            yield data[:left]

    def _next(self) -> Member | None:
        """The next member; None at the archive's end."""
        told: dict[str, str] = {}
        while True:
            self._stream.skip(self._rest + -self._rest % BLOCK)
            self._rest = 0
            block = self._stream.read(BLOCK)
            if block == EMPTY:
                return None
            self.members_total += 1
            if self.members_total > self._limits.members:
                raise Ended(f"only its first {self._limits.members} members were read")
            size = _checked_size(block, self.members_total == 1)
            kind = block[156:157]
            if kind in (PAX, PAX_GLOBAL, LONG_NAME, LONG_TARGET):
                self._note(kind, size, told)
                continue
            return self._member(block, kind, size, told)

    def _note(self, kind: bytes, size: int, told: dict[str, str]) -> None:
        """Take in a header that speaks of the next one; what speaks of all that follow is passed over."""
        if size > self._limits.header_bytes:
            raise Corrupt(f"a header of the archive has {size} bytes, more than any name needs; it was not read")
        data = self._stream.read(size + -size % BLOCK)[:size]
        if kind == PAX:
            told.update(_records(data))
        elif kind == LONG_NAME:
            told["path"] = _text(data)
        elif kind == LONG_TARGET:
            told["linkpath"] = _text(data)

    def _member(self, block: bytes, kind: bytes, size: int, told: dict[str, str]) -> Member:
        name = _text(block[:100])
        if block[257:263] == b"ustar\0" and block[345]:
            name = f"{_text(block[345:500])}/{name}"
        meant = KINDS.get(kind, OTHER)
        if told.get("size", "").isdecimal():
            size = int(told["size"][:20])
        # A link's size says nothing of what follows it.
        self._rest = size if meant in (FILE, OTHER) else 0
        target = told.get("linkpath") or _text(block[157:257])
        return Member(told.get("path") or name, meant, self._rest, target, _moment(told.get("mtime"), block[136:148]))


def _checked_size(block: bytes, first: bool) -> int:
    """The size in a header whose checksum fits; Corrupt otherwise."""
    try:
        # The sum of all bytes, with blanks for the checksum itself; Adler-32 holds it (and 1) modulo 65521.
        told = int(block[148:156].rstrip(b"\0 ") or b"0", 8)
        fits = (told + 1) % 65521 == zlib.adler32(b"%b        %b" % (block[:148], block[156:])) & 0xFFFF
        size = _number(block[124:136])
    except ValueError:
        fits, size = False, 0
    if not fits or size < 0:
        if first:
            raise Corrupt("it is no tar archive and no report of mtr or smartctl in JSON: give the file as it was made")
        raise Corrupt("the archive is damaged: a header of it is none; ask for it again")
    return size


def _number(field: bytes) -> int:
    """Octal digits, or (GNU) a big-endian number behind a first bit."""
    if field[0] & 0x80:
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:]) if field[0] == 0x80 else -1
    return int(field.rstrip(b"\0 ").lstrip(b" ") or b"0", 8)


def _moment(told: str | None, field: bytes) -> float:
    """When it was last written; 0 where that makes no sense."""
    try:
        seconds = float(told) if told is not None else float(_number(field))
    except (ValueError, OverflowError):
        return 0.0
    return seconds if 0.0 <= seconds <= LATEST else 0.0


def _records(data: bytes) -> Iterator[tuple[str, str]]:
    """What is used of a pax header: "LENGTH NAME=VALUE" and a line feed, each as long as it says."""
    at = 0
    while at < len(data):
        digits, _, _ = data[at : at + 20].partition(b" ")
        length = int(digits) if digits.isdigit() else 0
        if not len(digits) + 2 < length <= len(data) - at:
            raise Corrupt("the archive is damaged: a pax header of it is none; ask for it again")
        name, _, value = data[at + len(digits) + 1 : at + length - 1].partition(b"=")
        if name in PAX_USED:
            yield _text(name), _text(value)
        at += length


def _text(data: bytes) -> str:
    return data.partition(b"\0")[0].decode("utf-8", "replace")
