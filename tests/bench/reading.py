"""CPU and memory of a process tree, read from /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """Resident memory of one process."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def peak_bytes() -> int:
    """The most that this process held at once, since it began: getrusage tells of whoever started it, too."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) * 1024


def private_bytes(pid: int) -> int:
    """Memory that would be free without this process."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Private_"))


def cpu_seconds(pid: int) -> float:
    """User and system time of one process since its start, ended threads included (nanosecond clock where alive)."""
    total = 0.0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0]) / 1e9
    return total


@dataclass(frozen=True)
class Row:
    """One line of the table: what, the figure, what it is compared with, and the aim."""

    what: str
    figure: str
    beside: str
    aim: str
    reached: bool


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    head = "| what | measured | floor or peer, same run | aim | reached |\n| --- | --- | --- | --- | --- |"
    return "\n".join(
        [head, *(f"| {r.what} | {r.figure} | {r.beside} | {r.aim} | {'yes' if r.reached else 'NO'} |" for r in rows)]
    )
