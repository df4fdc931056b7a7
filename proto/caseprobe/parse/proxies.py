"""Proxies that programs are told to use: environment variables, /etc/environment, apt's settings."""

from __future__ import annotations

import re
from dataclasses import dataclass

# http_proxy=http://user:secret@proxy.example.org:3128/
# Acquire::http::Proxy "http://proxy.example.org:3128";
NAMES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy")
APT = re.compile(r'(?im)^(?!\s*(?://|#))\s*Acquire::(?:http|https)::Proxy\s+"([^"]*)"')
ADDRESS = re.compile(
    r"(?:(?P<scheme>[a-z0-9+]+)://)?(?:[^@/]*@)?(?P<host>\[[0-9a-f:.%]+\]|[^:/\s]+)(?::(?P<port>\d{1,5}))?(?:/.*)?"
)
PORTS = {"https": 443, "socks": 1080, "socks4": 1080, "socks5": 1080, "socks5h": 1080}
DIRECT = ("DIRECT", "false", "")


@dataclass(frozen=True)
class ProxyAddress:
    """Where a proxy listens; user and password, which such an address may hold, are left out."""

    host: str
    port: int


def parse_proxy(text: str) -> ProxyAddress | None:
    """One proxy's address, None where the text names none.

    >>> parse_proxy("http://me:secret@proxy.example.org:3128/")
    ProxyAddress(host='proxy.example.org', port=3128)
    >>> parse_proxy("proxy.example.org"), parse_proxy("DIRECT")
    (ProxyAddress(host='proxy.example.org', port=80), None)
    """
    match = ADDRESS.fullmatch(text.strip().lower())
    if text.strip() in DIRECT or match is None:
        return None
    port = int(match["port"]) if match["port"] else PORTS.get(match["scheme"] or "", 80)
    return ProxyAddress(match["host"].strip("[]"), port) if 0 < port < 65536 else None


def parse_environment(text: str) -> list[ProxyAddress]:
    """Proxies in lines of NAME=VALUE, names in either case, each address once.

    >>> parse_environment('PATH=/bin\\nexport https_proxy="http://192.0.2.1:3128"\\n')
    [ProxyAddress(host='192.0.2.1', port=3128)]
    """
    found = []
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and name.strip().lower() in NAMES:
            found.append(parse_proxy(value.strip().strip("\"'")))
    return _each_once(found)


def parse_apt(text: str) -> list[ProxyAddress]:
    """Proxies in a file of apt's settings.

    >>> parse_apt('Acquire::http::Proxy "http://192.0.2.1:3142";')
    [ProxyAddress(host='192.0.2.1', port=3142)]
    """
    return _each_once([parse_proxy(address) for address in APT.findall(text)])


def _each_once(found: list[ProxyAddress | None]) -> list[ProxyAddress]:
    return list(dict.fromkeys(proxy for proxy in found if proxy is not None))
