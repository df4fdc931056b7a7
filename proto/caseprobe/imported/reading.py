"""From an archive's bytes to the tree of a machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO

from caseprobe.errors import Corrupt
from caseprobe.imported.layout import (
    INSIGHTS,
    LONGEST_NAME,
    META,
    SOS,
    command_of,
    is_log,
    is_tail,
    name_fault,
    place_of,
    wanted,
    wants_link,
)
from caseprobe.imported.limits import ImportLimits
from caseprobe.imported.tar import FOLDER, HARD_LINK, LINK, OTHER, Member, TarReader
from caseprobe.imported.tree import File, Tree
from caseprobe.imported.unpacked import Ended, Unpacked

Chunks = Callable[[], Iterator[bytes]]
# Without at least one of these there is no machine to speak of.
TELLING = ("/proc/meminfo", "/proc/stat", "/proc/cpuinfo", "/etc/os-release", "/usr/lib/os-release", "/proc/mounts")
SECOND, NO_ROOM = "a second member has its name", "there was no room left for it"
NOTHING = (
    "the archive holds no machine as sosreport or insights write it: give the file as it was made by them, "
    "or the output of mtr --json or smartctl --json"
)


class Gathering:
    """Members, one after the other, into a tree that stays within the limits."""

    def __init__(self, limits: ImportLimits) -> None:
        self.tree = Tree()
        self._limits = limits
        self._room = limits.kept_bytes
        # One text for what many files hold: each process shows the same table of mounts.
        self._contents: dict[bytes, bytes] = {}

    def take(self, member: Member, chunks: Chunks) -> None:
        """Keep what tells something; what is not taken for a fault of its own is counted, with the reason."""
        tree = self.tree
        tree.members_total += 1
        fault = name_fault(member.name) or ("it is a device or a pipe" if member.kind == OTHER else "")
        path = "" if fault else place_of(member.name)
        if path:
            fault = self._placed(path, member, chunks)
        if fault:
            tree.skipped[fault] += 1

    def finished(self, damage: str) -> Tree:
        """The tree; raises Corrupt where it is no machine's."""
        tree = self.tree
        tree.damage = damage
        tree.kind = "sosreport" if tree.names(f"/{SOS}") is not None else "insights"
        if tree.kind == "insights" and tree.names(f"/{INSIGHTS}") is None and tree.names(f"/{META}") is None:
            tree.kind = ""
        if not tree.kind or not (tree.outputs or any(tree.file(path) for path in TELLING)):
            raise Corrupt(NOTHING)
        return tree

    def _placed(self, path: str, member: Member, chunks: Chunks) -> str:
        """Why it was not taken; empty where it was, or tells nothing."""
        tree = self.tree
        if member.kind == FOLDER:
            if wanted(path + "/x") or path.count("/") < 3:
                tree.add_folder(path)
            return ""
        if member.kind in (LINK, HARD_LINK):
            return self._linked(path, member) if wants_link(path) else ""
        if not wanted(path):
            return ""
        if len(tree.files) >= self._limits.files_kept or self._room <= 0:
            return NO_ROOM
        file = self._file(path, member, chunks)
        return self._named(path) if tree.add(path, file) else self._refused()

    def _linked(self, path: str, member: Member) -> str:
        """The same for a link, which takes room as a file does."""
        if len(member.target) > LONGEST_NAME:
            return "its target is longer than any path"
        target = member.target if member.kind == LINK else place_of(member.target)
        if not target:
            return ""
        if len(path) + len(target) > self._room:
            return NO_ROOM
        if not self.tree.add_link(path, target):
            return self._refused()
        self._room -= len(path) + len(target)
        return self._named(path)

    def _refused(self) -> str:
        return NO_ROOM if self.tree.full else SECOND

    def _named(self, path: str) -> str:
        """Lists what is the output of a command."""
        if command := command_of(path):
            self.tree.outputs.setdefault(command, path)
        return ""

    def _file(self, path: str, member: Member, chunks: Chunks) -> File:
        log = is_log(path)
        data, cut = _kept(chunks(), min(self._limits.log_bytes if log else self._limits.file_bytes, self._room), log)
        if data not in self._contents:
            self._contents[data] = data
            self._room -= len(data)
        return File(self._contents[data], member.modified_seconds, cut or is_tail(path))


def read_archive(stream: IO[bytes], limits: ImportLimits | None = None) -> Tree:
    """The tree of the machine that an archive is of; of one that is cut, what came before the cut.

    stream: at its start; it need not seek. Raises Corrupt where it is no such archive, or breaks a limit that refuses.
    """
    limits = limits or ImportLimits()
    gathering = Gathering(limits)
    reader = TarReader(Unpacked(stream, limits), limits)
    for member in reader:
        try:
            gathering.take(member, reader.chunks)
        except Ended as error:
            return gathering.finished(str(error) or "the file is cut")
    return gathering.finished(reader.damage)


def _kept(chunks: Iterator[bytes], limit_bytes: int, newest: bool) -> tuple[bytes, bool]:
    """The first bytes, or the newest from a line's beginning on; and whether there were more."""
    kept, cut = bytearray(), False
    for chunk in chunks:
        kept += chunk
        if len(kept) <= limit_bytes:
            continue
        cut = True
        if not newest:
            break
        if len(kept) > 2 * limit_bytes:
            del kept[:-limit_bytes]
    if cut and newest:
        del kept[: max(0, len(kept) - limit_bytes)]
        del kept[: kept.find(b"\n") + 1]
    return bytes(kept[:limit_bytes]), cut
