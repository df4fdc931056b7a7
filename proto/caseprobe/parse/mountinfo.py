"""/proc/self/mountinfo: what is mounted where, with the options of the mount and of the filesystem."""

from __future__ import annotations

import re
from dataclasses import dataclass

# 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Mount:
    """One mount; line counts from 1, root is the folder of the filesystem that is mounted here."""

    line: int
    device_number: str
    root: str
    mount_point: str
    options: tuple[str, ...]
    type: str
    device: str
    super_options: tuple[str, ...]

    @property
    def read_only(self) -> bool:
        """True where the mount or, after an error, its filesystem takes no writes."""
        return "ro" in self.options or "ro" in self.super_options


def parse_mountinfo(text: str) -> list[Mount]:
    """Every mount in the kernel's order, the oldest first; lines of another form are passed over.

    >>> parse_mountinfo("36 35 98:0 / /a\\\\040b rw master:1 - ext3 /dev/root rw")[0].mount_point
    '/a b'
    """
    rows = ((number, line.split()) for number, line in enumerate(text.splitlines(), start=1))
    return [mount for number, fields in rows if (mount := _mount(number, fields)) is not None]


def _mount(line: int, fields: list[str]) -> Mount | None:
    if "-" not in fields[6:]:
        return None
    tail = fields[fields.index("-", 6) + 1 :]
    if len(tail) < 2:
        return None
    return Mount(
        line=line,
        device_number=fields[2],
        root=_plain(fields[3]),
        mount_point=_plain(fields[4]),
        options=tuple(fields[5].split(",")),
        type=tail[0],
        device=_plain(tail[1]),
        super_options=tuple(tail[2].split(",")) if len(tail) > 2 else (),
    )


def _plain(text: str) -> str:
    r"""Blanks and the like stand as octal escapes: "\040"."""
    return OCTAL.sub(lambda match: chr(int(match[1], 8)), text)
