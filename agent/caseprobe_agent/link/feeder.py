"""One stream's side of the outbox: records go out in order, acknowledgements and refusals come back.

The argument for correctness. A record leaves the outbox only when the collector acknowledged it on this stream, or
refused it for good. A new stream starts again at the oldest record that is still there, so whatever was on its way
is sent again; the collector stores each snapshot once, whatever comes twice. What Welcome says of stored sequences
deletes nothing: it is the largest that was stored and not the end of a prefix, and after a machine was rolled back to
an older disk those numbers may mean other records. Where Welcome says how much of a record it still holds, sending
goes on there; that saves bytes and decides nothing, for the whole must still have its hash. If it has not, the pieces
did not fit together, which says nothing against the record: it is sent again from its start, and only then given up.

Small records that wait together go in one frame, where the collector takes that: in their order, within the credit, and
each is acknowledged or refused by its own sequence as if it had come alone. A record that finds nobody waiting before
it leaves alone and at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from caseprobe.errors import NotFound, Unreachable
from caseprobe.v1 import link_pb2
from caseprobe_agent.link.flow import Credit
from caseprobe_agent.link.lanes import BULK, Lanes
from caseprobe_agent.link.outbox import Item, Outbox

LISTED = 16
SETTLE_SECONDS = 0.05
GAP = link_pb2.DATA_KIND_UNSPECIFIED


class Feeder:
    """Feeds the bulk lane of one stream from the outbox."""

    def __init__(
        self,
        outbox: Outbox,
        lanes: Lanes,
        spool_id: str,
        wake: asyncio.Event,
        sleep: Callable[[float], Awaitable[None]],
        credit: Credit,
        welcome: link_pb2.Welcome,
    ) -> None:
        """welcome: what the collector said of itself: what it holds of a record already, what it takes in one frame."""
        self._outbox, self._lanes, self._spool_id = outbox, lanes, spool_id
        self._wake, self._sleep = wake, sleep
        self._after = self._sent = self._acked = self._settled = 0
        self._ceiling: int | None = None
        self._refused: deque[tuple[int, str]] = deque()
        self._given_up: set[int] = set()
        self._news = asyncio.Event()
        self._changed = asyncio.Event()
        self._resume = {one.stream_id: one.offset for one in welcome.resume}
        # A collector of 0.1.0 names none, and takes one record in a frame.
        self._batch_records = max(1, welcome.batch_records)
        # Records that were not sent from their start on this stream.
        self._continued: set[int] = set()
        self.credit = credit
        # Records that were given up, with the reason.
        self.dropped: list[tuple[int, str]] = []

    async def feed(self, hold_seconds: float = 0.0) -> None:
        """Send what the outbox has, then what it gets, from hold_seconds on; ends only cancelled or with an error."""
        if hold_seconds:
            await self._sleep(hold_seconds)
        while True:
            self._wake.clear()
            items = deque(await self._outbox.pending(self._after, LISTED))
            if not items:
                await self._wake.wait()
            while items:
                group = self._together(items)
                await self._send(group)
                self._after = group[-1].sequence

    async def settle(self) -> None:
        """Tell the outbox what the collector acknowledged or refused; the newest acknowledgement covers the others."""
        while True:
            await self._news.wait()
            if self._acked < self._sent:
                # In a backlog each acknowledgement would cost the outbox a commit of its own.
                await asyncio.sleep(SETTLE_SECONDS)
            self._news.clear()
            while self._refused:
                sequence, reason = self._refused.popleft()
                await self._outbox.drop(sequence, reason)
                self.dropped.append((sequence, reason))
                # The Gap in its place wants to be sent.
                self._wake.set()
            if self._acked > self._settled:
                acked = self._acked
                await self._outbox.acknowledge(acked)
                self._settled = acked
            self._changed.set()

    async def drained(self) -> None:
        """Return once the outbox is empty."""
        while await self._outbox.pending(0, 1):
            await self._changed.wait()
            self._changed.clear()

    def acknowledge(self, sequence: int) -> None:
        """The collector holds everything up to here; what was never sent on this stream is not touched."""
        highest = self._sent if self._ceiling is None else min(self._sent, self._ceiling)
        self._acked = max(self._acked, min(sequence, highest))
        self._news.set()

    def postpone(self, sequence: int) -> None:
        """The collector could not take this one: no later acknowledgement on this stream may cover it."""
        self._ceiling = sequence - 1 if self._ceiling is None else min(self._ceiling, sequence - 1)

    def continued(self, sequence: int) -> bool:
        """Whether this stream sent only the rest of a record."""
        return sequence in self._continued

    def refuse(self, sequence: int, reason: str) -> None:
        """The collector will never take this one."""
        if sequence <= self._sent:
            self._refused.append((sequence, reason))
            self._given_up.add(sequence)
            self._news.set()

    def _together(self, waiting: deque[Item]) -> list[Item]:
        """Take the next records off, those that go in one frame: no more bytes than one piece may have."""
        group = [waiting.popleft()]
        room = self.credit.piece_bytes() - group[0].total_bytes
        while waiting and len(group) < self._batch_records and self._fits(group[0]) and self._fits(waiting[0]):
            room -= waiting[0].total_bytes
            if room < 0:
                break
            group.append(waiting.popleft())
        return group

    def _fits(self, item: Item) -> bool:
        """Whether a record may share a frame: it is at hand whole, and sent from its start."""
        whole = item.body is not None and len(item.body) == item.total_bytes
        return whole and item.kind != GAP and item.stream_id not in self._resume

    async def _send(self, group: Sequence[Item]) -> None:
        """One record with all of its pieces, or several in one frame."""
        if any(item.spool_id not in ("", self._spool_id) for item in group):
            # The spool was replaced under us: its numbers mean nothing on this stream.
            raise Unreachable("the spool began anew: connecting again under its new name")
        self._sent = max(self._sent, group[-1].sequence)
        if len(group) > 1:
            await self._send_batch(group)
        elif group[0].kind == GAP:
            await self._lanes.put_bulk(_gap_frame(group[0]))
        else:
            await self._send_pieces(group[0])

    async def _send_batch(self, group: Sequence[Item]) -> None:
        await self.credit.take(sum(item.total_bytes for item in group))
        frame = link_pb2.LinkRequest()
        for item in group:
            _fill(frame.batch.records.add(), item, 0, item.body or b"", first=True)
        await self._lanes.put_bulk(frame)

    async def _send_pieces(self, item: Item) -> None:
        begin = offset = self._begin(item)
        while True:
            payload = await self._piece(item, offset)
            if item.sequence in self._given_up:
                return
            await self.credit.take(len(payload))
            frame = link_pb2.LinkRequest()
            _fill(frame.data, item, offset, payload, first=offset == begin)
            await self._lanes.put_bulk(frame)
            offset += len(payload)
            if offset >= item.total_bytes:
                return

    def _begin(self, item: Item) -> int:
        """Where to go on in a record; it is used once, for the collector forgets what did not become whole."""
        offset = self._resume.pop(item.stream_id, 0)
        # Where all of it is there and nobody said that it is stored, an empty piece at its end asks for that.
        if not 0 < offset <= item.total_bytes:
            return 0
        self._continued.add(item.sequence)
        return offset

    async def _piece(self, item: Item, offset: int) -> bytes:
        """The next piece; empty where the body is shorter than it should be, and then the record is given up."""
        size = self.credit.piece_bytes()
        if item.body is not None:
            return item.body[offset : offset + size]
        try:
            payload = await self._outbox.read(item.sequence, offset, size)
        except NotFound:
            payload = b""
        if not payload and offset < item.total_bytes:
            self.refuse(item.sequence, "corrupt")
        return payload


def _gap_frame(item: Item) -> link_pb2.LinkRequest:
    gap = link_pb2.Gap.FromString(item.body or b"")
    gap.sequence = item.sequence
    return link_pb2.LinkRequest(gap=gap)


def _fill(data: link_pb2.Data, item: Item, offset: int, payload: bytes, *, first: bool) -> None:
    """Where it lies in its frame, because a message that is put into another is copied with all of its bytes."""
    data.lane, data.kind = BULK, item.kind
    data.sequence, data.offset, data.total_bytes = item.sequence, offset, item.total_bytes
    data.stream_id, data.snapshot_id, data.name = item.stream_id, item.snapshot_id, item.name
    data.payload = payload
    if first:
        data.sha256 = item.sha256
        if item.consent is not None:
            data.consent.CopyFrom(item.consent)
