"""A link with everything around it in the test's hands: outbox, clock, sleep, handler."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from caseprobe.v1 import link_pb2, path_pb2
from caseprobe.v1.consent_pb2 import SignedConsent
from caseprobe.v1.link_pb2 import LinkRequest as Request
from caseprobe.v1.link_pb2 import LinkResponse as Response
from caseprobe_agent.link import Credentials, Item, Link

CONTROL, LIVE = link_pb2.LANE_CONTROL, link_pb2.LANE_LIVE


@dataclass(frozen=True)
class Record:
    """A record of the fake outbox."""

    sequence: int
    body: bytes | None
    total_bytes: int = 0
    kind: link_pb2.DataKind.ValueType = link_pb2.DATA_KIND_SNAPSHOT
    stream_id: str = "snap_1"
    snapshot_id: str = "snap_1"
    name: str = ""
    sha256: bytes = b""
    spool_id: str = "spool_1"
    consent: SignedConsent | None = None


class FakeOutbox:
    """An outbox in memory; large bodies are read in pieces."""

    def __init__(self, *bodies: bytes) -> None:
        self.changed = asyncio.Event()
        self.last = 0
        self.bodies: dict[int, bytes] = {}
        self.dropped: list[tuple[int, str]] = []
        self.spool_id = "spool_1"
        for body in bodies:
            self.add(body)

    def add(self, body: bytes) -> int:
        """Keep a body under the next sequence."""
        self.last += 1
        self.bodies[self.last] = body
        return self.last

    async def pending(self, after: int, limit: int) -> list[Item]:
        """What waits above a sequence."""
        waiting = sorted(sequence for sequence in self.bodies if sequence > after)
        return [self._record(sequence) for sequence in waiting[:limit]]

    def _record(self, sequence: int) -> Record:
        body = self.bodies[sequence]
        inline = body if len(body) <= 1024 else None
        digest = hashlib.sha256(body).digest()
        return Record(sequence, inline, len(body), sha256=digest, spool_id=self.spool_id)

    async def read(self, sequence: int, offset: int, size: int) -> bytes:
        """A piece."""
        return self.bodies[sequence][offset : offset + size]

    async def acknowledge(self, sequence: int) -> None:
        """Forget what is acknowledged."""
        self.bodies = {number: body for number, body in self.bodies.items() if number > sequence}
        self.changed.set()

    async def drop(self, sequence: int, reason: str) -> None:
        """Forget what is refused."""
        self.bodies.pop(sequence, None)
        self.dropped.append((sequence, reason))
        self.changed.set()


@dataclass
class Rig:
    """A link with everything around it in the test's hands."""

    credentials: Credentials
    outbox: FakeOutbox = field(default_factory=FakeOutbox)
    handled: list[Response] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    now: float = 0.0
    handler_error: Exception | None = None

    def __post_init__(self) -> None:
        self.link = Link(
            self.credentials, self.hello, self.outbox, self.handle, Random(7), sleep=self.sleep, monotonic=self.clock
        )

    async def hello(self) -> link_pb2.Hello:
        """The agent's greeting."""
        return link_pb2.Hello(agent_id="agent_x", spool_id=self.outbox.spool_id)

    async def handle(self, frame: Response) -> None:
        """Keep what the link hands on."""
        self.handled.append(frame)
        self.outbox.changed.set()
        if self.handler_error:
            raise self.handler_error

    async def sleep(self, seconds: float) -> None:
        """Time passes without waiting for it; a heartbeat's period never ends."""
        if seconds >= 30:
            await asyncio.Event().wait()
        self.slept.append(seconds)
        self.outbox.changed.set()
        await asyncio.sleep(0)

    async def until(self, true: Callable[[], object], seconds: float = 60.0) -> None:
        """Wait for something that the outbox, the handler or a back-off makes true."""
        async with asyncio.timeout(seconds):
            while not true():
                await self.outbox.changed.wait()
                self.outbox.changed.clear()

    def clock(self) -> float:
        """Stands still unless the test moves it."""
        return self.now


@dataclass
class Running:
    """A link's task, ended at the end of its block."""

    link: Link

    async def __aenter__(self) -> asyncio.Task[None]:
        self._task = asyncio.create_task(self.link.run())
        return self._task

    async def __aexit__(self, *exc: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


def outcome(number: int) -> Request:
    """A control frame."""
    return Request(outcome=link_pb2.Outcome(command_id=f"sess_{number}"))


def a_round(number: int, session: str = "sess_1") -> Request:
    """A live frame."""
    return Request(rounds=link_pb2.Rounds(session_id=session, rounds=[path_pb2.PathRound(number=number)]))
