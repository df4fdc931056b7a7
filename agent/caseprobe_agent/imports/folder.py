"""An archive that somebody unpacked: its folder, read member by member like the file that it was."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from caseprobe.imported import ImportLimits, Tree
from caseprobe.imported.reading import Gathering
from caseprobe.imported.tar import CHUNK_BYTES, FILE, FOLDER, LINK, OTHER, Member

KINDS = {stat.S_IFREG: FILE, stat.S_IFDIR: FOLDER, stat.S_IFLNK: LINK}


def read_folder(folder: Path, limits: ImportLimits) -> Tree:
    """The tree of the machine whose archive lies unpacked in a folder; links are kept as links, none is followed.

    Raises Corrupt where it is none.
    """
    gathering = Gathering(limits)
    damage = ""
    for path, member in _members(folder):
        if gathering.tree.members_total >= limits.members:
            damage = f"only its first {limits.members} members were read"
            break
        gathering.take(member, lambda path=path: _chunks(path))  # type: ignore[misc]
    return gathering.finished(damage)


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
            name = f"{folder.name or 'archive'}{entry.path[len(str(folder)) :]}"
            yield entry.path, Member(name, kind, told.st_size, target, told.st_mtime)
            if kind == FOLDER:
                todo.append(entry.path)


def _chunks(path: str) -> Iterator[bytes]:
    """A file's bytes; none where it is no plain file any more, or may not be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:
        return
    with os.fdopen(descriptor, "rb") as file:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
