"""`make bench-archives`: hostile archives by the hundred, each read in a process of its own; what the worst cost.

Both readers, tar and bundle. Exits 1 where one took more than a second or 64 MB, or ended neither refused nor read.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from tests.bench.reading import peak_bytes
from tests.caseprobe.imported.test_hostile import taken
from tests.fakes_hostile import Hostile, bombs, seeded

SECONDS, MEGABYTES = 1.0, 64.0
SEEDS = range(30)
# Of a bundle also what its signature proves.
ENDS = ("refused", "read", "not proved", "invalid", "none", "one-shot", "enrolled")


@dataclass(frozen=True)
class Reading:
    """What one archive cost: seconds of the processor, and megabytes beside those of its bytes and of Python."""

    archive: Hostile
    outcome: str
    seconds: float
    megabytes: float


def readings(archives: Iterable[Hostile]) -> Iterator[Reading]:
    """Each archive, read in a child that ends afterwards."""
    for archive in archives:
        told, tell = os.pipe()
        if (child := os.fork()) == 0:
            os.write(tell, _measured(archive).encode())
            os._exit(0)
        os.close(tell)
        with os.fdopen(told, "rb") as answer:
            outcome, seconds, megabytes = (answer.read().decode() or "died 0 0").rsplit(" ", 2)
        os.waitpid(child, 0)
        yield Reading(archive, outcome, float(seconds), float(megabytes))


def _measured(archive: Hostile) -> str:
    """In the child; the peak is that of this process alone, counted anew."""
    with open("/proc/self/clear_refs", "w") as peak:  # noqa: PTH123
        peak.write("5")
    before = peak_bytes()
    started = time.process_time()
    try:
        outcome = taken(archive)
    except BaseException as error:
        outcome = f"failed with {type(error).__name__}"
    return f"{outcome} {time.process_time() - started} {(peak_bytes() - before) / (1 << 20):.1f}"


def main() -> int:
    """Print the worst and what became of all; gives the exit code."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    found = list(readings(chain(seeded(SEEDS), bombs())))
    for name, worst in (
        ("slowest", max(found, key=lambda one: one.seconds)),
        ("largest", max(found, key=lambda one: one.megabytes)),
    ):
        print(
            f"{name}: {worst.archive.reader}, {worst.archive.family}: {worst.seconds:.2f} s, {worst.megabytes:.1f} MB"
        )
    outcomes = Counter(one.outcome for one in found)
    print(f"{len(found)} archives: {', '.join(f'{total} {outcome}' for outcome, total in outcomes.most_common())}")
    wrong = [one for one in found if one.seconds > SECONDS or one.megabytes > MEGABYTES or one.outcome not in ENDS]
    for one in wrong:
        print(
            f"over its limits: {one.archive.reader} {one.archive.family} {one.archive.seed}: {one}"[:200],
            file=sys.stderr,
        )
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
