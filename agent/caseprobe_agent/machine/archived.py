"""A machine of which another program made an archive: its files are in memory, and nothing else of it is there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from caseprobe.errors import MachineAbsent
from caseprobe.imported import Tree
from caseprobe.imported.supplies import replay
from caseprobe.imported.tree import File
from caseprobe_agent.machine import FileFacts, Machine


class ArchivedMachine(Machine):
    """Reads as Machine does, from an archive's tree. What is not in it is MachineAbsent, and says that it is not."""

    def __init__(self, tree: Tree) -> None:
        """tree: completed."""
        super().__init__(Path("/archive"), told=replay(tree))
        self.tree = tree

    def read_bytes(self, path: str, limit_bytes: int = 1 << 20) -> bytes:
        """As Machine.read_bytes."""
        return self._file(path).data[:limit_bytes]

    def read_tail(self, path: str, limit_bytes: int) -> tuple[bytes, bool]:
        """As Machine.read_tail."""
        file = self._file(path)
        if len(file.data) <= limit_bytes:
            return file.data, file.cut
        return file.data[-limit_bytes - 1 :].partition(b"\n")[2], True

    @contextlib.contextmanager
    def opened(self, path: str) -> Iterator[Callable[[int, int], bytes]]:
        """As Machine.opened."""
        data = self._file(path).data
        yield lambda offset, size: data[offset : offset + size]

    def list_dir(self, path: str) -> list[str]:
        """As Machine.list_dir."""
        names = self.tree.names(path)
        if names is None:
            raise _absent(path)
        return sorted(names)

    def folders_in(self, path: str) -> list[str]:
        """As Machine.folders_in."""
        here, tree = self.tree.resolve(path), self.tree
        return [
            name for name in self.list_dir(path) if tree.names(f"{here}/{name}") and f"{here}/{name}" not in tree.links
        ]

    def links_in(self, path: str) -> list[str]:
        """As Machine.links_in."""
        here = self.tree.resolve(path)
        return [link for name in self.list_dir(path) if (link := self.tree.links.get(f"{here}/{name}")) is not None]

    def entries_total(self, path: str) -> int:
        """As Machine.entries_total."""
        return len(self.list_dir(path))

    def file_facts(self, path: str) -> FileFacts:
        """As Machine.file_facts."""
        file = self._file(path)
        return FileFacts(len(file.data), file.modified_seconds)

    def exists(self, path: str) -> bool:
        """As Machine.exists."""
        return self.tree.file(path) is not None or self.tree.names(path) is not None

    def read_link(self, path: str) -> str:
        """As Machine.read_link."""
        place = self.tree.resolve(path, follow_last=False)
        if place is None or place not in self.tree.links:
            raise _absent(path)
        return self.tree.links[place]

    def _file(self, path: str) -> File:
        file = self.tree.file(path)
        if file is None:
            raise _absent(path)
        return file


def _absent(path: str) -> MachineAbsent:
    return MachineAbsent(f"the archive has no {path}")
