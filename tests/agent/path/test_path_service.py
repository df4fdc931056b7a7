"""What it takes to reach a service, against real servers on loopback: each step timed, the broken one named."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from caseprobe import texts
from caseprobe.errors import MeasurementError, PolicyRefused, UsageError
from caseprobe.path_stats import judge_service
from caseprobe.texts.template import LANGUAGES
from caseprobe.v1 import path_pb2
from caseprobe.v1.path_service_pb2 import ServiceFacts
from caseprobe_agent.cli.path.service import service_lines
from caseprobe_agent.path.service.goal import Service, service_of
from caseprobe_agent.path.service.names import ask_servers
from caseprobe_agent.path.service.steps import Means, measure_service
from caseprobe_agent.path.target import Address, Found
from caseprobe_agent.proxies import Proxy, proxy_for, read_proxy
from caseprobe_agent.proxies.socks import request
from tests.fakes_link import TestAuthority
from tests.fakes_service import (
    HOST,
    ConnectProxy,
    NameServer,
    SocksProxy,
    Web,
    closed_port,
    listening,
    name_server,
    web_context,
)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestAuthority:
    """An issuer that this machine trusts, and no other."""
    made = TestAuthority("Test Authority")
    (tmp_path / "trusted.pem").write_bytes(made.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    return made


async def measured(service: Service, proxy: Proxy | None = None, **means: object) -> path_pb2.PathFacts:
    """The facts of a service with their verdict, every address permitted."""
    hasty: dict[str, Any] = {"step_seconds": 0.3, "answer_seconds": 0.1, **means}
    facts, _ = await measure_service(service, Means(proxy, **hasty), lambda _: None)
    facts.verdict.CopyFrom(judge_service(facts))
    return path_pb2.PathFacts(service=facts)


def outcomes(facts: ServiceFacts) -> list[tuple[str, str]]:
    """The steps of the first address with how they ended."""
    return [(phase.name, phase.outcome) for phase in facts.attempts[0].phases]


async def test_every_step_to_a_healthy_service_is_timed(authority: TestAuthority, tmp_path: Path) -> None:
    """Connection, TLS and first byte are there with their times, the chain as it was sent, and the status."""
    web = Web()
    async with listening(web.serve, web_context(authority, tmp_path)) as port:
        service = Service("https", "localhost", port, "/x?secret=1")
        facts = (await measured(service, family=4, step_seconds=20.0)).service
    (attempt,) = facts.attempts
    assert outcomes(facts) == [("connect", "ok"), ("tls", "ok"), ("first_byte", "ok")]
    assert all(phase.seconds > 0 for phase in attempt.phases)
    assert (attempt.tls_version, attempt.http_status) == ("TLSv1.3", 200)
    assert [(one.subject, one.issuer) for one in attempt.chain] == [
        ("localhost", "Test Authority"),
        ("Test Authority", "Test Authority"),
    ]
    assert 0 < attempt.round_trip_seconds <= min(phase.seconds for phase in attempt.phases)
    assert web.requests[0].startswith(b"GET /x?secret=1 HTTP/1.1\r\nHost: localhost:")
    assert b"secret" not in facts.SerializeToString()
    assert facts.verdict.message_id == "service.ok"


async def test_a_connection_that_tells_no_round_trip_fails_no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service has answered; that its socket is gone by then is nobody's fault."""

    def gone(_sock: object) -> float:
        raise OSError("Transport endpoint is not connected")

    monkeypatch.setattr("caseprobe_agent.path.service.attempt.least_round_trip", gone)
    async with listening(Web().serve) as port:
        facts = (await measured(Service("http", "localhost", port, "/"), family=4)).service
    assert outcomes(facts) == [("connect", "ok"), ("first_byte", "ok")]
    assert facts.attempts[0].round_trip_seconds == 0.0


async def test_a_slow_first_byte_is_the_news(authority: TestAuthority, tmp_path: Path) -> None:
    """The server thinks for 0.6 s: that step is named with its time, and not the way."""
    async with listening(Web(wait_seconds=0.6).serve, web_context(authority, tmp_path)) as port:
        path = await measured(Service("https", "localhost", port), family=4, step_seconds=5.0)
    assert (path.service.verdict.message_id, path.service.verdict.phase) == ("service.slow", "first_byte")
    assert f"https://localhost:{port} is slow in one step: the first byte of the answer takes" in texts.path_service(
        path
    )


