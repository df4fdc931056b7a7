"""`python -m tests.evaluation.identifiers`: recall, one pseudonym a value, idempotence and the way back, by kind."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from tests.evaluation.identifiers import more_lines, network, people, untouched
from tests.evaluation.identifiers.measure import Score, score
from tests.evaluation.identifiers.measure import untouched as changed_of

SEED, EACH = 11, 12
LOW = 0.99


def main(arguments: Sequence[str]) -> int:
    """Print the table and what was missed; gives the exit code. `-v`: every missed line, not only three a kind."""
    found = score((*network.ALL, *people.ALL), SEED, EACH)
    others = score(more_lines.ALL, SEED, EACH)
    found |= {f"{name} (more lines)": one for name, one in others.items()}
    print("| identifiers | planted | hidden | one pseudonym a value | unchanged by a second run | restored |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, one in (*found.items(), ("all", _sum(found.values())), ("all more lines", _sum(others.values()))):
        ratios = (one.hidden / one.planted, one.one_pseudonym / one.values)
        more = (one.stable / one.planted, one.restored / one.planted)
        print(f"| {name} | {one.planted} | " + " | ".join(f"{ratio:.4f}" for ratio in (*ratios, *more)) + " |")
    changed = changed_of(untouched.ALL)
    print(f"| lines without any | {len(untouched.ALL)} | {len(changed)} changed | | | |")
    for name, one in found.items():
        for text, masked in one.missed[: None if "-v" in arguments else 3]:
            print(f"missed, {name}:\n    {text}\n    {masked}")
    for text, masked in changed:
        print(f"changed:\n    {text}\n    {masked}")
    return 0


def _sum(scores: Iterable[Score]) -> Score:
    """All kinds together."""
    total = Score()
    for one in scores:
        for name in ("planted", "hidden", "stable", "restored", "one_pseudonym", "values"):
            setattr(total, name, getattr(total, name) + getattr(one, name))
    return total


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
