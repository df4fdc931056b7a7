"""Real faults on the real kernel: each is found by `caseprobe check`, the right object named."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from caseprobe.checks import ALL
from tests.faults import found
from tests.faults.kind import Kind
from tests.faults.room import missing

CHECKS = {check.id for check in ALL}
# What .ci/run installs; a machine of CI that lacks one of these was set up wrongly.
INSTALLED = ("mkfs.ext4", "mkfs.btrfs", "mkfs.xfs", "xfs_io", "nft", "openssl", "faketime", "fsfreeze", "ip", "losetup")


@pytest.fixture
def folder() -> Iterator[Path]:
    """On a disk: an image in memory cannot lose its end."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        yield Path(name)


def require(kind: Kind) -> None:
    """Report as not run what this machine gives no right, program or kernel feature for."""
    lacks = missing() or kind.missing()
    if lacks and os.environ.get("CI") == "true" and any(f"needs {name}" in lacks for name in INSTALLED):
        pytest.fail(f"not run: {lacks}; .ci/run installs it")
    if lacks:
        pytest.skip(f"not run: {lacks}")


@pytest.mark.parametrize("kind", found.ALL, ids=lambda kind: kind.name.replace(" ", "-"))
def test_a_fault_is_found_and_named(kind: Kind, folder: Path) -> None:
    """The check that must see it does, and its object is the one that was broken."""
    require(kind)
    if kind.check_id not in CHECKS:
        pytest.skip(f"not run: this version has no check {kind.check_id}")
    finding, _ = found.finding_of(kind, folder)
    assert finding is not None
    assert finding["state"] in ("info", "warn", "critical")


def test_there_are_kinds_enough() -> None:
    """Thirty and more, each with a name of its own."""
    assert len({kind.name for kind in found.ALL}) == len(found.ALL) >= 30
