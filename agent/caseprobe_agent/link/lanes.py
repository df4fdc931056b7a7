"""Frames that wait for the one writer of a stream: control before live before bulk."""

from __future__ import annotations

import asyncio
from collections import deque

from caseprobe.v1 import link_pb2

CONTROL, LIVE, BULK = link_pb2.LANE_CONTROL, link_pb2.LANE_LIVE, link_pb2.LANE_BULK
ORDER = (CONTROL, LIVE, BULK)
# While the collector is away. What must not be lost is durable elsewhere and is sent again: outcomes in the ledger,
# records in the outbox; of live rounds the newest are worth more than the oldest.
LONGEST = {CONTROL: 1024, LIVE: 1024, BULK: 1}
LARGEST_BATCH = 16
# Rounds of sections are larger than those of a path: fewer of them wait.
MOST_SECTIONS = 16


class Lanes:
    """Three queues with one consumer. Nothing waits where there is no backlog; a backlog of rounds is batched."""

    def __init__(self) -> None:
        self._queues = {lane: deque[link_pb2.LinkRequest]() for lane in ORDER}
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closed = False
        # Live frames that had to make way.
        self.dropped_total = 0

    def put(self, frame: link_pb2.LinkRequest, lane: link_pb2.Lane.ValueType) -> None:
        """Queue a control or live frame; where the lane is full, its oldest makes way."""
        queue = self._queues[lane]
        sections = [one for one in queue if one.HasField("sections")] if frame.HasField("sections") else []
        if len(queue) >= LONGEST[lane]:
            queue.popleft()
            self.dropped_total += 1
        elif len(sections) >= MOST_SECTIONS:
            queue.remove(sections[0])
            self.dropped_total += 1
        queue.append(frame)
        self._news.set()

    async def put_bulk(self, frame: link_pb2.LinkRequest) -> None:
        """Queue a bulk frame once the one before was taken, so that bulk never piles up in memory."""
        await self._room.wait()
        self._room.clear()
        self._queues[BULK].append(frame)
        self._news.set()

    async def get(self) -> link_pb2.LinkRequest | None:
        """The next frame of the most urgent lane; None once closed and empty."""
        while True:
            for lane in ORDER:
                if self._queues[lane]:
                    return self._take(lane)
            if self._closed:
                return None
            self._news.clear()
            await self._news.wait()

    def open(self) -> None:
        """A new stream begins: bulk comes from the outbox again, and writing may go on."""
        self._queues[BULK].clear()
        self._room.set()
        self._closed = False

    def close(self) -> None:
        """Let the writer end once control and live are written; bulk stays in the outbox."""
        self._closed = True
        self._queues[BULK].clear()
        self._room.clear()
        self._news.set()

    def _take(self, lane: link_pb2.Lane.ValueType) -> link_pb2.LinkRequest:
        frame = self._queues[lane].popleft()
        if lane == BULK:
            self._room.set()
        if frame.HasField("rounds"):
            self._batch(frame.rounds, self._queues[lane])
        return frame

    def _batch(self, rounds: link_pb2.Rounds, queue: deque[link_pb2.LinkRequest]) -> None:
        """Add the rounds that wait behind this frame, of the same session: a frame costs more than its bytes."""
        while queue and len(rounds.rounds) < LARGEST_BATCH:
            following = queue[0].rounds
            if not queue[0].HasField("rounds") or following.session_id != rounds.session_id:
                return
            if following.HasField("header"):
                rounds.header.CopyFrom(following.header)
            rounds.rounds.extend(following.rounds)
            queue.popleft()
