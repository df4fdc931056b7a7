"""Wall clocks that jump by hours, by years, to 1970, while the monotonic ones go on: libfaketime under them all."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.torture.driver import Fleet
from tests.torture.ground import Collector, Ground
from tests.torture.held import Store, chain_fault
from tests.torture.oracle import Oracle, Outcome, compare
from tests.torture.processes import Forge, apart
from tests.torture.sleepers import online, start_agent

LIBRARIES = tuple(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
JUMPS = ("-1h", "+1h", "+400d", "@1970-01-02 00:00:00")
TRUE_TIME = "+0"
# libfaketime counts its cache's age in whole seconds and reads the file anew once that is more than the duration: two
# seconds at most with a duration of one.
SEEN_SECONDS = 2.1
# Each at its own place in the period, so that one is due every few seconds.
TIMETABLES = 4
PERIOD_SECONDS = 10.0
# The agent looks once a second, and a busy machine looks later.
EARLY_SECONDS, LATE_SECONDS = 4.0, 6.0
BETWEEN_SECONDS = 2.5
# Later than this is late; not at all within the other is wrong.
PROMPT_SECONDS, ACKED_SECONDS = 20.0, 45.0
# Agents' certificates are good for 90 days of the collector's clock.
EXPIRED = "+400d"


class Clock:
    """A wall clock that a test sets; processes of its forges read it."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.set(TRUE_TIME)

    async def jump(self, offset: str) -> None:
        """Jump there, and wait until every process has seen it.

        They look every second or two: a look at each call makes a wait with a time limit last 0.14 s (measured).
        """
        self.set(offset)
        await asyncio.sleep(SEEN_SECONDS)

    def set(self, offset: str) -> None:
        """Jump there; in place, so that nobody reads half of it."""
        new = self._file.with_suffix(".new")
        new.write_text(offset + "\n")
        new.rename(self._file)

    @contextlib.contextmanager
    def forge(self, ground: Ground, module: str) -> Iterator[Forge]:
        """Starts a command whose wall clock this is."""
        environment = {
            "LD_PRELOAD": str(LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_CACHE_DURATION": "1",
        }
        with contextlib.closing(Forge(module, mutant=ground.mutant, **environment)) as forge:
            yield forge


@dataclass
class Seen:
    """When which timetable ran, by this process's own clock, from the machine's audit."""

    path: Path
    runs: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: list[str] = field(default_factory=list)
    snapshots: int = 0
    _offset: int = 0

    def look(self) -> None:
        """Take the lines that are new."""
        with contextlib.suppress(FileNotFoundError), self.path.open() as file:
            file.seek(self._offset)
            while (line := file.readline()).endswith("\n"):
                self._offset = file.tell()
                self._take(json.loads(line))

    def _take(self, entry: dict[str, str]) -> None:
        kind, _, schedule_id = entry["by"].partition(" ")
        if kind == "schedule" and entry["action"].startswith("admitted"):
            self.runs[schedule_id].append(time.monotonic())
        elif entry["action"] == "scheduled run":
            self.snapshots += "snap_" in entry["detail"]
            if "failed" in entry["detail"]:
                self.failed.append(entry["detail"])

    def faults(self, until: float) -> list[str]:
        """Runs that came twice in a slot, or not at all."""
        found = []
        for name, moments in self.runs.items():
            gaps = [after - before for before, after in zip(moments, [*moments[1:], until], strict=True)]
            if any(gap < PERIOD_SECONDS - EARLY_SECONDS for gap in gaps[:-1]):
                found.append(f"timetable {name} ran twice in a slot: {_rounded(gaps)}")
            if any(gap > PERIOD_SECONDS + LATE_SECONDS for gap in gaps):
                found.append(f"timetable {name} missed a slot: {_rounded(gaps)}")
        if len(self.runs) < TIMETABLES:
            found.append(f"{TIMETABLES - len(self.runs)} timetables never ran")
        return found


async def jump_agent(ground: Ground, random: Random, end: float, most: int) -> Outcome:
    """`caseprobe run` with timetables: by the monotonic clock each runs once a slot, whatever the wall clock does."""
    outcome = Outcome()
    with ground.room() as room:
        clock = Clock(room)
        collector = Collector(ground, ground.furnish(room / "data"), log=room / "log")
        try:
            await collector.start()
            with clock.forge(ground, "caseprobe_agent") as forge:
                child = start_agent(ground, forge, room)
                try:
                    await _jumps(collector, clock, room, random, end, most, outcome)
                    if not child.running:
                        outcome.wrong.append(f"the agent ended: {child.words()}")
                finally:
                    child.kill()
        finally:
            collector.stop()
    return outcome


async def _jumps(
    collector: Collector, clock: Clock, room: Path, random: Random, end: float, most: int, outcome: Outcome
) -> None:
    agent_id = await online(collector)
    for number in range(TIMETABLES):
        path = {"target": "127.0.0.1", "rounds": 1, "interval_seconds": 0.1}
        body = {"name": f"path {number}", "every_seconds": PERIOD_SECONDS, "path": path}
        await apart(collector.post, f"/agents/{agent_id}/schedules", body)
    seen = Seen(room / "state" / "audit.jsonl")
    watch = asyncio.create_task(_watch(seen))
    try:
        # Whatever most is, every timetable must have had its turn before and after a jump.
        await asyncio.sleep(PERIOD_SECONDS + LATE_SECONDS / 2)
        while outcome.runs < most and (not outcome.runs or time.monotonic() < end - 2 * PERIOD_SECONDS):
            clock.set(random.choice(JUMPS))
            outcome.runs += 1
            await asyncio.sleep(BETWEEN_SECONDS)
        await asyncio.sleep(PERIOD_SECONDS)
    finally:
        watch.cancel()
    outcome.wrong += seen.faults(time.monotonic()) + seen.failed[:3]
    outcome.count("scheduled runs", sum(len(moments) for moments in seen.runs.values()))
    await _arrived(collector, agent_id, seen, outcome)


async def _watch(seen: Seen) -> None:
    while True:
        seen.look()
        await asyncio.sleep(0.1)


async def _arrived(collector: Collector, agent_id: str, seen: Seen, outcome: Outcome) -> None:
    """As many snapshots as the machine's audit tells of, each once."""
    store, end = Store(collector.data), time.monotonic() + ACKED_SECONDS
    while len((held := store.read()).hashes) < seen.snapshots and time.monotonic() < end:
        await asyncio.sleep(0.1)
    outcome.acknowledged += seen.snapshots
    outcome.lost += max(0, seen.snapshots - len(held.hashes))
    outcome.duplicates += len(held.duplicates)
    outcome.unreadable += len(held.unreadable)


async def jump_collector(ground: Ground, random: Random, end: float, most: int) -> Outcome:
    """The collector's clock jumps under load; only certificates may mind, and only while it is past their end."""
    outcome = Outcome()
    with ground.room() as room:
        clock, oracle = Clock(room), Oracle(room / "oracle")
        fleet = Fleet(ground.template.fleet, oracle, random)
        with clock.forge(ground, "caseprobe_collector") as forge:
            collector = Collector(ground, ground.furnish(room / "data"), log=room / "log", forge=forge)
            try:
                await collector.start()
                async with fleet.running(lambda: collector.address, 2):
                    # A handshake that the first jump cuts in two is tried again only after gRPC's 20 s.
                    await fleet.connected(ACKED_SECONDS)
                    while outcome.runs < most and (not outcome.runs or time.monotonic() < end):
                        outcome.runs += 1
                        await _jump(fleet, clock, oracle, random, outcome)
                clock.set(TRUE_TIME)
                found = compare(oracle, Store(collector.data).read())
                found.runs = 0
                outcome.add(found)
                if fault := chain_fault(collector.data):
                    outcome.wrong.append(f"audit: {fault}")
            finally:
                collector.stop()
                oracle.close()
    return outcome


async def _jump(fleet: Fleet, clock: Clock, oracle: Oracle, random: Random, outcome: Outcome) -> None:
    """One jump: streams that stand go on, and new ones are taken unless their certificate is over by that clock."""
    offset = random.choice(JUMPS)
    await clock.jump(offset)
    begin = time.monotonic()
    try:
        await oracle.acks(len(fleet.machines), ACKED_SECONDS)
        fleet.hang_up()
        if offset == EXPIRED:
            await asyncio.sleep(0.5)
            if any(machine.connected.is_set() for machine in fleet.machines):
                outcome.wrong.append("a certificate that is over by the collector's clock opened a stream")
            outcome.count("certificates over, refused")
            await clock.jump(TRUE_TIME)
        await fleet.connected(ACKED_SECONDS)
        await oracle.acks(len(fleet.machines), ACKED_SECONDS)
    except TimeoutError:
        outcome.wrong.append(f"{offset}: the machines are not served")
        clock.set(TRUE_TIME)
    if (seconds := time.monotonic() - begin) > PROMPT_SECONDS:
        outcome.late.append(f"{offset}: served only after {seconds:.0f} s")


def _rounded(gaps: list[float]) -> list[float]:
    return [round(gap, 1) for gap in gaps]
