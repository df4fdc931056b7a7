"""`python -m tests.faults`: every kind of fault, made on this machine, and whether `caseprobe check` names it."""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.faults import found
from tests.faults.kind import Kind
from tests.faults.room import missing

# A finding that comes later counts as none.
JUDGED_WITHIN_SECONDS = 10.0


@dataclass(frozen=True)
class Outcome:
    """What became of one kind: found, missed with what was said instead, or not run."""

    kind: Kind
    word: str
    detail: str
    seconds: float


def attempt(kind: Kind) -> Outcome:
    """Make it and judge."""
    lacks = missing() or kind.missing()
    if lacks:
        return Outcome(kind, "not run", lacks, 0.0)
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
            finding, seconds = found.finding_of(kind, Path(folder))
    except Exception as error:
        return Outcome(kind, "broken", f"{type(error).__name__}: {error}", time.monotonic() - began)
    if finding and seconds > JUDGED_WITHIN_SECONDS:
        return Outcome(kind, "LATE", finding["summary"], seconds)
    return Outcome(kind, finding["state"] if finding else "MISSED", finding["summary"] if finding else "", seconds)


def main() -> int:
    """A row a kind, and the count."""
    wanted = sys.argv[1:]
    outcomes = []
    for kind in found.ALL:
        if not wanted or any(word in kind.name for word in wanted):
            outcome = attempt(kind)
            outcomes.append(outcome)
            print(f"| {kind.name} | {outcome.word} | {outcome.seconds:.1f} s | {outcome.detail} |", flush=True)
    ran = [outcome for outcome in outcomes if outcome.word != "not run"]
    good = [outcome for outcome in ran if outcome.word not in ("MISSED", "LATE", "broken")]
    print(f"{len(good)} of {len(ran)} kinds found, with the right object; {len(outcomes) - len(ran)} not possible here")
    return 0 if len(good) == len(ran) else 1


if __name__ == "__main__":
    raise SystemExit(main())
