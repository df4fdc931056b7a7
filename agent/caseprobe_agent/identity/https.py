"""One HTTPS request on a connection of its own, trusting nobody or exactly one CA."""

from __future__ import annotations

import asyncio
import contextlib
import io
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from caseprobe.errors import NotTrusted, Unreachable
from caseprobe.join_code import split_address
from caseprobe_agent.proxies import Proxy

LARGEST_ANSWER_BYTES = 1 << 20
# For a connection where another way is left: a firewall that drops packets says nothing for as long as one waits.
NEXT_WAY_SECONDS = 2.0
DIRECT: tuple[Proxy | None, ...] = (None,)
# X509_V_FLAG_NO_CHECK_TIME, which the ssl module has no name for: a machine whose clock is wrong by years must
# still be able to deliver. Whether a certificate is still good is judged by the collector's clock.
NO_CHECK_TIME = 0x200000


@dataclass(frozen=True)
class Answer:
    """Status, headers (lower case) and body, and the proxy by which it came; None: it came directly."""

    status: int
    headers: dict[str, str]
    body: bytes
    way: Proxy | None = None


def trusting_nobody() -> ssl.SSLContext:
    """For fetching the CA, whose hash the join code tells: nothing may be sent over it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def trusting_only(ca_der: bytes) -> ssl.SSLContext:
    """The collector must show a certificate of this CA for the address that is asked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=ca_der)
    context.verify_flags |= NO_CHECK_TIME
    return context


async def exchange(
    address: str,
    context: ssl.SSLContext,
    request: str,
    body: bytes = b"",
    timeout_seconds: float = 20.0,
    ways: Sequence[Proxy | None] = DIRECT,
) -> Answer:
    """Send one request ("GET /path") and give the whole answer, by the first of the ways that leads there.

    Raises Unreachable (no connection, no HTTP, too slow, too large) or NotTrusted (another certificate).
    Not http.client's own connection: that blocks a thread, which Ctrl-C would have to wait for.
    """
    *others, last = ways
    for way in others:
        with contextlib.suppress(Unreachable):
            return await _exchanged(address, context, request, body, timeout_seconds, way, NEXT_WAY_SECONDS)
    return await _exchanged(address, context, request, body, timeout_seconds, last, timeout_seconds)


async def _exchanged(
    address: str,
    context: ssl.SSLContext,
    request: str,
    body: bytes,
    timeout_seconds: float,
    way: Proxy | None,
    connect_seconds: float,
) -> Answer:
    try:
        async with asyncio.timeout(timeout_seconds):
            async with asyncio.timeout(connect_seconds):
                reader, writer = await _connected(address, context, way)
            try:
                writer.write(_head(address, request, body) + body)
                return replace(_parse(await _read_all(reader)), way=way)
            finally:
                writer.transport.abort()
    except TimeoutError:
        raise Unreachable(f"{address} does not answer within {timeout_seconds:g} s: check the network") from None
    except ssl.SSLCertVerificationError as error:
        raise NotTrusted(f"{address} is not the collector of this join code: {error.verify_message}") from None
    except ssl.SSLError as error:
        raise Unreachable(f"{address} does not speak TLS as a collector does ({error.reason})") from None
    except ValueError:
        raise Unreachable(f"{address} gave no whole HTTP answer: is it a collector?") from None
    except OSError as error:
        raise Unreachable(f"cannot connect to {address}: {error.strerror or error}: check the network") from None


async def _connected(
    address: str, context: ssl.SSLContext, proxy: Proxy | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """TLS with the address, on a line of its own or through the proxy, which sees no more of it."""
    host, port = split_address(address)
    if proxy is None:
        return await asyncio.open_connection(host, port, ssl=context, server_hostname=host)
    from caseprobe_agent.proxies.passage import open_line  # an agent that needs no proxy does without

    reader, writer = await open_line(proxy, host, port)
    try:
        await writer.start_tls(context, server_hostname=host)
    except BaseException:
        writer.transport.abort()
        raise
    return reader, writer


def _head(address: str, request: str, body: bytes) -> bytes:
    lines = [
        f"{request} HTTP/1.1",
        f"Host: {address}",
        "Connection: close",
        "Accept: */*",
        f"Content-Length: {len(body)}",
        "Content-Type: application/x-protobuf",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


async def _read_all(reader: asyncio.StreamReader) -> bytes:
    data = bytearray()
    while chunk := await reader.read(65536):
        data += chunk
        if len(data) > LARGEST_ANSWER_BYTES:
            raise ValueError("the answer is too large")
    return bytes(data)


class _Received:
    """What HTTPResponse needs of a socket: the bytes that came."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


def _parse(data: bytes) -> Answer:
    """http.client's parser over the received bytes; raises ValueError where they are cut or not HTTP."""
    # Imported here: it brings the mail parser along, which the resident process has no use for.
    from http.client import HTTPException, HTTPResponse
    from socket import socket

    response = HTTPResponse(cast(socket, _Received(data)))
    try:
        response.begin()
        body = response.read()
    except HTTPException as error:
        raise ValueError("no whole HTTP answer") from error
    finally:
        response.close()
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)