@pytest.mark.parametrize(
    ("days", "certified", "outcome"),
    [(-1.0, "localhost", "certificate_expired"), (90.0, "other.example", "certificate_name")],
    ids=["expired", "other name"],
)
async def test_a_certificate_that_is_not_accepted_is_named_and_still_shown(
    authority: TestAuthority, tmp_path: Path, days: float, certified: str, outcome: str
) -> None:
    """The handshake fails with the reason, nothing is asked for over it, and the certificate is in the facts."""
    web = Web()
    async with listening(web.serve, web_context(authority, tmp_path, certified, days)) as port:
        path = await measured(Service("https", "localhost", port), family=4)
    assert outcomes(path.service) == [("connect", "ok"), ("tls", outcome)]
    assert path.service.attempts[0].chain[0].subject == certified
    assert web.requests == []
    assert "the TLS handshake fails, its certificate" in texts.path_service(path)


async def test_an_issuer_that_nobody_trusts_is_named(authority: TestAuthority, tmp_path: Path) -> None:
    """Another authority's certificate is not accepted."""
    async with listening(Web().serve, web_context(TestAuthority("Stranger"), tmp_path)) as port:
        path = await measured(Service("https", "localhost", port), family=4)
    assert path.service.verdict.outcome == "certificate_untrusted"


async def test_a_certificate_that_ends_soon_is_told_before_it_does(authority: TestAuthority, tmp_path: Path) -> None:
    """Three days are left: the service works, and the sentence says so."""
    async with listening(Web().serve, web_context(authority, tmp_path, days=3.5)) as port:
        path = await measured(Service("https", "localhost", port), family=4)
    assert "but a certificate that it shows ends in 3" in texts.path_service(path)


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes everything and says nothing."""
    await reader.read()


async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hangs up once it was asked."""
    await reader.read(1)


