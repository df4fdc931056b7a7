"""The parts of the ZIP format that a bundle uses, and the rules for its names.

Source: PKWARE APPNOTE 6.3.10, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (its end).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass

LOCAL_MAGIC, CENTRAL_MAGIC, END_MAGIC = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
# magic, version, flags, method, time, date, crc, packed, size, name length, extra length
LOCAL = "<4s5H3L2H"
# magic, made by, then as above, comment length, disk, inner attributes, outer attributes, offset
CENTRAL = "<4s6H3L5H2L"
# magic, disk, disk of directory, entries here, entries, directory bytes, its offset, comment length
END = "<4s4H2LH"
LOCAL_BYTES, CENTRAL_BYTES, END_BYTES = 30, 46, 22
VERSION_NEEDED = 20
MADE_BY_UNIX = 3 << 8
REGULAR_FILE = 0o100600 << 16
# Fixed, so that the same content makes the same file and no clock leaks: 1980-01-01, the first day ZIP knows.
DOS_TIME, DOS_DATE = 0, 1 << 5 | 1
STORED, DEFLATED = 0, 8
# Small enough to be deflated in memory and sent in one go.
PART_BYTES = 4 << 20
LONGEST_NAME = 200
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+@-]*(?:/[A-Za-z0-9_][A-Za-z0-9._+@-]*)*")
PART = re.compile(r"(.+)\.part-([0-9]{4})")
# What Windows takes for a device, whatever the ending.
DEVICES = re.compile(r"(?i)(?:^|/)(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|/|$)")


@dataclass(frozen=True)
class Entry:
    """One entry of the ZIP: what its local header says, and where that stands in the file."""

    name: str
    method: int
    crc: int
    packed_bytes: int
    size_bytes: int
    header_offset: int

    @property
    def data_offset(self) -> int:
        """Where the packed bytes begin."""
        return self.header_offset + LOCAL_BYTES + len(self.name)

    def local_header(self) -> bytes:
        """The header before the data. A reader takes no other one for this entry: each byte of a bundle is fixed."""
        return struct.pack(LOCAL, LOCAL_MAGIC, *self._shared()) + self.name.encode("ascii")

    def directory_entry(self) -> bytes:
        """The entry in the directory at the end; a reader takes no other one here, either."""
        outer = (0, 0, 0, REGULAR_FILE, self.header_offset)
        made_by = VERSION_NEEDED | MADE_BY_UNIX
        return struct.pack(CENTRAL, CENTRAL_MAGIC, made_by, *self._shared(), *outer) + self.name.encode("ascii")

    def _shared(self) -> tuple[int, ...]:
        sizes = (self.crc, self.packed_bytes, self.size_bytes, len(self.name), 0)
        return (VERSION_NEEDED, 0, self.method, DOS_TIME, DOS_DATE, *sizes)


def directory_end(entries: Sequence[Entry], directory_bytes: int, offset: int) -> bytes:
    """The record that ends the file."""
    total = len(entries)
    return struct.pack(END, END_MAGIC, 0, 0, total, total, directory_bytes, offset, 0)


def name_fault(name: str) -> str:
    """Why a name may not stand in a bundle; empty where it may. Every part starts with a letter, digit or "_".

    >>> name_fault("artifacts/kernel.log"), name_fault("../x")
    ('', 'is not a plain relative path')
    """
    if len(name) > LONGEST_NAME:
        return "is too long"
    if not NAME.fullmatch(name) or ".." in name or DEVICES.search(name) or name.endswith("."):
        return "is not a plain relative path"
    return ""


def part_name(name: str, number: int) -> str:
    """The name of one part of a member that is over 4 MiB.

    >>> part_name("artifacts/syslog", 2)
    'artifacts/syslog.part-0002'
    """
    return f"{name}.part-{number:04d}"


def whole_name(name: str) -> tuple[str, int]:
    """The member that a part belongs to and its number, which is 0 where the name is no part's.

    >>> whole_name("artifacts/syslog.part-0002"), whole_name("report.html")
    (('artifacts/syslog', 2), ('report.html', 0))
    """
    found = PART.fullmatch(name)
    return (found[1], int(found[2])) if found else (name, 0)
