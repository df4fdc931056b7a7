"""The HTTP listeners: console and enrolment over TLS, metrics on loopback, plain http for the demo alone."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn

from caseprobe.errors import ConfigurationError

GRACE_SECONDS = 3


class Listener(uvicorn.Server):
    """One uvicorn on a socket that we bound; signals stay ours."""

    def __init__(
        self, app: Any, bound: socket.socket, certificate: Path | None = None, key: Path | None = None
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                ssl_certfile=str(certificate) if certificate else None,
                ssl_keyfile=str(key) if key else None,
                ssl_version=ssl.PROTOCOL_TLS_SERVER,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                ws_max_size=1 << 20,
                timeout_graceful_shutdown=GRACE_SECONDS,
                h11_max_incomplete_event_size=64 << 10,
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
            f"cannot listen on {host}:{port}: {error.strerror}; end what uses it or set {setting} to another port"
        ) from None


def address_of(bound: socket.socket) -> str:
    """host:port of a listening socket."""
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
