"""`make eval-logs`: faults of the kernel found and missed, false findings, cascades, and how well messages are grouped.

The folder with the labelled logs is an argument (LOGS=...); without it that part is said to be not run.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from caseprobe.parse.logs.facts import facts_of
from caseprobe.parse.logs.groups import grouped
from caseprobe.parse.logs.text import LogText, ring_parser
from tests.evaluation import cascades, grouping, kernel_faults
from tests.evaluation.wilson import share

RING = "healthy/debian-12-laptop.log"


def main(arguments: Sequence[str]) -> int:
    """Print all tables; gives 0."""
    print("\n".join(_faults()))
    print("\n".join(_false()))
    print("\n".join(_cascades()))
    print("\n".join(_speed()))
    print("\n".join(_grouping(Path(arguments[0])) if arguments else ["\ngrouping: not run (give LOGS=<folder>)"]))
    return 0


def _faults() -> Iterable[str]:
    results = [kernel_faults.scored(case) for case in kernel_faults.cases()]
    yield "\n| kernel faults | events | found | class right | object right |\n| --- | --- | --- | --- | --- |"
    halves = (("rules were written with", False), ("held out", True))
    parts = [(name, [one for one in results if one.case.held_out is held]) for name, held in halves]
    by_class: dict[str, list[kernel_faults.Scored]] = defaultdict(list)
    for one in results:
        by_class[one.case.fault_class].append(one)
    others = {
        name: list(map(kernel_faults.scored_published, kernel_faults.published(name)))
        for name in kernel_faults.PUBLISHED
    }
    parts = [*parts, ("all", results), *((f"published by others: {name}", part) for name, part in others.items())]
    for name, part in [*parts, *sorted(by_class.items())]:
        total = len(part)
        found, right = sum(one.found for one in part), sum(one.class_right for one in part)
        objects = sum(one.object_right for one in part)
        yield f"| {name} | {total} | {share(found, total)} | {share(right, total)} | {share(objects, total)} |"
    for one in itertools.chain(results, *others.values()):
        if not one.object_right:
            yield f"not right: {one.case.fault_class} {one.case.object!r}: {one.case.lines[0][:100]}"


def _false() -> Iterable[str]:
    for folder, what in (("healthy", "healthy boot logs"), ("quoting", "texts that quote messages")):
        found = kernel_faults.false_findings(folder)
        total = sum(map(len, found.values()))
        yield f"\n{what}: {total} false findings in {len(found)} files ({total / len(found):.3f} each)"
        yield from (f"  {name}: {line[:120]}" for name, lines in found.items() for line in lines)


def _cascades() -> Iterable[str]:
    verdicts = {scenario.name: cascades.verdict(scenario) for scenario in cascades.SCENARIOS}
    right = sum(not verdict for verdict in verdicts.values())
    alone = sum(map(cascades.orphans, cascades.SCENARIOS))
    total = len(verdicts)
    yield f"\ncascades with the one right root: {share(right, total)} of {total}; {alone} orphan criticals"
    yield from (f"  {name}: {verdict}" for name, verdict in verdicts.items() if verdict)


def _speed() -> Iterable[str]:
    """A ring of 2 MiB with one fault in a hundred lines, beside reading its lines alone."""
    text = _long_ring()
    log = LogText(text, ring_parser(0))
    ways: tuple[tuple[str, Callable[[], object]], ...] = (
        ("lines alone", lambda: text.split("\n")),
        ("lines and their numbers cut", lambda: grouped(log)),
        ("all facts: faults, counts, templates", lambda: facts_of(log, 0.0)),
    )
    yield f"\n| 2 MiB of the kernel's ring, {text.count(chr(10)):,} lines | ms CPU |\n| --- | --- |"
    for name, way in ways:
        yield f"| {name} | {min(_seconds(way) for _ in range(3)) * 1000:.1f} |"


def _long_ring() -> str:
    healthy = [line.partition("] ")[2] for line in (kernel_faults.FOLDER / RING).read_text().splitlines()]
    faults = [line for case in kernel_faults.cases() for line in case.lines]
    messages = itertools.cycle([*healthy * 3, faults[0], *healthy * 3, faults[100]])
    lines, size = [], 0
    for number, message in enumerate(messages):
        lines.append(f"<6>[{number:12.6f}] {message} {number}\n")
        size += len(lines[-1])
        if size >= 2 << 20:
            return "".join(lines)
    return ""


def _seconds(way: Callable[[], object]) -> float:
    begin = time.process_time()
    way()
    return time.process_time() - begin


def _grouping(folder: Path) -> Iterable[str]:
    systems = grouping.labelled(folder)
    ours, numbers = grouping.accuracies(systems), grouping.numbers_only(systems)
    yield "\n| grouping accuracy | ours | numbers only |\n| --- | --- | --- |"
    for name in systems:
        yield f"| {name} | {ours[name]:.3f} | {numbers[name]:.3f} |"
    for name, of in (("mean", lambda values: sum(values) / len(values)), ("worst", min)):
        yield f"| {name} | {of(list(ours.values())):.3f} | {of(list(numbers.values())):.3f} |"
    yield f"\n{grouping.lines_per_second(systems):,.0f} lines a second of one core (aim 300,000)"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
