"""Renews the agent's certificate in time, with the same key, while the link goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from caseprobe.v1 import link_pb2
from caseprobe_agent.identity import Identity, accept_certificate, renewal_due, renewal_request

Send = Callable[[link_pb2.LinkRequest, link_pb2.Lane.ValueType], None]


class Renewal:
    """Asks when it is time by the collector's clock, and takes up what it is offered."""

    def __init__(self, identity: Identity, folder: Path, send: Send, use: Callable[[Identity], None]) -> None:
        self._identity = identity
        self._folder = folder
        self._send = send
        self._use = use
        self._asking: asyncio.Task[None] | None = None

    def consider(self, now: datetime) -> None:
        """Ask for a new certificate where the old one has lived long enough; returns at once."""
        if renewal_due(self._identity, now) and (self._asking is None or self._asking.done()):
            self._asking = asyncio.create_task(self._ask())

    @property
    def identity(self) -> Identity:
        """With the newest certificate."""
        return self._identity

    async def offered(self, certificate_pem: bytes) -> None:
        """Keep the new certificate and connect with it from now on; raises Corrupt for one that does not fit."""
        self._identity = await accept_certificate(self._identity, self._folder, certificate_pem)
        self._use(self._identity)

    async def close(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _ask(self) -> None:
        csr = await renewal_request(self._identity)
        request = link_pb2.CertificateRequest(csr=csr)
        self._send(link_pb2.LinkRequest(certificate_request=request), link_pb2.LANE_CONTROL)
