"""Acknowledgements in order: many stores run at once, none is acknowledged before all that came earlier."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from caseprobe.errors import CaseprobeError
from caseprobe.v1 import link_pb2
from caseprobe_collector.ingest import Budget, Stored
from caseprobe_collector.rpc.links import refusal, refusal_of

# Items of one stream that are being stored at once, as many as one commit takes; reading waits beyond it, which is the
# back-pressure, and long before it where the items are large (`Budget`).
IN_FLIGHT = 256

log = logging.getLogger("caseprobe.collector")


class Receipts:
    """Stores the items of one stream and acknowledges them in their order.

    An ack covers everything before it, so a store that may succeed later (retryable) ends the stream: nothing after
    it may be acknowledged. An item that can never be stored is refused by its sequence and the stream goes on.
    For the same reason items that are ready together need one ack, that of the last; it is never held back while
    something is waited for, so nobody waits for it longer than for an ack of its own.
    """

    def __init__(
        self,
        send: Callable[[link_pb2.LinkResponse], object],
        fail: Callable[[link_pb2.LinkResponse], None],
        budget: Budget,
        agent_id: str,
    ) -> None:
        self._budget = budget
        self._agent_id = agent_id
        self._send = send
        self._fail = fail
        self._queue: asyncio.Queue[tuple[int, asyncio.Task[Stored]]] = asyncio.Queue()
        self._room = asyncio.Semaphore(IN_FLIGHT)
        # The last that was stored, where that is not told yet.
        self._untold: int | None = None

    async def take(self, sequence: int, work: Coroutine[Any, Any, Stored], weight_bytes: int = 0) -> None:
        """Begin to store one item; waits while too many are under way here, or too many bytes anywhere.

        The stream's reader waits with it, so nothing more is read of this machine until there is room again.
        """
        try:
            await self._room.acquire()
            await self._budget.take(self._agent_id, weight_bytes)
        except BaseException:
            work.close()
            raise
        task = asyncio.ensure_future(work)
        task.add_done_callback(lambda _: self._done(weight_bytes))
        self._queue.put_nowait((sequence, task))

    def _done(self, weight_bytes: int) -> None:
        self._room.release()
        self._budget.give_back(self._agent_id, weight_bytes)

    async def run(self) -> None:
        """Acknowledge until cancelled."""
        try:
            while True:
                sequence, task = await self._queue.get()
                if not task.done():
                    self._tell()
                if not await self._receipt(sequence, task):
                    return
                if self._queue.empty():
                    self._tell()
        finally:
            self._abandon()

    async def _receipt(self, sequence: int, task: asyncio.Task[Stored]) -> bool:
        """Answer one item; False where the stream must end."""
        try:
            stored = await task
        except CaseprobeError as error:
            return self._refuse(sequence, error)
        except Exception:
            # A defect of ours must not look like an ack, nor end the process.
            log.exception("record %d could not be stored", sequence)
            self._tell()
            self._fail(refusal("busy", "the collector could not store it", 30.0, sequence))
            return False
        self._untold = stored.sequence
        if stored.notice_code:
            self._tell(stored.notice, stored.notice_code)
        return True

    def _tell(self, notice: str = "", notice_code: str = "") -> None:
        """Acknowledge the last that was stored, and with it all before; a notice is about the last alone."""
        if self._untold is not None:
            ack = link_pb2.Ack(sequence=self._untold, notice=notice, notice_code=notice_code)
            self._untold = None
            self._send(link_pb2.LinkResponse(ack=ack))

    def _refuse(self, sequence: int, error: CaseprobeError) -> bool:
        self._tell()
        frame = refusal_of(error, sequence)
        if error.retryable:
            self._fail(frame)
            return False
        self._send(frame)
        return True

    def _abandon(self) -> None:
        # What is being committed may still commit; the agent sends it again and is answered as the first time.
        while not self._queue.empty():
            _, task = self._queue.get_nowait()
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
