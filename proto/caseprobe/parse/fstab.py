"""/etc/fstab: what should be mounted where, and how."""

from __future__ import annotations

import re
from dataclasses import dataclass

# # <file system>  <mount point>  <type>  <options>          <dump>  <pass>
# UUID=3e6b…       /              ext4    errors=remount-ro  0       1
OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Entry:
    """One filesystem that the machine's owner wants mounted."""

    device: str
    mount_point: str
    type: str
    options: tuple[str, ...]

    @property
    def writable(self) -> bool:
        """True where it is meant to take writes."""
        return "ro" not in self.options


def parse_fstab(text: str) -> list[Entry]:
    """The entries in their order; comments and lines that are too short are passed over.

    >>> parse_fstab("# root\\nUUID=1 / ext4 errors=remount-ro 0 1")[0].writable
    True
    """
    rows = (line.split() for line in text.splitlines() if not line.lstrip().startswith("#"))
    return [
        Entry(row[0], OCTAL.sub(lambda match: chr(int(match[1], 8)), row[1]), row[2], _options(row))
        for row in rows
        if len(row) >= 3
    ]


def _options(row: list[str]) -> tuple[str, ...]:
    return tuple(row[3].split(",")) if len(row) > 3 else ("defaults",)
