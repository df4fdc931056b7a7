"""The kernel's tree of control groups: where it stands, and a walk over it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from caseprobe.errors import MeasurementError

ROOT = "/sys/fs/cgroup"
DEEPEST = 8
# Version 1 says "no limit" as the largest multiple of a page.
UNLIMITED = 1 << 60


class HasFolders(Protocol):
    """What the walk needs of a machine."""

    def folders_in(self, path: str) -> list[str]:
        """As Machine.folders_in."""


def groups_below(
    machine: HasFolders, tree: str, at_most: int, closed: Callable[[str], bool] = lambda _: False
) -> tuple[list[str], bool]:
    """Every group below a tree, outer ones first ("" is the tree itself), and whether there are more than that.

    closed: of which group those below it are passed over.
    """
    found: list[str] = []
    todo = deque([""])
    while todo and len(found) < at_most:
        path = todo.popleft()
        found.append(path)
        if path.count("/") < DEEPEST and not closed(path):
            todo.extend(f"{path}/{name}" for name in _folders(machine, f"{tree}{path}"))
    return found, bool(todo)


def _folders(machine: HasFolders, path: str) -> list[str]:
    """None for a group that ended meanwhile or is not ours to see."""
    try:
        return machine.folders_in(path)
    except MeasurementError:
        return []
