"""The way out of a network: direct where that leads to the collector, else by the proxy, which sees TLS and no more."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from caseprobe.errors import Unreachable
from caseprobe_agent.app.parts import proxy_of
from caseprobe_agent.identity import enrol
from caseprobe_agent.identity.https import exchange, trusting_only
from caseprobe_agent.proxies import Proxy, read_proxy
from tests.fakes_collector import FakeCollector, running
from tests.fakes_link import EnrolmentServer, TestAuthority, enrolling, join_code, run_here, server_context
from tests.fakes_rig import FakeOutbox, Rig, Running
from tests.fakes_service import ConnectProxy, Web, listening

AUTHORITY = TestAuthority()
# Nobody listens there, and nobody but root could.
NOWHERE = "127.0.0.1:1"


@pytest.fixture
async def collector() -> AsyncIterator[FakeCollector]:
    """A collector that takes everything."""
    async with running(FakeCollector(AUTHORITY)) as started:
        yield started


def walled(collector: FakeCollector, proxy: int, login: str = "") -> Rig:
    """A link whose collector's address leads nowhere but by this proxy."""
    way = read_proxy(f"http://{login}127.0.0.1:{proxy}", "proxy").url
    return Rig(replace(collector.credentials(), address=NOWHERE, proxy=way), FakeOutbox(b"evidence"))


async def test_a_bundle_leaves_by_the_proxy_where_nothing_else_leads_out(collector: FakeCollector) -> None:
    """At once, without a pause: the proxy is asked for the collector's own address, and told who asks."""
    proxy = ConnectProxy(port=collector.port)
    async with listening(proxy.serve) as port:
        rig = walled(collector, port, "anna:se%2Fcret@")
        await rig.link.deliver_once(10)
    assert [stored.body for stored in collector.stored] == [b"evidence"]
    assert rig.slept == []
    head = proxy.requests[0].decode()
    assert head.startswith(f"CONNECT {NOWHERE} HTTP/1.1\r\n")
    assert base64.b64encode(b"anna:se/cret").decode() in head


async def test_a_link_stays_with_the_way_that_led_there(collector: FakeCollector) -> None:
    """When its stream ends it comes back by the proxy; the walled way is not tried first again."""
    proxy = ConnectProxy(port=collector.port)
    async with listening(proxy.serve) as port:
        rig = walled(collector, port)
        async with Running(rig.link):
            await collector.until(lambda: collector.stored)
            for stream in list(collector.streams):
                stream.over.set()
            await collector.until(lambda: len(collector.streams) > 1)
    assert len(proxy.requests) >= 2


async def test_no_proxy_is_asked_where_the_collector_is_reached(collector: FakeCollector) -> None:
    """It is the second way, not the first."""
    proxy = ConnectProxy()
    async with listening(proxy.serve) as port:
        rig = Rig(replace(collector.credentials(), proxy=f"http://127.0.0.1:{port}"), FakeOutbox(b"evidence"))
        await rig.link.deliver_once(10)
    assert (len(collector.stored), proxy.requests) == (1, [])


async def test_a_proxy_that_refuses_is_no_way_either(collector: FakeCollector) -> None:
    """The bundle stays, and the error says that the collector is not reached."""
    proxy = ConnectProxy(status=403)
    async with listening(proxy.serve) as port:
        with pytest.raises(Unreachable):
            await walled(collector, port).link.deliver_once(1)
    assert collector.stored == []


@pytest.mark.parametrize("status", [200, 407])
async def test_enrolment_takes_the_same_ways(status: int, tmp_path: Path) -> None:
    """TLS reaches through the proxy to the collector; a proxy that refuses is named."""
    tls, web = server_context(AUTHORITY, tmp_path, "127.0.0.1"), Web()
    async with listening(web.serve, tls) as inside, listening(ConnectProxy(status, port=inside).serve) as port:
        asked = exchange(NOWHERE, trusting_only(AUTHORITY.der), "GET /", ways=(None, Proxy("127.0.0.1", port, "proxy")))
        if status == 200:
            assert (await asked).status == web.status
        else:
            with pytest.raises(Unreachable, match=r"the proxy 127\.0\.0\.1:\d+ does not lead there \(HTTP .*407"):
                await asked


async def test_a_firewall_that_says_nothing_is_waited_for_once_and_not_long(tmp_path: Path) -> None:
    """The way that led to the CA is the one that the code goes by."""
    tried: list[bytes] = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tried.append(await reader.read(1))
        await reader.read()

    async with EnrolmentServer(AUTHORITY, enrolling(AUTHORITY, time.time())).running(tmp_path) as server:
        proxy = ConnectProxy(port=int(server.address.rpartition(":")[2]))
        async with listening(silent) as wall, listening(proxy.serve) as port:
            code = join_code(server, address=f"127.0.0.1:{wall}")
            way = Proxy("127.0.0.1", port, "proxy")
            # As long as a bundle waits for its collector.
            async with asyncio.timeout(7):
                enrolled = await enrol(code, tmp_path / "own", "a", "linux", run=run_here, proxy=way)
    assert enrolled.identity.case_id == "case_1"
    assert (len(tried), len(proxy.requests)) == (1, 2)


async def test_what_stands_between_and_shows_its_own_certificate_is_gone_around(
    collector: FakeCollector, tmp_path: Path
) -> None:
    """The proxy is asked, and nothing was sent before to who is not the collector."""
    web, proxy = Web(), ConnectProxy(port=collector.port)
    tls = server_context(TestAuthority(), tmp_path, "127.0.0.1")
    async with listening(web.serve, tls) as between, listening(proxy.serve) as port:
        way = read_proxy(f"http://127.0.0.1:{port}", "proxy").url
        credentials = replace(collector.credentials(), address=f"127.0.0.1:{between}", proxy=way)
        await Rig(credentials, FakeOutbox(b"evidence")).link.deliver_once(10)
    assert ([stored.body for stored in collector.stored], web.requests) == ([b"evidence"], [])


@pytest.mark.parametrize(
    ("stated", "environment", "place"),
    [
        ("http://proxy.example:3128", {}, "proxy.example:3128"),
        ("http://proxy.example:3128", {"https_proxy": "http://other.example"}, "proxy.example:3128"),
        ("", {"https_proxy": "http://other.example"}, "other.example:80"),
        ("", {"https_proxy": "http://other.example", "no_proxy": ".example"}, None),
        ("none", {"https_proxy": "http://other.example"}, None),
        ("", {}, None),
    ],
)
def test_a_setting_names_the_proxy_and_then_the_environment(
    stated: str, environment: dict[str, str], place: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As curl reads it; "none" is none."""
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = proxy_of(stated, "collector.example:7443")
    assert (found.place if found else None) == place
    assert stated or proxy_of(stated, "127.0.0.1:7443") is None
