"""Which proxy a setting or the environment names: pure."""

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
HTTP, SOCKS5 = "http", "socks5"
# The name is looked up by a SOCKS proxy in any case, as Go's net/http does: a network that is left by a proxy alone
# seldom knows names beyond. What GNOME calls socks:// is SOCKS5 first for its own programs (GLib) as well.
KINDS = {"http": HTTP, "socks5": SOCKS5, "socks5h": SOCKS5, "socks": SOCKS5}
USUAL_PORTS = {HTTP: 80, SOCKS5: 1080}
LONGEST_LOGIN = 255  # bytes of either, where SOCKS carries them (RFC 1929)


@dataclass(frozen=True)
class Proxy:
    """A proxy, http or socks5, and the setting or variable that names it; user is None where it asks for no login."""

    host: str
    port: int
    origin: str
    kind: str = HTTP
    user: str | None = field(default=None, repr=False)
    password: str = field(default="", repr=False)

    @property
    def place(self) -> str:
        """Its address as host:port."""
        return host_and_port(self.host, self.port)

    @property
    def url(self) -> str:
        """Its address as one reads it from an environment, with user and password."""
        login = "" if self.user is None else f"{quote(self.user, '')}:{quote(self.password, '')}@"
        return f"{self.kind}://{login}{self.place}"

    @property
    def authorization(self) -> tuple[str, ...]:
        """The header with which an HTTP proxy is told who asks; none without a login."""
        if self.user is None:
            return ()
        login = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return (f"Proxy-Authorization: Basic {login}",)


def host_and_port(host: str, port: int) -> str:
    """An address in one word.

    >>> host_and_port("::1", 80)
    '[::1]:80'
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def proxy_for(scheme: str, host: str, environment: Mapping[str, str]) -> Proxy | None:
    """The proxy by which a host is reached, None where there is none. Raises UsageError for one of another kind."""
    name = next((name for name in VARIABLES.get(scheme, ()) if environment.get(name)), "")
    exceptions = next((environment[one] for one in EXCEPTIONS if environment.get(one)), "")
    return None if not name or _excepted(host, exceptions) else read_proxy(environment[name], name)


def read_proxy(text: str, name: str) -> Proxy:
    """The proxy that a text names ("socks5://USER:PASSWORD@HOST:PORT"; without "://" it is HTTP's), for name's value.

    Raises UsageError, which does not repeat what the text holds besides its kind.
    """
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host:
        raise UsageError(f"{name} names no proxy; correct it, or unset it")
    kind = KINDS.get(parts.scheme)
    if kind is None:
        raise UsageError(
            f"{name} names a proxy of the kind {parts.scheme}://, which is not used here;"
            " give http:// or socks5://, or unset it"
        )
    user = None if parts.username is None else unquote(parts.username)
    password = unquote(parts.password or "")
    if kind == SOCKS5 and any(len(word.encode()) > LONGEST_LOGIN for word in (user or "", password)):
        raise UsageError(f"{name} has a user or a password of over {LONGEST_LOGIN} bytes, which SOCKS cannot carry")
    return Proxy(host, port or USUAL_PORTS[kind], name, kind, user, password)


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
