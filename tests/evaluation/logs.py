"""`make eval-logs`: faults of the kernel found and missed, false findings, cascades, and how well messages are grouped.

The folder with the labelled logs is an argument (LOGS=...); without it that part is said to be not run.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.evaluation import cascades, grouping, kernel_faults
from tests.evaluation.wilson import share


def main(arguments: Sequence[str]) -> int:
    """Print all tables; gives 0."""
    print("\n".join(_faults()))
    print("\n".join(_false()))
    print("\n".join(_cascades()))
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
    for name, part in [*parts, ("all", results), *sorted(by_class.items())]:
        total = len(part)
        found, right = sum(one.found for one in part), sum(one.class_right for one in part)
        objects = sum(one.object_right for one in part)
        yield f"| {name} | {total} | {share(found, total)} | {share(right, total)} | {share(objects, total)} |"
    for one in results:
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
