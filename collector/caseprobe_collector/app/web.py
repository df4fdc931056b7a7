"""The HTTP listeners: console and enrolment over TLS, metrics on loopback, plain http for the demo alone."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from caseprobe.errors import ConfigurationError

GRACE_SECONDS = 3


@dataclass(frozen=True)
class Pem:
    """A server's certificate chain and key."""

    certificate: bytes
    key: bytes

    def context(self) -> ssl.SSLContext:
        """A TLS context of them; the ssl module reads files alone, so a private folder holds them for a moment."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = Path(folder, "certificate.pem"), Path(folder, "key.pem")
            certificate.write_bytes(self.certificate)
            key.write_bytes(self.key)
            context.load_cert_chain(certificate, key)
        return context


class Listener(uvicorn.Server):
    """One uvicorn on a socket that we bound; signals stay ours."""

    def __init__(self, app: Any, bound: socket.socket, pem: Pem | None = None) -> None:
        context = pem.context() if pem else None
        super().__init__(
            uvicorn.Config(
                app,
                ssl_context_factory=(lambda config, default: context) if context else None,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                ws_max_size=1 << 20,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self.bound = bound

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the collector, which stops all of its servers in order."""
        yield

    async def run_bound(self) -> None:
        """Serve until `should_exit`."""
        await self.serve(sockets=[self.bound])


def bind(host: str, port: int, setting: str) -> socket.socket:
    """A listening socket; raises ConfigurationError that names the setting where the port cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}; end what uses it or change {setting}"
        ) from None


def address_of(bound: socket.socket) -> str:
    """host:port of a listening socket."""
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
