"""Networks that fail in silence: two namespaces, a cable between them, and a filter that eats what it is told.

Noticed is told by both sides: the machines' links say when they are up, the collector's presence who is there. All of
one machine's clocks agree across namespaces, so moments of different processes are compared.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from random import Random

from tests.torture.agents import Scene, furnish
from tests.torture.ground import Collector, Ground
from tests.torture.held import Store
from tests.torture.oracle import Outcome
from tests.torture.processes import apart

HERE, THERE = "10.77.0.1", "10.77.0.2"
MACHINES = 50
PAUSE_SECONDS = 4.0
UP_SECONDS = 40.0
NOTICED_SECONDS = 20.0
RESUMED_SECONDS = 5.0
PATIENCE_SECONDS = 45.0
LOSSY_SECONDS = 8.0
# What the filter at the collector's end does, each way: to what comes in, to what goes out.
DROP = {"both": ("drop", "drop"), "deaf": ("drop", ""), "mute": ("", "drop")}
PEEPHOLE = """
import sys, urllib.request
for line in sys.stdin:
    url, token = line.split()
    request = urllib.request.Request(url, headers={"Authorization": "Bearer " + token})
    with urllib.request.urlopen(request, timeout=10) as answer:
        sys.stdout.write(answer.read().decode().replace(chr(10), " ") + chr(10))
        sys.stdout.flush()
"""


class Cable:
    """Two network namespaces joined by a veth pair; they end with the processes that hold them."""

    def __init__(self) -> None:
        self._holders = [self._hold() for _ in range(2)]
        here, there = (str(holder.pid) for holder in self._holders)
        _run("ip", "link", "add", "cable", "netns", here, "type", "veth", "peer", "name", "cable", "netns", there)
        for holder, address in zip(self._holders, (HERE, THERE), strict=True):
            for words in (f"addr add {address}/24 dev cable", "link set cable up", "link set lo up"):
                _run(*_entrance(holder), "ip", *words.split())
        self.filter("add table inet torture")

    @property
    def here(self) -> list[str]:
        """The entrance to the collector's end."""
        return _entrance(self._holders[0])

    @property
    def there(self) -> list[str]:
        """The entrance to the machines' end."""
        return _entrance(self._holders[1])

    def filter(self, rules: str) -> None:
        """nft commands at the collector's end."""
        _run(*self.here, "nft", rules)

    def drop(self, mode: str) -> None:
        """Eat packets: both ways, those that come in (deaf), those that go out (mute)."""
        incoming, outgoing = DROP[mode]
        self._chains(incoming and "iifname cable drop", outgoing and "oifname cable drop")

    def lose(self, percent: int) -> None:
        """Eat so many of a hundred, each way."""
        self._chains(*(f"{way} cable numgen random mod 100 < {percent} drop" for way in ("iifname", "oifname")))

    def reset(self) -> None:
        """Answer every packet of TCP with RST."""
        self._chains("iifname cable ip protocol tcp reject with tcp reset", "")

    def pull(self) -> None:
        """The carrier is gone."""
        _run(*self.here, "ip", "link", "set", "cable", "down")

    def heal(self) -> None:
        """All is well again."""
        self.filter("flush table inet torture")
        _run(*self.here, "ip", "link", "set", "cable", "up")

    def close(self) -> None:
        """End both."""
        for holder in self._holders:
            holder.communicate()

    def _chains(self, incoming: str, outgoing: str) -> None:
        for hook, rule in (("input", incoming), ("output", outgoing)):
            self.filter(f"add chain inet torture {hook} {{ type filter hook {hook} priority 0; }}")
            if rule:
                self.filter(f"add rule inet torture {hook} {rule}")

    @staticmethod
    def _hold() -> subprocess.Popen[bytes]:
        command = ["unshare", "--net", "sh", "-c", "echo ready && read end"]
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert holder.stdout is not None
        holder.stdout.readline()
        return holder


