"""Services on loopback, for the tests of what it takes to reach one: web servers, proxies, name servers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import cast

from tests.fakes_link import TestAuthority

HOST = "127.0.0.1"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def web_context(authority: TestAuthority, folder: Path, name: str = "localhost", days: float = 90) -> ssl.SSLContext:
    """A server's TLS with a fresh certificate that ends in so many days, the authority's own behind it."""
    secret, certificate = authority.web(name, datetime.now(UTC) + timedelta(days=days))
    path = folder / f"{name}.pem"
    path.write_bytes(secret + certificate + authority.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@dataclass
class Web:
    """Answers every request with a status, after a while; requests holds the heads that came."""

    status: int = 200
    wait_seconds: float = 0.0
    requests: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        await asyncio.sleep(self.wait_seconds)
        writer.write(f"HTTP/1.1 {self.status} Word\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()


@dataclass
class ConnectProxy:
    """Passes CONNECT on to wherever it is told, or refuses with a status; requests holds the heads that came.

    port: to this one of the host, whatever it is told.
    """

    status: int = 200
    port: int = 0
    requests: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(head)
        writer.write(f"HTTP/1.1 {self.status} Word\r\n\r\n".encode())
        if self.status != 200:
            return
        host, _, port = head.split()[1].decode().rpartition(":")
        far_reader, far_writer = await asyncio.open_connection(host, self.port or int(port))
        try:
            await asyncio.gather(_pipe(reader, far_writer), _pipe(far_reader, writer))
        finally:
            far_writer.close()


@dataclass
class SocksProxy:
    """Passes SOCKS5 on to wherever it is told, or answers in other words; asked holds the places that it was told.

    login: user and password that it wants; b"": none. reply: what it says in place of a line. says: all that it says.
    """

    login: bytes = b""
    port: int = 0
    reply: int = 0
    says: bytes = b""
    asked: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        _, count = await reader.readexactly(2)
        offered = await reader.readexactly(count)
        if self.says:
            writer.write(self.says)
            await reader.read()
            return
        method = 2 if self.login else 0
        writer.write(bytes((5, method if method in offered else 0xFF)))
        if method not in offered or (self.login and not await self._let_in(reader, writer)):
            return
        host, port = await _socks_request(reader)
        self.asked.append(f"{host}:{port}")
        writer.write(bytes((5, self.reply, 0, 3, 1)) + b"x" + bytes(2))
        if self.reply:
            return
        far_reader, far_writer = await asyncio.open_connection(host if not self.port else HOST, self.port or port)
        try:
            await asyncio.gather(_pipe(reader, far_writer), _pipe(far_reader, writer))
        finally:
            far_writer.close()

    async def _let_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        _, size = await reader.readexactly(2)
        user = await reader.readexactly(size)
        password = await reader.readexactly((await reader.readexactly(1))[0])
        fits = user + b":" + password == self.login
        writer.write(bytes((1, not fits)))
        return fits


async def _socks_request(reader: asyncio.StreamReader) -> tuple[str, int]:
    """The host and port that a client asks for."""
    *_, kind = await reader.readexactly(4)
    size = {1: 4, 4: 16}.get(kind) or (await reader.readexactly(1))[0]
    told = await reader.readexactly(size)
    host = told.decode() if kind == 3 else str(ip_address(told))
    return host, int.from_bytes(await reader.readexactly(2))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()


@contextlib.asynccontextmanager
async def listening(serve: Handler, tls: ssl.SSLContext | None = None, host: str = HOST) -> AsyncIterator[int]:
    """The port of a server on loopback; connections that stand at its end are broken off."""
    under_way: set[asyncio.Task[None]] = set()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        under_way.add(task)
        try:
            with contextlib.suppress(OSError, EOFError):
                await serve(reader, writer)
                await writer.drain()
        finally:
            writer.close()
            under_way.discard(task)

    server = await asyncio.start_server(take, host, 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await server.wait_closed()


@dataclass
class NameServer(asyncio.DatagramProtocol):
    """Tells 192.0.2.1 for every A and nothing for every AAAA; over UDP not at all, or cut, where told so."""

    udp: str = "answers"  # answers, silent, truncated
    rcode: int = 0
    transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers are sent with."""
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer one question."""
        if self.udp != "silent" and self.transport is not None:
            self.transport.sendto(self.answer(data, cut=self.udp == "truncated"), addr)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One question over TCP; the line stays open, as servers leave it."""
        answer = self.answer(await reader.readexactly(int.from_bytes(await reader.readexactly(2))), cut=False)
        writer.write(len(answer).to_bytes(2) + answer)
        await reader.read()

    def answer(self, query: bytes, cut: bool) -> bytes:
        """The answer to a question."""
        found = query[-4:-2] == b"\0\x01" and not cut and not self.rcode
        flags = 0x8180 | (0x0200 if cut else 0) | self.rcode
        record = b"\xc0\x0c" + struct.pack("!HHIH4B", 1, 1, 60, 4, 192, 0, 2, 1)
        return query[:2] + struct.pack("!HHHHH", flags, 1, int(found), 0, 0) + query[12:] + record * found


@contextlib.asynccontextmanager
async def name_server(server: NameServer) -> AsyncIterator[int]:
    """The port of a name server on loopback, the same over UDP and TCP."""
    async with listening(server.serve) as port:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: server, local_addr=(HOST, port)
        )
        try:
            yield port
        finally:
            transport.close()


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """A port of loopback on which nothing listens."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        yield taken.getsockname()[1]
