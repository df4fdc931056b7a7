"""Join codes, and how a key becomes a machine: races, ends, and what a code is not good for."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509

from caseprobe import join_code
from caseprobe.errors import (
    CaseClosed,
    CaseprobeError,
    Corrupt,
    JoinCodeExpired,
    JoinCodeUnknown,
    JoinCodeUsed,
    NotAllowed,
    NotFound,
    Refused,
    Revoked,
    UsageError,
)
from caseprobe.v1 import enrolment_pb2, link_pb2
from caseprobe_collector.access import Role
from caseprobe_collector.records import Case
from tests.fakes_desk import ADMIN, Desk, csr, new_key, staff

ONE = enrolment_pb2.JOIN_PURPOSE_ENROL_ONE
MANY = enrolment_pb2.JOIN_PURPOSE_ENROL_MANY
BUNDLE = enrolment_pb2.JOIN_PURPOSE_BUNDLE


async def a_case(desk: Desk, name: str = "Acme") -> Case:
    """A customer of this name with an open case."""
    customer = await desk.customers.create(ADMIN, name)
    return await desk.cases.create(ADMIN, customer.customer_id, f"case of {name}")


async def code(desk: Desk, case: Case, purpose: int = ONE, **more: object) -> str:
    """The text of a join code for the case or its customer."""
    _, text = await desk.fleet.create_join_code(ADMIN, purpose, case.customer_id, case.case_id, **more)  # type: ignore[arg-type]
    return text


async def test_a_machine_comes_in(desk: Desk) -> None:
    """The certificate is for its key and 90 days, the record holds what it said, the audit who and from where."""
    case, key = await a_case(desk), new_key()
    response = await desk.enrol(await code(desk, case), key, "db1")
    certificate = x509.load_pem_x509_certificate(response.certificate)
    assert certificate.not_valid_after_utc == (desk.clock.now() + timedelta(days=90)).replace(microsecond=0)
    assert (response.link_address, response.collector_name, response.case_id) == ("desk.example:7443", "the desk", "")
    agent = await desk.fleet.get(ADMIN, response.agent_id)
    assert (agent.kind, agent.label, agent.customer_id) == ("enrolled", "db1", case.customer_id)
    last = (await desk.audit.list(ADMIN))[-1]
    assert (last.action, last.object, last.actor) == ("agent.enrol", agent.agent_id, agent.agent_id)
    assert last.detail.endswith("from 192.0.2.7")


async def test_a_join_code_says_where_and_whom_to_trust(desk: Desk) -> None:
    """The text carries address, the CA's hash and the secret; the collector keeps only the secret's hash."""
    case = await a_case(desk)
    record, text = await desk.fleet.create_join_code(ADMIN, ONE, case.customer_id)
    told = join_code.decode(text)
    assert (told.address, told.ca_sha256, told.purpose) == (desk.door.address, desk.door.ca_sha256, ONE)
    assert record.secret_sha256 == hashlib.sha256(told.secret).digest()
    assert record.expires_at == desk.clock.now() + timedelta(minutes=15)


async def test_a_bundle_code_is_for_its_case_alone(desk: Desk) -> None:
    """One hour, one case; the customer is the case's whatever the caller said."""
    case = await a_case(desk)
    record, text = await desk.fleet.create_join_code(ADMIN, BUNDLE, "cust_whatever", case.case_id)
    response = await desk.enrol(text, new_key())
    assert (record.customer_id, record.expires_at - record.created_at) == (case.customer_id, timedelta(hours=72))
    assert (response.case_id, response.case_title, response.purpose) == (case.case_id, case.title, BUNDLE)
    agent = await desk.fleet.get(ADMIN, response.agent_id)
    assert (agent.kind, agent.case_id) == ("one_shot", case.case_id)
    assert agent.certificate_expires_at == desk.clock.now() + timedelta(hours=1)


