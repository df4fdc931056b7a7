"""Customers cannot see each other: every use case, with the other's ids, by every role."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import zstandard

from caseprobe.errors import CaseprobeError
from caseprobe.v1 import enrolment_pb2, link_pb2, snapshot_pb2
from caseprobe_collector.access import Principal, Role
from caseprobe_collector.records import ObjectRecord, SnapshotRow, StoredSnapshot
from tests.fakes_desk import ADMIN, Desk, new_key, staff
from tests.fakes_storage import NOW, deliver, deposit

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Ids:
    """What a customer has, by its ids; the word in all its texts is word."""

    word: str
    customer_id: str
    case_id: str
    agent_id: str
    snapshot_id: str
    session_id: str
    schedule_id: str
    user_id: str
    token_id: str
    join_code_id: str


# Ids in the right form that nobody has.
NOBODY = Ids(
    word="nobody",
    customer_id="cust_" + "9" * 32,
    case_id="case_" + "9" * 32,
    agent_id="agent_" + "q" * 26,
    snapshot_id="snap_" + "9" * 32,
    session_id="sess_" + "9" * 32,
    schedule_id="sched_" + "9" * 32,
    user_id="user_" + "9" * 32,
    token_id="tok_" + "9" * 32,
    join_code_id="join_" + "9" * 32,
)


async def furnish(desk: Desk, word: str) -> Ids:
    """A customer with one of everything, made through the use cases."""
    customer = await desk.customers.create(ADMIN, f"{word} customer")
    case = await desk.cases.create(ADMIN, customer.customer_id, f"{word} title", f"{word} description")
    _, text = await desk.fleet.create_join_code(ADMIN, enrolment_pb2.JOIN_PURPOSE_ENROL_ONE, customer.customer_id)
    agent_id = (await desk.enrol(text, new_key(), f"{word}-machine")).agent_id
    session = await desk.sessions.request(ADMIN, case.case_id, agent_id, path_request(word))
    schedule = await desk.schedules.add(ADMIN, agent_id, timetable(word))
    snapshot_id = await add_snapshot(desk, word, customer.customer_id, case.case_id, agent_id)
    code, _ = await desk.fleet.create_join_code(ADMIN, MANY, customer.customer_id)
    user = await desk.users.create(ADMIN, f"{word}-ada", PASSWORD, Role.SUPPORT, frozenset({customer.customer_id}))
    _, token = await desk.users.login(f"{word}-ada", PASSWORD, desk.clock.now())
    return Ids(
        word,
        customer.customer_id,
        case.case_id,
        agent_id,
        snapshot_id,
        session.session_id,
        schedule.schedule_id,
        user.user_id,
        token.token_id,
        code.join_code_id,
    )


def path_request(word: str) -> link_pb2.CommandRequest:
    """A path to a target of this name."""
    request = link_pb2.CommandRequest(deadline_seconds=30)
    request.path.target = f"{word}.example"
    return request


def timetable(word: str) -> link_pb2.Schedule:
    """An hourly snapshot of this name."""
    schedule = link_pb2.Schedule(name=f"{word} hourly", every_seconds=3600)
    schedule.snapshot.profile = "quick"
    return schedule


async def add_snapshot(desk: Desk, word: str, customer_id: str, case_id: str, agent_id: str) -> str:
    """A stored snapshot with a finding on an object of this name, and a bundle beside it."""
    snapshot_id = desk.ids("snap")
    message = snapshot_pb2.Snapshot(snapshot_id=snapshot_id, agent_id=agent_id, case_id=case_id)
    message.findings.add(check_id="disk.space", object=f"/{word}", state=4)
    body = zstandard.ZstdCompressor().compress(message.SerializeToString())
    digest = hashlib.sha256(body).digest()
    row = SnapshotRow(
        snapshot_id,
        agent_id,
        customer_id,
        case_id,
        1,
        "",
        "",
        word,
        NOW,
        NOW,
        1,
        4,
        1,
        len(body),
        digest,
        ("bundle.zip",),
    )

    name = f"{agent_id}/{snapshot_id}/bundle.zip"
    size, sha256 = await desk.storage.objects.put(name, chunks(f"{word} bundle".encode()))
    record = ObjectRecord("bundle.zip", name, size, sha256)
    await deliver(desk.storage, deposit(StoredSnapshot(row, body), objects=(record,)))
    return snapshot_id


async def chunks(data: bytes = b"") -> AsyncIterator[bytes]:
    """These bytes."""
    yield data


async def read(coming: Awaitable[AsyncIterator[bytes]]) -> bytes:
    """All bytes of an object."""
    return b"".join([chunk async for chunk in await coming])


BUNDLE = enrolment_pb2.JOIN_PURPOSE_BUNDLE
MANY = enrolment_pb2.JOIN_PURPOSE_ENROL_MANY
DAY = timedelta(days=1)
Call = Callable[[Desk, Principal, Ids], Awaitable[object]]

# Every method that a person causes, called with ids that may be another customer's. "Class.method" as written.
CALLS: Mapping[str, tuple[Call, ...]] = {
    "AuditLog.list": (lambda desk, by, ids: desk.audit.list(by),),
    "AuditLog.newest": (lambda desk, by, ids: desk.audit.newest(by),),
    "Cases.create": (lambda desk, by, ids: desk.cases.create(by, ids.customer_id, "title"),),
    "Cases.get": (lambda desk, by, ids: desk.cases.get(by, ids.case_id),),
    "Cases.list": (
        lambda desk, by, ids: desk.cases.list(by),
        lambda desk, by, ids: desk.cases.list(by, "open", 500, ids.case_id + "z"),
    ),
    "Cases.close": (lambda desk, by, ids: desk.cases.close(by, ids.case_id),),
    "Cases.reopen": (lambda desk, by, ids: desk.cases.reopen(by, ids.case_id),),
    "Customers.create": (lambda desk, by, ids: desk.customers.create(by, f"{ids.word} customer"),),
    "Customers.get": (lambda desk, by, ids: desk.customers.get(by, ids.customer_id),),
    "Customers.list": (lambda desk, by, ids: desk.customers.list(by),),
    "Fleet.get": (lambda desk, by, ids: desk.fleet.get(by, ids.agent_id),),
    "Fleet.list": (lambda desk, by, ids: desk.fleet.list(by, None),),
    "Fleet.revoke": (lambda desk, by, ids: desk.fleet.revoke(by, ids.agent_id),),
    "Fleet.create_join_code": (
        lambda desk, by, ids: desk.fleet.create_join_code(by, MANY, ids.customer_id),
        lambda desk, by, ids: desk.fleet.create_join_code(by, BUNDLE, ids.customer_id, ids.case_id),
        lambda desk, by, ids: desk.fleet.create_join_code(by, BUNDLE, next(iter(by.customer_ids or {""})), ids.case_id),
    ),
    "Fleet.list_join_codes": (lambda desk, by, ids: desk.fleet.list_join_codes(by),),
    "Fleet.revoke_join_code": (lambda desk, by, ids: desk.fleet.revoke_join_code(by, ids.join_code_id),),
    "Users.create": (
        lambda desk, by, ids: desk.users.create(by, "new", PASSWORD, Role.VIEWER, frozenset({ids.customer_id})),
        lambda desk, by, ids: desk.users.create(by, "new", PASSWORD, Role.VIEWER, None),
    ),
    "Users.disable": (lambda desk, by, ids: desk.users.disable(by, ids.user_id),),
    "Users.list": (lambda desk, by, ids: desk.users.list(by),),
    "Users.create_token": (lambda desk, by, ids: desk.users.create_token(by, "ci", by.role or Role.VIEWER, DAY),),
    "Users.revoke_token": (lambda desk, by, ids: desk.users.revoke_token(by, ids.token_id),),
    "Users.list_tokens": (lambda desk, by, ids: desk.users.list_tokens(by),),
    "Sessions.request": (
        lambda desk, by, ids: desk.sessions.request(by, ids.case_id, ids.agent_id, path_request("x")),
    ),
    "Sessions.cancel": (lambda desk, by, ids: desk.sessions.cancel(by, ids.session_id),),
    "Sessions.get": (lambda desk, by, ids: desk.sessions.get(by, ids.session_id),),
    "Sessions.list_by_case": (lambda desk, by, ids: desk.sessions.list_by_case(by, ids.case_id),),
    "Sessions.recent_rounds": (lambda desk, by, ids: desk.sessions.recent_rounds(by, ids.session_id),),
    "Sessions.recent_sections": (lambda desk, by, ids: desk.sessions.recent_sections(by, ids.session_id),),
    "Schedules.add": (lambda desk, by, ids: desk.schedules.add(by, ids.agent_id, timetable("x")),),
    "Schedules.remove": (lambda desk, by, ids: desk.schedules.remove(by, ids.schedule_id),),
    "Schedules.list": (
        lambda desk, by, ids: desk.schedules.list(by),
        lambda desk, by, ids: desk.schedules.list(by, ids.agent_id),
    ),
    "Evidence.get": (lambda desk, by, ids: desk.evidence.get(by, ids.snapshot_id),),
    "Evidence.list_by_case": (lambda desk, by, ids: desk.evidence.list_by_case(by, ids.case_id),),
    "Evidence.list_by_agent": (lambda desk, by, ids: desk.evidence.list_by_agent(by, ids.agent_id),),
    "Evidence.list_gaps": (lambda desk, by, ids: desk.evidence.list_gaps(by, ids.agent_id),),
    "Evidence.object_chunks": (
        lambda desk, by, ids: read(desk.evidence.object_chunks(by, ids.snapshot_id, "bundle.zip")),
    ),
    "Evidence.delete": (lambda desk, by, ids: desk.evidence.delete(by, ids.snapshot_id),),
    "Evidence.delete_case": (lambda desk, by, ids: desk.evidence.delete_case(by, ids.case_id),),
    "Evidence.import_bundle": (lambda desk, by, ids: desk.evidence.import_bundle(by, ids.case_id, chunks()),),
}


async def outcome(call: Call, desk: Desk, by: Principal, ids: Ids) -> str:
    """What the caller learns, in words; ids that they put in themselves are left out of it."""
    try:
        said = repr(await call(desk, by, ids))
    except CaseprobeError as error:
        said = f"{type(error).__name__}: {error}"
    for value in vars(ids).values():
        said = said.replace(value, "…")
    return said


def test_no_use_case_is_left_out(desk: Desk) -> None:
    """Whatever takes a Principal is in the table above."""
    objects = vars(desk).values()
    classes = {type(thing) for thing in objects if type(thing).__module__.startswith("caseprobe_collector")}
    found = {
        f"{cls.__name__}.{name}"
        for cls in classes
        for name, method in inspect.getmembers(cls, inspect.isfunction)
        if not name.startswith("_") and "by" in inspect.signature(method).parameters
    }
    # Writes an entry in another's transaction; every use case here does that itself.
    assert found - {"AuditLog.record", "AuditLog.entry"} == set(CALLS)


async def everything(desk: Desk, ids: Ids) -> dict[str, Any]:
    """All that a customer has, as the stores hold it."""
    storage, mine = desk.storage, frozenset({ids.customer_id})
    return {
        "cases": await storage.cases.list_cases(mine),
        "customers": await storage.customers.list_customers(mine),
        "agents": await storage.fleet.list_agents(mine, None),
        "sessions": await storage.sessions.list_by_case(ids.case_id, mine),
        "schedules": await storage.schedules.list_all(mine),
        "snapshots": await storage.snapshots.list_by_case(ids.case_id, mine),
        "user": await storage.users.get_user(ids.user_id),
        "tokens": await storage.users.list_tokens(ids.user_id),
        "audit": [row for row in await storage.audit.list_audit() if row.customer_id == ids.customer_id],
    }


@pytest.mark.parametrize("role", list(Role))
async def test_another_customers_things_are_as_if_they_were_not(desk: Desk, role: Role) -> None:
    """Each call with the other's ids ends in the very words that ids of nobody get, tells nothing, changes nothing."""
    mine, theirs = await furnish(desk, "mine"), await furnish(desk, "theirs")
    by = staff(role, mine.customer_id)
    before = await everything(desk, theirs)
    for name, calls in CALLS.items():
        for call in calls:
            told = await outcome(call, desk, by, theirs)
            assert told == await outcome(call, desk, by, NOBODY), name
            assert "theirs" not in told, name
            assert theirs.customer_id not in told, name
    assert await everything(desk, theirs) == before


async def test_ones_own_things_are_there(desk: Desk) -> None:
    """The same calls with one's own ids give what the test above would have noticed."""
    mine = await furnish(desk, "mine")
    by = staff(Role.ADMIN, mine.customer_id)
    reads = ["Cases.get", "Cases.list", "Customers.get", "Fleet.get", "Sessions.get", "Schedules.list", "Evidence.get"]
    for name in [*reads, "Users.list", "AuditLog.list", "Evidence.object_chunks", "Evidence.list_by_case"]:
        for call in CALLS[name][:1]:
            said = repr(await call(desk, by, mine))
            assert "mine" in said, name
