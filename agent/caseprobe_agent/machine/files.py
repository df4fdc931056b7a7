"""Bounded reads of descriptors, and paths that stay inside a copied tree."""

from __future__ import annotations

import errno
import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from caseprobe.errors import MachineAbsent, MachineDenied, MachineTimeout, MeasurementError

LINKS_AT_MOST = 40
RECORD_BYTES = 8192  # the kernel refuses to give a record of /dev/kmsg in parts
ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ENXIO, errno.ESRCH})
DENIED = frozenset({errno.EACCES, errno.EPERM})


@dataclass(frozen=True)
class FileFacts:
    """Size of a file, and when it was last written in seconds since 1970."""

    size_bytes: int
    modified_seconds: float


def error_from(error: OSError, path: str) -> MeasurementError:
    """The typed error that stands for what the operating system said about a path.

    >>> type(error_from(OSError(13, "Permission denied"), "/etc/shadow")).__name__
    'MachineDenied'
    """
    why = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in DENIED:
        from caseprobe_agent.machine.reads import advice  # rarely needed, and the resident agent holds this module

        return MachineDenied(f"{path} cannot be read: {why}; {advice(path)}")
    if error.errno == errno.EISDIR:
        return MachineAbsent(f"{path} is no file that can be read")
    if error.errno in ABSENT:
        return MachineAbsent(f"{path} does not exist on this machine")
    if error.errno == errno.ETIMEDOUT:
        return MachineTimeout(f"{path} did not answer")
    return MeasurementError(f"{path} cannot be read: {why}")


def read_up_to(descriptor: int, limit_bytes: int, page_bytes: int = 1) -> bytes:
    """At most limit_bytes from here to the end, or to where a device has no more yet.

    page_bytes: a read that gives less is known to be the last one (for what the kernel hands out in pages).
    """
    parts: list[bytes] = []
    room = limit_bytes
    while room > 0:
        try:
            part = os.read(descriptor, min(room, 1 << 16))
        except BlockingIOError:
            break
        parts.append(part)
        room -= len(part)
        if len(part) < page_bytes:
            break
    return b"".join(parts)


def tail(descriptor: int, limit_bytes: int) -> tuple[bytes, bool]:
    """The last limit_bytes of a regular file, from a line's beginning on, and whether more stands before them."""
    size = os.fstat(descriptor).st_size
    if size <= limit_bytes:
        return read_up_to(descriptor, limit_bytes), False
    # One byte more than asked for tells whether the cut already lies at a line's border.
    os.lseek(descriptor, size - limit_bytes - 1, os.SEEK_SET)
    data = read_up_to(descriptor, limit_bytes + 1)
    return data.partition(b"\n")[2], True


def newest_records(descriptor: int, limit_bytes: int) -> tuple[bytes, bool]:
    """Records of a device that gives one per read, the oldest dropped first, and whether any was."""
    kept: deque[bytes] = deque()
    size, dropped = 0, False
    while record := _next_record(descriptor):
        kept.append(record)
        size += len(record)
        while size > limit_bytes:
            size -= len(kept.popleft())
            dropped = True
    return b"".join(kept), dropped


def _next_record(descriptor: int) -> bytes:
    """The next record, empty at the end; one that was overwritten while we read is passed over."""
    while True:
        try:
            return os.read(descriptor, RECORD_BYTES)
        except BrokenPipeError:
            continue
        except BlockingIOError:
            return b""


def inside(root: Path, path: str, follow_last: bool) -> str:
    """path under root, with every link resolved as if root were "/", so that none leads out of it."""
    todo = deque(path.split("/"))
    here: list[str] = []
    links = 0
    while todo:
        part = todo.popleft()
        if part in ("", "."):
            continue
        if part == "..":
            here = here[:-1]
            continue
        target = _link_target("/".join((str(root), *here, part))) if todo or follow_last else None
        if target is None:
            here.append(part)
            continue
        links += 1
        if links > LINKS_AT_MOST:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        here = [] if target.startswith("/") else here
        todo.extendleft(reversed(target.split("/")))
    return "/".join((str(root), *here))


def _link_target(path: str) -> str | None:
    """None for what is no link, or not there."""
    try:
        return os.readlink(path)  # noqa: PTH115 (runs for every folder of every path)
    except OSError:
        return None
