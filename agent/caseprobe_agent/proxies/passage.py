"""A proxy asked for a line: by CONNECT (RFC 9110), or as SOCKS5 asks."""

from __future__ import annotations

import asyncio

from caseprobe.parse.portal import parse_http_head
from caseprobe_agent.proxies import socks
from caseprobe_agent.proxies.naming import SOCKS5, Proxy, host_and_port

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
LOGIN_REFUSED, NOT_SOCKS = "socks_login", "not_socks"


class ProxyRefused(OSError):
    """The proxy gives no line. outcome: the id of how it said so; status: of an HTTP proxy's answer, else 0."""

    def __init__(self, proxy: Proxy, outcome: str, why: str, status: int = 0) -> None:
        super().__init__(f"the proxy {proxy.place} does not lead there ({why})")
        self.outcome = outcome
        self.status = status


async def open_line(proxy: Proxy, host: str, port: int) -> Streams:
    """A line to host and port by way of the proxy. Raises OSError, which names the proxy and says what is wrong."""
    try:
        reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    except OSError as error:
        raise OSError(f"the proxy {proxy.place} is not reached ({error.strerror or error})") from error
    try:
        await pass_through(proxy, host, port, reader, writer)
    except (EOFError, ValueError, ConnectionError) as error:
        writer.transport.abort()
        raise OSError(f"the proxy {proxy.place} gives no whole answer") from error
    except BaseException:
        writer.transport.abort()
        raise
    return reader, writer


async def pass_through(
    proxy: Proxy, host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Have the proxy, to which this line leads, lead it on; host is an address, or a name that the proxy looks up.

    Raises ProxyRefused, OSError, EOFError where it hangs up, ValueError for an answer that is none.
    """
    ask = _by_socks if proxy.kind == SOCKS5 else _by_connect
    try:
        await ask(proxy, host, port, reader, writer)
    except asyncio.LimitOverrunError as error:
        raise ValueError("the proxy gave no whole answer") from error


async def _by_connect(
    proxy: Proxy, host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    place = host_and_port(host, port)
    lines = (f"CONNECT {place} HTTP/1.1", f"Host: {place}", *proxy.authorization, "", "")
    writer.write("\r\n".join(lines).encode("ascii", "replace"))
    status = parse_http_head(await reader.readuntil(b"\r\n\r\n")).status
    if not 200 <= status < 300:
        raise ProxyRefused(proxy, "proxy_refused", f"HTTP {status}", status)


async def _by_socks(
    proxy: Proxy, host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    writer.write(socks.greeting(proxy))
    version, method = await reader.readexactly(2)
    _check(proxy, version == socks.VERSION)
    if method == socks.LOGIN and proxy.user is not None:
        writer.write(socks.login(proxy))
        _, status = await reader.readexactly(2)
        if status != socks.DONE:
            raise ProxyRefused(proxy, LOGIN_REFUSED, "it does not take the user and password")
    elif method != socks.OPEN:
        raise ProxyRefused(proxy, LOGIN_REFUSED, "it wants a login that it was not offered")
    writer.write(socks.request(host, port))
    version, reply, _, kind = await reader.readexactly(4)
    _check(proxy, version == socks.VERSION)
    if reply != socks.DONE:
        raise ProxyRefused(proxy, socks.REPLIES.get(reply, socks.FAILED), f"SOCKS reply {reply}")
    size = (await reader.readexactly(1))[0] if kind == socks.BY_NAME else socks.ADDRESS_BYTES.get(kind)
    _check(proxy, size is not None)
    await reader.readexactly((size or 0) + socks.PORT_BYTES)


def _check(proxy: Proxy, speaks: bool) -> None:
    if not speaks:
        raise ProxyRefused(proxy, NOT_SOCKS, "what answers does not speak SOCKS5")
