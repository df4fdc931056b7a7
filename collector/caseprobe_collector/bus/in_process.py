"""The bus of one process."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from caseprobe_collector.records import Event

KEPT_PER_LISTENER = 1024


class InProcessBus:
    """Implements the port `Bus`; publish costs the publisher the same however slow a listener is."""

    def __init__(self, kept: int = KEPT_PER_LISTENER) -> None:
        self._kept = kept
        self._listeners: dict[str, set[Listener]] = {}

    def publish(self, event: Event) -> None:
        """Hand an event to whoever listens to its topic; never waits. On the event loop's thread only."""
        for listener in self._listeners.get(event.topic, ()):
            listener.take(event)

    def subscribe(self, *topics: str) -> Listener:
        """Events of these topics from when it is entered; a slow listener loses its oldest."""
        return Listener(self, topics, self._kept)

    def enter(self, listener: Listener) -> None:
        """Begin to hand events to a listener."""
        for topic in listener.topics:
            self._listeners.setdefault(topic, set()).add(listener)

    def leave(self, listener: Listener) -> None:
        """Forget a listener, and topics that nobody else listens to."""
        for topic in listener.topics:
            left = self._listeners.get(topic, set()) - {listener}
            if left:
                self._listeners[topic] = left
            else:
                self._listeners.pop(topic, None)

    def topics(self) -> frozenset[str]:
        """The topics that somebody listens to."""
        return frozenset(self._listeners)


class Listener:
    """One listener's queue; implements the port `Subscription`."""

    def __init__(self, bus: InProcessBus, topics: tuple[str, ...], kept: int) -> None:
        self.topics = topics
        # Events that were lost to slowness, oldest first, since it was entered.
        self.lost_total = 0
        self._bus = bus
        self._events: deque[Event] = deque(maxlen=kept)
        self._news = asyncio.Event()

    def take(self, event: Event) -> None:
        """Queue an event, at the cost of the oldest where the queue is full."""
        self.lost_total += len(self._events) == self._events.maxlen
        self._events.append(event)
        self._news.set()

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Events as they come, without end."""
        while True:
            await self._news.wait()
            while self._events:
                yield self._events.popleft()
            self._news.clear()

    async def __aenter__(self) -> Listener:
        """Begin to listen."""
        self._bus.enter(self)
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Stop to listen."""
        self._bus.leave(self)
