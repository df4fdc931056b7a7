"""The API: what it takes, what it gives, and how it says no."""

from __future__ import annotations

import pytest

from caseprobe.v1 import enrolment_pb2, link_pb2
from caseprobe_collector.access import Role
from tests.worlds_console import ACME, PASSWORD, Desk


async def test_a_case_comes_with_its_evidence() -> None:
    """Snapshots with findings in words and the lines that prove them, sessions with the path that they measured."""
    value = (await Desk().as_role(Role.VIEWER).get("/api/v1/cases/case_acme")).json()
    assert value["case"]["title"] == "Nightly import is slow"
    findings = next(s["findings"] for s in value["snapshots"] if s["snapshot"]["snapshot_id"] == "snap_acme")
    assert [f["state"] for f in findings] == ["critical", "info"]
    assert findings[0]["summary"].startswith("/var is 97% full")
    assert findings[0]["evidence"] == [
        {"source": "statvfs /var", "line": 1, "text": "blocks=10485760 available=314572 ext4 /dev/mapper/vg-var"}
    ]
    ended = next(s for s in value["sessions"] if s["session"]["session_id"] == "sess_ended")
    assert [hop["ttl"] for hop in ended["summary"]["hops"]] == [1, 2, 3, 4]
    assert ended["summary"]["verdict"]["segment"] == [2, 3]


async def test_a_session_is_asked_for_with_a_deadline_that_fits() -> None:
    """Rounds times interval, and time for the owner to be asked."""
    desk = Desk()
    body = {"agent_id": "agent_acme1", "path": {"target": "files.example.net", "rounds": 30, "interval_seconds": 2}}
    answer = await desk.as_role(Role.SUPPORT).post("/api/v1/cases/case_acme/sessions", body)
    assert (answer.status, answer.json()["target"]) == (201, "files.example.net")
    request = link_pb2.CommandRequest.FromString(desk.world.sessions[answer.json()["session_id"]].request)
    assert (request.path.rounds, request.deadline_seconds) == (30, 180.0)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/cases", {"customer_id": ACME}),
        ("/api/v1/cases", {"customer_id": "../x", "title": "x"}),
        ("/api/v1/cases", {"customer_id": ACME, "title": "x", "state": "closed"}),
        ("/api/v1/cases", {"customer_id": ACME, "title": "x" * 121}),
        ("/api/v1/cases", [1]),
        ("/api/v1/cases/case_acme/sessions", {"agent_id": "agent_acme1"}),
        ("/api/v1/cases/case_acme/sessions", {"agent_id": "agent_acme1", "path": {"target": "x", "rounds": 0}}),
        ("/api/v1/cases/case_acme/sessions", {"agent_id": "agent_acme1", "path": {"target": "x"}, "snapshot": {}}),
        ("/api/v1/users", {"name": "x", "password": "short", "role": "viewer"}),
        ("/api/v1/users", {"name": "x", "password": PASSWORD, "role": "owner"}),
    ],
)
async def test_a_body_that_is_not_right_is_one_line(path: str, body: object) -> None:
    """400 with a code and a message that names the field."""
    answer = await Desk().as_role(Role.ADMIN).post(path, body)
    assert answer.status == 400
    assert set(answer.json()) == {"code", "message"}
    assert "\n" not in answer.json()["message"]


async def test_a_closed_case_takes_no_session() -> None:
    """409 with the words of the use case."""
    body = {"agent_id": "agent_acme1", "path": {"target": "x"}}
    answer = await Desk().as_role(Role.SUPPORT).post("/api/v1/cases/case_closed/sessions", body)
    assert (answer.status, answer.json()["code"]) == (409, "case_closed")


async def test_a_join_code_is_told_once_and_kept_for_its_case() -> None:
    """The text is in the answer; the record is for one bundle of this case."""
    desk = Desk()
    answer = await desk.as_role(Role.SUPPORT).post("/api/v1/cases/case_acme/join-codes", {"lifetime_seconds": 3600})
    assert answer.json()["text"].startswith("CP1-")
    [code] = desk.world.join_codes
    assert (code.purpose, code.case_id, code.uses_left) == (enrolment_pb2.JOIN_PURPOSE_BUNDLE, "case_acme", 1)


