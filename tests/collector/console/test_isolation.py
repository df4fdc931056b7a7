"""Customers cannot see each other, on any way in."""

from __future__ import annotations

import pytest

from caseprobe_collector.access import OPEN, Role
from caseprobe_collector.console.application import ROUTES
from caseprobe_collector.console.routing import WEBSOCKET, Route
from caseprobe_collector.records import Event
from tests.worlds_console import ACME, GLOBEX, Desk

THINGS = {
    "case_id": ("case_acme", "case_globex"),
    "snapshot_id": ("snap_acme", "snap_globex"),
    "session_id": ("sess_runs", "sess_globex"),
    "agent_id": ("agent_acme1", "agent_globex1"),
    "schedule_id": ("sched_acme", "sched_globex"),
}
BODIES = {
    "/api/v1/cases/{case_id}/sessions": b'{"agent_id":"agent_acme1","path":{"target":"x"}}',
    "/api/v1/agents/{agent_id}/schedules": b'{"name":"x","every_seconds":900}',
}
WITH_A_THING = [route for route in ROUTES if any(f"{{{name}" in route.path for name in THINGS)]


@pytest.mark.parametrize("route", WITH_A_THING, ids=lambda route: f"{route.method} {route.path}")
async def test_the_other_customers_thing_is_not_there(route: Route) -> None:
    """The same request: works on one's own, and is answered like an id that never existed on the other's."""
    answers = []
    for index in (0, 1):
        client = Desk().as_role(Role.ADMIN, frozenset({ACME}))
        names = {name: pair[index] for name, pair in THINGS.items()}
        path = route.path.replace("{name:path}", "artifacts/kernel.log").format_map(names)
        body = BODIES.get(route.path, b"{}")
        answers.append(await client.send(route.method, path, body, {"content-type": "application/json"}))
    mine, other = answers
    assert mine.status < 300, mine.text
    assert other.status == 404, other.text
    assert "Globex" not in other.text


async def test_lists_hold_ones_own_and_nothing_of_the_other() -> None:
    """Every list and page without an id, for a member of staff of one customer."""
    desk = Desk()
    client = desk.as_role(Role.ADMIN, frozenset({ACME}))
    for route in ROUTES:
        if route.method != "GET" or "{" in route.path or route.action in OPEN or "audit" in route.path:
            continue
        text = (await client.get(route.path)).text
        for word in ("globex", "Globex", "lab-7", "Lab drops"):
            assert word not in text.replace("openapi", ""), route.path


async def test_a_socket_is_not_given_to_the_other_customers_topics() -> None:
    """case, session and agent topics of the other customer are not found."""
    desk = Desk()
    client = desk.as_role(Role.ADMIN, frozenset({ACME}))
    for topic in ("case:case_globex", "session:sess_globex", "agent:agent_globex1"):
        async with client.socket(f"/api/v1/live?topics=fleet,{topic}") as socket:
            assert (socket.accepted, socket.code) == (False, 4404)


async def test_fleet_news_of_the_other_customer_is_kept_back() -> None:
    """A topic that all share is filtered event by event."""
    desk = Desk()
    client = desk.as_role(Role.ADMIN, frozenset({ACME}))
    async with client.socket("/api/v1/live?topics=fleet") as socket:
        await desk.world.bus.heard("fleet")
        for customer in (GLOBEX, ACME):
            desk.world.bus.publish(Event("fleet", "presence", customer, {"agent_id": f"agent_of_{customer}"}))
        assert (await socket.read())["agent_id"] == f"agent_of_{ACME}"


def test_every_socket_is_among_the_routes_that_are_tested() -> None:
    """There is one socket; a second one must come with its own tests."""
    assert [route.path for route in ROUTES if route.method == WEBSOCKET] == ["/api/v1/live"]
