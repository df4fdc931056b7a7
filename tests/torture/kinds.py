"""All faults, with what is asked of each and what each needs."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.torture import cuts, kills, needs
from tests.torture.ground import Ground
from tests.torture.oracle import Outcome

# Given the ground, a seeded source, when to end (monotonic) and how many runs at most.
Run = Callable[[Ground, Random, float, int], Coroutine[Any, Any, Outcome]]


@dataclass(frozen=True)
class Kind:
    """One fault. asked: runs in all; batch: of one slice; sample: of `make test`; guards: numbers of invariants."""

    name: str
    words: str
    run: Run
    guards: tuple[int, ...]
    asked: int
    batch: int
    sample: int
    need: needs.Need = needs.nothing


ALL = (
    Kind("kill", "SIGKILL of the collector under load", kills.kill_collector, (1, 2), 1000, 80, 3),
    Kind("cut", "power cut of the collector", cuts.cut_collector, (1, 4), 200, 36, 2, needs.loop_images),
)
