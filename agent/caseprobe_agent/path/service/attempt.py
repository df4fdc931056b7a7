"""One address of a service, step by step: connection, proxy, TLS, first byte; it ends with the first that fails."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from caseprobe.parse.portal import parse_http_head
from caseprobe.parse.x509_dates import parse_der
from caseprobe.v1 import path_service_pb2
from caseprobe_agent.path.service.goal import Service
from caseprobe_agent.path.service.outcomes import outcome_of
from caseprobe_agent.path.target import ResolvedTarget
from caseprobe_agent.path.tcp import least_round_trip
from caseprobe_agent.proxies import HTTP, Proxy
from caseprobe_agent.proxies.passage import ProxyRefused, Streams, pass_through

HEAD_BYTES = 64 << 10
CHAIN_AT_MOST = 8
DER = 2  # _ssl.ENCODING_DER


class _Ended(Exception):
    """A step failed; the facts say which and how."""


@dataclass(frozen=True)
class Goal:
    """The service, the proxy that leads to it, the address to connect to (its own or the proxy's), a step's limit."""

    service: Service
    proxy: Proxy | None
    target: ResolvedTarget
    step_seconds: float


async def attempt(goal: Goal, trust: ssl.SSLContext) -> path_service_pb2.ServiceAttempt:
    """How far the service is reached by way of one address.

    A certificate that is not accepted ends it, as it ends any program's connection; what it says is looked at all the
    same, over a connection of its own that carries nothing.
    """
    line = _Line(goal)
    try:
        with contextlib.suppress(_Ended):
            await line.reach(trust)
    finally:
        await line.close()
    if line.facts.phases[-1].outcome.startswith("certificate_"):
        line.facts.chain.extend(await _shown(goal))
    return line.facts


async def _shown(goal: Goal) -> list[path_service_pb2.ServiceCertificate]:
    """The certificates that the service shows, whatever they are worth."""
    line = _Line(goal)
    try:
        with contextlib.suppress(_Ended):
            await line.secure(_anything())
    finally:
        await line.close()
    return list(line.facts.chain)


def _anything() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class _Line:
    """One connection and what is known of it."""

    def __init__(self, goal: Goal) -> None:
        self.facts = path_service_pb2.ServiceAttempt(address=goal.target.address.packed)
        self._service = goal.service
        self._proxy = goal.proxy
        self._target = goal.target
        self._step_seconds = goal.step_seconds
        self._writer: asyncio.StreamWriter | None = None

    async def reach(self, trust: ssl.SSLContext) -> None:
        """All steps that the service has. Raises _Ended."""
        if self._service.scheme == "https":
            reader, writer = await self.secure(trust)
        else:
            reader, writer = await self._led()
        if self._service.scheme != "tcp":
            await self._ask(reader, writer)
        # The other side may have ended the connection by now.
        with contextlib.suppress(OSError):
            self.facts.round_trip_seconds = least_round_trip(writer.get_extra_info("socket"))

    async def secure(self, trust: ssl.SSLContext) -> Streams:
        """The steps up to and with TLS. Raises _Ended."""
        reader, writer = await self._led()
        async with self._phase("tls"):
            await writer.start_tls(trust, server_hostname=self._service.host)
        tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
        self.facts.tls_version = tls.version() or ""
        self.facts.chain.extend(_certificates(tls))
        return reader, writer

    @property
    def _asked_whole(self) -> Proxy | None:
        """The proxy that is asked for the whole address, in place of a line to the service."""
        plain = self._service.scheme == "http" and self._proxy is not None and self._proxy.kind == HTTP
        return self._proxy if plain else None

    async def _led(self) -> Streams:
        """A line to the service, by way of the proxy where there is one; to the proxy where that is asked whole."""
        reader, writer = await self._connect()
        if self._proxy is not None and not self._asked_whole:
            await self._pass_proxy(self._proxy, reader, writer)
        return reader, writer

    async def _connect(self) -> Streams:
        host, port = self._target.endpoint(self._proxy.port if self._proxy else self._service.port)[:2]
        scope = f"%{self._target.scope_id}" if self._target.scope_id else ""
        async with self._phase("connect"):
            reader, self._writer = await asyncio.open_connection(host + scope, port, limit=HEAD_BYTES)
        return reader, self._writer

    async def _pass_proxy(self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with self._phase("proxy"):
            try:
                await pass_through(proxy, self._service.name, self._service.port, reader, writer)
            except ProxyRefused as refused:
                self.facts.http_status = refused.status
                raise

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request and the first line of its answer."""
        plain = self._asked_whole
        login = plain.authorization if plain else ()
        what = self._service.url if plain else self._service.resource
        fields = (f"Host: {self._service.place}", "User-Agent: caseprobe", "Accept: */*", "Connection: close")
        async with self._phase("first_byte"):
            writer.write(_lines(f"GET {what} HTTP/1.1", *fields, *login))
            self.facts.http_status = parse_http_head(await reader.readuntil(b"\n")).status

    @contextlib.asynccontextmanager
    async def _phase(self, name: str) -> AsyncIterator[None]:
        """Time one step; raises _Ended where it fails, in whatever way."""
        outcome, began = "ok", time.monotonic()
        try:
            async with asyncio.timeout(self._step_seconds):
                yield
        except Exception as error:
            outcome = outcome_of(error)
            raise _Ended from error
        finally:
            self.facts.phases.add(name=name, outcome=outcome, seconds=time.monotonic() - began)

    async def close(self) -> None:
        """Give the connection up at once: what more the other side has to say is not read.

        Its end is not waited for: a handshake that failed has taken it out of the stream's hands.
        """
        if self._writer is not None:
            self._writer.transport.abort()
            await asyncio.sleep(0)  # in which the loop closes the socket


def _lines(*lines: str) -> bytes:
    return "\r\n".join((*lines, "", "")).encode("ascii", "replace")


def _certificates(tls: ssl.SSLObject) -> list[path_service_pb2.ServiceCertificate]:
    """Every certificate that was sent and can be read."""
    found = []
    for der in _sent(tls)[:CHAIN_AT_MOST]:
        with contextlib.suppress(ValueError):
            dates = parse_der(der)
            one = path_service_pb2.ServiceCertificate(subject=dates.subject, issuer=dates.issuer)
            one.not_before.FromDatetime(dates.not_before)
            one.not_after.FromDatetime(dates.not_after)
            found.append(one)
    return found


def _sent(tls: ssl.SSLObject) -> list[bytes]:
    """The whole chain; from the public interface it is to be had from Python 3.13 on, before that by what is below it.

    Where neither gives it: the service's own certificate alone.
    """
    told = getattr(getattr(tls, "_sslobj", None), "get_unverified_chain", None)
    if told is not None:
        return [one.public_bytes(DER) for one in told() or ()]
    own = tls.getpeercert(binary_form=True)
    return [own] if own else []