async def strange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Speaks something else."""
    writer.write(b"220 mail.example ESMTP\r\n")
    await reader.read()


@pytest.mark.parametrize(
    ("scheme", "serve", "phase", "outcome"),
    [
        ("http", silent, "first_byte", "timeout"),
        ("http", rude, "first_byte", "reset"),
        ("http", strange, "first_byte", "not_http"),
        ("https", silent, "tls", "timeout"),
        ("https", strange, "tls", "tls_failed"),
    ],
)
async def test_a_broken_step_ends_it_and_is_named(
    authority: TestAuthority, scheme: str, serve: object, phase: str, outcome: str
) -> None:
    """Whatever a server does in place of an answer: the step and how it ended."""
    async with listening(serve) as port:  # type: ignore[arg-type]
        facts = (await measured(Service(scheme, HOST, port))).service
    assert (facts.verdict.message_id, facts.verdict.phase) == ("service.broken", phase)
    assert facts.verdict.outcome in (outcome, "closed" if outcome == "reset" else outcome)


async def test_nothing_listens() -> None:
    """A refused connection, with mere host and port."""
    with closed_port() as port:
        path = await measured(Service("tcp", HOST, port))
    assert texts.path_service(path) == (
        f"127.0.0.1:{port} cannot be used from here: the TCP connection fails, it is refused: nothing listens there"
    )


async def test_one_address_of_two_is_broken() -> None:
    """At the second address of the name nothing listens: the service works, but not by way of that."""

    def lookup(name: str, family: int) -> Found:
        return [(HOST, 0), ("127.0.0.2", 0)]

    async with listening(Web().serve) as port:
        path = await measured(
            Service("http", "both.invalid", port), lookup=lookup, name_servers_missing="not_permitted"
        )
    assert len(path.service.attempts) == 2
    assert f"http://both.invalid:{port} answers, but not by way of 127.0.0.2: there the TCP connection fails" in (
        texts.path_service(path)
    )


async def test_a_name_that_does_not_resolve_is_the_broken_step() -> None:
    """No address, no attempt, one sentence."""

    def lookup(name: str, family: int) -> Found:
        raise MeasurementError("no such name")

    path = await measured(Service("https", "gone.invalid", 443), lookup=lookup)
    assert not path.service.attempts
    assert texts.path_service(path) == (
        "https://gone.invalid cannot be used from here: the look-up of the name fails, the name does not resolve"
    )


async def test_an_error_of_the_server_itself_is_told() -> None:
    """503 is an answer in time, and still the news."""
    async with listening(Web(status=503).serve) as port:
        path = await measured(Service("http", HOST, port))
    assert texts.path_service(path).endswith("is reached, and answers with its own error: HTTP 503")


# --- by way of a proxy


async def test_by_way_of_a_proxy_every_step_is_timed_and_the_hops_beyond_are_not_applicable(
    authority: TestAuthority, tmp_path: Path
) -> None:
    """CONNECT is a step of its own, the TLS names its issuer, and nothing is called lost."""
    web, proxy = Web(), ConnectProxy()
    async with listening(web.serve, web_context(authority, tmp_path)) as port, listening(proxy.serve) as door:
        path = await measured(
            Service("https", "localhost", port), Proxy(HOST, door, "https_proxy", user="x", password="y")
        )
    assert outcomes(path.service) == [("connect", "ok"), ("proxy", "ok"), ("tls", "ok"), ("first_byte", "ok")]
    assert proxy.requests[0].startswith(f"CONNECT localhost:{port} HTTP/1.1".encode())
    assert b"\r\nProxy-Authorization: Basic eDp5\r\n" in proxy.requests[0]
    assert b"Proxy-Authorization" not in web.requests[0]
    sentence = texts.path_service(path)
    assert "the TLS is that of a certificate issued by Test Authority" in sentence
    assert f"hops beyond the proxy 127.0.0.1:{door}: not applicable (only the proxy leaves this network)" in sentence
    beyond = texts.path_summary_json(path)["service"]
    assert isinstance(beyond, dict)
    assert beyond["hops_beyond"] == {"outcome": "not_applicable", "reason": "only the proxy leaves this network"}


async def test_a_proxy_that_refuses_is_the_broken_step() -> None:
    """407 is the proxy's word, not the service's."""
    async with listening(ConnectProxy(status=407).serve) as door:
        path = await measured(Service("https", "far.invalid", 443), Proxy(HOST, door, "https_proxy"))
    assert outcomes(path.service) == [("connect", "ok"), ("proxy", "proxy_refused")]
    assert "the proxy's connection to it fails, the proxy refuses (HTTP 407)" in texts.path_service(path)


async def test_an_error_by_way_of_a_plain_proxy_is_not_laid_upon_the_service() -> None:
    """502 may be the proxy's own word."""
    async with listening(Web(status=502).serve) as door:
        path = await measured(Service("http", "far.invalid", 80), Proxy(HOST, door, "http_proxy"))
    assert "the answer is HTTP 502, which may be the proxy's own" in texts.path_service(path)


async def test_a_proxy_that_does_not_answer_is_named_as_such() -> None:
    """The step that fails is the one to the proxy."""
    with closed_port() as door:
        path = await measured(Service("https", "far.invalid", 443), Proxy(HOST, door, "https_proxy"))
    assert "cannot be used from here: the TCP connection to the proxy fails" in texts.path_service(path)


async def test_a_plain_request_goes_to_the_proxy_whole() -> None:
    """Without TLS nothing is connected through: the proxy is asked for the whole address."""
    web = Web()
    async with listening(web.serve) as door:
        facts = (await measured(Service("http", "far.invalid", 80, "/a"), Proxy(HOST, door, "http_proxy"))).service
    assert web.requests[0].startswith(b"GET http://far.invalid:80/a HTTP/1.1\r\nHost: far.invalid:80\r\n")
    assert facts.verdict.message_id == "service.ok"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"https_proxy": "http://me:a%40b@proxy.example:3128/"}, ("proxy.example", 3128, "https_proxy")),
        ({"HTTPS_PROXY": "proxy.example:8080"}, ("proxy.example", 8080, "HTTPS_PROXY")),
        ({"HTTP_PROXY": "proxy.example:8080"}, None),
        ({"all_proxy": "http://[2001:db8::1]:3128"}, ("2001:db8::1", 3128, "all_proxy")),
        ({"https_proxy": "proxy.example", "no_proxy": "other, .example.org"}, None),
        ({"https_proxy": "proxy.example", "NO_PROXY": "*"}, None),
    ],
)
def test_the_proxy_is_the_one_that_programs_take(
    environment: dict[str, str], expected: tuple[str, int, str] | None
) -> None:
    """Variables of both cases, exceptions by domain, a login that is kept apart."""
    found = proxy_for("https", "www.example.org", environment)
    assert (found and (found.host, found.port, found.origin)) == expected
    assert found is None or "a@b" not in repr(found)