async def test_twenty_at_once_share_three_uses(desk: Desk) -> None:
    """Exactly three come in; each other one is told that the code is used, and leaves no trace."""
    case = await a_case(desk)
    text = await code(desk, case, MANY, uses=3)
    outcomes = await asyncio.gather(*(desk.enrol(text, new_key()) for _ in range(20)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["EnrolResponse"] * 3 + ["JoinCodeUsed"] * 17
    assert len(await desk.fleet.list(ADMIN)) == 3
    assert len([action for action in await desk.actions() if action.startswith("agent.enrol")]) == 3


async def test_a_code_ends(desk: Desk) -> None:
    """By the collector's clock: at its last instant it is over."""
    case = await a_case(desk)
    text = await code(desk, case)
    desk.clock.step(minutes=15)
    with pytest.raises(JoinCodeExpired, match="expired at 2026-11-22 09:45 UTC"):
        await desk.enrol(text, new_key())


async def test_what_a_machine_may_bring_wrongly(desk: Desk) -> None:
    """An unknown secret, a garbled CSR: refused in one line, and the code is not used up by it."""
    case, key = await a_case(desk), new_key()
    text = await code(desk, case)
    secret = join_code.decode(text).secret
    for request, kind in (
        (enrolment_pb2.EnrolRequest(), JoinCodeUnknown),
        (enrolment_pb2.EnrolRequest(secret=bytes(20), csr=csr(key)), JoinCodeUnknown),
        (enrolment_pb2.EnrolRequest(secret=secret), Corrupt),
        (enrolment_pb2.EnrolRequest(secret=secret, csr=csr(key)[:-3]), Corrupt),
    ):
        with pytest.raises(kind):
            await desk.enrolment.enrol(request, "192.0.2.7")
    assert (await desk.enrol(text, key)).agent_id.startswith("agent_")
    with pytest.raises(JoinCodeUsed):
        await desk.enrol(text, new_key())


async def test_a_closed_case_takes_no_one(desk: Desk) -> None:
    """Neither a new code nor one from before; the code is good again when the case is."""
    case = await a_case(desk)
    text = await code(desk, case, BUNDLE)
    await desk.cases.close(ADMIN, case.case_id)
    with pytest.raises(CaseClosed):
        await desk.enrol(text, new_key())
    with pytest.raises(CaseClosed):
        await code(desk, case, BUNDLE)
    await desk.cases.reopen(ADMIN, case.case_id)
    assert (await desk.enrol(text, new_key())).case_id == case.case_id


async def test_a_revoked_key_stays_out(desk: Desk) -> None:
    """Whatever code it brings; its revocation is told to who cuts streams, each time anew."""
    case, key = await a_case(desk), new_key()
    agent_id = (await desk.enrol(await code(desk, case), key)).agent_id
    async with desk.bus.subscribe("fleet") as events:
        revoked = await desk.fleet.revoke(ADMIN, agent_id)
        assert await desk.fleet.revoke(ADMIN, agent_id) == revoked
        async with asyncio.timeout(60):
            told = [await anext(aiter(events)) for _ in range(2)]
    assert [event.body for event in told] == [{"agent_id": agent_id, "revoked": True}] * 2
    assert (await desk.actions()).count(f"agent.revoke {agent_id}") == 1
    for purpose in (ONE, BUNDLE):
        with pytest.raises(Revoked):
            await desk.enrol(await code(desk, case, purpose), key)


async def test_a_key_belongs_to_one_customer(desk: Desk) -> None:
    """Another customer's code does not move a machine, nor does the refusal use it up."""
    first, second = await a_case(desk, "Acme"), await a_case(desk, "Bolt")
    key = new_key()
    await desk.enrol(await code(desk, first), key)
    text = await code(desk, second)
    with pytest.raises(Refused, match="another customer"):
        await desk.enrol(text, key)
    assert [agent.customer_id for agent in await desk.fleet.list(ADMIN)] == [first.customer_id]
    assert (await desk.enrol(text, new_key())).agent_id


async def test_an_enrolled_machine_stays_enrolled_when_it_sends_a_bundle(desk: Desk) -> None:
    """It gets its hour for the case and keeps its longer certificate in the record."""
    case, key = await a_case(desk), new_key()
    await desk.enrol(await code(desk, case), key)
    until = desk.clock.now() + timedelta(days=90)
    response = await desk.enrol(await code(desk, case, BUNDLE), key)
    certificate = x509.load_pem_x509_certificate(response.certificate)
    assert certificate.not_valid_after_utc < desk.clock.now() + timedelta(hours=2)
    agent = await desk.fleet.get(ADMIN, response.agent_id)
    assert (agent.kind, agent.case_id, agent.certificate_expires_at) == ("enrolled", case.case_id, until)


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({"purpose": 0}, UsageError),
        ({"purpose": 99}, UsageError),
        ({"uses": 0}, UsageError),
        ({"uses": 2}, UsageError),
        ({"purpose": MANY, "uses": 10_001}, UsageError),
        ({"lifetime": timedelta(0)}, UsageError),
        ({"lifetime": timedelta(days=31)}, UsageError),
        ({"customer_id": "cust_nobody"}, NotFound),
        ({"purpose": BUNDLE, "case_id": "case_nobody"}, NotFound),
    ],
)
async def test_a_code_that_cannot_be(desk: Desk, arguments: dict[str, object], kind: type[CaseprobeError]) -> None:
    """Named by what is wrong with it, and nothing is stored."""
    case = await a_case(desk)
    before = await desk.actions()
    asked = {"purpose": ONE, "customer_id": case.customer_id, **arguments}
    with pytest.raises(kind):
        await desk.fleet.create_join_code(ADMIN, **asked)  # type: ignore[arg-type]
    assert await desk.actions() == before