class Peephole:
    """The collector's API, asked from inside its namespace."""

    def __init__(self, cable: Cable, collector: Collector, token: str) -> None:
        command = [*cable.here, sys.executable, "-c", PEEPHOLE]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._url, self._token = f"http://127.0.0.1:{collector.ports[2]}/api/v1", token

    def present(self) -> int:
        """How many machines the collector takes for online."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"{self._url}/agents {self._token}\n")
        self._process.stdin.flush()
        agents = json.loads(self._process.stdout.readline())
        return sum(agent["presence"] == "online" for agent in agents)

    def close(self) -> None:
        """End it."""
        self._process.communicate()


class Bench:
    """Machines at one end, a collector at the other."""

    def __init__(self, cable: Cable, scene: Scene, peephole: Peephole, machines: int, outcome: Outcome) -> None:
        self.cable, self.scene, self.machines = cable, scene, machines
        self.outcome = outcome
        self._peephole = peephole

    async def up(self, seconds: float = UP_SECONDS) -> bool:
        """Wait until every link stands; False where that takes too long."""
        return await _until(lambda: self._links_up() == self.machines, seconds)

    async def partition(self, name: str, begin: Callable[[], None], *, silent: bool = True) -> None:
        """One partition: noticed by both sides, then healed, then resumed."""
        await apart(begin)
        start, there, here = time.monotonic(), asyncio.create_task(self._machines_notice()), 0.0
        if silent:
            here = await self._collector_notices(start)
        noticed = max(await there - start, here)
        await apart(self.cable.heal)
        healed = time.monotonic()
        resumed = time.monotonic() - healed if await self.up() else PATIENCE_SECONDS
        self.outcome.runs += self.machines
        self.outcome.took(f"noticed ({name})", noticed)
        self.outcome.took(f"resumed ({name})", resumed)
        if noticed > NOTICED_SECONDS:
            self.outcome.late.append(f"{name}: noticed only after {noticed:.1f} s")
        # Refused at once, a link waits longer and longer between its attempts: as long again as it lasted.
        if resumed > (RESUMED_SECONDS if silent else max(RESUMED_SECONDS, 2 * (healed - start))):
            self.outcome.late.append(f"{name}: resumed only {resumed:.1f} s after the network")

    async def loss(self, percent: int) -> None:
        """Packets are lost for a while; whatever that breaks is whole afterwards."""
        await apart(self.cable.lose, percent)
        await asyncio.sleep(LOSSY_SECONDS)
        await apart(self.cable.heal)
        healed = time.monotonic()
        if not await self.up():
            self.outcome.wrong.append(f"{percent} % loss: not all are back after {UP_SECONDS:.0f} s")
        self.outcome.runs += self.machines
        self.outcome.took(f"resumed ({percent} % loss)", time.monotonic() - healed)

    def _links_up(self) -> int:
        return sum(self.scene.links().values())

    async def _machines_notice(self) -> float:
        """When the last machine noticed."""
        await _until(lambda: self._links_up() == 0, PATIENCE_SECONDS)
        return time.monotonic()

    async def _collector_notices(self, start: float) -> float:
        """Seconds until the collector takes none for online."""
        end = start + PATIENCE_SECONDS
        while await apart(self._peephole.present) and time.monotonic() < end:
            await asyncio.sleep(0.2)
        return time.monotonic() - start


@contextlib.asynccontextmanager
async def bench(ground: Ground, room: Path, machines: int, outcome: Outcome) -> AsyncIterator[Bench]:
    """Both ends up and connected."""
    with contextlib.closing(Cable()) as cable:
        collector = Collector(ground, ground.furnish(room / "data"), entrance=cable.here, log=room / "log", host=HERE)
        folder = furnish(ground, room / "machines", machines)
        scene = Scene(ground, collector, Store(collector.data), room, folder, entrance=tuple(cable.there))
        await collector.start()
        try:
            await scene.start(machines=machines, pause=PAUSE_SECONDS, address=f"{HERE}:{collector.ports[0]}")
            with contextlib.closing(Peephole(cable, collector, ground.template.token)) as peephole:
                one = Bench(cable, scene, peephole, machines, outcome)
                if not await one.up():
                    raise RuntimeError(f"the machines do not connect: {scene.links()}")
                yield one
            await scene.delivered(outcome, counted=False)
        finally:
            scene.end()
            collector.stop()
            ground.forget(cable.here, cable.there)


async def silent_partitions(ground: Ground, random: Random, end: float, most: int) -> Outcome:
    """Packets vanish, both ways or one, or the carrier does: runs count machines times partitions."""
    outcome = Outcome()
    machines = min(MACHINES, most)
    with ground.room() as room:
        async with bench(ground, room, machines, outcome) as one:
            while outcome.runs + machines <= most and (not outcome.runs or time.monotonic() < end):
                mode = random.choice([*DROP, "pulled"])
                begin = one.cable.pull if mode == "pulled" else partial(one.cable.drop, mode)
                await one.partition(mode, begin)
    return outcome


async def loud_partitions(ground: Ground, random: Random, end: float, most: int) -> Outcome:
    """Connections that are reset, and 30 % of all packets lost."""
    outcome = Outcome()
    machines = min(MACHINES, most)
    with ground.room() as room:
        async with bench(ground, room, machines, outcome) as one:
            while outcome.runs + machines <= most and (not outcome.runs or time.monotonic() < end):
                await one.partition("reset", one.cable.reset, silent=False)
                if outcome.runs + machines <= most:
                    await one.loss(30)
    return outcome


async def _until(true: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.05)
    return True


def _entrance(holder: subprocess.Popen[bytes]) -> list[str]:
    return ["nsenter", f"--net=/proc/{holder.pid}/ns/net"]


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()[:200]}")
