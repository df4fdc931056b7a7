"""A line that a proxy leads, handed to gRPC over a socket which nobody but this process may use.

gRPC's own way through a proxy knows CONNECT alone, reads no_proxy where a setting has named the proxy, and says of one
that refuses only that the line broke.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import struct
from collections.abc import AsyncIterator

from caseprobe.errors import Unreachable
from caseprobe.join_code import split_address
from caseprobe_agent.proxies import Proxy
from caseprobe_agent.proxies.passage import Streams, open_line

PIECE_BYTES = 1 << 16
# As gRPC has it for lines of its own: how long what was written may stay without an answer.
UNANSWERED_MILLISECONDS = 8_000
CREDENTIALS = struct.Struct("3i")  # struct ucred: process, user, group (socket.7)


@contextlib.asynccontextmanager
async def led_by(proxy: Proxy, address: str) -> AsyncIterator[str]:
    """gRPC's name for one line to host:port by way of the proxy. Raises Unreachable where that leads nowhere."""
    reader, writer = await _opened(proxy, address)
    writers, pouring = [writer], list[asyncio.Task[None]]()

    def take(near_reader: asyncio.StreamReader, near_writer: asyncio.StreamWriter) -> None:
        writers.append(near_writer)
        if pouring or not _is_ours(near_writer):
            near_writer.transport.abort()
            return
        pouring.append(asyncio.create_task(_pour(reader, near_writer)))
        pouring.append(asyncio.create_task(_pour(near_reader, writer)))

    # An abstract name lies in no folder: it needs no disk, and is gone with the socket.
    name = f"caseprobe-{secrets.token_hex(16)}"
    server = await asyncio.start_unix_server(take, f"\0{name}")
    try:
        yield f"unix-abstract:{name}"
    finally:
        server.close()
        for task in pouring:
            task.cancel()
        for one in writers:
            one.transport.abort()
        await asyncio.gather(*pouring, return_exceptions=True)


async def _opened(proxy: Proxy, address: str) -> Streams:
    """The line, up to the collector."""
    try:
        reader, writer = await open_line(proxy, *split_address(address))
    except OSError as error:
        raise Unreachable(f"cannot reach the collector at {address}: {error}") from None
    line: socket.socket = writer.get_extra_info("socket")
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNANSWERED_MILLISECONDS)
    return reader, writer


def _is_ours(writer: asyncio.StreamWriter) -> bool:
    """Whether this very process has connected."""
    near: socket.socket = writer.get_extra_info("socket")
    process, _, _ = CREDENTIALS.unpack(near.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size))
    return bool(process == os.getpid())


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes, to the last byte; where one side ends, so does the other."""
    with contextlib.suppress(OSError):
        while data := await reader.read(PIECE_BYTES):
            writer.write(data)
            await writer.drain()
    writer.close()
