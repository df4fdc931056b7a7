"""SIGKILL of the collector at random moments under load."""

from __future__ import annotations

import asyncio
import time
from random import Random

from tests.torture.driver import Fleet
from tests.torture.ground import Collector, Ground
from tests.torture.held import Store, chain_fault
from tests.torture.oracle import Oracle, Outcome, compare

# Kills of one folder; then a fresh copy, so that comparing stays cheap.
LIVES = 40
WINDOW = 6
LONGEST_LIFE_SECONDS = 0.6


async def kill_collector(ground: Ground, random: Random, end: float, most: int) -> Outcome:
    """Kill, start again, compare what was acknowledged with what is there; up to most times or until end."""
    outcome = Outcome()
    while outcome.runs < most and time.monotonic() < end:
        outcome.add(await _lives(ground, random, end, min(LIVES, most - outcome.runs)))
    return outcome


async def _lives(ground: Ground, random: Random, end: float, most: int) -> Outcome:
    """Several kills of one collector's folder, its machines resending across them."""
    outcome = Outcome()
    with ground.room() as room:
        oracle = Oracle(room / "oracle")
        collector = Collector(ground, ground.furnish(room / "data"), log=room / "log")
        fleet, store = Fleet(ground.template.fleet, oracle, random), Store(collector.data)
        try:
            await collector.start()
            async with fleet.running(lambda: collector.address, WINDOW):
                while outcome.runs < most and (not outcome.runs or time.monotonic() < end):
                    await oracle.acks(1)
                    await asyncio.sleep(random.uniform(0, LONGEST_LIFE_SECONDS))
                    await collector.kill()
                    await _back(collector, oracle, outcome)
                    judge(compare(oracle, store.read()), outcome)
                await oracle.flushed()
            if fault := chain_fault(collector.data):
                outcome.wrong.append(f"audit: {fault}")
        finally:
            collector.stop()
            oracle.close()
    return outcome


async def _back(collector: Collector, oracle: Oracle, outcome: Outcome) -> None:
    """Start it again; nothing else is done by hand."""
    begin = time.monotonic()
    await collector.start()
    await oracle.acks(1)
    outcome.took("first ack after SIGKILL", time.monotonic() - begin)


def judge(found: Outcome, outcome: Outcome) -> None:
    """Add one run's findings. Losses stay lost: a later comparison of the same folder must not count them again."""
    found.acknowledged -= outcome.acknowledged
    found.lost = max(0, found.lost - outcome.lost)
    found.duplicates = max(0, found.duplicates - outcome.duplicates)
    found.unreadable = max(0, found.unreadable - outcome.unreadable)
    outcome.add(found)
