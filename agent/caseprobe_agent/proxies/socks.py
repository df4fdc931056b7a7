"""SOCKS5 as its client speaks it (RFC 1928; user and password: RFC 1929): pure."""

from __future__ import annotations

import struct
from ipaddress import ip_address

from caseprobe_agent.proxies.naming import Proxy

VERSION, LOGIN_VERSION = 5, 1
OPEN, LOGIN, NO_METHOD = 0x00, 0x02, 0xFF
CONNECT = 1
BY_FOUR, BY_NAME, BY_SIX = 1, 3, 4
ADDRESS_BYTES = {BY_FOUR: 4, BY_SIX: 16}
PORT_BYTES = 2
DONE = 0
# What a reply says in place of a line (RFC 1928, 6): the id of the outcome.
UNREACHED, CLOSED_THERE, DENIED, FAILED = "socks_unreached", "socks_closed_there", "socks_denied", "socks_failed"
REPLIES = {2: DENIED, 3: UNREACHED, 4: UNREACHED, 5: CLOSED_THERE, 6: UNREACHED}


def greeting(proxy: Proxy) -> bytes:
    """The first message: which ways to say who asks are offered; a login only where there is one."""
    methods = (OPEN,) if proxy.user is None else (OPEN, LOGIN)
    return bytes((VERSION, len(methods), *methods))


def login(proxy: Proxy) -> bytes:
    """User and password, which the proxy asked for."""
    user, password = (proxy.user or "").encode(), proxy.password.encode()
    return bytes((LOGIN_VERSION, len(user))) + user + bytes((len(password),)) + password


def request(host: str, port: int) -> bytes:
    """What asks for a line to an address, or to a name that the proxy looks up; ValueError for a name that is too long.

    >>> request("a.example", 443).hex(" ", 1)
    '05 01 00 03 09 61 2e 65 78 61 6d 70 6c 65 01 bb'
    """
    return bytes((VERSION, CONNECT, 0)) + _address(host) + struct.pack("!H", port)


def _address(host: str) -> bytes:
    try:
        address = ip_address(host)
    except ValueError:
        name = host.encode("ascii")
        return bytes((BY_NAME, len(name))) + name
    return bytes((BY_FOUR if address.version == 4 else BY_SIX,)) + address.packed
