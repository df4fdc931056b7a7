"""What a trace is aimed at: a name resolved to one address that the local policy permits."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from caseprobe.errors import CaseprobeError, MachineTimeout, MeasurementError, UsageError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Permit = Callable[[Address], None]  # raises PolicyRefused
Found = list[tuple[str, int]]  # address text, scope id; at least one
Lookup = Callable[[str, int], Found]  # of a name and a family
FAMILIES = {0: socket.AF_UNSPEC, 4: socket.AF_INET, 6: socket.AF_INET6}


@dataclass(frozen=True)
class ResolvedTarget:
    """The name as asked for, and the one address that the echoes go to."""

    name: str
    address: Address
    scope_id: int = 0

    @property
    def v6(self) -> bool:
        """True for IPv6."""
        return self.address.version == 6

    def endpoint(self, port: int) -> tuple[Any, ...]:
        """The address as a socket takes it."""
        host = str(self.address).partition("%")[0]
        return (host, port, 0, self.scope_id) if self.v6 else (host, port)


def look_up(name: str, family: int) -> Found:
    """The addresses of a name in the system's order of preference, each once.

    Raises UsageError for what can be no name, MeasurementError where it does not resolve.
    """
    try:
        found = socket.getaddrinfo(name, None, FAMILIES[family], socket.SOCK_DGRAM)
    except socket.gaierror as error:
        hint = f" over IPv{family}" if family else ""
        raise MeasurementError(
            f"{name!r} does not resolve{hint}: {error.strerror}; check the name or give an address"
        ) from error
    except (UnicodeError, ValueError) as error:
        raise UsageError(f"{name!r} is no host name or address") from error
    endpoints = (row[4] for row in found)
    return list(dict.fromkeys((str(one[0]), int(one[3]) if len(one) == 4 else 0) for one in endpoints))


async def resolve(
    name: str, permit: Permit, family: int = 0, timeout_seconds: float = 5.0, lookup: Lookup = look_up
) -> ResolvedTarget:
    """The target that a name or address stands for: the first in the system's order; family 4 or 6 narrows the choice.

    The address chosen is shown to permit, which raises PolicyRefused. Raises what look_up raises, and MachineTimeout.
    """
    first = (await _targets(name, family, timeout_seconds, lookup))[0]
    permit(first.address)
    return first


async def resolve_all(
    name: str, permit: Permit, family: int = 0, timeout_seconds: float = 5.0, lookup: Lookup = look_up
) -> list[ResolvedTarget]:
    """Every target that a name stands for, as resolve; each address must be permitted."""
    targets = await _targets(name, family, timeout_seconds, lookup)
    for target in targets:
        permit(target.address)
    return targets


async def _targets(name: str, family: int, timeout_seconds: float, lookup: Lookup) -> list[ResolvedTarget]:
    asked = name.strip()
    if not asked:
        raise UsageError("the target is empty; give a host name or an address")
    found = await _in_thread(lambda: lookup(asked, family), asked, timeout_seconds)
    return [ResolvedTarget(asked, _plain(text), scope_id) for text, scope_id in found]


def _plain(text: str) -> Address:
    """The address without its scope; an IPv4-mapped IPv6 address counts as the IPv4 address that it is."""
    address: Address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


async def _in_thread(call: Callable[[], Found], name: str, timeout_seconds: float) -> Found:
    """Run a look-up that may hang on a thread of its own, which a program's end does not wait for."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Found | CaseprobeError] = loop.create_future()

    def work() -> None:
        try:
            result: Found | CaseprobeError = call()
        except CaseprobeError as error:
            result = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, future, result)

    threading.Thread(target=work, name="resolve", daemon=True).start()
    try:
        result = await asyncio.wait_for(future, timeout_seconds)
    except TimeoutError as error:
        raise MachineTimeout(f"{name!r} did not resolve within {timeout_seconds:g} s; check the resolvers") from error
    if isinstance(result, CaseprobeError):
        raise result
    return result


def _settle(future: asyncio.Future[Any], result: Any) -> None:
    if not future.done():
        future.set_result(result)
