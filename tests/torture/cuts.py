"""Power cuts of the collector: its disk as it stood at a random moment under load, and a collector started on it."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import time
from pathlib import Path
from random import Random

from tests.torture import images
from tests.torture.driver import Fleet
from tests.torture.ground import Collector, Ground, more_ports
from tests.torture.held import Store, chain_fault
from tests.torture.oracle import Oracle, Outcome, compare
from tests.torture.processes import apart

WINDOW = 4
CUTS = 12
LONGEST_WAIT_SECONDS = 0.5
# An acknowledgement that was sent before the writer stood still may still be on its way to us.
ON_THE_WAY_SECONDS = 0.03


async def cut_collector(ground: Ground, random: Random, end: float, most: int) -> Outcome:
    """Cut, look at the copy while the writer stands still, go on; up to most times or until end."""
    outcome = Outcome()
    while outcome.runs < most and time.monotonic() < end:
        outcome.add(await _life(ground, random, end, min(CUTS, most - outcome.runs)))
    return outcome


async def _life(ground: Ground, random: Random, end: float, most: int) -> Outcome:
    """Several cuts of one collector under one load."""
    outcome, ports = Outcome(), more_ports()
    with ground.room() as room, images.fresh(room) as disk:
        oracle = Oracle(room / "oracle")
        collector = Collector(ground, ground.furnish(disk / "data"), log=room / "log")
        images.sync(disk)
        try:
            await collector.start()
            async with Fleet(ground.template.fleet, oracle, random).running(lambda: collector.address, WINDOW):
                while outcome.runs < most and (not outcome.runs or time.monotonic() < end):
                    await oracle.acks(1)
                    await asyncio.sleep(random.uniform(0, LONGEST_WAIT_SECONDS))
                    acked, copy = await _cut(collector, oracle, room, f"cut-{outcome.runs}")
                    outcome.add(await _after(ground, room, copy, oracle, acked, ports))
                    collector.child.send(signal.SIGCONT)
                await oracle.flushed()
        finally:
            collector.stop()
            oracle.close()
    return outcome


async def _cut(collector: Collector, oracle: Oracle, room: Path, name: str) -> tuple[set[str], Path]:
    """What was acknowledged when the power went, and the disk as it was then."""
    collector.child.send(signal.SIGSTOP)
    await apart(images.stand_still, collector.child)
    await asyncio.sleep(ON_THE_WAY_SECONDS)
    acked = set(oracle.acked)
    return acked, await apart(images.copy_of, room, name)


async def _after(
    ground: Ground, room: Path, copy: Path, oracle: Oracle, acked: set[str], ports: tuple[int, ...]
) -> Outcome:
    """Start a collector on the copy and compare."""
    with images.after_the_cut(copy) as disk:
        survivor = Collector(ground, disk / "data", ports=ports, log=room / "survivor.log")
        try:
            seconds = await survivor.start()
            found = compare(oracle, Store(survivor.data).read(), acked)
            if fault := chain_fault(survivor.data):
                found.wrong.append(f"audit: {fault}")
        except (RuntimeError, sqlite3.DatabaseError) as error:
            found, seconds = Outcome(runs=1, acknowledged=len(acked), lost=len(acked), wrong=[str(error)]), 0.0
        finally:
            survivor.stop()
    found.took("start after a cut", seconds)
    return found