async def test_who_may_let_machines_in(desk: Desk) -> None:
    """Support asks for bundles, operations enrols and revokes, viewers do neither."""
    case, key = await a_case(desk), new_key()
    agent_id = (await desk.enrol(await code(desk, case), key)).agent_id
    support, operations, viewer = (staff(role) for role in (Role.SUPPORT, Role.OPERATIONS, Role.VIEWER))
    await desk.fleet.create_join_code(support, BUNDLE, case.customer_id, case.case_id)
    await desk.fleet.create_join_code(operations, ONE, case.customer_id)
    for attempt in (
        desk.fleet.create_join_code(support, ONE, case.customer_id),
        desk.fleet.create_join_code(viewer, BUNDLE, case.customer_id, case.case_id),
        desk.fleet.revoke(support, agent_id),
        desk.fleet.revoke(viewer, agent_id),
    ):
        with pytest.raises(NotAllowed):
            await attempt
    assert (await desk.fleet.revoke(operations, agent_id)).revoked_at == desk.clock.now()


async def test_a_revoked_machine_has_no_timetables_any_more(desk: Desk) -> None:
    """Nobody reads of runs that never come."""
    case = await a_case(desk)
    agent_id = (await desk.enrol(await code(desk, case), new_key())).agent_id
    timetable = link_pb2.Schedule(name="health", every_seconds=900)
    timetable.snapshot.profile = "quick"
    await desk.schedules.add(ADMIN, agent_id, timetable)
    assert await desk.schedules.list(ADMIN)
    await desk.fleet.revoke(ADMIN, agent_id)
    assert await desk.schedules.list(ADMIN) == []
    assert await desk.schedules.list(ADMIN, agent_id) == []


async def test_a_lost_answer_needs_no_new_code(desk: Desk) -> None:
    """The same key with the same code is answered again: one use, one machine, a certificate that ends no later."""
    case, key = await a_case(desk), new_key()
    text = await code(desk, case)
    first = await desk.enrol(text, key)
    desk.clock.step(minutes=10)
    again = await desk.enrol(text, key)
    one, other = (x509.load_pem_x509_certificate(answer.certificate) for answer in (first, again))
    assert (again.agent_id, again.link_address) == (first.agent_id, first.link_address)
    assert one.public_key() == other.public_key() and one.not_valid_after_utc == other.not_valid_after_utc
    assert len(await desk.fleet.list(ADMIN)) == 1
    assert [row.detail for row in await desk.audit.list(ADMIN)][-1].endswith("answered again")
    with pytest.raises(JoinCodeUsed):
        await desk.enrol(text, new_key())


