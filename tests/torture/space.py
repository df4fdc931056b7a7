"""No room: small disks that fill up, and files that may not grow; it must refuse, stay up, and recover by itself."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from random import Random

from tests.torture import agents
from tests.torture.agents import Scene, furnish
from tests.torture.driver import Fleet, Machine
from tests.torture.ground import Collector, Ground
from tests.torture.held import Store, chain_fault
from tests.torture.oracle import Oracle, Outcome, compare, read_diary, turn_page
from tests.torture.processes import Child, apart

# Of it 32 MiB are the collector's reserve; the load after the recovery must not fill the rest once more.
COLLECTOR_BYTES = 160 << 20
# Of it 1.5 MiB are the spool's reserve, and 1 MiB its log.
TINY_BYTES = 3 << 20
AGENT_BYTES = 8 << 20
# Reached within a second; what goes for it leaves gaps.
AGENT_QUOTA_BYTES = 256 << 10
WINDOW = 4
FULL_SECONDS = 1.0
LIVES_WHEN_FULL, STAYS_FULL_SECONDS = 3, 0.4
REFUSAL_SECONDS = 15.0
RECOVERY_SECONDS, PATIENCE_SECONDS = 10.0, 40.0
# A refused machine comes back when it was told to, a little later than asked, as the product's link does.
LATER = (1.0, 1.5)
FREE_BYTES = 48 << 10


@contextlib.contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[Path]:
    """A tmpfs."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes},mode=0700", "none", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    try:
        yield folder
    finally:
        if subprocess.run(["umount", str(folder)], capture_output=True, check=False).returncode:
            subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=False)


@contextlib.asynccontextmanager
async def no_room(disk: Path) -> AsyncIterator[None]:
    """Not a byte of the disk is free while this is open."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    yield
    ballast.unlink()


@contextlib.asynccontextmanager
async def no_growth(child: Child, folder: Path) -> AsyncIterator[None]:
    """No file of the process may grow beyond what its largest has now (EFBIG); its reserve does not count."""
    largest = max(path.stat().st_size for path in folder.rglob("*") if path.is_file() and "reserve" not in path.name)
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
    yield
    if child.running:
        resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


async def full_collector(ground: Ground, random: Random, end: float, most: int) -> Outcome:
    """The collector's disk fills up under load; one time in three it is killed and started on the full disk."""
    outcome = Outcome()
    while outcome.runs < most and (not outcome.runs or time.monotonic() < end):
        with ground.room() as room, small_disk(room / "disk", COLLECTOR_BYTES) as disk:
            outcome.add(await _starved(ground, room, disk / "data", random, lambda _: no_room(disk)))
    return outcome


async def limited_collector(ground: Ground, random: Random, end: float, most: int) -> Outcome:
    """No file of the collector may grow any more, under load."""
    outcome = Outcome()
    while outcome.runs < most and (not outcome.runs or time.monotonic() < end):
        with ground.room() as room:
            outcome.add(await _starved(ground, room, room / "data", random, _no_growth_of, kill=False))
    return outcome


def _no_growth_of(collector: Collector) -> contextlib.AbstractAsyncContextManager[None]:
    return no_growth(collector.child, collector.data)


async def _starved(
    ground: Ground,
    room: Path,
    data: Path,
    random: Random,
    hunger: Callable[[Collector], contextlib.AbstractAsyncContextManager[None]],
    kill: bool = True,
) -> Outcome:
    outcome = Outcome(runs=1)
    oracle = Oracle(room / "oracle")
    collector = Collector(ground, ground.furnish(data), log=room / "log")
    fleet = Fleet(ground.template.fleet, oracle, random)
    for machine in fleet.machines:
        machine.retry = partial(_when_told, machine, random)
    try:
        await collector.start()
        async with fleet.running(lambda: collector.address, WINDOW):
            await oracle.acks(20)
            async with hunger(collector):
                await _refused(fleet, outcome)
                if kill and random.random() < 0.34:
                    await _killed_when_full(collector, outcome)
                await asyncio.sleep(FULL_SECONDS)
                outcome.count("acknowledged while full", len(oracle.acked) - outcome.acknowledged)
            await _recovered(fleet, oracle, collector, outcome)
        found = compare(oracle, Store(collector.data).read())
        found.runs = outcome.acknowledged = 0
        outcome.add(found)
        if fault := chain_fault(collector.data):
            outcome.wrong.append(f"audit: {fault}")
    finally:
        collector.stop()
        oracle.close()
    return outcome


def _when_told(machine: Machine, random: Random) -> float:
    asked, machine.refusal.retry_after_seconds = machine.refusal.retry_after_seconds, 0.0
    return max(0.05, asked * random.uniform(*LATER))


async def _refused(fleet: Fleet, outcome: Outcome) -> None:
    """Somebody must be told that there is no room."""
    begin = time.monotonic()
    while not any(machine.refusal.code for machine in fleet.machines):
        if time.monotonic() - begin > REFUSAL_SECONDS:
            outcome.wrong.append("nobody was told that there is no room")
            return
        await asyncio.sleep(0.02)


async def _killed_when_full(collector: Collector, outcome: Outcome) -> None:
    """Start-up on a full disk: it serves, or it says in one line why it does not."""
    await collector.kill()
    outcome.count("killed while full")
    try:
        await collector.start()
    except RuntimeError as error:
        outcome.count("did not start while full")
        if "Traceback" in str(error):
            outcome.wrong.append(f"start on a full disk: {error}")


