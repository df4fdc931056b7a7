"""An archive that somebody unpacked: its folder, read member by member like the file that it was."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from caseprobe.imported import ImportLimits, Tree
from caseprobe.imported.layout import is_log, place_of
from caseprobe.imported.reading import Gathering
from caseprobe.imported.tar import CHUNK_BYTES, FILE, FOLDER, LINK, OTHER, Member
from caseprobe.imported.unpacked import Ended

KINDS = {stat.S_IFREG: FILE, stat.S_IFDIR: FOLDER, stat.S_IFLNK: LINK}


def read_folder(folder: Path, limits: ImportLimits) -> Tree:
    """The tree of the machine whose archive lies unpacked in a folder; links are kept as links, none is followed.

    Raises Corrupt where it is none.
    """
    gathering, contents = Gathering(limits), _Contents(limits)
    for path, member in _members(folder.resolve()):
        if gathering.tree.members_total >= limits.members:
            return gathering.finished(f"only its first {limits.members} members were read")
        newest = is_log(place_of(member.name))
        try:
            gathering.take(member, partial(contents.chunks, path, newest))
        except Ended as error:
            return gathering.finished(str(error))
    return gathering.finished("")


def _members(folder: Path) -> Iterator[tuple[str, Member]]:
    """Everything below a folder, a folder before what is in it; what cannot be looked at is left out."""
    todo = [str(folder)]
    while todo:
        here = todo.pop()
        try:
            with os.scandir(here) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            try:
                told = entry.stat(follow_symlinks=False)
                target = os.readlink(entry.path) if stat.S_ISLNK(told.st_mode) else ""  # noqa: PTH115
            except OSError:
                continue
            kind = KINDS.get(stat.S_IFMT(told.st_mode), OTHER)
            name = f"{folder.name or 'archive'}/{Path(entry.path).relative_to(folder)}"
            yield entry.path, Member(name, kind, told.st_size, target, told.st_mtime)
            if kind == FOLDER:
                todo.append(entry.path)


class _Contents:
    """What files hold, no more in all than an archive may unpack to."""

    def __init__(self, limits: ImportLimits) -> None:
        self._limits = limits
        self._left_bytes = limits.unpacked_bytes

    def chunks(self, path: str, newest: bool) -> Iterator[bytes]:
        """A file's bytes, or the newest; none where it is no plain file any more, or may not be read. Raises Ended."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        except OSError:
            return
        with os.fdopen(descriptor, "rb") as file:
            told = os.fstat(descriptor)
            if not stat.S_ISREG(told.st_mode):
                return
            # A byte more than is kept tells that there was more.
            file.seek(max(0, told.st_size - self._limits.log_bytes - 1) if newest else 0)
            while chunk := file.read(CHUNK_BYTES):
                self._left_bytes -= len(chunk)
                if self._left_bytes < 0:
                    raise Ended(f"only the first {self._limits.unpacked_bytes >> 20} MiB of its content were read")
                yield chunk
