"""`python -m tests.bench.looks`: what a look of a live watch costs, measured and sealed in children that wait for it.

The peer is measured in the same run: the same look with a child of its own for each of both, as a watch begins.
"""

from __future__ import annotations

import asyncio
import os
import statistics
from pathlib import Path

from caseprobe_agent import worker
from caseprobe_agent.machine import Machine
from caseprobe_agent.seal import Hiding
from caseprobe_agent.seal.live import rounds_apart
from caseprobe_agent.session.spans import watchable
from caseprobe_agent.snapshot import new_sentinel, take_snapshot
from caseprobe_agent.snapshot.child import Looks

PROBES = ("cpu", "memory", "disks", "interfaces", "processes")
LOOKS, ANEW, LIMIT_SECONDS = 10, 3, 30.0


def _children_seconds() -> float:
    """Processor time of all children, of those that live too."""
    ended, ticks = os.times(), os.sysconf("SC_CLK_TCK")
    spent = ended.children_user + ended.children_system
    for task in Path(f"/proc/{os.getpid()}/task").iterdir():
        for number in (task / "children").read_text().split():
            fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
            spent += (int(fields[11]) + int(fields[12])) / ticks
    return spent


async def _looks(count: int, kept: bool) -> list[float]:
    """Processor seconds of each look, as its children count them."""
    known, sentinel, costs = watchable(), new_sentinel(), []
    probes = [known[name] for name in PROBES]
    async with worker.Kept(Looks) as waiting, rounds_apart(Hiding(bytes(32), True, "web"), kept) as seal:
        for _ in range(count):
            before = _children_seconds()
            child = await waiting.child() if kept else None
            taken = await take_snapshot(probes, Machine(), LIMIT_SECONDS, "watch", child, sentinel)
            await seal(taken.snapshot, taken.artifacts)
            costs.append(_children_seconds() - before)
    return costs


async def main() -> None:
    """One line: a kept look, a look anew, their ratio."""
    first, *later = await _looks(LOOKS, kept=True)
    # A tick of the clock is most of one look: of several the mean counts.
    look, anew = statistics.mean(later), statistics.median(await _looks(ANEW, kept=False))
    ratio = f"{anew / look:.0f} times" if look else "more than can be told"
    print(f"a look at {', '.join(PROBES)}: {look * 1000:.0f} ms of processor time (the first {first * 1000:.0f} ms)")
    print(f"the same with children of its own: {anew * 1000:.0f} ms, {ratio} as much")


if __name__ == "__main__":
    asyncio.run(main())