@pytest.mark.parametrize(
    "value",
    ["socks4://anna:hunter2@proxy.example:1080", "https://anna:hunter2@proxy.example", f"socks5://{'hunter2' * 40}@x"],
)
def test_a_proxy_that_cannot_be_used_is_said_to_be_one(value: str) -> None:
    """What cannot be measured is no silence, and the line holds no login."""
    with pytest.raises(UsageError, match="all_proxy") as told:
        proxy_for("https", "example.org", {"all_proxy": value})
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize("scheme", ["https", "http"])
async def test_by_way_of_a_socks_proxy_every_step_is_timed(
    authority: TestAuthority, tmp_path: Path, scheme: str
) -> None:
    """It looks the name up and leads a line for TLS and for plain requests alike; its login is in no fact."""
    web, proxy = Web(), SocksProxy(b"anna:hunter2")
    tls = web_context(authority, tmp_path) if scheme == "https" else None
    async with listening(web.serve, tls) as port, listening(proxy.serve) as door:
        way = read_proxy(f"socks5://anna:hunter2@{HOST}:{door}", "all_proxy")
        path = await measured(Service(scheme, "localhost", port), way)
    steps = ["connect", "proxy", *(["tls"] if tls else []), "first_byte"]
    assert outcomes(path.service) == [(step, "ok") for step in steps]
    assert proxy.asked == [f"localhost:{port}"]
    assert web.requests[0].startswith(b"GET / HTTP/1.1\r\nHost: localhost:")
    assert f"hops beyond the proxy {HOST}:{door}: not applicable" in texts.path_service(path)
    assert "hunter2" not in f"{path}{texts.path_summary_json(path)}{service_lines(path.service, 'en')}"


@pytest.mark.parametrize(
    ("proxy", "outcome", "words"),
    [
        (SocksProxy(b"a:b"), "socks_login", "wants a user and password"),
        (SocksProxy(says=b"\5\2"), "socks_login", "wants a user and password"),
        (SocksProxy(reply=1), "socks_failed", "does not say why"),
        (SocksProxy(reply=2), "socks_denied", "rules do not allow it"),
        (SocksProxy(reply=4), "socks_unreached", "does not reach it either"),
        (SocksProxy(reply=5), "socks_closed_there", "nothing listens"),
        (SocksProxy(says=b"HTTP/1.0 400 Bad"), "not_socks", "does not speak SOCKS5"),
        (SocksProxy(says=b"\5\0\5\0\0\7"), "not_socks", "does not speak SOCKS5"),
        (SocksProxy(says=b"\5\0\5\0\0\3\xff"), "timeout", "no answer in time"),
    ],
)
async def test_whatever_a_socks_proxy_answers_is_named(proxy: SocksProxy, outcome: str, words: str) -> None:
    """The step is the proxy's, and the sentence says what it said."""
    async with listening(proxy.serve) as door:
        path = await measured(Service("https", "far.invalid", 443), Proxy(HOST, door, "all_proxy", "socks5"))
    assert outcomes(path.service) == [("connect", "ok"), ("proxy", outcome)]
    assert words in texts.path_service(path)


def test_an_address_is_asked_for_as_one() -> None:
    """IPv4, IPv6 and names have their own form (RFC 1928, 5)."""
    assert request("192.0.2.1", 80).hex() == "05010001c00002010050"
    assert request("2001:db8::1", 443).hex() == "0501000420010db8000000000000000000000001" + "01bb"


# --- name servers


