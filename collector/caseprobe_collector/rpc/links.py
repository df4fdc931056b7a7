"""The streams that are open now, and what that says about presence.

Presence rests on separate clocks, which are kept here and judged in `presence`: the last frame read, the last
heartbeat, which only a loop that turns can send, and how long the frame waits that is being written.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import datetime

from caseprobe.errors import CaseprobeError, Cloned
from caseprobe.v1 import link_pb2
from caseprobe_collector.ports import Bus, Clock
from caseprobe_collector.records import Agent, Event
from caseprobe_collector.rpc.clones import Clones
from caseprobe_collector.rpc.loads import Loads
from caseprobe_collector.rpc.outlet import Outlet
from caseprobe_collector.rpc.presence import ONLINE, Signs, Verdict, Watch, judge, slept_seconds

# Frames that wait for one slow agent; beyond it the stream is ended rather than memory grown.
QUEUE_FRAMES = 10_000
NO_HEARTBEAT = link_pb2.Heartbeat()
CLONED = (
    "two machines use this machine's key, as after copying a disk: neither is served; "
    "on the copy run `caseprobe leave --purge` and enroll it anew"
)
# Beyond it machines are asked to come back later: 98 KiB each, and a process that still has room to serve those it has.
# `most_machines` of the settings says it otherwise.
MOST_LINKS = 10_000
# A returning machine costs about 1.1 ms of one core for its TLS; a quarter of that core is for them.
RETURNS_PER_SECOND = 250.0
# What a stream that was cancelled takes to end.
LEAVE_SECONDS = 2.0


@dataclass(slots=True, eq=False)
class OpenLink:
    """One stream: what waits to be written, and when it last spoke."""

    agent: Agent
    # Names the process at the other end, "" where that is an agent of 0.1.0.
    run: str
    opened_at: datetime
    last_read: float
    last_heartbeat: float
    seen_at: datetime
    # When the frame that is being written was begun; None where none waits.
    writing_since: float | None = None
    # What was announced last, and since when that holds.
    verdict: Verdict = ONLINE
    since: datetime | None = None
    # How long the machine slept before its last heartbeat but for once: 0 where it did not.
    slept_seconds: float = 0.0
    queue: Outlet[link_pb2.LinkResponse | None] = field(default_factory=lambda: Outlet(QUEUE_FRAMES))
    # The bundle that it shows as it is made: then it has nothing to lose.
    shows: str = ""
    heartbeat: link_pb2.Heartbeat = field(default_factory=lambda: NO_HEARTBEAT)
    # True once its Welcome was queued, which is the first frame of every stream.
    greeted: bool = False
    # True once nothing of the stream runs any more; who waits for it brings the event.
    over: bool = False
    _ended: asyncio.Event | None = None

    def send(self, frame: link_pb2.LinkResponse) -> bool:
        """Queue a frame for the stream's one writer; False where the queue is full."""
        return self.queue.put(frame)

    def finish(self, frame: link_pb2.LinkResponse | None = None) -> None:
        """Write what is queued, this frame last, then end the stream."""
        self.queue.keep(QUEUE_FRAMES - 2)
        if frame is not None:
            self.queue.put(frame)
        self.queue.put(None)

    def end(self) -> None:
        """Nothing of the stream runs any more."""
        self.over = True
        if self._ended is not None:
            self._ended.set()

    async def ended(self) -> None:
        """Return once it is over."""
        if not self.over:
            self._ended = self._ended or asyncio.Event()
            await self._ended.wait()


