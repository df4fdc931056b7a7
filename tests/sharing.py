"""Which tests run one after another in one process, and which of them first."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

import pytest
from xdist.scheduler import LoadScopeScheduling

# Long ones first: begun last, they would leave all processes but one idle. The others stay as they are collected.
LONGEST = ("the stand", "torture", "the world", "faults", "simulation")
# Files that share what is costly to set up, by the name of it.
SHARED = {
    "the stand": ("bad_codes", "bad_input", "interrupts", "kills", "offline"),
    "the world": ("console", "flows"),
}
OF_FILE = {f"tests/e2e/test_{file}.py": name for name, files in SHARED.items() for file in files}


def group_of(node: str) -> str:
    """What a test shares with others that run in its process: a stage, or else its file.

    >>> group_of("tests/e2e/test_kills.py::test_a_bundle_that_is_killed"), group_of("tests/test_a.py::test_b[c::d]")
    ('the stand', 'tests/test_a.py')
    """
    file = node.partition("::")[0]
    return OF_FILE.get(file, file)


def longest_first(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """All tests, in the order in which the processes take them."""
    return sorted(items, key=_rank)


def _rank(item: pytest.Item) -> int:
    group = group_of(item.nodeid)
    names = (group, PurePath(group).parent.name)
    return next((rank for rank, name in enumerate(LONGEST) if name in names), len(LONGEST))


class ByGroup(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out groups as they come, each to the process that is free."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
