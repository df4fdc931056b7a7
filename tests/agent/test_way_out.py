"""The way out of a network: direct where that leads to the collector, else by the proxy, which sees TLS and no more."""

from __future__ import annotations

import asyncio
import base64
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from caseprobe.errors import Unreachable
from caseprobe_agent.app.parts import proxy_of
from caseprobe_agent.identity import enrol
from caseprobe_agent.identity.https import exchange, trusting_only
from caseprobe_agent.link.channel import open_channel
from caseprobe_agent.link.relay import led_by
from caseprobe_agent.proxies import Proxy, read_proxy
from tests.fakes_collector import FakeCollector, running
from tests.fakes_link import EnrolmentServer, TestAuthority, enrolling, join_code, run_here, server_context
from tests.fakes_rig import FakeOutbox, Rig, Running
from tests.fakes_service import ConnectProxy, SocksProxy, Web, listening

AUTHORITY = TestAuthority()
# Nobody listens there, and nobody but root could.
NOWHERE = "127.0.0.1:1"


@pytest.fixture
async def collector() -> AsyncIterator[FakeCollector]:
    """A collector that takes everything."""
    async with running(FakeCollector(AUTHORITY)) as started:
        yield started


def walled(collector: FakeCollector, proxy: int, login: str = "", kind: str = "http") -> Rig:
    """A link whose collector's address leads nowhere but by this proxy."""
    way = read_proxy(f"{kind}://{login}127.0.0.1:{proxy}", "proxy")
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


@pytest.mark.parametrize(
    ("kind", "login", "wants"),
    [("socks5", "", b""), ("socks5h", "anna:se%2Fcret@", b"anna:se/cret"), ("socks", "anna:x@", b"")],
)
async def test_a_bundle_leaves_by_a_socks_proxy_as_well(
    collector: FakeCollector, kind: str, login: str, wants: bytes
) -> None:
    """With user and password where it wants them; the proxy looks the name up."""
    proxy = SocksProxy(wants, collector.port)
    async with listening(proxy.serve) as port:
        rig = walled(collector, port, login, kind)
        await rig.link.deliver_once(10)
    assert [stored.body for stored in collector.stored] == [b"evidence"]
    assert proxy.asked == [NOWHERE]


async def test_what_passes_a_proxy_passes_whole(collector: FakeCollector) -> None:
    """Megabytes through the relay to gRPC, byte by byte."""
    body = bytes(range(256)) * (24 << 10)
    proxy = SocksProxy(port=collector.port)
    async with listening(proxy.serve) as port:
        rig = walled(collector, port, kind="socks5")
        rig.outbox.add(body)
        await rig.link.deliver_once(30)
    assert collector.stored[-1].body == body


@pytest.mark.parametrize(
    ("proxy", "why"),
    [
        (SocksProxy(b"a:b"), "does not take the user and password"),
        (SocksProxy(says=b"\5\xff"), "wants a login that it was not offered"),
        (SocksProxy(reply=5), "SOCKS reply 5"),
        (SocksProxy(says=b"HTTP/1.0 400 Bad Request"), "does not speak SOCKS5"),
        (SocksProxy(says=bytes((5, 0, 5, 0, 0, 9))), "does not speak SOCKS5"),
    ],
)
async def test_a_proxy_that_leads_nowhere_is_named_with_why(
    collector: FakeCollector, proxy: SocksProxy, why: str
) -> None:
    """In one line, without the user and the password that it was given."""
    async with listening(proxy.serve) as port:
        with pytest.raises(Unreachable) as told:
            async with open_channel(walled(collector, port, "a:hunter2@", kind="socks5").credentials):
                pass
    assert f"cannot reach the collector at {NOWHERE}: the proxy 127.0.0.1:{port}" in str(told.value)
    assert why in str(told.value)
    assert "hunter2" not in str(told.value)


