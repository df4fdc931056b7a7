"""Runs many seeds and prints what happened: `make simulate SEEDS=n FIRST=n WORLD=name`."""

from __future__ import annotations

import argparse
import logging
import time
from collections import Counter

from tests.simulation.world import PROFILES, simulate


def main() -> int:
    """0 where every seed held."""
    parser = argparse.ArgumentParser(prog="make simulate")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--world", choices=[*PROFILES], help="one world; without it the seeds take them in turn")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    faults: Counter[str] = Counter()
    steps = acknowledged = broken = 0
    began = time.monotonic()
    for seed in range(options.first, options.first + options.seeds):
        world = options.world or [*PROFILES][seed % len(PROFILES)]
        report = simulate(seed, PROFILES[world])
        faults.update(report.faults)
        steps, acknowledged = steps + report.steps, acknowledged + report.acknowledged
        if report.violations:
            broken += 1
            print(f"world {world}\n{report.text()}", flush=True)
    seconds = time.monotonic() - began
    print(f"{options.seeds} seeds from {options.first}, {options.seeds / seconds:.2f} a second, {broken} broken")
    print(f"{steps} steps, {acknowledged} acknowledgements held to, {sum(faults.values())} faults:")
    print(", ".join(f"{name} {count}" for name, count in faults.most_common()))
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
