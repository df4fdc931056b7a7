"""Agents and their collector through kills, power cuts, failing disks, broken wires and wrong clocks, by seed."""

from __future__ import annotations

import pytest

from tests.simulation import vfs
from tests.simulation.world import PROFILES, simulate

pytestmark = pytest.mark.skipif(
    not vfs.available(), reason="not run: this Python's SQLite does not let its VFS be replaced"
)
# In each world; `make simulate` runs as many as one likes.
SEEDS = {name: 4 if name == "all" else 1 for name in PROFILES}


@pytest.mark.parametrize(("world", "seed"), [(name, seed) for name, count in SEEDS.items() for seed in range(count)])
def test_nothing_acknowledged_is_lost_whatever_goes_wrong(world: str, seed: int, silent: None) -> None:
    """Every invariant holds at every step and at the end; a broken one names the seed and shows what came before."""
    report = simulate(seed, PROFILES[world])
    assert report.violations == [], report.text()
    assert report.acknowledged > 5
    # What nobody does breaks no promise.
    assert report.commands_run > 0 or world != "all"


def test_a_seed_replays_its_run(silent: None) -> None:
    """The same seed gives the same trace, line by line; another gives another."""
    first, again, other = simulate(1), simulate(1), simulate(2)
    assert first.trace == again.trace
    assert first.digest == again.digest != other.digest
