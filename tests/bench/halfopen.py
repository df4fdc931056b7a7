"""A line that goes silent: how soon both ends notice, and how soon the machine is back when it speaks again.

Runs in a network namespace of its own, where every packet of the link is dropped by nftables; where the machine gives
none, over forwarders that stop reading, which is the harder case: the kernel still answers for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

from caseprobe.v1 import link_pb2
from caseprobe_agent.link import Credentials, Link
from caseprobe_agent.spool import Spool
from caseprobe_collector.storage import create_storage, open_storage
from tests.bench.reading import Row
from tests.desk import Rig, running_desk
from tests.fakes_line import Line

# `MACHINES=50 PARTITIONS=10 python -m tests.bench halfopen` is the long form.
MACHINES, PARTITIONS = int(os.environ.get("MACHINES", "10")), int(os.environ.get("PARTITIONS", "1"))
NOTICE_SECONDS, BACK_SECONDS = 20.0, 5.0
NAMESPACE = ("unshare", "-Urn", "sh", "-c", 'ip link set lo up && exec "$0" -m tests.bench.halfopen nft')
Switch = Callable[[bool], Awaitable[None]]


def measure() -> list[Row]:
    """The lines of the table."""
    how, figures = _figures()
    collector, agents, back = (figures[name] for name in ("collector", "agents", "back"))
    worst = max([*collector, *agents])
    return [
        Row(
            f"silent drop noticed by both ends, slowest of {len(agents)} machines",
            f"{worst:.1f} s",
            f"{how}; collector {max(collector):.1f} s, machines {max(agents):.1f} s",
            f"≤ {NOTICE_SECONDS:.0f} s",
            worst <= NOTICE_SECONDS,
        ),
        Row(
            f"back after the line speaks again, slowest of {len(back)}",
            f"{max(back):.1f} s",
            "after half a minute of silence",
            f"≤ {BACK_SECONDS:.0f} s",
            max(back) <= BACK_SECONDS,
        ),
    ]


def _figures() -> tuple[str, dict[str, list[float]]]:
    """How it was measured, and seconds by name."""
    if shutil.which("nft") and shutil.which("unshare"):
        command, longest = [*NAMESPACE, sys.executable], 120 * PARTITIONS
        done = subprocess.run(command, capture_output=True, text=True, timeout=longest, check=False)
        if done.returncode == 0:
            return "dropped by nftables", json.loads(done.stdout.splitlines()[-1])
    return "held up by a forwarder", _repeated(None)


def _repeated(table: str | None) -> dict[str, list[float]]:
    """The figures of all partitions, one after the other, each with machines of its own."""
    found: dict[str, list[float]] = {}
    for _ in range(PARTITIONS):
        for name, figures in asyncio.run(_run(table)).items():
            found.setdefault(name, []).extend(figures)
    return found


async def _run(table: str | None) -> dict[str, list[float]]:
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        create_storage(folder / "data")
        storage = await stack.enter_async_context(open_storage(folder / "data"))
        rig = await stack.enter_async_context(running_desk(storage))
        line = await stack.enter_async_context(Line(rig.port).open())
        # Dropped packets need no forwarder, which would only hide from one end what the other does.
        address = f"127.0.0.1:{rig.port}" if table else line.address
        links = [await stack.enter_async_context(_linked(rig, folder / str(n), address)) for n in range(MACHINES)]
        return await _cut(rig, links, _dropping(table, rig.port) if table else _holding(line))


async def _cut(rig: Rig, links: list[Link], switch: Switch) -> dict[str, list[float]]:
    """Silence for half a minute, then speech."""
    await asyncio.gather(*(link.connected.wait() for link in links))
    await asyncio.sleep(3)
    await switch(False)
    began = time.monotonic()
    agents = [asyncio.create_task(_since(began, partial(_off, link))) for link in links]
    collector = asyncio.create_task(_since(began, lambda: rig.links.count() == 0))
    figures = {"agents": list(await asyncio.gather(*agents)), "collector": [await collector]}
    await asyncio.sleep(max(0.0, 30 - (time.monotonic() - began)))
    await switch(True)
    began = time.monotonic()
    back = [asyncio.create_task(_since(began, link.connected.is_set)) for link in links]
    return {**figures, "back": list(await asyncio.gather(*back))}


def _off(link: Link) -> bool:
    return not link.connected.is_set()


async def _since(began: float, true: Callable[[], bool]) -> float:
    """Seconds until it is true; 60 where it never was."""
    while not true() and time.monotonic() - began < 60:
        await asyncio.sleep(0.05)
    return time.monotonic() - began


def _holding(line: Line) -> Switch:
    async def switch(on: bool) -> None:
        (line.go_on if on else line.stop)()

    return switch


def _dropping(table: str, port: int) -> Switch:
    drop = f"table inet {table} {{\nchain c {{\ntype filter hook input priority 0\n"
    drop += f"tcp dport {port} drop\ntcp sport {port} drop\n}}\n}}\n"

    async def switch(on: bool) -> None:
        child = await asyncio.create_subprocess_exec("nft", "-f", "-", stdin=asyncio.subprocess.PIPE)
        await child.communicate((f"delete table inet {table}\n" if on else drop).encode())
        if child.returncode:
            raise RuntimeError("nft took the rules not")

    return switch


@contextlib.asynccontextmanager
async def _linked(rig: Rig, folder: Path, address: str) -> AsyncIterator[Link]:
    """A machine with its link over the line."""
    machine = await rig.enrol()
    async with await Spool.open(folder) as spool:

        async def hello() -> link_pb2.Hello:
            return link_pb2.Hello(agent_id=machine.agent_id, spool_id=(await spool.position())[0])

        async def handle(frame: link_pb2.LinkResponse) -> None:
            """Nothing is asked."""

        ca_pem = rig.storage.authority.ca_pem()
        credentials = Credentials(address, ca_pem, machine.certificate_pem, machine.key_pem)
        link = Link(credentials, hello, spool, handle, random.Random(machine.agent_id))
        task = asyncio.create_task(link.run())
        try:
            yield link
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


if __name__ == "__main__":
    print(json.dumps(_repeated("caseprobe")))