async def test_a_line_by_a_proxy_is_this_process_alone() -> None:
    """Any user's process may know the socket's name: it is hung up on, and gRPC still gets the line."""
    connect = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect('\\0' + sys.argv[1]); print(s.recv(1))"
    web = Web()
    async with (
        listening(web.serve) as inside,
        listening(SocksProxy(port=inside).serve) as port,
        led_by(Proxy("127.0.0.1", port, "proxy", "socks5"), NOWHERE) as target,
    ):
        name = target.removeprefix("unix-abstract:")
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", connect, name, stdout=PIPE)
        told, _ = await child.communicate()
        reader, writer = await asyncio.open_unix_connection("\0" + name)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
    assert told.strip() == b"b''"


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
        rig = Rig(replace(collector.credentials(), proxy=Proxy("127.0.0.1", port, "proxy")), FakeOutbox(b"evidence"))
        await rig.link.deliver_once(10)
    assert (len(collector.stored), proxy.requests) == (1, [])


async def test_a_proxy_that_refuses_is_no_way_either(collector: FakeCollector) -> None:
    """The bundle stays, and the error says that the collector is not reached."""
    proxy = ConnectProxy(status=403)
    async with listening(proxy.serve) as port:
        with pytest.raises(Unreachable):
            await walled(collector, port).link.deliver_once(1)
    assert collector.stored == []


@pytest.mark.parametrize(
    ("proxy", "kind", "why"),
    [
        (ConnectProxy(), "http", ""),
        (ConnectProxy(407), "http", "HTTP 407"),
        (SocksProxy(), "socks5", ""),
        (SocksProxy(reply=2), "socks5", "SOCKS reply 2"),
    ],
)
async def test_enrolment_takes_the_same_ways(
    proxy: ConnectProxy | SocksProxy, kind: str, why: str, tmp_path: Path
) -> None:
    """TLS reaches through the proxy to the collector; a proxy that refuses is named."""
    tls, web = server_context(AUTHORITY, tmp_path, "127.0.0.1"), Web()
    async with listening(web.serve, tls) as proxy.port, listening(proxy.serve) as port:
        way = Proxy("127.0.0.1", port, "proxy", kind)
        asked = exchange(NOWHERE, trusting_only(AUTHORITY.der), "GET /", ways=(None, way))
        if not why:
            assert (await asked).status == web.status
        else:
            with pytest.raises(Unreachable, match=rf"the proxy 127\.0\.0\.1:\d+ does not lead there \({why}\)"):
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
        way = Proxy("127.0.0.1", port, "proxy")
        credentials = replace(collector.credentials(), address=f"127.0.0.1:{between}", proxy=way)
        await Rig(credentials, FakeOutbox(b"evidence")).link.deliver_once(10)
    assert ([stored.body for stored in collector.stored], web.requests) == ([b"evidence"], [])


def test_a_proxy_of_the_environment_that_cannot_be_used_is_named_and_passed_over(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The direct way is as good as before; one line says which variable, what kind, and what to do."""
    monkeypatch.setenv("all_proxy", "socks4://anna:hunter2@other.example:1080")
    assert proxy_of("", "collector.example:7443") is None
    assert [record.getMessage() for record in caplog.records] == [
        "all_proxy names a proxy of the kind socks4://, which is not used here; give http:// or socks5://, or unset it:"
        " the collector is tried directly, and only so"
    ]


@pytest.mark.parametrize(
    ("stated", "environment", "place"),
    [
        ("http://proxy.example:3128", {}, "proxy.example:3128"),
        ("http://proxy.example:3128", {"https_proxy": "http://other.example"}, "proxy.example:3128"),
        ("", {"https_proxy": "http://other.example"}, "other.example:80"),
        ("", {"https_proxy": "http://other.example", "no_proxy": ".example"}, None),
        ("none", {"https_proxy": "http://other.example"}, None),
        ("", {"all_proxy": "socks5://user:x@other.example"}, "other.example:1080"),
        ("", {"https_proxy": "socks5h://other.example:9", "all_proxy": "http://third.example"}, "other.example:9"),
        ("", {"all_proxy": "socks4://other.example"}, None),
        ("", {"all_proxy": "socks5://"}, None),
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
