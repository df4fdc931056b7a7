"""A slice of `make torture`: a few runs of every fault, and the oracle's own arithmetic."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.torture import kinds, mutants, needs, results
from tests.torture.ground import Ground, broken_ground
from tests.torture.oracle import Held, Oracle, Outcome, compare
from tests.torture.results import Slice, Total

SEED = 20261122
LONGEST_SECONDS = 240.0
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    """A collector with enrolled machines, to be copied and hurt."""
    with broken_ground() as ground:
        yield ground


@pytest.mark.parametrize("kind", [kind for kind in kinds.ALL if kind.sample], ids=lambda kind: kind.name)
def test_a_few_runs_of_every_fault(kind: kinds.Kind, ground: Ground) -> None:
    """Nothing acknowledged is lost, doubled or unreadable, and nothing else is wrong."""
    if reason := kind.need():
        if os.environ.get("CI") == "true" and needs.installable(reason):
            pytest.fail(f"{reason}; .ci/run installs them")
        pytest.skip(f"NOT RUN: {reason}")
    outcome = asyncio.run(kind.run(ground, Random(SEED), time.monotonic() + LONGEST_SECONDS, kind.sample))
    assert outcome.clean, outcome
    assert outcome.runs == kind.sample


def test_every_mutant_breaks_something_that_is_there() -> None:
    """Each finds what it takes out of the product, and names a fault that guards it; invariants 1 to 6 have some."""
    program = "from tests.torture import mutants; [mutants.apply(name) for name in mutants.ALL]"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert {mutant.caught_by for mutant in mutants.ALL.values()} <= {kind.name for kind in kinds.ALL}
    assert {mutant.invariant for mutant in mutants.ALL.values()} == mutants.INVARIANTS.keys()


async def test_the_three_sets_are_compared(tmp_path: Path) -> None:
    """One id of each fate: kept, lost, altered, twice, unreadable, and one that nobody sent."""
    oracle = Oracle(tmp_path / "oracle")
    names = ["kept", "lost", "altered", "twice", "unreadable", "never acked"]
    await oracle.intend((name, name.encode()) for name in names)
    oracle.acknowledge(names[:-1])
    held = Held({name: name.encode() for name in ("kept", "twice")} | {"altered": b"other", "foreign": b""})
    held.duplicates, held.unreadable = {"twice"}, {"unreadable"}
    found = compare(oracle, held)
    assert (found.acknowledged, found.lost, found.duplicates, found.unreadable) == (5, 1, 1, 2)
    assert found.wrong == ["1 that nobody sent, such as foreign"]
    oracle.close()


async def test_an_intent_is_on_disk_before_anything_is_sent(tmp_path: Path) -> None:
    """The file of a killed driver tells all that may be on its way, and every flushed acknowledgement."""
    oracle = Oracle(tmp_path / "oracle")
    await oracle.intend([("snap_1", b"\x01")])
    assert (tmp_path / "oracle").read_text() == "intent snap_1 01\n"
    oracle.acknowledge(["snap_1"])
    await oracle.flushed()
    assert (tmp_path / "oracle").read_text() == "intent snap_1 01\nacked snap_1\n"
    oracle.close()


def test_slices_of_many_runs_add_up(tmp_path: Path) -> None:
    """Two lines of one fault are one row; what was slowest stays; a fault that could not be played says why."""
    path = tmp_path / "results.jsonl"
    first, second = Outcome(2, 10, lost=1), Outcome(3, 20, wrong=["it broke"])
    first.took("start", 0.5)
    second.took("start", 0.25)
    results.append(path, Slice("kill", 1, "abc", "2026-11-22", 1.0, first))
    results.append(path, Slice("kill", 2, "abc", "2026-11-22", 1.0, second))
    results.append(path, Slice("cut", 0, "abc", "2026-11-22", 0.0, Outcome(), "needs root"))
    totals = results.read(path)
    kill = totals["kill"].outcome
    assert (kill.runs, kill.acknowledged, kill.lost, kill.wrong, kill.slowest) == (
        5,
        30,
        1,
        ["it broke"],
        {"start": 0.5},
    )
    rows = [(name, name, totals.get(name, Total())) for name in ("kill", "cut")]
    text = results.table(rows, {"kill": 1000, "cut": 300})
    assert "| kill | 5 / 1,000 | 30 | 1 | 0 | 0 | 1 | start 0.5 s | 1, 2 |" in text
    assert "| cut | **not run** of 300: needs root |" in text


def test_a_reader_sees_what_guards_an_invariant(tmp_path: Path) -> None:
    """What was planted and what was taken out stand beside each other; what got away or was not hunted says so."""
    path = tmp_path / "mutants.jsonl"
    results.append(path, Slice("deaf", 7, "abc", "2026-11-22", 1.0, Outcome(3, 20)))
    results.append(path, Slice("mute", 7, "abc", "2026-11-22", 1.0, Outcome(2, 10, lost=4)))
    gone = [("deaf", "it does not hear", "kill"), ("mute", "it says nothing", "cut"), ("blind", "it looks away", "cut")]
    text = results.guards([results.Guard(1, "no loss", ["planted"], gone)], results.newest(path))
    assert "| 1: no loss | planted | it does not hear; it says nothing; it looks away |" in text
    assert "| 1 | it does not hear (`deaf`) | `kill` | **no**, in 3 runs | 7 | abc |" in text
    assert "| 1 | it says nothing (`mute`) | `cut` | after 2 runs: 4 lost of 10 | 7 | abc |" in text
    assert "| 1 | it looks away (`blind`) | `cut` | **not hunted yet** | |  |" in text


def test_the_page_takes_the_table_between_its_marks(tmp_path: Path) -> None:
    """What stands around the marks stays; a page without them is refused."""
    page = tmp_path / "page.md"
    begin, end = results.MARKS
    page.write_text(f"before\n{begin}\nold\n{end}\nafter\n")
    results.write_page(page, "new")
    assert page.read_text() == f"before\n{begin}\nnew\n{end}\nafter\n"
    page.write_text("no marks")
    with pytest.raises(ValueError, match="has no place"):
        results.write_page(page, "new")
