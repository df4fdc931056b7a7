"""A client that calls an ASGI application in the same loop: what goes over the wire, without the wire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.types import ASGIApp, Message, Scope

HOST = "console.test"


@dataclass(frozen=True)
class Answer:
    """A whole response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class Client:
    """One browser or program: its headers go with every request, cookies are kept."""

    app: ASGIApp
    scheme: str = "https"
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)

    def scope(self, kind: str, method: str, path: str, headers: Mapping[str, str]) -> Scope:
        """The scope of one request; a header that is given as empty is not sent."""
        parts = urlsplit(path)
        sent = {"host": HOST, **self.headers, **headers}
        if self.cookies:
            sent.setdefault("cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        return {
            "type": kind,
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": self.scheme if kind == "http" else self.scheme.replace("http", "ws"),
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items() if value],
            "client": ("192.0.2.7", 40000),
            "server": (HOST, 443),
            "subprotocols": [],
            "state": {},
        }

    async def send(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """One request and its whole response."""
        sent: list[Message] = []
        chunks = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Message:
            return next(chunks, {"type": "http.disconnect"})

        async def send(message: Message) -> None:
            sent.append(message)

        await self.app(self.scope("http", method, path, headers or {}), receive, send)
        return self._answer(sent)

    def _answer(self, sent: list[Message]) -> Answer:
        pairs = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
        for name, value in pairs:
            if name == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        return Answer(sent[0]["status"], dict(pairs), b"".join(m.get("body", b"") for m in sent[1:]))

    async def get(self, path: str, **headers: str) -> Answer:
        """GET."""
        return await self.send("GET", path, headers=headers)

    async def post(self, path: str, value: object = None, headers: Mapping[str, str] | None = None) -> Answer:
        """POST with a JSON body."""
        body = b"" if value is None else json.dumps(value).encode()
        return await self.send("POST", path, body, {"content-type": "application/json", **(headers or {})})

    async def form(self, path: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Answer:
        """POST as a browser's form does."""
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return await self.send("POST", path, urlencode(fields).encode(), {**kind, **(headers or {})})

    def socket(self, path: str, headers: Mapping[str, str] | None = None) -> Socket:
        """A WebSocket, opened by `async with`."""
        return Socket(self.app, self.scope("websocket", "GET", path, headers or {}))


class Socket:
    """One WebSocket; code is what it was closed with, 403 where it was not accepted."""

    def __init__(self, app: ASGIApp, scope: Scope) -> None:
        self._app = app
        self._scope = scope
        self._to: asyncio.Queue[Message] = asyncio.Queue()
        self._from: asyncio.Queue[Message] = asyncio.Queue()
        self.accepted = False
        self.code = 0

    async def __aenter__(self) -> Socket:
        self._to.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(self._run())
        first = await asyncio.wait_for(self._from.get(), 60)
        self.accepted = first["type"] == "websocket.accept"
        self.code = first.get("code", 0)
        return self

    async def _run(self) -> None:
        await self._app(self._scope, self._to.get, self._from.put)

    async def read(self) -> Any:
        """The next message as JSON; None once the other side closed."""
        message = await asyncio.wait_for(self._from.get(), 60)
        if message["type"] == "websocket.close":
            self.code = message.get("code", 1000)
            return None
        return json.loads(message["text"])

    async def __aexit__(self, *exc: object) -> None:
        self._to.put_nowait({"type": "websocket.disconnect", "code": 1001})
        await asyncio.wait_for(self._task, 60)
