"""What the streams of one link share, and what they hand on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from caseprobe.v1 import link_pb2
from caseprobe_agent.link.channel import Connect, open_channel
from caseprobe_agent.link.lanes import Lanes
from caseprobe_agent.link.outbox import Outbox

# Takes what the collector asks or tells; must return at once.
Handler = Callable[[link_pb2.LinkResponse], Awaitable[None]]


@dataclass(frozen=True)
class Notice:
    """A record that was stored, but not attached to its case; text says why."""

    sequence: int
    code: str
    text: str


@dataclass(frozen=True)
class Parts:
    """What every stream of a link shares."""

    hello: Callable[[], Awaitable[link_pb2.Hello]]
    heartbeat: Callable[[], Awaitable[link_pb2.Heartbeat]]
    outbox: Outbox
    handler: Handler
    lanes: Lanes
    wake: asyncio.Event
    sleep: Callable[[float], Awaitable[None]]
    monotonic: Callable[[], float]
    instance_id: str
    connect: Connect = open_channel
