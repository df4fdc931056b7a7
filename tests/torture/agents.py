"""Kills, power cuts and failing calls of the agent's side: what append promised must reach the collector, once."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.torture import images, traces
from tests.torture.ground import Collector, Ground
from tests.torture.held import Store
from tests.torture.kills import judge
from tests.torture.oracle import Outcome, compare, read_diary
from tests.torture.processes import Child, apart

MACHINES = 3
LIVES = 30
PAUSE_SECONDS = 0.02
LONGEST_LIFE_SECONDS = 0.6
# Later than the first is late, and only what is not there after the second is lost: a busy machine loses nothing.
DELIVERY_SECONDS, PATIENCE_SECONDS = 40.0, 70.0
QUOTA_BYTES = 64 << 20
# Nobody listens there: the discard port of a machine that runs no such service.
NOWHERE = "127.0.0.1:9"
QUIET = -1.0
KILLED = ("pwrite64", "fdatasync", "ftruncate", "fsync", "write")
FAILED = ("pwrite64", "fdatasync", "ftruncate")
MOST_CALLS = 60
ANSWER_SECONDS = 20.0


@dataclass
class Scene:
    """A collector, and a station whose machines keep and deliver."""

    ground: Ground
    collector: Collector
    store: Store
    room: Path
    folder: Path
    entrance: tuple[str, ...] = ()
    # What damage took, and was told of.
    gone: set[str] = field(default_factory=set)
    station: Child | None = None
    _arguments: list[str] = field(default_factory=list)

    @property
    def diary(self) -> Path:
        """The station's, on a disk that no fault touches."""
        return self.room / "diary"

    async def start(
        self,
        folder: Path | None = None,
        *,
        pause: float = PAUSE_SECONDS,
        address: str = "",
        machines: int = MACHINES,
        quota: int = QUOTA_BYTES,
    ) -> Child:
        """The station, ready; RuntimeError with its words where it ends instead."""
        where, to = str(folder or self.folder), address or self.collector.address
        self._arguments = [where, str(machines), str(self.diary), to, str(pause), str(quota)]
        return await self.again()

    async def again(self) -> Child:
        """The station once more, as the last one was."""
        forge = self.ground.forge("tests.torture.station", self.entrance)
        self.station = forge.start(self._arguments, self.room / "station.log")
        if not await apart(self.station.line):
            raise RuntimeError(f"the agent does not start: {self.station.words()}")
        return self.station

    async def delivered(
        self, outcome: Outcome, *, counted: bool = True, but: frozenset[str] | set[str] = frozenset()
    ) -> None:
        """Everything kept by now reaches the collector, whole and once, or a gap tells that it was dropped.

        but: what is known to be gone.
        """
        kept, begin = read_diary(self.diary).acked - but, time.monotonic()
        while not kept <= self.store.read().hashes.keys() | self._dropped():
            if time.monotonic() - begin > PATIENCE_SECONDS:
                break
            await asyncio.sleep(0.03)
        outcome.took("all delivered", seconds := time.monotonic() - begin)
        if seconds > DELIVERY_SECONDS:
            outcome.late.append(f"delivered only after {seconds:.1f} s")
        # The store first: what is sent in between must not look as if nobody had sent it.
        dropped, held = self._dropped(), self.store.read()
        found = compare(read_diary(self.diary), held, kept - dropped)
        found.runs = int(counted)
        judge(found, outcome)
        if dropped:
            outcome.counts["told as a gap"] = len(dropped)

    def _dropped(self) -> set[str]:
        gaps = self.store.gaps()
        places = read_diary(self.diary).places if gaps else {}
        return {
            name
            for name, (spool, sequence) in places.items()
            if any(spool == where and first <= sequence <= last for where, first, last, _ in gaps)
        }

    def links(self) -> dict[str, bool]:
        """Which machine's link is up, as the station says."""
        return read_diary(self.diary).links

    def end(self) -> None:
        """Kill what still runs."""
        if self.station is not None:
            self.station.kill()


def furnish(ground: Ground, folder: Path, machines: int = MACHINES) -> Path:
    """Folders of enrolled machines."""
    for number in range(machines):
        shutil.copytree(ground.template.folder / "machines" / str(number), folder / str(number))
    return folder


@contextlib.asynccontextmanager
async def staged(ground: Ground, room: Path, folder: Path) -> AsyncIterator[Scene]:
    """A running collector and furnished machines; no station yet."""
    collector = Collector(ground, ground.furnish(room / "data"), log=room / "log")
    scene = Scene(ground, collector, Store(collector.data), room, folder)
    await collector.start()
    try:
        yield scene
    finally:
        scene.end()
        collector.stop()


