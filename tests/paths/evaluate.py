"""How well hops are classified and faults located, over varied paths in virtual time whose truth is known.

python -m tests.paths.evaluate [PATHS] [ROUNDS] [SEED]: precision and recall over all classes but ok, false alarms on
healthy paths, how often the named segment holds the fault and how many links it has.
"""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass, field
from typing import Any

from caseprobe.path_stats import summarize
from caseprobe.v1 import path_pb2
from caseprobe_agent.path.rounds import Plan
from tests.fakes_path import FakeNetwork, run, straight_path
from tests.paths.simulation import Simulation

HOP_MS = 3.0


@dataclass
class World:
    """One path: its scenario, the class of every hop, and the ttl behind the faulty link (0: healthy)."""

    spec: dict[str, Any]
    classes: dict[int, str]
    limits: dict[int, tuple[float, int]]
    faulty: int
    loss: float


@dataclass
class Score:
    """What was said against what is."""

    right: int = 0
    said: int = 0
    true: int = 0
    healthy: int = 0
    alarms: int = 0
    named: int = 0
    held: int = 0
    links: int = 0
    needs_more: int = 0
    limit_errors: list[float] = field(default_factory=list)
    wrong: list[tuple[int, int, str, str]] = field(default_factory=list)

    def add(self, number: int, world: World, facts: path_pb2.PathFacts) -> None:
        """Count one path."""
        for hop in facts.hops:
            truth = world.classes[hop.ttl]
            self.right += hop.classification == truth != "ok"
            self.said += hop.classification != "ok"
            self.true += truth != "ok"
            if hop.classification != truth:
                self.wrong.append((number, hop.ttl, truth, hop.classification))
            if hop.limit_per_second and hop.ttl in world.limits:
                rate, _ = world.limits[hop.ttl]
                self.limit_errors.append(abs(hop.limit_per_second / rate - 1))
        self._add_verdict(world, facts.verdict)

    def _add_verdict(self, world: World, verdict: path_pb2.PathVerdict) -> None:
        alarm = verdict.message_id == "path.loss_from"
        if not world.faulty:
            self.healthy += 1
            self.alarms += alarm
        elif alarm:
            self.named += 1
            self.held += verdict.segment_first_ttl < world.faulty <= verdict.segment_last_ttl
            self.links += verdict.segment_last_ttl - verdict.segment_first_ttl
        else:
            self.needs_more += verdict.message_id == "path.needs_more"

    def text(self, paths: int) -> str:
        """All figures, one a line."""
        faulty = paths - self.healthy
        worst = max(self.limit_errors, default=0.0)
        within = sum(error <= 0.2 for error in self.limit_errors)
        return "\n".join(
            [
                f"precision {self.right / max(1, self.said):.1%}, recall {self.right / max(1, self.true):.1%}"
                f" over {self.true} hops that are not ok",
                f"false alarms {self.alarms} of {self.healthy} healthy paths",
                f"faults detected {self.named} of {faulty}, needs more {self.needs_more}",
                f"fault inside the named segment {self.held} of {self.named},"
                f" {self.links / max(1, self.named):.2f} links wide",
                f"limiters with a rate {len(self.limit_errors)}, within 20 % {within}, worst {worst:.0%}",
            ]
        )


def varied(rng: random.Random) -> World:
    """A path as it may be met: limiters, dropping and slow routers, silent ones, and on most one faulty link."""
    hops = rng.randint(6, 16)
    spec = {**straight_path(hops, hop_ms=HOP_MS), "seed": rng.randrange(2**20)}
    classes, limits = dict.fromkeys(range(1, hops + 1), "ok"), {}
    for ttl in range(1, hops):
        node, kind = spec["nodes"][f"r{ttl}"], rng.random()
        if kind < 0.12:
            node["silent"], classes[ttl] = True, "silent"
        elif kind < 0.24:
            limits[ttl] = rng.uniform(0.15, 0.7), rng.randint(1, 10)
            node["icmp_rate"], node["icmp_burst"] = limits[ttl]
            classes[ttl] = "rate_limited"
        elif kind < 0.30:
            node["icmp_drop"], classes[ttl] = rng.uniform(0.2, 0.8), "slow_control_plane"
        elif kind < 0.36:
            node["icmp_delay_ms"], classes[ttl] = rng.uniform(40, 300) + HOP_MS * hops, "slow_control_plane"
    for link in spec["links"].values():
        link["jitter_ms"] = rng.choice([0.0, 0.1, 1.0])
    if rng.random() < 0.3:
        return World(spec, classes, limits, 0, 0.0)
    faulty, loss = rng.randint(1, hops), rng.choice([0.02, 0.03, 0.05, 0.1, 0.2, 0.4])
    list(spec["links"].values())[faulty - 1]["loss"] = loss
    late = {ttl: "loss" for ttl in range(faulty, hops + 1) if classes[ttl] == "ok"}
    return World(spec, classes | late, limits, faulty, loss)


def judged(world: World, rounds: int) -> path_pb2.PathFacts:
    """What is said of a world after so many rounds."""
    plan = Plan(rounds=rounds)
    return summarize(run(FakeNetwork(Simulation(world.spec)), plan).rounds, path_pb2.PathFacts(target="h"))


def evaluate(paths: int, rounds: int, seed: int) -> Score:
    """The score over so many varied paths."""
    rng, score = random.Random(seed), Score()
    for number in range(paths):
        world = varied(rng)
        score.add(number, world, judged(world, rounds))
    return score


def main() -> None:
    """Print the figures and what was said wrongly."""
    paths, rounds, seed = (int(word) for word in (*sys.argv[1:], *("60", "300", "1")[len(sys.argv) - 1 :]))
    score = evaluate(paths, rounds, seed)
    print(score.text(paths))
    for number, ttl, truth, said in score.wrong:
        print(f"path {number} hop {ttl}: {truth}, said {said}")


if __name__ == "__main__":
    main()
