"""Headers, cookies, tokens, origins, sizes, and what a fault tells."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from caseprobe.errors import StorageFull
from caseprobe_collector.access import NOBODY, Role
from caseprobe_collector.console.assets import read_assets
from tests.asgi import HOST, Client
from tests.fakes_console import NOW, FakeUsers, ready_unless
from tests.worlds_console import ACME, PASSWORD, Desk

ORIGIN = {"origin": f"https://{HOST}"}


async def logged_in(desk: Desk, role: Role = Role.ADMIN) -> tuple[Client, str]:
    """A browser after its login, and the token that its pages hold."""
    await FakeUsers(desk.world).create(NOBODY, "mara", PASSWORD, role)
    browser = desk.nobody()
    answer = await browser.form("/login", {"name": "mara", "password": PASSWORD, "next": "/machines"}, ORIGIN)
    assert (answer.status, answer.headers["location"]) == (303, "/machines")
    found = re.search(r'name="csrf" content="(\w+)"', (await browser.get("/cases")).text)
    assert found
    return browser, found[1]


async def test_a_login_is_a_cookie_that_no_script_and_no_other_site_gets() -> None:
    """HttpOnly, Secure, SameSite=Strict, bound to this host by its name."""
    desk = Desk()
    await FakeUsers(desk.world).create(NOBODY, "mara", PASSWORD, Role.ADMIN)
    answer = await desk.nobody().form("/login", {"name": "mara", "password": PASSWORD}, ORIGIN)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-caseprobe=")
    for mark in ("HttpOnly", "Secure", "SameSite=strict", "Path=/", "Max-Age=43200"):
        assert mark in cookie


async def test_plain_http_has_a_cookie_without_secure() -> None:
    """Only the demo on loopback speaks plain http; its cookie has another name."""
    desk = Desk()
    await FakeUsers(desk.world).create(NOBODY, "mara", PASSWORD, Role.ADMIN)
    browser = desk.nobody("http")
    answer = await browser.form("/login", {"name": "mara", "password": PASSWORD}, {"origin": f"http://{HOST}"})
    assert answer.headers["set-cookie"].startswith("caseprobe=")
    assert "Secure" not in answer.headers["set-cookie"]
    assert (await browser.get("/cases")).status == 200


async def test_a_wrong_password_says_so_and_keeps_the_name() -> None:
    """The login page again, with one line, and nothing that tells whether the name exists."""
    answer = await Desk().nobody().form("/login", {"name": "mara", "password": "x", "next": "/cases"}, ORIGIN)
    assert answer.status == 403
    assert "Name or password is wrong" in answer.text
    assert 'value="mara"' in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "/a\nb"]
)
async def test_a_login_never_leads_to_another_site(wanted: str) -> None:
    """What stands in next is an address of this console or is not followed."""
    desk = Desk()
    await FakeUsers(desk.world).create(NOBODY, "mara", PASSWORD, Role.ADMIN)
    answer = await desk.nobody().form("/login", {"name": "mara", "password": PASSWORD, "next": wanted}, ORIGIN)
    assert answer.headers["location"] == "/cases"


async def test_logging_out_ends_the_cookie_and_the_secret() -> None:
    """A copy of the cookie opens nothing after the logout."""
    browser, csrf = await logged_in(Desk())
    copy = Client(browser.app, cookies=dict(browser.cookies))
    answer = await browser.form("/logout", {"csrf": csrf}, ORIGIN)
    assert (answer.status, answer.headers["location"]) == (303, "/login")
    assert (await copy.get("/cases")).status == 303


@pytest.mark.parametrize(
    ("headers", "with_token"),
    [
        (ORIGIN, False),
        ({}, True),
        ({"origin": "https://evil.example"}, True),
        ({"origin": "null"}, True),
        ({"origin": f"http://{HOST}"}, True),
        ({"origin": "null", "sec-fetch-site": "cross-site"}, True),
    ],
)
async def test_a_cookie_alone_changes_nothing(headers: dict[str, str], with_token: bool) -> None:
    """Another site's page, or one without our token, is refused before anything happens."""
    desk = Desk()
    browser, csrf = await logged_in(desk)
    cases = len(desk.world.cases)
    token = {"x-csrf-token": csrf} if with_token else {}
    answer = await browser.post("/api/v1/cases", {"customer_id": ACME, "title": "x"}, {**headers, **token})
    assert answer.status == 403
    assert len(desk.world.cases) == cases


@pytest.mark.parametrize("headers", [ORIGIN, {"origin": "null", "sec-fetch-site": "same-origin"}])
async def test_our_own_page_changes_things(headers: dict[str, str]) -> None:
    """Cookie, token and origin together do."""
    browser, csrf = await logged_in(Desk())
    body = {"customer_id": ACME, "title": "x"}
    assert (await browser.post("/api/v1/cases", body, {**headers, "x-csrf-token": csrf})).status == 201


