"""`make bench-canaries`: 200 values planted on a machine and looked for in every place that the product writes to.

Exits 1 where one was found, or where the search does not find all of them on the machine itself.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.canary.play import Outcome, allowed, play

TOTAL, SEED = 200, 20261122


def main(arguments: list[str]) -> int:
    """Play it and print a table in Markdown; arguments: how many, and the seed."""
    if not allowed():
        print("not run: it needs root for a namespace of its own", file=sys.stderr)
        return 2
    total, seed = (int(given) for given in (*arguments, *map(str, (TOTAL, SEED)[len(arguments) :])))
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="caseprobe-canary-", ignore_cleanup_errors=True) as name:
        outcome = play(Path(name), total, seed)
    print(f"{outcome.planted} canaries, {outcome.control} found on the machine, {time.monotonic() - started:.0f} s\n")
    print("| place | KiB looked through | found |\n| --- | --- | --- |")
    for place, found in outcome.found.items():
        print(f"| {place} | {outcome.seen_bytes[place] >> 10} | {len({value for _, value, _ in found})} |")
    _list(outcome)
    return int(bool(set().union(*outcome.found.values())) or outcome.control < outcome.planted)


def _list(outcome: Outcome) -> None:
    """What was found, by kind."""
    everywhere = set().union(*outcome.found.values())
    for kind, value, encoding in sorted(everywhere):
        places = [place for place, found in outcome.found.items() if (kind, value, encoding) in found]
        print(f"\n- {kind}, {encoding}: {value} in {', '.join(places)}", end="")
    print()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
