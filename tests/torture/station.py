"""A process with several machines in it, each with the product's own spool and link: what stands in for many agents.

Its diary (see `oracle`) tells an intent before each append, and acked once append returned, which is the promise.
SIGUSR1 makes it append one record, SIGUSR2 a large one; without a pace it appends nothing else. With a pace it also
keeps small state, as an agent does that ends what it began, and tells where even that was refused.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

import zstandard

from caseprobe.errors import CaseprobeError
from caseprobe.v1 import link_pb2, snapshot_pb2
from caseprobe_agent.app import parts
from caseprobe_agent.identity import Identity, load
from caseprobe_agent.link import Link
from caseprobe_agent.spool import Spool
from tests.torture.oracle import Oracle

SMALL_BYTES = 2 << 10
LARGE_BYTES = (1 << 20, 4 << 20)
PRODUCERS = 3
STATE_BYTES, STATE_PAUSE_SECONDS = 600, 0.005
REFUSED_SECONDS = 0.05
WATCH_SECONDS = 0.05


@dataclass(frozen=True)
class Order:
    """The arguments: folders 0, 1 … with an identity each, the diary, host:port, mean pause in seconds (or -1)."""

    folder: Path
    count: int
    diary: Path
    address: str
    pause_seconds: float
    quota_bytes: int


def order_of(arguments: list[str]) -> Order:
    """The arguments as they are written on the command line."""
    folder, count, diary, address, pause, quota = arguments
    return Order(Path(folder), int(count), Path(diary), address, float(pause), int(quota))


def run() -> int:
    """Serve until killed, or until SIGTERM; what it cannot do it says in one line."""
    try:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(_serve(order_of(sys.argv[1:])))
    except CaseprobeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


class Post:
    """One machine of the station."""

    def __init__(self, identity: Identity, spool: Spool, oracle: Oracle, random: Random, address: str) -> None:
        self._identity, self._spool, self._oracle, self._random = identity, spool, oracle, random
        credentials = parts.credentials_of(identity, "none")
        credentials = type(credentials)(
            address, credentials.ca_pem, credentials.certificate_pem, credentials.private_key_pem
        )
        self.link = Link(credentials, self._hello, spool, _ignore, random)
        self._last = 0

    async def produce(self, pause_seconds: float) -> None:
        """Append for ever."""
        while True:
            await asyncio.sleep(self._random.uniform(0, 2 * pause_seconds))
            if not await self.append():
                await asyncio.sleep(REFUSED_SECONDS)

    async def end_things(self, pause_seconds: float) -> None:
        """Small writes for ever, which a full disk must not refuse."""
        while True:
            await asyncio.sleep(self._random.uniform(0, 2 * pause_seconds))
            try:
                await self._spool.put_state("torture", self._random.randbytes(STATE_BYTES))
            except CaseprobeError as error:
                self._oracle.note(f"small {error.code} {error}")
                await self._oracle.flushed()
                await asyncio.sleep(REFUSED_SECONDS)

    async def watch(self, name: str) -> None:
        """Tell when the link comes up and goes down."""
        told = False
        while True:
            if self.link.state.connected != told:
                told = not told
                self._oracle.note(f"link {name} {'up' if told else 'down'}")
                await self._oracle.flushed()
            await asyncio.sleep(WATCH_SECONDS)

    async def append(self, size: int = SMALL_BYTES) -> bool:
        """One record; False where the spool would not take it."""
        name = f"snap_{self._random.getrandbits(128):032x}"
        body = self._body(name, size)
        await self._oracle.intend([(name, hashlib.sha256(body).digest())])
        try:
            sequence = await self._spool.append(link_pb2.DATA_KIND_SNAPSHOT, name, name, "", body)
            spool_id, _ = await self._spool.position()
        except CaseprobeError as error:
            self._oracle.note(f"refused {name} {error.code} {error}")
            await self._oracle.flushed()
            return False
        self._oracle.note(f"at {name} {spool_id} {sequence}")
        self._oracle.acknowledge([name])
        await self._oracle.flushed()
        self.link.wake()
        return True

    async def append_large(self) -> bool:
        """A record of some MiB."""
        return await self.append(self._random.randint(*LARGE_BYTES))

    def _body(self, name: str, size: int) -> bytes:
        # Unique, since a restart begins at 1 again: the collector counts rows of one machine and number.
        number = self._random.getrandbits(60)
        snapshot = snapshot_pb2.Snapshot(snapshot_id=name, agent_id=self._identity.agent_id, sequence=number)
        snapshot.flow = snapshot_pb2.FLOW_SCHEDULED
        words = base64.b64encode(self._random.randbytes(size)).decode()
        snapshot.sections.add(probe="system").system.os_name = words
        return zstandard.compress(snapshot.SerializeToString(), 1)

    async def _hello(self) -> link_pb2.Hello:
        spool_id, acked = await self._spool.position()
        hello = parts.hello_of(self._identity, spool_id, "torture", "linux", "boot")
        hello.last_acked_sequence = acked
        return hello


async def _ignore(frame: link_pb2.LinkResponse) -> None:
    """No command is taken."""


async def _serve(order: Order) -> None:
    oracle, random = Oracle(order.diary), Random(os.urandom(16))
    async with contextlib.AsyncExitStack() as stack:
        posts = []
        for number in range(order.count):
            folder = order.folder / str(number)
            identity = load(folder)
            assert identity is not None, f"no identity in {folder}"
            spool = await stack.enter_async_context(await Spool.open(folder, order.quota_bytes))
            posts.append(Post(identity, spool, oracle, random, order.address))
        work: list[Callable[[], Awaitable[object]]] = [post.link.run for post in posts]
        work += [partial(post.watch, str(number)) for number, post in enumerate(posts)]
        if order.pause_seconds >= 0:
            work += [partial(post.produce, order.pause_seconds) for post in posts for _ in range(PRODUCERS)]
            work += [partial(post.end_things, STATE_PAUSE_SECONDS) for post in posts]
        await _until_told(posts, work)


async def _until_told(posts: list[Post], work: list[Callable[[], Awaitable[object]]]) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    asked: set[asyncio.Task[bool]] = set()
    loop.add_signal_handler(signal.SIGUSR1, lambda: asked.add(loop.create_task(posts[0].append())))
    loop.add_signal_handler(signal.SIGUSR2, lambda: asked.add(loop.create_task(posts[0].append_large())))
    tasks = [asyncio.ensure_future(one()) for one in work]
    print("ready", flush=True)
    await stop.wait()
    for task in (*tasks, *asked):
        task.cancel()
    await asyncio.gather(*tasks, *asked, return_exceptions=True)
