"""Where a request's credential comes from, and what proves that our own page sent it.

A cookie travels by itself, so a request that changes something with it must also carry a token that only our pages
know, and name our own origin. A bearer token is put there on purpose and needs neither.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from caseprobe.errors import NotAllowed

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Credential:
    """A secret as it came; by_cookie says that a browser sent it by itself."""

    secret: str
    by_cookie: bool


def cookie_name(secure: bool) -> str:
    """The __Host- prefix binds the cookie to this host; browsers refuse it without Secure."""
    return "__Host-caseprobe" if secure else "caseprobe"


def is_secure(connection: HTTPConnection) -> bool:
    """True but for the demo's plain http on loopback."""
    return connection.url.scheme in ("https", "wss")


def read_credential(connection: HTTPConnection) -> Credential | None:
    """The bearer token if there is one, else the login cookie."""
    scheme, _, secret = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and secret.strip():
        return Credential(secret.strip(), by_cookie=False)
    cookie = connection.cookies.get(cookie_name(is_secure(connection)), "")
    return Credential(cookie, by_cookie=True) if cookie else None


def set_cookie(response: Response, secret: str, max_age_seconds: int, secure: bool) -> None:
    """Keep the login in a cookie that no script reads and no other site sends."""
    response.set_cookie(
        cookie_name(secure), secret, max_age=max_age_seconds, path="/", secure=secure, httponly=True, samesite="strict"
    )


def clear_cookie(response: Response, secure: bool) -> None:
    """Forget the login."""
    response.delete_cookie(cookie_name(secure), path="/", secure=secure, httponly=True, samesite="strict")


def csrf_token(secret: str) -> str:
    """The token that our pages send beside this login; it tells nothing about the secret."""
    return hmac.new(secret.encode(), b"caseprobe console csrf", hashlib.sha256).hexdigest()


def check_origin(connection: HTTPConnection, required: bool) -> None:
    """Refuse another site's request; required: also one that does not say where it comes from."""
    origin = connection.headers.get("origin", "")
    if not origin and not required:
        return
    scheme = "https" if is_secure(connection) else "http"
    if origin == f"{scheme}://{connection.headers.get('host', '')}":
        return
    # With referrers off a browser names a plain form's origin "null"; this header, which no page can set, tells more.
    if origin == "null" and connection.headers.get("sec-fetch-site") == "same-origin":
        return
    raise NotAllowed("this request came from another site; open the console itself and try again")


async def check_csrf(request: Request, secret: str) -> None:
    """Refuse a change that does not carry the token of this login's pages."""
    given = request.headers.get(CSRF_HEADER, "")
    if not given and request.headers.get("content-type", "").startswith(FORM):
        given = (await read_form(request)).get(CSRF_FIELD, "")
    if not hmac.compare_digest(given.encode(), csrf_token(secret).encode()):
        raise NotAllowed("this page is out of date; load it again and repeat what you did")


async def read_form(request: Request) -> dict[str, str]:
    """A small form's fields, the first value of each."""
    fields = parse_qs((await request.body()).decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=40)
    return {name: values[0] for name, values in fields.items()}


def host_allowed(scope: dict[str, Any], names: Sequence[str]) -> bool:
    """True where the request names this collector: another name on our address is an attack or a mistake."""
    raw = next((value for key, value in scope["headers"] if key == b"host"), b"").decode("latin-1")
    try:
        host = urlsplit(f"//{raw}").hostname or ""
    except ValueError:
        return False
    return host in {"localhost", "127.0.0.1", "::1", *(name.lower().strip("[]") for name in names)}
