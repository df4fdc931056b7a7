"""Proxies that lead out of this network: which one a setting or the environment names, and what is said to it."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from caseprobe.errors import UsageError

# In capitals http_proxy is not read: a web server hands a request's own "Proxy" header to its programs as HTTP_PROXY.
VARIABLES = {
    "https": ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"),
    "http": ("http_proxy", "all_proxy", "ALL_PROXY"),
}
EXCEPTIONS = ("no_proxy", "NO_PROXY")
USUAL_PORT = 80


@dataclass(frozen=True)
class Proxy:
    """A proxy and the setting or variable that names it; login is the value of Proxy-Authorization, empty for none."""

    host: str
    port: int
    origin: str
    login: str = field(default="", repr=False)

    @property
    def place(self) -> str:
        """Its address as host:port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Its address as one reads it from an environment, with user and password."""
        user, _, password = base64.b64decode(self.login.removeprefix("Basic ")).decode().partition(":")
        return f"http://{quote(user, '')}:{quote(password, '')}@{self.place}" if self.login else f"http://{self.place}"

    def connect_request(self, place: str) -> bytes:
        """What asks it for a line to host:port."""
        login = (f"Proxy-Authorization: {self.login}",) if self.login else ()
        return "\r\n".join((f"CONNECT {place} HTTP/1.1", f"Host: {place}", *login, "", "")).encode("ascii", "replace")


def proxy_for(scheme: str, host: str, environment: Mapping[str, str]) -> Proxy | None:
    """The proxy by which a host is reached, None where there is none. Raises UsageError for one of another kind."""
    name = next((name for name in VARIABLES.get(scheme, ()) if environment.get(name)), "")
    exceptions = next((environment[one] for one in EXCEPTIONS if environment.get(one)), "")
    return None if not name or _excepted(host, exceptions) else read_proxy(environment[name], name)


def read_proxy(text: str, name: str) -> Proxy:
    """The proxy that a text names ("http://USER:PASSWORD@HOST:PORT"); name: whose value it is. Raises UsageError."""
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port or USUAL_PORT
    except ValueError:
        host, port = None, 0
    if not host:
        raise UsageError(f"{name} names no proxy; correct it, or unset it")
    if parts.scheme != "http":
        raise UsageError(f"{name} names a proxy of the kind {parts.scheme}://; only http:// proxies are used")
    return Proxy(host, port, name, _login(parts.username, parts.password))


def _login(user: str | None, password: str | None) -> str:
    if user is None:
        return ""
    return "Basic " + base64.b64encode(f"{unquote(user)}:{unquote(password or '')}".encode()).decode()


def _excepted(host: str, exceptions: str) -> bool:
    """True where the list names the host, a domain above it or a network that it is in; * is everything.

    >>> _excepted("a.example.org", "localhost, .example.org"), _excepted("a.example.org", "b.example.org")
    (True, False)
    >>> _excepted("10.1.2.3", "10.0.0.0/8"), _excepted("myexample.org", "example.org")
    (True, False)
    """
    return any(_covers(one.strip().lower(), host.lower()) for one in exceptions.split(",") if one.strip())


def _covers(one: str, host: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(one, strict=False)
    except ValueError:
        domain = one.removeprefix("*").removeprefix(".")
        return one == "*" or host == domain or host.endswith(f".{domain}")