async def test_a_bearer_token_needs_no_origin_but_must_not_name_another() -> None:
    """Programs send none; a browser on another site names itself."""
    client = Desk().as_role(Role.SUPPORT)
    body = {"customer_id": ACME, "title": "x"}
    assert (await client.post("/api/v1/cases", body)).status == 201
    assert (await client.post("/api/v1/cases", body, {"origin": "https://evil.example"})).status == 403


@pytest.mark.parametrize(
    "path", ["/cases", "/login", "/healthz", "/api/v1/me", "/nope", "/enrol/v1/ca.pem", "/cases/x"]
)
async def test_every_answer_carries_the_security_headers(path: str) -> None:
    """Pages, API, errors and enrolment alike."""
    headers = (await Desk().as_role(Role.ADMIN).get(path)).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "max-age" in headers["strict-transport-security"]
    assert "access-control-allow-origin" not in headers


async def test_no_page_holds_what_the_policy_forbids() -> None:
    """No inline script, no inline style, no event handler, nothing from elsewhere."""
    client = Desk().as_role(Role.ADMIN)
    paths = ("/cases", "/cases/case_acme", "/snapshots/snap_acme", "/sessions/sess_runs", "/machines/agent_acme1")
    for path in (*paths, "/machines", "/users", "/account", "/audit", "/customers", "/login", "/nope"):
        text = (await client.get(path)).text
        assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|<style|\son\w+=", text), path
        assert not re.search(r"(?:src|href|action)=\"(?!/|#)", text), path


def test_no_script_of_ours_writes_markup() -> None:
    """Machine-supplied strings reach the page as text: nothing here parses a string into elements or runs it."""
    scripts = {name: data.decode() for name, (_, data) in read_assets().files.items() if name.endswith(".js")}
    assert len(scripts) >= 5
    for name, text in scripts.items():
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text), (
            name
        )


async def test_a_large_body_is_refused_whether_it_says_so_or_not() -> None:
    """64 KiB for requests; a bundle may be larger."""
    client = Desk().as_role(Role.ADMIN)
    large = b'"' + b"x" * 70_000 + b'"'
    answer = await client.send("POST", "/api/v1/cases", large, {"content-type": "application/json"})
    assert (answer.status, answer.json()["code"]) == (413, "too_large")
    answer = await client.send("POST", "/api/v1/cases/case_acme/bundles", large)
    assert answer.status == 201


@pytest.mark.parametrize("host", ["evil.example", "console.test.evil.example", "[", ""])
async def test_another_name_on_our_address_is_refused(host: str) -> None:
    """A page that was rebound to our address gets nothing; health needs no name."""
    client = Desk().as_role(Role.ADMIN)
    client.headers["host"] = host
    assert (await client.get("/cases")).status == 421
    assert (await client.get("/healthz")).status == 200


async def test_a_fault_of_ours_tells_a_reference_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    """The log has the trace under the reference; the answer has neither trace nor value."""
    desk = Desk()
    session = desk.world.sessions["sess_runs"]
    desk.world.sessions["sess_runs"] = replace(session, request=b"\xff\xff")
    client = desk.as_role(Role.SUPPORT)
    answer = await client.get("/api/v1/sessions/sess_runs")
    assert (answer.status, answer.json()["code"]) == (500, "error")
    assert "Traceback" not in answer.text
    reference = re.search(r"logged as (\w{8})", answer.text)
    assert reference and reference[1] in caplog.text
    page = await client.get("/sessions/sess_runs")
    assert page.status == 500
    assert "Something went wrong" in page.text


async def test_readiness_says_no_where_storage_does_not_answer() -> None:
    """503 with the code, for a load balancer; the process itself still lives."""
    desk = Desk()
    desk.app.state.ready = lambda: ready_unless(StorageFull("no room"))
    answer = await desk.nobody().get("/readyz")
    assert (answer.status, answer.json()) == (
        503,
        {"status": "unavailable", "code": "storage_full", "why": "no room"},
    )
    assert (await desk.nobody().get("/healthz")).json() == {"status": "ok"}


async def test_a_disabled_member_of_staff_is_out_at_once() -> None:
    """Disabling acts on the next request, whatever is still in the browser."""
    desk = Desk()
    client = desk.as_role(Role.SUPPORT)
    assert (await client.get("/api/v1/me")).status == 200
    for number, user in list(desk.world.users.items()):
        desk.world.users[number] = replace(user, disabled_at=NOW)
    assert (await client.get("/api/v1/me")).status == 401


async def test_a_token_never_has_more_rights_than_its_maker() -> None:
    """Over all pairs of roles."""
    desk = Desk()
    for role in Role:
        client = desk.as_role(role)
        for wanted in Role:
            answer = await client.post("/api/v1/tokens", {"name": "t", "role": wanted})
            more = (role, wanted) not in {(r, r) for r in Role} | {(r, Role.VIEWER) for r in Role}
            assert answer.status == (403 if more and role is not Role.ADMIN else 201), (role, wanted)
