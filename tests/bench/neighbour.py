"""A busy neighbour: answers a small request every two milliseconds and notes how long each took."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

EVERY_SECONDS = 0.002
# About a third of the time is work.
ROUNDS = 8_000


def p99_beside(work: Callable[[], object]) -> float:
    """The 99th percentile of its answers, in seconds, while something else goes on; one neighbour on each processor."""
    neighbours = [
        subprocess.Popen([sys.executable, "-m", "tests.bench.neighbour"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    for one in neighbours:
        assert one.stdout is not None
        one.stdout.readline()
    work()
    told = [float(one.communicate(b"end\n")[0]) for one in neighbours]
    return max(told)


def answers() -> list[float]:
    """How long each answer took from the moment that it was due, until somebody speaks to us."""
    import select

    took: list[float] = []
    due = time.perf_counter()
    while not select.select([sys.stdin], [], [], 0)[0]:
        due = max(due + EVERY_SECONDS, time.perf_counter() - EVERY_SECONDS)
        time.sleep(max(0.0, due - time.perf_counter()))
        sum(range(ROUNDS))
        took.append(time.perf_counter() - due)
    return took


if __name__ == "__main__":
    print("ready", flush=True)
    print(statistics.quantiles(answers(), n=100)[-1])
