"""What parent and child say to each other: frames of a kind, a length and bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass

HEADER = struct.Struct("!cI")
DATA, END, ERROR, LIMITS = b"D", b"E", b"X", b"L"
# Behind the function's name on the child's command line: it gives way to everybody.
IDLE = "--idle"


def frame(kind: bytes, body: bytes) -> bytes:
    """The bytes of one frame."""
    return HEADER.pack(kind, len(body)) + body


@dataclass(frozen=True)
class Limits:
    """What the child may take; file_bytes 0 means that it cannot write to any disk."""

    memory_bytes: int = 1 << 30
    file_bytes: int = 0
    open_files: int = 1024
    frame_bytes: int = 64 << 20