async def kill_agent(ground: Ground, random: Random, end: float, most: int) -> Outcome:
    """SIGKILL of the agent under load; one time in four of the collector as well."""
    outcome = Outcome()
    while outcome.runs < most and time.monotonic() < end:
        with ground.room() as room:
            folder = furnish(ground, room / "machines")
            async with staged(ground, room, folder) as scene:
                outcome.add(await _lives(scene, random, end, min(LIVES, most - outcome.runs)))
    return outcome


async def _lives(scene: Scene, random: Random, end: float, most: int) -> Outcome:
    outcome = Outcome()
    station = await scene.start()
    while outcome.runs < most and (not outcome.runs or time.monotonic() < end):
        await asyncio.sleep(random.uniform(0, LONGEST_LIFE_SECONDS))
        await apart(station.kill)
        if random.random() < 0.25:
            outcome.count("both sides killed")
            await scene.collector.kill()
            await scene.collector.start()
        station = await scene.start()
        await scene.delivered(outcome)
    if gaps := scene.store.gaps():
        outcome.wrong.append(f"dropped although there was room: {gaps[:3]}")
    return outcome


async def cut_agent(ground: Ground, random: Random, end: float, most: int) -> Outcome:
    """Power cuts of the agent's disk; half of them with no collector in reach, so that all is still in the spool."""
    outcome = Outcome()
    with ground.room() as room:
        async with staged(ground, room, room / "unused") as scene:
            while outcome.runs < most and (not outcome.runs or time.monotonic() < end):
                with ground.room() as place, images.fresh(place) as disk:
                    await _cut(scene, place, disk, random, outcome)
    return outcome


async def _cut(scene: Scene, place: Path, disk: Path, random: Random, outcome: Outcome) -> None:
    folder = furnish(scene.ground, disk / "machines")
    images.sync(disk)
    address = NOWHERE if random.random() < 0.5 else ""
    station = await scene.start(folder, address=address)
    await asyncio.sleep(random.uniform(0.05, LONGEST_LIFE_SECONDS))
    station.send(signal.SIGSTOP)
    await apart(images.stand_still, station)
    copy = await apart(images.copy_of, place, "cut")
    # Its diary is on another disk: what it tells now was promised before it stood still.
    await apart(station.kill)
    with images.after_the_cut(copy) as after:
        station = await scene.start(after / "machines", pause=QUIET)
        await scene.delivered(outcome)
        await apart(station.kill)


async def agent_calls(ground: Ground, random: Random, end: float, most: int) -> Outcome:
    """Kill, then EIO, at every k-th call of one append."""
    outcome = Outcome()
    plays = [(call, traces.KILL) for call in KILLED] + [(call, traces.EIO) for call in FAILED]
    random.shuffle(plays)
    with ground.room() as room:
        async with staged(ground, room, furnish(ground, room / "machines")) as scene:
            await scene.start(pause=QUIET, machines=1)
            for call, fault in plays:
                for number in range(1, MOST_CALLS):
                    if outcome.runs >= most or (outcome.runs and time.monotonic() >= end):
                        return outcome
                    if not await _struck(scene, call, fault, number, outcome):
                        break
    outcome.count("whole sweeps")
    return outcome


async def _struck(scene: Scene, call: str, fault: str, number: int, outcome: Outcome) -> bool:
    """One append with one fault in it; False where it has no such call any more."""
    station = scene.station
    assert station is not None
    before, struck = _answers(scene), False
    # What is gone before it could be traced met the fault before this one late: it is started, and delivers.
    with (
        contextlib.suppress(traces.Ended),
        traces.injecting(station.pid, call, fault, number, scene.room) as trace,
    ):
        station.send(signal.SIGUSR1)
        await _settled(scene, station, before)
        struck = trace.struck
    if station.running and not struck:
        return False
    if not station.running:
        if fault == traces.EIO:
            outcome.wrong.append(f"EIO at {call} {number} ended the agent: {station.words()}")
        await apart(station.kill)
        station = await scene.start(pause=QUIET, machines=1)
    # It must take the next one without a hand.
    kept, before = len(read_diary(scene.diary).acked), _answers(scene)
    station.send(signal.SIGUSR1)
    await _settled(scene, station, before)
    if len(read_diary(scene.diary).acked) == kept:
        outcome.wrong.append(f"after {fault} at {call} {number} nothing is kept any more")
    await scene.delivered(outcome)
    return True


async def _settled(scene: Scene, station: Child, before: int) -> None:
    """Until the station is dead, or has kept one more, or has refused it."""
    end = time.monotonic() + ANSWER_SECONDS
    while station.running and time.monotonic() < end and _answers(scene) == before:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.03)


def _answers(scene: Scene) -> int:
    diary = read_diary(scene.diary)
    return len(diary.acked) + diary.declined
