"""The part of a text log that was not read before, over its rotation too.

A file is known again by what stands before the place, not by its name or inode: logs are renamed, copied and cut, and
inodes are given anew.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from caseprobe.errors import MeasurementError
from caseprobe.parse.logs.place import Place
from caseprobe_agent.machine import Machine

MARK_BYTES = 512
CONTEXT_BYTES = 32 << 10
ROTATED_AT_MOST = 4
PACKED = (".gz", ".xz", ".bz2", ".zst", ".lz4")
Read = Callable[[int, int], bytes]


@dataclass(frozen=True)
class Part:
    """Whole lines, of which so many bytes were read before; truncated where lines that were not were left out.

    known: False where the file does not tell what was read before. offset and mark are for the next place.
    """

    data: bytes
    told_bytes: int
    truncated: bool
    known: bool
    offset: int
    mark: str


def read_from(machine: Machine, path: str, place: Place | None, limit_bytes: int) -> Part:
    """What was written since, and a little before it; the newest part of the file where there is no place in it.

    A line that is still being written is left for the next time. Raises as Machine.read_tail.
    """
    here = place if place is not None and place.source == path and place.mark else None
    found, rest = _rest(machine, path, here, limit_bytes)
    if found or here is None:
        return rest if found else replace(rest, known=False)
    newer = rest
    for name in rotated(machine, path, ROTATED_AT_MOST):
        try:
            found, rest = _rest(machine, name, here, limit_bytes)
        except MeasurementError:
            continue
        newer = _joined(rest, newer, limit_bytes)
        if found:
            return newer
    return replace(_rest(machine, path, None, limit_bytes)[1], known=False)


def _rest(machine: Machine, path: str, place: Place | None, limit_bytes: int) -> tuple[bool, Part]:
    """Whether the place is in this file, and what follows it; the whole file where it is not."""
    size = machine.file_facts(path).size_bytes
    with machine.opened(path) as read:
        found = place is not None and place.offset <= size and _mark(read, place.offset) == place.mark
        return found, _since(read, place.offset if place is not None and found else 0, size, limit_bytes)


def _since(read: Read, offset: int, size: int, limit_bytes: int) -> Part:
    begin = max(0, offset - CONTEXT_BYTES, size - limit_bytes)
    # The byte before tells whether a line begins there.
    data = between(read, max(0, begin - 1), size)
    if begin:
        cut = data.find(b"\n") + 1
        begin, data = begin - 1 + cut, data[cut:]
    data = data[: data.rfind(b"\n") + 1]
    end = begin + len(data)
    return Part(data, min(max(0, offset - begin), len(data)), begin > offset, True, end, _mark(read, end))


def _joined(older: Part, newest: Part, limit_bytes: int) -> Part:
    if newest.truncated:
        return newest
    data = older.data + newest.data
    if len(data) <= limit_bytes:
        return replace(newest, data=data, told_bytes=older.told_bytes, truncated=older.truncated)
    kept = data[-limit_bytes - 1 :].partition(b"\n")[2]
    left_out = len(data) - len(kept)
    told = max(0, older.told_bytes - left_out)
    return replace(newest, data=kept, told_bytes=told, truncated=older.truncated or left_out > older.told_bytes)


def rotated(machine: Machine, path: str, at_most: int, packed: Sequence[str] = ()) -> list[str]:
    """Where rotation may have put what came before, the last written first: syslog.1, syslog-20261122.

    Of the packed ones those with these endings.
    """
    folder, _, base = path.rpartition("/")
    dated: list[tuple[float, str]] = []
    try:
        names = machine.list_dir(folder)
    except MeasurementError:
        return []
    for name in names:
        known = name.endswith(tuple(packed)) or not name.endswith(PACKED)
        if known and name.startswith((f"{base}.", f"{base}-")):
            with contextlib.suppress(MeasurementError):
                dated.append((machine.file_facts(f"{folder}/{name}").modified_seconds, f"{folder}/{name}"))
    return [place for _, place in sorted(dated, key=lambda one: -one[0])[:at_most]]


def _mark(read: Read, offset: int) -> str:
    """A digest of what stands before an offset."""
    return hashlib.blake2b(between(read, max(0, offset - MARK_BYTES), offset), digest_size=16).hexdigest()


def between(read: Read, begin: int, end: int) -> bytes:
    """What stands between two places; fewer bytes where the file was cut meanwhile."""
    parts = []
    while begin < end and (part := read(begin, end - begin)):
        parts.append(part)
        begin += len(part)
    return b"".join(parts)
