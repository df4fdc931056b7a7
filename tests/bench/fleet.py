"""Thousands of machines on one collector: all back after SIGKILL, and what they cost while they are idle.

`python -m tests.bench.fleet 8000` (not part of `make bench`: it takes minutes, and about 0.3 MiB for each machine and
side). The collector is a process of its own; the machines are streams of this one, so both share the cores.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

import grpc

from tests.bench.reading import Row, cpu_seconds, resident_bytes, table
from tests.bench.recovery import Collector, furnish, next_frame, stream_of
from tests.desk import Machine

MACHINES = 2000
LONGEST_SECONDS = 300.0
IDLE_SECONDS = 20.0
# Connections that are begun at once: a machine that waits for its turn is no attempt.
AT_ONCE = 500
MIB = 1 << 20


class Fleet:
    """Machines that connect, hold their stream, and come back with full jitter when it breaks."""

    def __init__(self, collector: Collector, machines: list[Machine]) -> None:
        self._collector = collector
        self._machines = machines
        self._dice = random.Random(1)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self.connected = 0
        self.tries = 0
        self._news = asyncio.Event()

    async def run(self) -> None:
        """All of them, until cancelled."""
        await asyncio.gather(*(self._stay(machine) for machine in self._machines))

    async def all_here(self) -> None:
        """Return once every machine has its Welcome."""
        async with asyncio.timeout(LONGEST_SECONDS):
            while self.connected < len(self._machines):
                self._news.clear()
                await self._news.wait()

    async def _stay(self, machine: Machine) -> None:
        number, failures = 0, 0
        while True:
            number += 1
            self.tries += 1
            served: list[int] = []
            with contextlib.suppress(grpc.aio.AioRpcError, ConnectionError):
                await self._one_stream(machine, number, served)
            failures = 0 if served else failures + 1
            await asyncio.sleep(self._dice.uniform(0.2, min(30.0, 0.4 * 2 ** min(failures, 8))))

    async def _one_stream(self, machine: Machine, number: int, served: list[int]) -> None:
        """One stream to its end; its number is in served once it had its Welcome."""
        await self._turns.acquire()
        waiting = True
        try:
            async with stream_of(self._collector, machine, number) as call:
                await next_frame(call, "welcome")
                self._turns.release()
                waiting = False
                served.append(number)
                await self._hold(call)
        finally:
            if waiting:
                self._turns.release()

    async def _hold(self, call: object) -> None:
        self.connected += 1
        self._news.set()
        try:
            await next_frame(call, "nothing that a collector sends")
        finally:
            self.connected -= 1


async def measure(total: int) -> list[Row]:
    """The lines of the table for so many machines."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as name:
        collector = Collector(Path(name) / "fleet")
        fleet = Fleet(collector, await furnish(collector, 0, total))
        collector.start()
        running = asyncio.create_task(fleet.run())
        try:
            await fleet.all_here()
            size, share = await _idle(collector)
            fleet.tries = 0
            collector.kill()
            began = time.perf_counter()
            collector.start()
            await asyncio.sleep(1)
            await fleet.all_here()
            back = time.perf_counter() - began
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            collector.kill()
    mib, tries = size / MIB, fleet.tries / total
    return [
        Row(f"memory of a collector with {total} idle machines", f"{mib:.0f} MiB", "-", "≤ 1050 MiB", mib <= 1050),
        Row("its processor time meanwhile", f"{share:.1%} of a core", "-", "≤ 6 %", share <= 0.06),
        Row(f"{total} machines back after SIGKILL", f"{back:.1f} s", f"{tries:.1f} tries", "≤ 120 s", back <= 120),
    ]


async def _idle(collector: Collector) -> tuple[int, float]:
    """(resident bytes, share of a core) over the idle time."""
    assert collector.child is not None
    pid = collector.child.pid
    await asyncio.sleep(5)
    used = cpu_seconds(pid)
    await asyncio.sleep(IDLE_SECONDS)
    return resident_bytes(pid), (cpu_seconds(pid) - used) / IDLE_SECONDS


if __name__ == "__main__":
    print(table(asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else MACHINES))))
