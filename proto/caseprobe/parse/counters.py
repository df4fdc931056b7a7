"""Files of "name number" lines: /proc/vmstat, cgroup v2 memory.events and cpu.stat."""

from __future__ import annotations

from collections.abc import Mapping

# nr_free_pages 11710967
# pgmajfault 1045
# oom_kill 0


def parse_counters(text: str) -> Mapping[str, int]:
    """Every counter by its name; lines of another form are passed over.

    >>> parse_counters("oom_kill 3\\nodd line here\\n")["oom_kill"]
    3
    """
    rows = (line.split() for line in text.splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdecimal()}
