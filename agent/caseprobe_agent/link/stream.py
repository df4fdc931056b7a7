"""One connection's life: Hello, Welcome, then frames both ways until it ends. One task writes, one reads."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from caseprobe.errors import Busy, CaseprobeError, Corrupt, Unreachable
from caseprobe.v1 import link_pb2
from caseprobe_agent.link.channel import open_call, refusal_error, watch_line
from caseprobe_agent.link.feeder import Feeder
from caseprobe_agent.link.flow import Credit
from caseprobe_agent.link.lanes import CONTROL
from caseprobe_agent.link.outbox import Credentials
from caseprobe_agent.link.parts import Notice, Parts
from caseprobe_agent.link.tasks import first_end
from caseprobe_agent.link.wire import GOODBYE_SECONDS, Wire

# A silent line is tried again so soon that the long pauses between the kernel's own repetitions of the first packet
# (after 1, 3, 7 and 15 s) never come; a collector that is slow because all come at once gets its time after some tries.
WELCOME_SECONDS, PATIENT_SECONDS, PATIENT_AFTER = 8.0, 20.0, 8
HEARTBEAT_SECONDS = 30.0
MOST_UNANSWERED = 3
LONGEST_DELAY_SECONDS = 3600.0
log = logging.getLogger("caseprobe.link")


class Stream:
    """A stream from its opening to its end. Used once."""

    def __init__(
        self,
        credentials: Credentials,
        parts: Parts,
        number: int,
        *,
        strict: bool = False,
        hold_seconds: float = 0.0,
        welcome_seconds: float = PATIENT_SECONDS,
    ) -> None:
        """number: counts the streams of this process, from 1.

        strict: a record that the collector refuses ends the stream with that error, instead of becoming a Gap.

        hold_seconds: records wait so long at first, because the collector asked for it on the stream before.
        welcome_seconds: how long the collector may take to answer.
        """
        self._credentials = credentials
        self._parts = parts
        self._number = number
        self._strict = strict
        self._hold_seconds = hold_seconds
        self._welcome_seconds = welcome_seconds
        # Set where nothing answered at all.
        self.silent = False
        self._heard_at = 0.0
        # Heartbeats since then: unlike its age they do not grow while this process stands still.
        self._unanswered = 0
        self._answered = False
        self._leaving = False
        self.welcomed = asyncio.Event()
        self.welcome = link_pb2.Welcome()
        self._feeder = self._feeder_of("")
        self.notices: list[Notice] = []
        # Set where the collector asked to leave: seconds until it wants to be called again, and the spread on top.
        self.drain_seconds: float | None = None
        self.spread_seconds = 0.0
        # Set where the collector refused the stream and said when to ask again.
        self.retry_seconds = 0.0
        # Set where the collector could not take a record now: seconds until it may come again, on a new stream.
        self.hold_seconds: float | None = None

    @property
    def dropped(self) -> list[tuple[int, str]]:
        """Records that were given up, with the reason."""
        return self._feeder.dropped

    async def run(self, *, until_delivered: bool = False) -> None:
        """Connect and serve until the stream ends in order; raises CaseprobeError for any other end."""
        async with contextlib.AsyncExitStack() as stack:
            async with self._in_time():
                channel = await stack.enter_async_context(self._parts.connect(self._credentials))
            call = open_call(channel)
            stack.callback(call.cancel)
            await self._converse(Wire(call, self._credentials.address), until_delivered)

    @contextlib.asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        """Bounds what waits for the other side's first word."""
        try:
            async with asyncio.timeout(self._welcome_seconds):
                yield
        except TimeoutError:
            self.silent = True
            raise Unreachable(f"{self._credentials.nearest} takes the connection but says nothing") from None

    def leave(self) -> None:
        """End in order: what waits in control and live is still written, bulk is not."""
        self._leaving = True
        self._parts.lanes.close()

    async def _converse(self, wire: Wire, until_delivered: bool) -> None:
        parts = self._parts
        parts.lanes.open()
        hello = await parts.hello()
        hello.instance_id, hello.stream_number = parts.instance_id, self._number
        await self._await_welcome(wire, hello)
        feeder = self._feeder = self._feeder_of(hello.spool_id)
        tasks = [self._receive(wire), self._send(wire), self._beat()]
        tasks += [feeder.feed(self._hold_seconds), feeder.settle()]
        if until_delivered:
            tasks.append(self._leave_when_delivered())
        await first_end(*tasks)

    def _feeder_of(self, spool_id: str) -> Feeder:
        parts, welcome = self._parts, self.welcome
        credit = Credit(welcome.bulk_credit_bytes, parts.monotonic)
        return Feeder(parts.outbox, parts.lanes, spool_id, parts.wake, parts.sleep, credit, welcome)

    async def _await_welcome(self, wire: Wire, hello: link_pb2.Hello) -> None:
        async with self._in_time():
            await wire.write(link_pb2.LinkRequest(hello=hello))
            frame = await wire.read()
        if frame.HasField("refusal"):
            self.retry_seconds = min(frame.refusal.retry_after_seconds, LONGEST_DELAY_SECONDS)
            raise refusal_error(frame.refusal)
        if not frame.HasField("welcome"):
            raise Corrupt(f"{self._credentials.address} does not answer as a collector does: update caseprobe")
        self.welcome = frame.welcome
        self._heard_at = self._parts.monotonic()
        watch_line(self._credentials.nearest)
        self.welcomed.set()
        await self._handle(frame)

    # --- the tasks -------------------------------------------------------------------------------------------

    async def _receive(self, wire: Wire) -> None:
        """The one reader. What it calls must not wait: a cancel behind a slow command would come too late."""
        while True:
            try:
                frame = await wire.read()
            except CaseprobeError:
                if self._leaving:
                    return
                raise
            self._heard_at, self._unanswered = self._parts.monotonic(), 0
            await self._take(wire, frame)

    async def _send(self, wire: Wire) -> None:
        """The one writer: concurrent writes break grpc.aio."""
        while (frame := await self._parts.lanes.get()) is not None:
            await wire.write(frame)
        await wire.end()
        # The reader ends first where the collector answers our end with its own.
        await asyncio.sleep(GOODBYE_SECONDS)

    async def _beat(self) -> None:
        seconds = min(max(self.welcome.heartbeat_seconds or HEARTBEAT_SECONDS, 1.0), LONGEST_DELAY_SECONDS)
        while True:
            await self._parts.sleep(seconds)
            silent_seconds = self._parts.monotonic() - self._heard_at
            if self._answered and self._unanswered >= MOST_UNANSWERED and silent_seconds > MOST_UNANSWERED * seconds:
                # Its transport answers pings, but its loop has stopped.
                raise Unreachable(f"{self._credentials.address} does not answer any more: connecting again")
            self._unanswered += 1
            self._parts.lanes.put(link_pb2.LinkRequest(heartbeat=await self._parts.heartbeat()), CONTROL)

    async def _leave_when_delivered(self) -> None:
        await self._feeder.drained()
        self.leave()
        await asyncio.Event().wait()

    # --- frames ----------------------------------------------------------------------------------------------

    async def _take(self, wire: Wire, frame: link_pb2.LinkResponse) -> None:
        match frame.WhichOneof("frame"):
            case "ack":
                self._take_ack(frame.ack)
            case "credit":
                self._feeder.credit.grant(frame.credit.bytes)
            case "heartbeat_reply":
                self._answered = True
            case "drain":
                self.drain_seconds = min(frame.drain.reconnect_after_seconds, LONGEST_DELAY_SECONDS)
                self.spread_seconds = min(frame.drain.spread_seconds, LONGEST_DELAY_SECONDS)
                self.leave()
            case "refusal":
                await self._take_refusal(wire, frame)
            case "welcome" | None:
                pass  # a second Welcome, or a frame of a newer collector
            case _:
                await self._handle(frame)

    def _take_ack(self, ack: link_pb2.Ack) -> None:
        if ack.notice_code:
            self.notices.append(Notice(ack.sequence, ack.notice_code, ack.notice))
        self._feeder.acknowledge(ack.sequence)

    async def _take_refusal(self, wire: Wire, frame: link_pb2.LinkResponse) -> None:
        """Of a record, or of the stream: then the collector ends it, and this was why.

        Where it does not end it, a newer frame of ours was passed over by an older collector.
        """
        refusal, error = frame.refusal, refusal_error(frame.refusal)
        if not refusal.sequence:
            if self._strict:
                raise error
            wire.last_words = error
            self.retry_seconds = min(refusal.retry_after_seconds, LONGEST_DELAY_SECONDS)
            log.info("the collector refused: %s", error)
        elif error.retryable or (refusal.code == Corrupt.code and self._feeder.continued(refusal.sequence)):
            self._postpone(refusal, error)
        elif self._strict:
            raise error
        else:
            self._feeder.refuse(refusal.sequence, f"refused: {refusal.code}")
            await self._handle(frame)

    def _postpone(self, refusal: link_pb2.Refusal, error: CaseprobeError) -> None:
        """A new stream for the second try: an ack of this one for a later record must not seem to cover it."""
        seconds = min(max(refusal.retry_after_seconds, 1.0), LONGEST_DELAY_SECONDS)
        if self._strict:
            raise Busy(str(error), seconds)
        self._feeder.postpone(refusal.sequence)
        self.hold_seconds = seconds
        self.leave()

    async def _handle(self, frame: link_pb2.LinkResponse) -> None:
        """Hand a frame on; a failure of what it means never ends the stream."""
        try:
            await self._parts.handler(frame)
        except Exception as error:
            log.error("a %s frame could not be handled: %s", frame.WhichOneof("frame"), error or type(error).__name__)
