"""Agents and their collector through kills, power cuts, failing disks, broken wires and wrong clocks, by seed."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.simulation import vfs
from tests.simulation.world import simulate

pytestmark = pytest.mark.skipif(
    not vfs.available(), reason="not run: this Python's SQLite does not let its VFS be replaced"
)
SEEDS = 10


@pytest.fixture(autouse=True)
def _silence() -> Iterator[None]:
    """Thousands of lines about connections that broke as they should."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(before)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_acknowledged_is_lost_whatever_goes_wrong(seed: int) -> None:
    """Every invariant holds at every step and at the end; a broken one names the seed and shows what came before."""
    report = simulate(seed)
    assert report.violations == [], report.text()
    assert report.acknowledged > 10


def test_a_seed_replays_its_run() -> None:
    """The same seed gives the same trace, line by line; another gives another."""
    first, again, other = simulate(1), simulate(1), simulate(2)
    assert first.trace == again.trace
    assert first.digest == again.digest != other.digest
