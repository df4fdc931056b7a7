"""The floor of a live command: a plain gRPC echo over TLS that makes the same two durable commits.

One commit stands for the collector's audit entry, one for the agent's start marker.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import sys
import time
from pathlib import Path

import grpc

METHOD = "/floor.Echo/Run"


class Commits:
    """A table into which each call commits one row durably."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("CREATE TABLE IF NOT EXISTS entry (body BLOB)")

    async def add(self, body: bytes) -> None:
        """One durable row, written beside the event loop as the product does."""
        await asyncio.to_thread(self._connection.execute, "INSERT INTO entry VALUES (?)", (body,))


async def serve(folder: Path, key: bytes, certificate: bytes) -> tuple[grpc.aio.Server, int]:
    """An echo server on loopback whose every answer follows one durable commit."""
    commits = Commits(folder / "server.sqlite")

    async def run(stream: object, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        while isinstance(body := await context.read(), bytes):
            await commits.add(body)
            await context.write(body)

    handler = grpc.method_handlers_generic_handler("floor.Echo", {"Run": grpc.stream_stream_rpc_method_handler(run)})
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handler,))
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, certificate)]))
    await server.start()
    return server, port


async def round_trips(folder: Path, port: int, ca: bytes, count: int) -> list[float]:
    """Seconds of each round trip: commit here, send, commit there, answer."""
    commits = Commits(folder / "client.sqlite")
    seconds = []
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", grpc.ssl_channel_credentials(ca)) as channel:
        call: grpc.aio.StreamStreamCall[bytes, bytes] = channel.stream_stream(METHOD)()
        for number in range(count):
            begin = time.perf_counter()
            await commits.add(str(number).encode())
            await call.write(b"x" * 200)
            await call.read()
            seconds.append(time.perf_counter() - begin)
        await call.done_writing()
    return seconds


def median_ms(seconds: list[float]) -> float:
    """Median in milliseconds."""
    return statistics.median(seconds) * 1000


if __name__ == "__main__":
    sys.exit("run `make bench`")
