"""`make torture MINUTES=n`: hurt the real processes for so long, and keep what came of it.

Each slice has a seed and is one line of the results file, so a long run can be cut and taken up again: faults that
are furthest from what is asked go first. Exits 1 where anything was lost, doubled, unreadable or otherwise wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from tests.simulation.mutants import MUTANTS as PLANTED
from tests.torture import kinds, mutants, results
from tests.torture.ground import Ground, broken_ground, commit
from tests.torture.kinds import Kind
from tests.torture.oracle import Outcome
from tests.torture.results import Guard, Slice, Total

RESULTS, HUNTS = Path("torture.jsonl"), Path("docs/mutants.jsonl")


def main(arguments: Sequence[str]) -> int:
    """Run until the time is up or all that is asked was done; gives the exit code."""
    options = _options(arguments)
    options.results = options.results or (HUNTS if options.mutants else RESULTS)
    chosen = [kind for kind in kinds.ALL if not options.only or kind.name in options.only.split(",")]
    print(f"seed {options.seed}, commit {commit()}, results in {options.results}", file=sys.stderr)
    if options.mutants:
        return _hunt(options)
    if options.mutant:
        # For the faults that are played in this process.
        mutants.apply(options.mutant)
    with broken_ground(options.mutant, where=options.where) as ground:
        bad = _torture(ground, chosen, options)
    totals = results.read(options.results)
    text = _report(totals)
    print(text)
    if options.page:
        results.write_page(options.page, text)
    return 1 if bad else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="time budget")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31), help="replays the same choices")
    parser.add_argument("--only", default="", help=f"faults (or mutants): {','.join(kind.name for kind in kinds.ALL)}")
    parser.add_argument("--runs", type=int, default=0, help="at most so many runs of each fault, done ones counted")
    parser.add_argument("--results", type=Path, help="lines are appended here")
    parser.add_argument("--page", type=Path, help="write the table into this page as well")
    parser.add_argument("--where", type=Path, help="folder on the disk to work on")
    parser.add_argument("--mutant", default="", choices=["", *mutants.ALL], help="break the product like this")
    parser.add_argument("--mutants", action="store_true", help="break the product in every way; each must be seen")
    return parser.parse_args(arguments)


def _hunt(options: argparse.Namespace) -> int:
    """Play against each mutant the fault that must see it, until it does; gives how many got away."""
    chosen = [name for name in mutants.ALL if not options.only or name in options.only.split(",")]
    free = 0
    for name in chosen:
        fault, begin = mutants.ALL[name].caught_by, time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "results.jsonl"
            own = ["--mutant", name, "--only", fault, "--results", str(path), "--seed", str(options.seed)]
            command = [sys.executable, "-m", "tests.torture", *own, "--minutes", str(options.minutes)]
            subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
            total = results.read(path).get(fault, Total())
        free += total.outcome.clean
        found = Slice(name, options.seed, commit(), _today(), round(time.monotonic() - begin, 1), total.outcome)
        results.append(options.results, found)
        print(found.line(), file=sys.stderr)
    text = results.guards(_guards(), results.newest(options.results))
    print(text)
    if options.page:
        results.write_page(options.page, text, results.MUTANT_MARKS)
    return free


def _guards() -> list[Guard]:
    """By invariant: its words, the planted defects of the simulation, and the mutants of the real faults."""
    of_simulation = [(name, one.breaks) for name, one in PLANTED.items()]
    return [
        Guard(
            number,
            words,
            [name for name, breaks in of_simulation if {f"I{number}", *also} & set(breaks)],
            [(name, one.words, one.caught_by) for name, one in mutants.ALL.items() if one.invariant == number],
        )
        for number, (words, *also) in mutants.INVARIANTS.items()
    ]


def _torture(ground: Ground, chosen: Sequence[Kind], options: argparse.Namespace) -> bool:
    """Slices until the end; True where one of them found something."""
    end, random, bad = time.monotonic() + 60 * options.minutes, Random(options.seed), False
    for one in chosen:
        if reason := one.need():
            print(f"{one.name}: not run: {reason}", file=sys.stderr)
            results.append(options.results, _slice(one, 0, 0.0, Outcome(), reason))
    able = [kind for kind in chosen if not kind.need()]
    while time.monotonic() < end:
        kind = _next(able, results.read(options.results), options.runs)
        if kind is None:
            break
        seed, begin = random.getrandbits(31), time.monotonic()
        done = results.read(options.results).get(kind.name, Total()).outcome.runs
        most = min(kind.batch, (options.runs or kind.asked) - done)
        outcome = _played(kind, ground, Random(seed), min(end, begin + kind.seconds), most)
        line = _slice(kind, seed, time.monotonic() - begin, outcome)
        results.append(options.results, line)
        print(line.line(), file=sys.stderr)
        bad = bad or not outcome.clean
        if bad and options.mutant:
            break
    return bad


def _played(kind: Kind, ground: Ground, random: Random, end: float, most: int) -> Outcome:
    """One slice; a run that cannot go on is wrong, and the others go on."""
    try:
        return asyncio.run(kind.run(ground, random, end, most))
    except (RuntimeError, TimeoutError, OSError, sqlite3.Error) as error:
        return Outcome(runs=1, wrong=[f"the run broke off: {type(error).__name__}: {error}"])


def _next(able: Sequence[Kind], totals: dict[str, Total], runs: int) -> Kind | None:
    """The fault that is furthest from what is asked of it; None where all is done."""
    shares = [(totals.get(kind.name, Total()).outcome.runs / (runs or kind.asked), kind) for kind in able]
    open_ones = [(share, number, kind) for number, (share, kind) in enumerate(shares) if share < 1]
    return min(open_ones)[2] if open_ones else None


def _slice(kind: Kind, seed: int, seconds: float, outcome: Outcome, not_run: str = "") -> Slice:
    return Slice(kind.name, seed, commit(), _today(), round(seconds, 1), outcome, not_run)


def _today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"


def _report(totals: dict[str, Total]) -> str:
    rows = [(kind.name, kind.words, totals.get(kind.name, Total())) for kind in kinds.ALL]
    asked = {kind.name: kind.asked for kind in kinds.ALL}
    return results.table(rows, asked) + "\n\n" + results.legend(totals.values())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
