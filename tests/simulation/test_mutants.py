"""A simulation that finds nothing proves nothing: each planted defect is found, as the promise that it breaks."""

from __future__ import annotations

import pytest

from tests.simulation import vfs
from tests.simulation.mutants import MUTANTS
from tests.simulation.world import Report, simulate

pytestmark = pytest.mark.skipif(
    not vfs.available(), reason="not run: this Python's SQLite does not let its VFS be replaced"
)
# Seeds within which a defect must show: every change of the product changes what a seed brings, so there is some room.
SEEDS = 20


@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_defect_is_found(name: str, monkeypatch: pytest.MonkeyPatch, silent: None) -> None:
    """With this defect in it the product breaks the promise that the defect is known to break, within a few seeds."""
    mutant = MUTANTS[name]
    for target, attribute, change in mutant.plants:
        monkeypatch.setattr(target, attribute, change(getattr(target, attribute)))
    reports: list[Report] = []
    while len(reports) < SEEDS and not (reports and reports[-1].violations):
        reports.append(simulate(mutant.first_seed + len(reports), mutant.profile))
    assert any(what.startswith(mutant.breaks) for what in reports[-1].violations), reports[-1].text()