async def test_a_join_code_is_listed_without_its_text_and_withdrawn() -> None:
    """Whoever may make one sees that it is open, and ends it; the page of the machines shows it too."""
    desk = Desk()
    client = desk.as_role(Role.OPERATIONS)
    made = (await client.post("/api/v1/join-codes", {"customer_id": "cust_acme", "uses": 3})).json()
    [row] = (await client.get("/api/v1/join-codes")).json()
    assert (row["join_code_id"], row["uses_left"], row["purpose"]) == (made["join_code_id"], 3, "to enrol machines")
    assert "text" not in row
    assert made["join_code_id"] in (await client.get("/machines")).text
    assert (await client.send("DELETE", f"/api/v1/join-codes/{made['join_code_id']}")).status == 204
    assert (await client.get("/api/v1/join-codes")).json()[0]["revoked_at"] is not None
    assert made["join_code_id"] not in (await client.get("/machines")).text


async def test_a_timetable_comes_and_goes() -> None:
    """Added, listed with its machine, removed."""
    client = Desk().as_role(Role.OPERATIONS)
    body = {"name": "Nightly", "cron": "0 3 * * *", "profile": "standard"}
    made = (await client.post("/api/v1/agents/agent_acme2/schedules", body)).json()
    assert (made["cron"], made["target"], made["catch_up"]) == ("0 3 * * *", "standard", "one")
    assert len((await client.get("/api/v1/schedules?agent_id=agent_acme2")).json()) == 1
    assert (await client.send("DELETE", f"/api/v1/schedules/{made['schedule_id']}")).status == 204
    assert (await client.get("/api/v1/schedules?agent_id=agent_acme2")).json() == []


async def test_a_login_by_the_api_gives_a_token_for_command_lines() -> None:
    """Its secret is good as a bearer token, and no cookie is set."""
    desk = Desk()
    desk.as_role(Role.SUPPORT)
    client = desk.nobody()
    answer = await client.post("/api/v1/login", {"name": "a support", "password": PASSWORD})
    assert "set-cookie" not in answer.headers
    client.headers["authorization"] = f"Bearer {answer.json()['secret']}"
    assert (await client.get("/api/v1/me")).json()["role"] == "support"


async def test_enrolment_speaks_protobuf_both_ways() -> None:
    """A certificate for a good secret; for anything else an EnrolError with its status."""
    client = Desk().nobody()
    good = enrolment_pb2.EnrolRequest(secret=b"good").SerializeToString()
    answer = await client.send("POST", "/enrol/v1/enrol", good, {"content-type": "application/x-protobuf"})
    response = enrolment_pb2.EnrolResponse.FromString(answer.body)
    assert (answer.status, response.agent_id, response.link_address) == (200, "agent_abc", "192.0.2.7")
    for body, status, code in (
        (b"", 403, "join_code_unknown"),
        (b"\xff\xff", 422, "corrupt"),
        (b"x" * 70_000, 413, "too_large"),
    ):
        answer = await client.send("POST", "/enrol/v1/enrol", body)
        assert (answer.status, enrolment_pb2.EnrolError.FromString(answer.body).code) == (status, code)


async def test_an_agents_certificate_says_nothing_here() -> None:
    """The CA is public; enrolment takes no login, and a login header changes nothing there."""
    answer = await Desk().nobody().get("/enrol/v1/ca.pem")
    assert answer.body.startswith(b"-----BEGIN CERTIFICATE-----")


async def test_the_description_of_the_api_is_made_from_its_types() -> None:
    """Every API route stands in it with the type of its answer; pages do not."""
    value = (await Desk().as_role(Role.VIEWER).get("/api/v1/openapi.json")).json()
    assert all(path.startswith("/api/v1/") for path in value["paths"])
    assert "CaseEvidence" in value["components"]["schemas"]
    assert "FindingView" in value["components"]["schemas"]
