"""A line between an agent and its collector that a test breaks, holds up or counts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass
class Line:
    """Forwards TCP connections; counts what came up, and cuts or stops them as told."""

    port: int
    address: str = ""
    # Bytes that each connection brought from the agent, in the order of the connections.
    up_bytes: list[int] = field(default_factory=list)
    # The connection that stands now is cut once it brought so many.
    cut_after_bytes: int | None = None
    flowing: asyncio.Event = field(default_factory=asyncio.Event)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def cut(self) -> None:
        """Break every connection at once, with a reset."""
        for writer in list(self._writers):
            writer.transport.abort()

    def stop(self) -> None:
        """Let nothing through any more, in silence: half-open on both sides."""
        self.flowing.clear()

    def go_on(self) -> None:
        """Let everything through again."""
        self.flowing.set()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Line]:
        """Listen on loopback until the block ends."""
        self.flowing.set()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            self.cut()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        number = len(self.up_bytes)
        self.up_bytes.append(0)
        upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self.port)
        self._writers |= {writer, upstream}
        both = [self._copy(reader, upstream, number), self._copy(upstream_reader, writer, None)]
        try:
            await asyncio.gather(*both)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            for each in (writer, upstream):
                self._writers.discard(each)
                each.transport.abort()
            self._tasks.discard(task)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int | None) -> None:
        while data := await reader.read(65536):
            await self.flowing.wait()
            if number is not None:
                self.up_bytes[number] += len(data)
                if self.cut_after_bytes is not None and self.up_bytes[number] > self.cut_after_bytes:
                    self.cut_after_bytes = None
                    raise ConnectionError("cut")
            writer.write(data)
            await writer.drain()
        raise ConnectionError("ended")
