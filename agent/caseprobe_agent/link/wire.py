"""Frames over one call: bytes made our messages, and every end of it an error of our tree."""

from __future__ import annotations

import asyncio

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from caseprobe.errors import CaseprobeError, Corrupt, Unreachable
from caseprobe.v1 import link_pb2
from caseprobe_agent.link.channel import Call, status_error

# For the collector to answer our end of the stream with its own.
GOODBYE_SECONDS = 2.0
# Every way in which grpc.aio says that a stream is over.
FOREIGN = (grpc.RpcError, grpc.aio.UsageError, grpc.aio.InternalError, asyncio.InvalidStateError)


class Wire:
    """One call to host:port. One task may read and one may write: concurrent writes break grpc.aio."""

    def __init__(self, call: Call, address: str) -> None:
        self._call = call
        self._address = address
        # What the collector gave as its reason before it ended the stream: its status says less.
        self.last_words: CaseprobeError | None = None

    async def read(self) -> link_pb2.LinkResponse:
        """The next frame; raises why the stream ended, Corrupt for what is no frame."""
        try:
            raw = await self._call.read()
        except FOREIGN:
            raise await self._why() from None
        if not isinstance(raw, bytes):  # the end of the stream
            raise await self._why()
        try:
            return link_pb2.LinkResponse.FromString(raw)
        except DecodeError:
            raise Corrupt(f"{self._address} sent a frame that cannot be read: connecting again") from None

    async def write(self, frame: link_pb2.LinkRequest) -> None:
        """Hand a frame to gRPC, which waits while the line takes none; raises why the stream ended."""
        try:
            await self._call.write(frame.SerializeToString())
        except FOREIGN:
            raise await self._why() from None

    async def end(self) -> None:
        """Say that nothing more comes."""
        await self._call.done_writing()

    async def _why(self) -> CaseprobeError:
        if self.last_words:
            return self.last_words
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                return status_error(self._address, await self._call.code(), await self._call.details())
        except TimeoutError:
            return Unreachable(f"the connection to {self._address} broke: connecting again")
