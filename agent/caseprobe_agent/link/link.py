"""The link: streams one after the other, with back-off, for as long as the agent runs, or one for one delivery."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, replace
from random import Random

from caseprobe.errors import Busy, CaseprobeError, Corrupt, NotTrusted, Revoked, Unreachable
from caseprobe.v1 import link_pb2
from caseprobe_agent.link.channel import Connect, open_channel
from caseprobe_agent.link.lanes import Lanes
from caseprobe_agent.link.outbox import Credentials, Outbox
from caseprobe_agent.link.parts import Handler, Notice, Parts
from caseprobe_agent.link.stream import PATIENT_AFTER, PATIENT_SECONDS, WELCOME_SECONDS, Stream
from caseprobe_agent.link.tasks import first_end
from caseprobe_agent.link.wire import GOODBYE_SECONDS

SHORTEST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 30.0
SILENT_DELAY_SECONDS = 1.0
# A stream that lived shorter than this counts as one more failure: a collector that drops us at once is not hammered.
STEADY_SECONDS = 5.0
# What a network says that leads elsewhere: nothing, or with the certificate of what stands between.
NO_WAY = (Unreachable, NotTrusted)
log = logging.getLogger("caseprobe.link")


@dataclass
class LinkState:
    """How the link is, for `status`."""

    connected: bool = False
    # Attempts since the last steady stream.
    failures: int = 0
    last_error: str = ""
    # Until the next attempt; 0 while there is one.
    retry_seconds: float = 0.0
    collector_version: str = ""


@dataclass(frozen=True)
class Delivery:
    """What the collector said of a delivery: records that it stored without attaching them, and its greeting."""

    notices: tuple[Notice, ...]
    welcome: link_pb2.Welcome


async def _no_heartbeat() -> link_pb2.Heartbeat:
    return link_pb2.Heartbeat()


class Link:
    """The agent's one way to its collector."""

    def __init__(
        self,
        credentials: Credentials,
        hello: Callable[[], Awaitable[link_pb2.Hello]],
        outbox: Outbox,
        handler: Handler,
        random: Random,
        *,
        heartbeat: Callable[[], Awaitable[link_pb2.Heartbeat]] = _no_heartbeat,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        connect: Connect = open_channel,
    ) -> None:
        """handler gets welcome, command, cancel, schedules, offer, outcome_ack and refusals of records.

        It must return at once (start a task for what takes time); what it raises is logged. On welcome it sends
        what the collector may have missed: outcomes that are not acknowledged. hello is asked before every stream.
        """
        self._credentials = credentials
        self._random = random
        self._lanes = Lanes()
        self._wake = asyncio.Event()
        self._renewed = asyncio.Event()
        self._hold_seconds = 0.0
        self._streams = 0
        # Attempts in a row that nothing answered.
        self._silences = 0
        # Whether the proxy is the way: what led there last is tried first.
        self._by_proxy = False
        self._parts = Parts(
            hello, heartbeat, outbox, handler, self._lanes, self._wake, sleep, monotonic, _instance(random), connect
        )
        self.connected = asyncio.Event()
        self.state = LinkState()

    def send(self, frame: link_pb2.LinkRequest, lane: link_pb2.Lane.ValueType) -> None:
        """Queue a control or live frame; while there is no stream it waits, the oldest make way beyond 1024."""
        self._lanes.put(frame, lane)

    def wake(self) -> None:
        """The outbox has something new."""
        self._wake.set()

    def renew(self, credentials: Credentials) -> None:
        """Use these credentials: the stream that is open ends in order, and the next has them."""
        self._credentials = credentials
        self._renewed.set()

    async def run(self) -> None:
        """Keep a stream open for ever; ends only by being cancelled, or with Revoked."""
        while True:
            started = self._parts.monotonic()
            delay_seconds = await self._one_stream()
            steady = self._parts.monotonic() - started >= STEADY_SECONDS
            self.state.failures = 0 if steady else self.state.failures + 1
            if delay_seconds is None:
                delay_seconds = back_off(self.state.failures, self._random)
            self.state.retry_seconds = delay_seconds
            await self._parts.sleep(delay_seconds)
            self.state.retry_seconds = 0.0

    async def deliver_once(self, timeout_seconds: float) -> Delivery:
        """Send all that the outbox has and wait until it is acknowledged.

        What the network or a busy collector fails is tried again within the time. Raises Unreachable, NotTrusted,
        or the Refused that the collector names; the outbox then still has what was not acknowledged.
        """
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._deliver_patiently()
        except TimeoutError:
            why = self.state.last_error or f"{self._credentials.address} was too slow"
            raise Unreachable(f"not everything was delivered within {timeout_seconds:g} s: {why}") from None

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncGenerator[link_pb2.Welcome]:
        """One stream, tried once: what is sent meanwhile is written, then the stream ends in order.

        Raises Unreachable, NotTrusted, Busy or the Refused that the collector names, as long as there is no stream;
        whether there still is one, `connected` tells.
        """
        stream, serving = await self._greeted()
        self.connected.set()
        serving.add_done_callback(lambda _: self.connected.clear())
        try:
            yield stream.welcome
            stream.leave()
            await asyncio.wait([serving], timeout=GOODBYE_SECONDS)
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    async def _greeted(self) -> tuple[Stream, asyncio.Task[None]]:
        """A stream that was welcomed, and the task that serves it; by the proxy where nothing else leads there."""
        self._streams += 1
        stream = Stream(self._way(), self._parts, self._streams, strict=True, welcome_seconds=WELCOME_SECONDS)
        serving, welcomed = asyncio.create_task(stream.run()), asyncio.create_task(stream.welcomed.wait())
        try:
            await asyncio.wait((serving, welcomed), return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                serving.result()
        except NO_WAY:
            if self._turned(stream):
                return await self._greeted()
            raise
        finally:
            welcomed.cancel()
            if not stream.welcomed.is_set():
                serving.cancel()
        return stream, serving

    async def _deliver_patiently(self) -> Delivery:
        attempt = 0
        while True:
            try:
                return await self._deliver()
            except CaseprobeError as error:
                if not error.retryable:
                    raise
                self.state.last_error = str(error)
                delay_seconds = self._delay_after(error, attempt)
            attempt += 1
            await self._parts.sleep(delay_seconds)

    async def _deliver(self) -> Delivery:
        self._streams += 1
        way = self._way()
        patience = WELCOME_SECONDS if way.proxy != self._credentials.proxy else PATIENT_SECONDS
        stream = Stream(way, self._parts, self._streams, strict=True, welcome_seconds=patience)
        try:
            await stream.run(until_delivered=True)
        except NO_WAY:
            if self._turned(stream):
                return await self._deliver()
            raise
        if stream.drain_seconds is not None:
            raise Busy("the collector is restarting: trying again", stream.drain_seconds)
        if stream.dropped:
            raise Corrupt("the file changed or was damaged while it was sent: make it anew")
        return Delivery(tuple(stream.notices), stream.welcome)

    async def _one_stream(self) -> float | None:
        """Serve one stream; gives the seconds that the collector asked to wait, None for our own back-off."""
        self._renewed.clear()
        self._streams += 1
        patient = self._silences >= PATIENT_AFTER
        stream = Stream(
            self._way(),
            self._parts,
            self._streams,
            hold_seconds=self._hold_seconds,
            welcome_seconds=PATIENT_SECONDS if patient else WELCOME_SECONDS,
        )
        self._hold_seconds = 0.0
        try:
            await first_end(stream.run(), self._watch(stream))
        except (Revoked, asyncio.CancelledError) as error:
            self._ended(str(error))
            raise
        except CaseprobeError as error:
            self._ended(str(error))
            if isinstance(error, NO_WAY) and self._turned(stream):
                return 0.0
            self._silences = self._silences + 1 if stream.silent else 0
            if stream.silent and not patient:
                # What no packet reaches is not spared by waiting, and nobody is to be in step with.
                return self._random.uniform(SHORTEST_DELAY_SECONDS, SILENT_DELAY_SECONDS)
            return self._later(stream.retry_seconds, self.state.failures) if stream.retry_seconds else None
        except Exception as error:
            # A defect of ours must not take a machine off its collector for good.
            log.debug("stream", exc_info=True)
            self._ended(f"unexpected: {type(error).__name__}: {error}")
            return None
        self._ended("")
        return self._pause_after(stream)

    def _way(self) -> Credentials:
        """The credentials for the way that is to be tried."""
        return self._credentials if self._by_proxy else replace(self._credentials, proxy=None)

    def _turned(self, stream: Stream) -> bool:
        """Try the other way next, where there is one and this one led nowhere; True where that is worth no pause."""
        if not self._credentials.proxy or stream.welcomed.is_set():
            return False
        self._by_proxy = not self._by_proxy
        return self._by_proxy

    async def _watch(self, stream: Stream) -> None:
        """Tell when the stream is up; end it in order when there are new credentials."""
        await stream.welcomed.wait()
        self.state.connected, self.state.last_error = True, ""
        self.state.collector_version = stream.welcome.collector_version
        self.connected.set()
        await self._renewed.wait()
        stream.leave()
        await asyncio.Event().wait()

    def _ended(self, why: str) -> None:
        self.connected.clear()
        self.state.connected = False
        self.state.last_error = why
        if why:
            log.info("%s", why)

    def _pause_after(self, stream: Stream) -> float | None:
        """After a Drain the delay that was asked for, spread so that not all come back at once; 0 to go on at once."""
        if stream.drain_seconds is not None:
            spread = stream.spread_seconds or max(1.0, stream.drain_seconds)
            return stream.drain_seconds + self._random.uniform(0, spread)
        if stream.hold_seconds is not None:
            self._hold_seconds = stream.hold_seconds
            return 0.0
        return 0.0 if self._renewed.is_set() else None

    def _delay_after(self, error: CaseprobeError, failures: int) -> float:
        asked = error.retry_after_seconds if isinstance(error, Busy) else 0.0
        return self._later(asked, failures)

    def _later(self, asked_seconds: float, failures: int) -> float:
        """Not before the collector asked for, each machine a little later than that; and not before our own delay."""
        asked = min(max(asked_seconds, 0.0), 3600.0)
        return max(back_off(failures, self._random), asked * self._random.uniform(1.0, 1.5))


def _instance(random: Random) -> str:
    """Names this process: what no copy of its disk has."""
    return f"{random.getrandbits(64):016x}"


def back_off(failures: int, random: Random) -> float:
    """Seconds until the next attempt: full jitter, so that a fleet does not come back in step.

    >>> 0.2 <= back_off(0, Random(1)) <= 0.4 and 0.2 <= back_off(20, Random(1)) <= 30
    True
    """
    ceiling = min(LONGEST_DELAY_SECONDS, 2 * SHORTEST_DELAY_SECONDS * 2 ** min(failures, 16))
    return random.uniform(SHORTEST_DELAY_SECONDS, ceiling)
