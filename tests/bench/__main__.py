"""`make bench`: the figures of this version, each with its floor or peer in the same run, as a Markdown table.

Exits 1 where a side failed; a figure that misses its aim is printed as such and is no failure of the run.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from tests.bench import (
    artifact,
    bulk,
    commits,
    halfopen,
    history,
    idle,
    ingest,
    neighbour,
    quick,
    recovery,
    roundtrip,
    second,
    sessions,
    showing,
    spool,
    window,
)
from tests.bench.reading import Row, table

BENCHES: tuple[tuple[str, Callable[[], list[Row]]], ...] = (
    ("quick", quick.measure),
    ("idle", idle.measure),
    ("roundtrip", roundtrip.measure),
    ("commits", commits.measure),
    ("ingest", ingest.measure),
    ("artifact", artifact.measure),
    ("recovery", recovery.measure),
    ("spool", spool.measure),
    ("bulk", bulk.measure),
    ("halfopen", halfopen.measure),
    ("sessions", sessions.measure),
    ("second", second.measure),
    ("showing", showing.measure),
    ("window", window.measure),
    ("neighbour", neighbour.measure),
    ("history", history.measure),
)


def main() -> int:
    """Run all benches, or those that are named; gives the exit code."""
    wanted = set(sys.argv[1:]) or {name for name, _ in BENCHES}
    unknown = wanted - {name for name, _ in BENCHES}
    if unknown:
        print(f"no bench {', '.join(sorted(unknown))}; there are {', '.join(n for n, _ in BENCHES)}", file=sys.stderr)
        return 2
    rows: list[Row] = []
    begin, load = time.monotonic(), os.getloadavg()[0]
    for name, measure in BENCHES:
        if name in wanted:
            print(f"measuring {name} …", file=sys.stderr)
            rows += measure()
    print(f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}, ")
    print(f"Python {platform.python_version()}; `make bench`, {time.monotonic() - begin:.0f} s, ", end="")
    print(f"load average {load:.1f} at the start and {os.getloadavg()[0]:.1f} at the end.\n")
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
