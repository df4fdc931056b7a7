"""How often the 95 % interval of a path's loss holds the truth, over many runs in virtual time.

python -m tests.paths.coverage [RUNS] [SEED]: a share of all runs and of each length, with its own 95 % interval.
"""

from __future__ import annotations

import math
import random
import sys
from collections import defaultdict

from caseprobe.path_stats import summarize
from caseprobe.path_stats.chance import interval
from caseprobe.v1 import path_pb2
from caseprobe_agent.path.rounds import Plan
from tests.fakes_path import FakeNetwork, run, straight_path
from tests.paths.simulation import Simulation

LENGTHS = (50, 100, 200)  # rounds
LEAST_LOSS, MOST_LOSS = 0.005, 0.4


def covered(rng: random.Random, rounds: int) -> bool:
    """One path of two hops that loses some of what it carries: whether the interval that is stated holds how much."""
    loss = math.exp(rng.uniform(math.log(LEAST_LOSS), math.log(MOST_LOSS)))
    spec = {**straight_path(2), "seed": rng.randrange(2**20)}
    spec["links"]["r1>h"]["loss"] = loss
    traced = run(FakeNetwork(Simulation(spec)), Plan(rounds=rounds, max_ttl=2)).rounds
    verdict = summarize(traced, path_pb2.PathFacts(target="h")).verdict
    return verdict.loss_low_ratio <= loss <= verdict.loss_high_ratio


def measure(runs: int, seed: int) -> dict[int, list[bool]]:
    """For each length of a run, of every run whether the interval held the truth."""
    rng, held = random.Random(seed), defaultdict(list)
    for number in range(runs):
        rounds = LENGTHS[number % len(LENGTHS)]
        held[rounds].append(covered(rng, rounds))
    return dict(held)


def main() -> None:
    """Print the shares."""
    runs, seed = (int(word) for word in (*sys.argv[1:], *("2000", "1")[len(sys.argv) - 1 :]))
    held = measure(runs, seed)
    for name, all_ in [("all", [one for each in held.values() for one in each]), *held.items()]:
        low, high = interval(sum(all_), len(all_))
        print(f"{name} rounds: {sum(all_)} of {len(all_)}, {sum(all_) / len(all_):.1%} [{low:.1%}, {high:.1%}]")


if __name__ == "__main__":
    main()