class OpenLinks:
    """All open streams by machine; implements the port `Links`, and tells presence."""

    def __init__(self, bus: Bus, clock: Clock, most: int = MOST_LINKS) -> None:
        self.most = most
        # Machines that were asked to come later because there was no place for them.
        self.shed_total = 0
        # What machines are told once the collector is ending: from then on no stream begins any more.
        self._drain: link_pb2.LinkResponse | None = None
        self.clones = Clones(clock.monotonic)
        self.loads = Loads(clock.monotonic)
        self._links: dict[str, OpenLink] = {}
        self._left: dict[str, datetime] = {}
        # Machines that spoke since somebody last asked, for what is kept of them.
        self._seen: dict[str, datetime] = {}
        self._watch = Watch(clock.monotonic())
        # Machines whose stream ended just after this process slept.
        self._returning: dict[str, Agent] = {}
        self._bus = bus
        self._clock = clock

    @property
    def draining(self) -> bool:
        """True once the collector is ending."""
        return self._drain is not None

    def full(self, agent_id: str) -> bool:
        """Whether there is no place for one more; a machine that has one may change it for another."""
        return len(self._links) >= self.most and agent_id not in self._links

    def current(self, agent_id: str) -> OpenLink | None:
        """The stream that a machine has."""
        return self._links.get(agent_id)

    def taken(self, agent: Agent, run: str) -> bool:
        """Whether another run of one person has the stream now: they share their key, and take turns."""
        older = self._links.get(agent.agent_id)
        if older is None or older.run == run or older.shows or agent.kind == "enrolled":
            return False
        return judge(self._signs(older)).word == ONLINE.word

    def open(self, agent: Agent, run: str = "") -> OpenLink:
        """Enter a new stream; an older one of the same key is ended, so a machine has one at most."""
        older = self._links.get(agent.agent_id)
        if older is not None:
            older.finish(refusal("replaced", "this key opened a newer stream"))
        now, monotonic = self._clock.now(), self._clock.monotonic()
        link = OpenLink(agent, run, now, monotonic, monotonic, now, since=now)
        self._seen[agent.agent_id] = now
        self._links[agent.agent_id] = link
        self._returning.pop(agent.agent_id, None)
        self._announce(agent)
        return link

    def leave(self, link: OpenLink) -> None:
        """Take a stream out again, unless a newer one stands in its place."""
        link.end()
        agent_id = link.agent.agent_id
        if self._links.get(agent_id) is link:
            del self._links[agent_id]
            # Offline since it was last heard: a line that was cut is noticed only later.
            self._left[agent_id] = link.seen_at
            if self._watch.just_woke(self._clock.monotonic()):
                self._returning[agent_id] = link.agent
            else:
                self._announce(link.agent)

    async def left(self, seconds: float = LEAVE_SECONDS) -> None:
        """Return once no stream runs any more, or the time is over.

        A server that stopped has cancelled its calls, not awaited them: what arrived of a large item is put away after.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._links:
                    await next(iter(self._links.values())).ended()

    def read(self, link: OpenLink) -> None:
        """Note that a frame was read."""
        link.last_read, link.seen_at = self._clock.monotonic(), self._clock.now()
        self._seen[link.agent.agent_id] = link.seen_at

    def writes(self, link: OpenLink, begins: bool) -> None:
        """Note that a frame is being written, or that it was taken."""
        link.writing_since = self._clock.monotonic() if begins else None

    def beat(self, link: OpenLink, heartbeat: link_pb2.Heartbeat) -> None:
        """Note that the machine's own loop turns, and whether it slept since it last said so."""
        before = link.heartbeat
        if before.monotonic_seconds and heartbeat.monotonic_seconds >= before.monotonic_seconds:
            link.slept_seconds = slept_seconds(
                heartbeat.boottime_seconds - before.boottime_seconds,
                heartbeat.monotonic_seconds - before.monotonic_seconds,
            )
        link.last_heartbeat, link.heartbeat = self._clock.monotonic(), heartbeat
        self._judge(link)
        # Whoever looks at this machine sees that it was seen.
        self._tell(link.agent, f"agent:{link.agent.agent_id}")

    def look(self) -> None:
        """Judge every machine anew and tell what changed; called every `LOOK_SECONDS`."""
        self._watch = self._watch.look(self._clock.monotonic())
        for link in self._links.values():
            self._judge(link)
        if self._returning and not self._watch.just_woke(self._clock.monotonic()):
            gone, self._returning = self._returning, {}
            for agent in gone.values():
                self._announce(agent)

    def take_seen(self) -> dict[str, datetime]:
        """Machines that spoke since the last call, and when they last did."""
        seen, self._seen = self._seen, {}
        return seen

    def online(self, agent_id: str) -> bool:
        """True where a stream is open."""
        return agent_id in self._links

    def send(self, agent_id: str, frame: link_pb2.LinkResponse) -> bool:
        """Queue a frame; False where the machine is offline. One that takes nothing any more is ended.

        A collector that is ending begins nothing: a command is sent by the next one, once the machine is there.
        """
        link = self._links.get(agent_id)
        if link is None or (self.draining and frame.HasField("command")):
            return False
        if not link.send(frame):
            link.finish(refusal("busy", "the machine does not read its frames"))
            return False
        return True

    def close(self, agent_id: str, frame: link_pb2.LinkResponse) -> None:
        """Send a last frame and end the stream, if there is one, and what is tested over the same line."""
        self.loads.stop(agent_id)
        link = self._links.get(agent_id)
        if link is not None:
            link.finish(frame)

    def drain(self, reconnect_after_seconds: float) -> None:
        """Ask every machine to finish and come back later, each at its own moment; none is let in any more.

        The streams stay open for what the machines still write; each ends when its machine is done.
        """
        self.loads.stop_all()
        frame = link_pb2.Drain(
            reconnect_after_seconds=reconnect_after_seconds,
            reason="the collector restarts",
            spread_seconds=max(1.0, len(self._links) / RETURNS_PER_SECOND),
        )
        self._drain = link_pb2.LinkResponse(drain=frame)
        for link in self._links.values():
            if link.greeted:
                link.send(self._drain)

    def greet(self, link: OpenLink, welcome: link_pb2.LinkResponse) -> None:
        """Send a stream's first frame; behind it the Drain that was due while it was made."""
        link.greeted = True
        link.send(welcome)
        if self._drain is not None:
            link.send(self._drain)

    def of(self, agent_id: str) -> str:
        """online, unresponsive or offline; cloned while two machines are turned away for holding its key."""
        return "cloned" if self.clones.quarantined(agent_id) else self._verdict(agent_id).word

    def why(self, agent_id: str) -> str:
        """Why a machine is not online, "" where it is."""
        if self.clones.quarantined(agent_id):
            return CLONED
        return self._verdict(agent_id).why

    def _verdict(self, agent_id: str) -> Verdict:
        if agent_id in self._returning:
            return ONLINE
        link = self._links.get(agent_id)
        return judge(self._signs(link) if link is not None else None)

    def since(self, agent_id: str) -> datetime | None:
        """When the present state began, where this process saw it begin."""
        link = self._links.get(agent_id)
        return link.since if link is not None else self._left.get(agent_id)

    def seen_at(self, agent_id: str) -> datetime | None:
        """When a machine last said anything, where this process heard it."""
        link = self._links.get(agent_id)
        return link.seen_at if link is not None else self._left.get(agent_id)

    def _signs(self, link: OpenLink) -> Signs:
        now = self._clock.monotonic()
        return Signs(
            self._watch.age(link.last_read, now),
            self._watch.age(link.last_heartbeat, now),
            0.0 if link.writing_since is None else self._watch.age(link.writing_since, now),
        )

    def _judge(self, link: OpenLink) -> None:
        verdict = judge(self._signs(link))
        changed, link.verdict = verdict.word != link.verdict.word, verdict
        if changed:
            # A machine that fell silent did so when it was last heard, not when that was noticed.
            link.since = self._clock.now() if verdict.word == "online" else link.seen_at
            self._announce(link.agent)

    def heartbeat(self, agent_id: str) -> link_pb2.Heartbeat | None:
        """The newest heartbeat of a machine that is connected."""
        link = self._links.get(agent_id)
        return link.heartbeat if link is not None else None

    def cloned(self, agent: Agent) -> None:
        """Tell whoever watches that this key is in quarantine, and end the stream that it has."""
        self.close(agent.agent_id, refusal_of(Cloned(CLONED)))
        self._announce(agent)

    def count(self) -> int:
        """Open streams."""
        return len(self._links)

    def _announce(self, agent: Agent) -> None:
        self._tell(agent, "fleet", f"agent:{agent.agent_id}")

    def _tell(self, agent: Agent, *topics: str) -> None:
        body = {"agent_id": agent.agent_id, "presence": self.of(agent.agent_id)}
        for topic in topics:
            self._bus.publish(Event(topic, "presence", agent.customer_id, body))


def refusal_of(error: CaseprobeError, sequence: int = 0) -> link_pb2.LinkResponse:
    """The frame that says no because of this error, and when to come back."""
    return refusal(error.code, str(error), error.retry_after_seconds, sequence)


def refusal(code: str, message: str, retry_after_seconds: float = 0.0, sequence: int = 0) -> link_pb2.LinkResponse:
    """The frame that says no, in the codes of `caseprobe.errors`."""
    return link_pb2.LinkResponse(
        refusal=link_pb2.Refusal(code=code, message=message, retry_after_seconds=retry_after_seconds, sequence=sequence)
    )
