"""Every way into the console has a rule, and nobody comes in without a credential."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from caseprobe_collector.access import ALLOWED, OPEN, Action, Role
from caseprobe_collector.console.application import ROUTES
from caseprobe_collector.console.routing import WEBSOCKET, Route, check_rules, rule_of
from tests.worlds_console import Desk

NAMES = {
    "case_id": "case_acme",
    "snapshot_id": "snap_acme",
    "session_id": "sess_runs",
    "agent_id": "agent_acme1",
    "schedule_id": "sched_acme",
    "user_id": "user_x",
    "token_id": "tok_x",
    "join_code_id": "join_x",
    "name": "artifacts/kernel.log",
    "version": "0",
}
VARIANTS = ("{}/", "{}%00", "//{}", "{}/.", "{}/..;/", "{}.css", "{}?x=/static/", "/static/..{}")
CLOSED = [route for route in ROUTES if route.action not in OPEN]


@pytest.fixture(scope="module")
def desk() -> Desk:
    """One console for all that changes nothing; making its 60 routes takes a while."""
    return Desk()


def address(route: Route) -> str:
    """The route's path with things of the world filled in."""
    return route.path.replace("{name:path}", "{name}").format_map(NAMES)


def test_every_route_of_the_application_has_a_rule(desk: Desk) -> None:
    """API, pages, socket, static files, enrolment and health: none is without an action."""
    rules = [rule_of(route) for route in desk.app.routes]
    assert len(rules) == len(ROUTES)
    assert all(rule is not None for rule in rules)


def test_a_route_without_a_rule_stops_the_start() -> None:
    """A route that was hung up by another way is found."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_api_route("/bare", lambda: "x")
    with pytest.raises(RuntimeError, match="/bare"):
        check_rules(app)


def test_what_is_open_is_this_and_no_more() -> None:
    """The list of ways in without a login is frozen here."""
    assert [f"{route.method} {route.path}" for route in ROUTES if route.action in OPEN] == [
        "GET /healthz",
        "GET /readyz",
        "GET /enrol/v1/ca.pem",
        "POST /enrol/v1/enrol",
        "GET /static/{version}/{name}",
        "GET /",
        "GET /login",
        "POST /login",
        "POST /api/v1/login",
    ]


@pytest.mark.parametrize("route", CLOSED, ids=lambda route: f"{route.method} {route.path}")
async def test_nobody_is_let_in(desk: Desk, route: Route) -> None:
    """Without a credential, with a wrong one, or with an agent's: the login page, 401, or no socket."""
    for headers in ({}, {"authorization": "Bearer wrong"}, {"cookie": "__Host-caseprobe=wrong"}):
        client = desk.nobody()
        if route.method == WEBSOCKET:
            async with client.socket(
                f"{address(route)}?topics=fleet", {"origin": "https://console.test", **headers}
            ) as socket:
                assert (socket.accepted, socket.code) == (False, 4401)
            continue
        answer = await client.send(route.method, address(route), b"{}", {"origin": "https://console.test", **headers})
        assert answer.status in (401, 303)
        assert answer.headers.get("location", "/login").startswith("/login")


@pytest.mark.parametrize("variant", VARIANTS)
async def test_no_spelling_of_an_address_leads_in(desk: Desk, variant: str) -> None:
    """Suffixes, slashes and encodings give a stranger the login page or nothing."""
    for route in CLOSED:
        for path in (address(route), address(route).upper()):
            answer = await desk.nobody().get(variant.format(path))
            assert answer.status in (303, 401, 404, 405), variant.format(path)


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_may_do_what_access_says(role: Role) -> None:
    """Every route against every role: 403 exactly where the matrix has no such action."""
    client = Desk().as_role(role)
    # Last, since it ends the token.
    for route in sorted(CLOSED, key=lambda route: route.path.endswith("/logout")):
        if route.method == WEBSOCKET:
            continue
        answer = await client.send(route.method, address(route), b"{}", {"content-type": "application/json"})
        assert (answer.status == 403) == (route.action not in ALLOWED[role]), (route.path, answer.text)


async def test_rights_that_do_not_exist_are_not_used() -> None:
    """Each action that a route names is one that some role may do."""
    everything = frozenset().union(*ALLOWED.values()) | OPEN
    assert {route.action for route in ROUTES} <= everything
    assert Action.LINK_OPEN not in {route.action for route in ROUTES}
