"""One ingest, killed at its k-th write, sync, rename … for every k; and the same calls failing with EIO."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.torture import images, traces
from tests.torture.driver import LARGE_BYTES, SMALL_BYTES, Fleet, Machine
from tests.torture.ground import Collector, Ground
from tests.torture.held import Store
from tests.torture.kills import judge
from tests.torture.oracle import Oracle, Outcome, compare
from tests.torture.processes import apart

# sendmsg is how the acknowledgement leaves: killed there, it was committed and nobody was told.
KILLED = ("pwrite64", "fdatasync", "fsync", "write", "openat", "rename", "mkdir", "ftruncate", "unlink", "sendmsg")
# Not write: gRPC wakes its threads with it, and a broken wake-up is not a broken disk.
FAILED = ("pwrite64", "fdatasync", "fsync", "openat", "rename", "mkdir", "ftruncate")
PAYLOADS = {"row": (SMALL_BYTES, "snapshot"), "object": (LARGE_BYTES, "snapshot"), "bundle": (SMALL_BYTES, "bundle")}
MOST_CALLS = 60
ANSWER_SECONDS = 3.0
HEAL_SECONDS = 20.0
ATTEMPTS = 3


@dataclass
class Scene:
    """One collector, one machine, and what they promised."""

    collector: Collector
    machine: Machine
    oracle: Oracle
    store: Store
    room: Path


# Plays one fault; False where the ingest has no call of this number.
Play = Callable[[Scene, str, str, int, Outcome], Awaitable[bool]]


async def kill_at_calls(ground: Ground, random: Random, end: float, most: int) -> Outcome:
    """Kill at call after call; where time and most allow, all calls of all kinds of ingest."""
    outcome = Outcome()
    with ground.room() as room:
        async with _scene(ground, random, ground.furnish(room / "data"), room) as scene:
            await _sweep(scene, _pairs(random, KILLED), _killed, outcome, end, most)
    return outcome


async def fail_at_calls(ground: Ground, random: Random, end: float, most: int) -> Outcome:
    """Fail call after call; whatever is acknowledged then must be on the disk when the power is cut."""
    outcome = Outcome()
    with ground.room() as room, images.fresh(room) as disk:
        data = ground.furnish(disk / "data")
        images.sync(disk)
        async with _scene(ground, random, data, room) as scene:
            await _sweep(scene, _pairs(random, FAILED), _failed, outcome, end, most)
    return outcome


@contextlib.asynccontextmanager
async def _scene(ground: Ground, random: Random, data: Path, room: Path) -> AsyncIterator[Scene]:
    """A collector that serves one machine from this data folder; both end with the block."""
    collector = Collector(ground, data, log=room / "log")
    oracle = Oracle(room / "oracle")
    fleet = Fleet(ground.template.machines[:1], oracle, random)
    try:
        await collector.start()
        async with fleet.running(lambda: collector.address):
            yield Scene(collector, fleet.machines[0], oracle, Store(collector.data), room)
    finally:
        collector.stop()
        oracle.close()


def _pairs(random: Random, calls: tuple[str, ...]) -> list[tuple[str, str]]:
    pairs = [(payload, call) for payload in PAYLOADS for call in calls]
    random.shuffle(pairs)
    return pairs


async def _sweep(
    scene: Scene, pairs: list[tuple[str, str]], play: Play, outcome: Outcome, end: float, most: int
) -> None:
    """Every k of every pair, until a k that no call reaches."""
    for payload, call in pairs:
        for number in range(1, MOST_CALLS):
            if outcome.runs >= most or (outcome.runs and time.monotonic() >= end):
                return
            if not await _played(scene, play, payload, call, number, outcome):
                break
    outcome.count("whole sweeps")


async def _played(scene: Scene, play: Play, payload: str, call: str, number: int, outcome: Outcome) -> bool:
    """One fault; what goes wrong with it spares the others."""
    try:
        for _ in range(ATTEMPTS):
            await _serving(scene)
            # The fault before may strike after its answer; what that cost is seen by the next comparison.
            with contextlib.suppress(traces.Ended):
                return await play(scene, payload, call, number, outcome)
        outcome.wrong.append(f"the collector does not stay up at {call} {number} of a {payload}")
    except (RuntimeError, TimeoutError) as error:
        outcome.wrong.append(f"broke off at {call} {number} of a {payload}: {type(error).__name__} {error}")
        judge(compare(scene.oracle, scene.store.read()), outcome)
    return False


async def _serving(scene: Scene) -> None:
    """The collector is up, and its machine there."""
    if not scene.collector.child.running:
        await scene.collector.kill()
        await scene.collector.start()
    async with asyncio.timeout(HEAL_SECONDS):
        await scene.machine.connected.wait()


async def _killed(scene: Scene, payload: str, call: str, number: int, outcome: Outcome) -> bool:
    """One kill; False where the ingest has no such call any more."""
    collector, oracle = scene.collector, scene.oracle
    with traces.injecting(collector.child.pid, call, traces.KILL, number, scene.room):
        await scene.machine.offer(*PAYLOADS[payload])
        await _answered(collector, oracle)
    if collector.child.running:
        return False
    await collector.kill()
    begin = time.monotonic()
    await collector.start()
    await oracle.all_acked()
    outcome.took("acknowledged after the kill", time.monotonic() - begin)
    judge(compare(oracle, scene.store.read()), outcome)
    return True


async def _answered(collector: Collector, oracle: Oracle) -> None:
    """Until the collector is dead, or all is acknowledged and nothing more happens."""
    end, quiet = time.monotonic() + ANSWER_SECONDS, 0
    while collector.child.running and time.monotonic() < end and quiet < 4:
        await asyncio.sleep(0.01)
        quiet = quiet + 1 if len(oracle.acked) == len(oracle.intents) else 0


async def _failed(scene: Scene, payload: str, call: str, number: int, outcome: Outcome) -> bool:
    """One failure, then a power cut; False where the ingest has no such call any more."""
    collector, oracle, begin = scene.collector, scene.oracle, time.monotonic()
    with traces.injecting(collector.child.pid, call, traces.EIO, number, scene.room) as trace:
        await scene.machine.offer(*PAYLOADS[payload])
        await _answered(collector, oracle)
        struck = trace.struck
    if not collector.child.running:
        outcome.wrong.append(f"EIO at {call} {number} of a {payload} ended the collector: {collector.child.words()}")
        await collector.start()
    await oracle.all_acked(HEAL_SECONDS)
    if struck:
        outcome.took("acknowledged after EIO", time.monotonic() - begin)
        judge(await _cut(scene), outcome)
    return struck


async def _cut(scene: Scene) -> Outcome:
    """What of the acknowledged is on the disk if the power goes now."""
    child = scene.collector.child
    child.send(signal.SIGSTOP)
    await apart(images.stand_still, child)
    copy = await apart(images.copy_of, scene.room, "cut")
    child.send(signal.SIGCONT)
    with images.after_the_cut(copy) as disk:
        return compare(scene.oracle, Store(disk / "data").read())
