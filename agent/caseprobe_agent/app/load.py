"""The test under load of an agent that stays: in a child, whose end is the end of everything that it holds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from caseprobe.v1 import path_load_pb2
from caseprobe_agent.identity.keys import pack, unpack
from caseprobe_agent.link.outbox import Credentials
from caseprobe_agent.proxies import read_proxy

if TYPE_CHECKING:
    from caseprobe_agent.seal import Run

# The test's own ten seconds, loading what it needs, and both ways to the collector where the first leads nowhere.
APART_SECONDS = 25.0


def loading(credentials: Callable[[], Credentials], run: Run) -> Callable[[], Awaitable[path_load_pb2.LoadFacts]]:
    """Measures whenever it is called, with the credentials of then; raises as measure_load does."""

    async def measure() -> path_load_pb2.LoadFacts:
        ours = credentials()
        proxy = ours.proxy.url if ours.proxy else ""
        request = pack(ours.address.encode(), ours.ca_pem, ours.certificate_pem, ours.private_key_pem, proxy.encode())
        return path_load_pb2.LoadFacts.FromString(await run(measure_packed, request, APART_SECONDS))

    return measure


def measure_packed(request: bytes) -> bytes:
    """Credentials as loading packs them -> LoadFacts."""
    from caseprobe_agent.link.load_wire import measure_load

    address, ca, certificate, key, proxy = unpack(request)
    way = read_proxy(proxy.decode(), "proxy") if proxy else None
    credentials = Credentials(address.decode(), ca, certificate, key, way)
    return asyncio.run(measure_load(credentials)).SerializeToString()
