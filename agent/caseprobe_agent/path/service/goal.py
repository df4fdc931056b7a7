"""What service a person means: an address as a browser takes it, or host and port."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from caseprobe.errors import UsageError
from caseprobe_agent.proxies.naming import host_and_port

PORTS = {"http": 80, "https": 443}
LONGEST_NAME = 253  # of a host in text (RFC 1035)
PAIR = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.%]+)\]|(?P<name>[^\s:/\[\]]+)):(?P<port>\d{1,5})")


@dataclass(frozen=True)
class Service:
    """A service to reach; with scheme tcp a connection is all that is asked of it.

    resource is what an http service is asked for. It may hold secrets: it is sent, and told to nobody else.
    """

    scheme: str
    host: str
    port: int
    resource: str = "/"

    @property
    def name(self) -> str:
        """The host as it is asked for: an address, or a name of letters that every name server knows."""
        return self.host if ":" in self.host else self.host.encode("idna").decode()

    @property
    def place(self) -> str:
        """Host and port as a request names them."""
        return host_and_port(self.name, self.port)

    @property
    def url(self) -> str:
        """The whole address as a proxy takes it."""
        return f"{self.scheme}://{self.place}{self.resource}"


def service_of(text: str) -> Service | None:
    """The service that a target names, None for a mere host. Raises UsageError for an address that cannot be asked.

    >>> service_of("https://example.org/x?y")
    Service(scheme='https', host='example.org', port=443, resource='/x?y')
    >>> service_of("[::1]:25")
    Service(scheme='tcp', host='::1', port=25, resource='/')
    >>> service_of("example.org") is None and service_of("2001:db8::1") is None
    True
    """
    asked = text.strip()
    if "://" in asked:
        return _checked(_from_url(asked))
    match = PAIR.fullmatch(asked)
    return _checked(Service("tcp", match["six"] or match["name"], int(match["port"]))) if match else None


def _from_url(text: str) -> Service:
    try:
        parts = urlsplit(text)
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise UsageError(f"the address is not one that can be asked: {error}") from error
    if parts.scheme not in PORTS:
        raise UsageError(f"{parts.scheme}:// is not measured; give https://, http:// or HOST:PORT")
    if "@" in parts.netloc:
        raise UsageError("the address holds a user name; give it without: nobody is logged in to be timed")
    resource = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~") + (
        f"?{quote(parts.query, safe='/%:@!$&()*+,;=~?')}" if parts.query else ""
    )
    return Service(parts.scheme, parts.hostname or "", port, resource)


def _checked(service: Service) -> Service:
    try:
        named = 0 < len(service.name) <= LONGEST_NAME
    except UnicodeError:
        named = False
    if not named or not 0 < service.port < 65_536:
        raise UsageError(
            "the address needs a host name of at most 63 letters a part and 253 in all, and a port from 1 to 65535"
        )
    return service