async def test_a_machine_that_connected_had_its_answer(desk: Desk) -> None:
    """From then on its code is used for it as for everybody."""
    case, key = await a_case(desk), new_key()
    text = await code(desk, case)
    agent_id = (await desk.enrol(text, key)).agent_id
    [agent] = [one for one in await desk.storage.fleet.list_agents(None) if one.agent_id == agent_id]
    seen = replace(agent, last_seen_at=desk.clock.now())
    await desk.storage.transactions.run(lambda tx: desk.storage.fleet.put_agent(tx, seen))
    with pytest.raises(JoinCodeUsed):
        await desk.enrol(text, key)


async def test_a_second_answer_takes_no_second_use(desk: Desk) -> None:
    """Of a code for two machines one that asks twice leaves the other its place."""
    case, key = await a_case(desk), new_key()
    text = await code(desk, case, MANY, uses=2)
    for _ in range(3):
        await desk.enrol(text, key)
    await desk.enrol(text, new_key())
    with pytest.raises(JoinCodeUsed):
        await desk.enrol(text, new_key())


@pytest.mark.parametrize("end", ["the code's end", "a revoked key", "a withdrawn code"])
async def test_what_ended_is_not_answered_again(desk: Desk, end: str) -> None:
    """Neither past the code's end, nor for a key that was revoked, nor once the code was withdrawn."""
    case, key = await a_case(desk), new_key()
    record, text = await desk.fleet.create_join_code(ADMIN, ONE, case.customer_id)
    answer = await desk.enrol(text, key)
    if end == "the code's end":
        desk.clock.step(minutes=15)
    elif end == "a revoked key":
        await desk.fleet.revoke(ADMIN, answer.agent_id)
    else:
        await desk.fleet.revoke_join_code(ADMIN, record.join_code_id)
    with pytest.raises((JoinCodeExpired, Revoked, JoinCodeUnknown)):
        await desk.enrol(text, key)


async def test_a_join_code_is_withdrawn(desk: Desk) -> None:
    """It lets nobody in any more, who came in by it stays, and the audit says who withdrew it, once."""
    case = await a_case(desk)
    record, text = await desk.fleet.create_join_code(ADMIN, MANY, case.customer_id, uses=5)
    await desk.enrol(text, new_key())
    for _ in range(2):
        withdrawn = await desk.fleet.revoke_join_code(staff(Role.OPERATIONS, case.customer_id), record.join_code_id)
        assert withdrawn.revoked_at is not None
    with pytest.raises(JoinCodeUnknown):
        await desk.enrol(text, new_key())
    assert len(await desk.fleet.list(ADMIN)) == 1
    assert (await desk.actions()).count(f"join_code.revoke {record.join_code_id}") == 1


async def test_who_may_withdraw_a_join_code(desk: Desk) -> None:
    """Who may make one of its kind for its customer; for others it is as if there were none."""
    case, other = await a_case(desk), await a_case(desk, "Globex")
    record, _ = await desk.fleet.create_join_code(ADMIN, MANY, case.customer_id, uses=5)
    support = staff(Role.SUPPORT, case.customer_id)
    assert await desk.fleet.list_join_codes(support) == []
    with pytest.raises(NotAllowed):
        await desk.fleet.revoke_join_code(support, record.join_code_id)
    with pytest.raises(NotFound):
        await desk.fleet.revoke_join_code(staff(Role.OPERATIONS, other.customer_id), record.join_code_id)
    desk.clock.step(days=2)
    with pytest.raises(NotFound, match="has not ended"):
        await desk.fleet.revoke_join_code(ADMIN, record.join_code_id)
