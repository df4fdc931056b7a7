"""Where the suite's time goes: seconds, and processor seconds of tests and what they started, beside a budget."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import PurePath

import pytest

# Processor seconds of a whole run: together nine tenths of what two processors have in five minutes. What goes
# beyond is marked, and nothing fails of it.
BUDGET: dict[str, float] = {
    "tests/agent": 120,
    "tests/architecture": 18,
    "tests/caseprobe": 65,
    "tests/collector": 45,
    "tests/contract": 4,
    "tests/e2e": 140,
    "tests/evaluation": 2,
    "tests/faults": 38,
    "tests/paths": 8,
    "tests/simulation": 45,
    "tests/torture": 50,
    "proto/caseprobe": 5,
}
GRAINS = ("folder", "file", "test")
# What a report carries from the process that ran the test to the one that prints.
CARRIED = "processor_seconds"


@dataclass
class Spent:
    """What some tests took."""

    tests: int = 0
    seconds: float = 0.0
    processor_seconds: float = 0.0


class Spending:
    """Adds up the phases of every test, in whichever process they ran."""

    def __init__(self, grain: str) -> None:
        self._grain = grain
        self._seen = processor_seconds()
        self._spent: defaultdict[str, Spent] = defaultdict(Spent)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """The report of each phase says what was used since the one before."""
        report = yield
        now = processor_seconds()
        setattr(report, CARRIED, now - self._seen)
        self._seen = now
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count it."""
        spent = self._spent[part_of(report.nodeid, self._grain)]
        spent.tests += report.when == "call"
        spent.seconds += report.duration
        spent.processor_seconds += getattr(report, CARRIED, 0.0)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """A row for each part, the dearest first."""
        if self._grain not in GRAINS:
            return
        terminalreporter.section("where the time goes")
        terminalreporter.write_line(" tests  seconds  processor  budget")
        for part, spent in sorted(self._spent.items(), key=lambda one: -one[1].processor_seconds):
            budget = BUDGET.get(part)
            beyond = "  beyond its budget" if budget and spent.processor_seconds > budget else ""
            row = f"{spent.tests:6d} {spent.seconds:8.1f} {spent.processor_seconds:10.1f} {budget or '':>7}"
            terminalreporter.write_line(f"{row}  {part}{beyond}")


def processor_seconds() -> float:
    """What this process and the children that it waited for have used."""
    now = os.times()
    return now.user + now.system + now.children_user + now.children_system


def part_of(node: str, grain: str) -> str:
    """The test itself, its file, or the folder below the root that it is in.

    >>> part_of("tests/agent/path/test_rounds.py::test_one[a/b]", "folder")
    'tests/agent'
    """
    file = node.partition("::")[0]
    return {"test": node, "file": file}.get(grain, "/".join(PurePath(file).parts[:2]))
