"""A busy neighbour: answers a small request every two milliseconds on each processor and notes how long each took.

`python -m tests.bench neighbour` runs one bundle after another beside it. Spans without anything stand before and
after each span with work, all in one go, so that what else happens on the machine is in all of them; how much the spans
without work differ from each other is what the measuring itself is worth.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.reading import Row

EVERY_SECONDS = 0.002
# About a third of the time is work.
WORK = 8_000
ROUNDS, SPAN_SECONDS = 4, 3.0
MOST_RATIO = 0.02
BEFORE, BESIDE, AFTER = "before", "beside", "after"


@dataclass(frozen=True)
class Felt:
    """99th percentiles of its answers, in seconds: in the spans before, beside and after the work."""

    before: float
    beside: float
    after: float

    @property
    def alone(self) -> float:
        """Without anything beside it."""
        return statistics.mean((self.before, self.after))

    @property
    def more(self) -> float:
        """What the work adds, as a share."""
        return self.beside / self.alone - 1

    @property
    def noise(self) -> float:
        """By how much two figures differ between which there is no difference."""
        return abs(self.before - self.after) / self.alone

    def __str__(self) -> str:
        return f"{self.more:+.0%} (spans without work differ by {self.noise:.0%})"


def felt(work: Callable[[], object], rounds: int = ROUNDS) -> Felt:
    """What neighbours feel of work that is done over and over."""
    spans: dict[str, list[tuple[float, float]]] = {BEFORE: [], BESIDE: [], AFTER: []}
    steps = ((BEFORE, lambda: time.sleep(SPAN_SECONDS)), (BESIDE, work), (AFTER, lambda: time.sleep(SPAN_SECONDS)))
    answers: list[tuple[float, float]] = []
    with _neighbours(answers):
        for _ in range(rounds):
            for name, step in steps:
                begun = time.monotonic()
                step()
                spans[name].append((begun, time.monotonic()))
    return Felt(**{name: _p99(answers, during) for name, during in spans.items()})


def _p99(answers: list[tuple[float, float]], spans: list[tuple[float, float]]) -> float:
    during = [took for at, took in answers if any(begun <= at < ended for begun, ended in spans)]
    return statistics.quantiles(during, n=100)[-1]


@contextmanager
def _neighbours(answers: list[tuple[float, float]]) -> Iterator[None]:
    """One on each processor, each a session of its own as a service is; at the end, what they noted."""
    command = [sys.executable, "-m", "tests.bench.neighbour"]
    neighbours = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
        for _ in range(os.cpu_count() or 1)
    ]
    for one in neighbours:
        assert one.stdout is not None
        one.stdout.readline()
    yield
    for one in neighbours:
        rows = (line.split() for line in one.communicate("end\n")[0].splitlines())
        answers += [(float(at), float(took)) for at, took in rows]


def again(work: Callable[[], object]) -> None:
    """Work until a span is over."""
    end = time.monotonic() + SPAN_SECONDS
    while time.monotonic() < end:
        work()


def measure() -> list[Row]:
    """What a neighbour feels of standard bundles, one after another."""
    with tempfile.TemporaryDirectory() as folder:
        own = {f"CASEPROBE_{name}_FOLDER": str(Path(folder, name)) for name in ("STATE", "CONFIG")}
        Path(folder, "CONFIG").mkdir()
        command = [sys.executable, "-m", "caseprobe_agent", "bundle", "--output", folder]
        environment = {**os.environ, **own}

        def bundle() -> None:
            subprocess.run(command, env=environment, check=True, capture_output=True, start_new_session=True)

        of = felt(lambda: again(bundle))
    what = f"a busy neighbour's p99 beside standard bundles, alone {of.alone * 1e3:.2f} ms"
    return [Row(what, str(of), "the same without bundles, before and after", "≤ +2 %", of.more <= MOST_RATIO)]


def note() -> list[tuple[float, float]]:
    """When each answer was due and how long it took from then, until somebody speaks to us."""
    import select

    took: list[tuple[float, float]] = []
    due = time.monotonic()
    while not select.select([sys.stdin], [], [], 0)[0]:
        due = max(due + EVERY_SECONDS, time.monotonic() - EVERY_SECONDS)
        time.sleep(max(0.0, due - time.monotonic()))
        sum(range(WORK))
        took.append((due, time.monotonic() - due))
    return took


if __name__ == "__main__":
    print("ready", flush=True)
    for moment, seconds in note():
        print(moment, seconds)