@pytest.mark.parametrize(
    ("server", "protocol", "failure", "rcode"),
    [
        (NameServer(), "udp", "", "NOERROR"),
        (NameServer(udp="silent"), "tcp", "timeout", "NOERROR"),
        (NameServer(udp="truncated"), "tcp", "truncated", "NOERROR"),
        (NameServer(rcode=2), "udp", "", "SERVFAIL"),
    ],
    ids=["whole", "tcp only", "truncated", "servfail"],
)
async def test_each_name_server_is_asked_over_udp_and_else_over_tcp(
    server: NameServer, protocol: str, failure: str, rcode: str
) -> None:
    """What it says, over what, and why not over UDP."""
    async with name_server(server) as port:
        (told,) = await ask_servers([HOST], "www.example.org", family=4, port=port, seconds=0.1)
    assert (told.protocol, told.udp_failure, told.rcode) == (protocol, failure, rcode)
    assert list(told.addresses) == ([bytes([192, 0, 2, 1])] if rcode == "NOERROR" else [])


@contextlib.asynccontextmanager
async def served_by(server: NameServer) -> AsyncIterator[path_pb2.PathFacts]:
    """A service that works, looked up beside a name server on loopback."""

    def lookup(name: str, family: int) -> Found:
        return [(HOST, 0)]

    async with listening(Web().serve) as port, name_server(server) as dns:
        yield await measured(Service("http", "www.invalid", port), lookup=lookup, name_servers=[HOST], dns_port=dns)


async def test_a_name_server_that_answers_over_tcp_only_is_named() -> None:
    """The service works; the sentence names the server for which every look-up waits."""
    async with served_by(NameServer(udp="silent")) as path:
        assert "but the name server 127.0.0.1 answers over TCP only (over UDP: no answer in time)" in (
            texts.path_service(path)
        )


async def test_a_name_that_does_not_resolve_for_a_name_servers_sake_names_the_server() -> None:
    """The system finds nothing, and the server it asks answers over TCP only."""

    def lookup(name: str, family: int) -> Found:
        raise MeasurementError("no such name")

    async with name_server(NameServer(udp="silent")) as dns:
        path = await measured(Service("https", "www.invalid", 443), lookup=lookup, name_servers=[HOST], dns_port=dns)
    assert texts.path_service(path) == (
        "https://www.invalid cannot be used from here: its name does not resolve,"
        " and the name server 127.0.0.1 does not serve as it should (no answer in time)"
    )


async def test_a_name_server_in_trouble_is_named() -> None:
    """SERVFAIL for a name that others know."""
    async with served_by(NameServer(rcode=2)) as path:
        assert "but the name server 127.0.0.1 does not serve (SERVFAIL)" in texts.path_service(path)


# --- what may be asked for


@pytest.mark.parametrize(
    "text",
    ["ftp://example.org/", "https://me:secret@example.org/", "https:///x", "https://example.org:99999/", "a:0", "://"],
)
def test_an_address_that_cannot_be_asked_is_a_usage_error(text: str) -> None:
    """One line without the secret that it may hold."""
    with pytest.raises(UsageError) as told:
        service_of(text)
    assert "secret" not in str(told.value)


def test_a_request_is_one_line_whatever_the_address_holds() -> None:
    """Spaces, line ends and letters beyond ASCII cannot end the request's first line."""
    service = service_of("https://bücher.example/a b\r\nHost: x/ü?q=ä c")
    assert service is not None
    assert service.place == "xn--bcher-kva.example:443"
    assert not set(service.resource) & set(" \r\n")
    assert service.resource.isascii()


async def test_every_address_passes_the_policy() -> None:
    """A name with one forbidden address is not connected to at all."""

    def permit(address: Address) -> None:
        if address.version == 6:
            raise PolicyRefused("not this one")

    def lookup(name: str, family: int) -> Found:
        return [(HOST, 0), ("::1", 0)]

    with pytest.raises(PolicyRefused):
        await measure_service(Service("http", "x.invalid", 80), Means(lookup=lookup), permit)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["ok", "far", "slow", "broken", "partly", "name_server", "expires", "of_tomorrow"])
def test_every_verdict_has_its_sentence(language: str, name: str) -> None:
    """In each language, none with a value that is missing."""
    path = path_pb2.PathFacts(service=ServiceFacts(scheme="https", host="h", port=443))
    path.service.verdict.message_id = f"service.{name}"
    path.service.verdict.phase, path.service.verdict.outcome = "tls", "of_tomorrow"
    path.service.verdict.address = bytes(4)
    sentence = texts.path_service(path, language)
    assert sentence.startswith("https://h") or "https://h" in sentence
    assert "?" not in sentence
    assert "{" not in sentence