async def _recovered(fleet: Fleet, oracle: Oracle, collector: Collector, outcome: Outcome) -> None:
    """There is room again: every machine is served, and nobody did anything."""
    if not collector.child.running:
        if not outcome.counts.get("did not start while full"):
            outcome.wrong.append(f"the collector ended: {collector.child.words()}")
        await collector.start()
    begin = time.monotonic()
    known = {machine: machine.acked_total for machine in fleet.machines}
    while any(machine.acked_total == known[machine] for machine in fleet.machines):
        if time.monotonic() - begin > REFUSAL_SECONDS:
            outcome.wrong.append("not every machine was served again")
            break
        await asyncio.sleep(0.02)
    seconds = time.monotonic() - begin
    outcome.took("all served again", seconds)
    if seconds > RECOVERY_SECONDS:
        outcome.late.append(f"recovered only after {seconds:.1f} s")


async def full_agent(ground: Ground, random: Random, end: float, most: int) -> Outcome:
    """The agent's disk is full, and then there is room again."""
    return await _agent(ground, random, end, most, AGENT_BYTES, _fill_disk)


async def tiny_agent(ground: Ground, random: Random, end: float, most: int) -> Outcome:
    """The agent fills its disk of 3 MiB itself while the collector is away; its return is what makes room."""
    return await _agent(ground, random, end, most, TINY_BYTES, _fill_alone, (agents.QUOTA_BYTES,))


async def limited_agent(ground: Ground, random: Random, end: float, most: int) -> Outcome:
    """No file of the agent may grow any more."""
    return await _agent(ground, random, end, most, AGENT_BYTES, _stop_growth)


Starve = Callable[[Scene, Path, Outcome], Awaitable[None]]


async def _agent(
    ground: Ground,
    random: Random,
    end: float,
    most: int,
    size_bytes: int,
    starve: Starve,
    quotas: Sequence[int] = (agents.QUOTA_BYTES, AGENT_QUOTA_BYTES),
) -> Outcome:
    outcome = Outcome()
    with ground.room() as room:
        async with agents.staged(ground, room, room / "unused") as scene:
            while outcome.runs < most and (not outcome.runs or time.monotonic() < end):
                with ground.room() as place, small_disk(place / "disk", size_bytes) as disk:
                    folder = furnish(ground, disk / "machines", 1)
                    quota = random.choice(quotas)
                    turn_page(scene.diary)
                    await scene.collector.kill()
                    await scene.start(folder, machines=1, pause=0.001, quota=quota)
                    await starve(scene, disk, outcome)
                    await apart(scene.end)
                    if not scene.collector.child.running:
                        await scene.collector.start()
                    station = await scene.start(folder, machines=1, pause=agents.QUIET)
                    await scene.delivered(outcome)
                    await apart(station.kill)
    return outcome


async def _fill_disk(scene: Scene, disk: Path, outcome: Outcome) -> None:
    await _declined(scene, outcome, 0.5)
    assert scene.station is not None
    # It lies in the log, which every start brings into the file: room for that must not be a matter of luck.
    scene.station.send(signal.SIGUSR2)
    await _declined(scene, outcome, 0.5)
    async with no_room(disk):
        await _declined(scene, outcome, REFUSAL_SECONDS)
        await _started_when_full(scene, outcome)
    await _kept_again(scene, outcome)


async def _fill_alone(scene: Scene, disk: Path, outcome: Outcome) -> None:
    """What it holds back must last through lives on the full disk and for its small writes, and no start needs it."""
    before = read_diary(scene.diary).small_declined
    for _ in range(LIVES_WHEN_FULL):
        await _declined(scene, outcome, FULL_SECONDS)
        await asyncio.sleep(STAYS_FULL_SECONDS)
        await _started_when_full(scene, outcome)
    if declined := read_diary(scene.diary).small_declined - before:
        outcome.wrong.append(f"{declined} small writes were refused")
    async with no_room(disk):
        await _started_when_full(scene, outcome)
    await scene.collector.start()
    await _kept_again(scene, outcome)


async def _started_when_full(scene: Scene, outcome: Outcome) -> None:
    station = scene.station
    assert station is not None
    await apart(station.kill)
    try:
        await scene.again()
    except RuntimeError as error:
        outcome.wrong.append(f"killed on a full disk, it does not start again: {error}")


async def _stop_growth(scene: Scene, disk: Path, outcome: Outcome) -> None:
    await _declined(scene, outcome, 0.3)
    assert scene.station is not None
    async with no_growth(scene.station, disk):
        await _declined(scene, outcome, REFUSAL_SECONDS)
    await _kept_again(scene, outcome)


async def _declined(scene: Scene, outcome: Outcome, seconds: float) -> None:
    """Until an append was refused, or so long."""
    begin, before = time.monotonic(), read_diary(scene.diary).declined
    while time.monotonic() - begin < seconds and read_diary(scene.diary).declined == before:
        await asyncio.sleep(0.05)
    outcome.count("appends refused", read_diary(scene.diary).declined - before)


async def _kept_again(scene: Scene, outcome: Outcome) -> None:
    begin, before = time.monotonic(), len(read_diary(scene.diary).acked)
    station = scene.station
    assert station is not None
    while len(read_diary(scene.diary).acked) == before:
        if not station.running or time.monotonic() - begin > PATIENCE_SECONDS:
            outcome.wrong.append(f"with room again nothing is kept: {station.words()}")
            return
        await asyncio.sleep(0.02)
    outcome.took("kept again", seconds := time.monotonic() - begin)
    if seconds > RECOVERY_SECONDS:
        outcome.late.append(f"kept again only after {seconds:.1f} s")
