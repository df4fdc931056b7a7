"""df -Pki, df -ki or df on macOS: room and inodes of mounted volumes."""

from __future__ import annotations

import re
from collections.abc import Container

from caseprobe.v1 import section_pb2

# Filesystem    1024-blocks      Used Available Capacity iused     ifree %iused  Mounted on
# /dev/disk3s5    239362496 201122304  22601776    90% 1200417 226017760    1%   /System/Volumes/Data
LINE = re.compile(
    r"^(?P<device>\S.*?)\s+(?P<blocks>\d{1,18})\s+(?P<used>\d{1,18})\s+(?P<left>-?\d{1,18})\s+\d{1,3}%"
    r"(?:\s+(?P<iused>\d{1,20})\s+(?P<ifree>\d{1,20})\s+\d{1,3}%)?\s+(?P<mount>/.*?)\s*$"
)
# The heading is English in every language.
BLOCKS = re.compile(r"^Filesystem\s+(512|1024)-blocks\b")


def parse_df(text: str, read_only: Container[str] = ()) -> section_pb2.FilesystemsFacts:
    """Volumes of disks and of servers; ValueError where the heading is missing or no line is of the known form.

    read_only: where those are mounted that cannot be written.
    """
    lines = text.splitlines()[:5000]
    block = next((int(match[1]) for line in lines if (match := BLOCKS.match(line)) is not None), None)
    if block is None:
        raise ValueError("the heading of df is missing")
    facts = section_pb2.FilesystemsFacts()
    for line in lines:
        match = LINE.match(line) if len(line) < 2000 else None
        if match is not None and match["device"].startswith("/") and int(match["blocks"]):
            facts.filesystems.append(_volume(match, block, read_only))
    if not facts.filesystems:
        raise ValueError("df lists no volume of a disk or a server")
    return facts


def _volume(match: re.Match[str], block: int, read_only: Container[str]) -> section_pb2.Filesystem:
    clamp = (1 << 64) - 1
    made = section_pb2.Filesystem(
        mount_point=match["mount"],
        device=match["device"],
        total_bytes=min(int(match["blocks"]) * block, clamp),
        used_bytes=min(int(match["used"]) * block, clamp),
        available_bytes=min(max(int(match["left"]), 0) * block, clamp),
        read_only=match["mount"] in read_only,
        measured=True,
    )
    if match["iused"]:
        made.inodes_available = min(int(match["ifree"]), clamp)
        made.inodes_total = min(int(match["iused"]) + int(match["ifree"]), clamp)
    return made
