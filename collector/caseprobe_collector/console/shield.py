"""The outermost layer of the console: host, size, security headers, and no fault's details to anyone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from caseprobe.errors import TooLarge
from caseprobe_collector.console.credentials import host_allowed
from caseprobe_collector.console.errors import Failure, failure_of, failure_of_crash

BODY_BYTES = 64 * 1024
# Paths that take a whole bundle file.
LARGE_SUFFIX = "/bundles"
LARGE_BYTES = 512 * 1024 * 1024
# Set in the scope where a body was over its cap, since the framework takes any error while reading for a bad body.
TOO_LARGE = "caseprobe.too_large"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = (
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
)

logger = logging.getLogger("caseprobe_collector.console")


class Shield:
    """Wraps the application; renders what goes wrong outside of it."""

    def __init__(
        self,
        app: ASGIApp,
        names: Sequence[str],
        render: Callable[[Scope, Failure], ASGIApp],
        new_reference: Callable[[], str],
    ) -> None:
        self._app = app
        self._names = names
        self._render = render
        self._new_reference = new_reference

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or socket."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, send)
        limit = LARGE_BYTES if scope["path"].endswith(LARGE_SUFFIX) else BODY_BYTES
        if not host_allowed(dict(scope), self._names) and not scope["path"].startswith(("/healthz", "/readyz")):
            await self._fail(scope, receive, answer, Failure(421, "usage", _wrong_host()))
            return
        try:
            await self._app(scope, _capped(scope, receive, limit), answer)
        except TooLarge as error:
            await self._fail(scope, receive, answer, failure_of(error))
        except Exception:
            reference = self._new_reference()
            logger.exception("console request failed, reference %s", reference)
            await self._fail(scope, receive, answer, failure_of_crash(reference))

    async def _fail(self, scope: Scope, receive: Receive, answer: _Answer, failure: Failure) -> None:
        if answer.started:
            return
        if scope["type"] == "websocket":
            await answer({"type": "websocket.close", "code": 1011, "reason": failure.code})
            return
        await self._render(scope, failure)(scope, receive, answer)


class _Answer:
    """The way back, which adds the headers that every answer carries."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._send = send
        self._secure = scope.get("scheme") in ("https", "wss")
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.accept", "websocket.close"):
            self.started = True
        if message["type"] == "http.response.start":
            self._add_headers(MutableHeaders(scope=message))
        await self._send(message)

    def _add_headers(self, headers: MutableHeaders) -> None:
        for name, value in HEADERS:
            headers.setdefault(name, value)
        headers.setdefault("cache-control", "no-store")
        if self._secure:
            headers.setdefault("strict-transport-security", "max-age=31536000")


def _wrong_host() -> str:
    return "this collector does not go by that name; use one of its own, or add it to public_names in its settings"


def _capped(scope: Scope, receive: Receive, limit_bytes: int) -> Receive:
    """The request's messages, until its body is over the limit."""
    seen = 0

    async def capped() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > limit_bytes:
                scope[TOO_LARGE] = True
                raise TooLarge(f"the request is larger than the {limit_bytes} bytes that this address takes")
        return message

    return capped
