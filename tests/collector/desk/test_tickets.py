"""What redeeming a bundle's code leaves: the same key goes on with the same case, nobody else, and not for ever."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509

from caseprobe.bundle import packer
from caseprobe.errors import CaseClosed, JoinCodeExpired, JoinCodeUnknown, JoinCodeUsed, NotFound, Revoked
from caseprobe.v1 import enrolment_pb2, snapshot_pb2
from caseprobe_collector.records import Case, ObjectRecord
from tests import fakes_storage
from tests.fakes_desk import ADMIN, Desk, new_key

BUNDLE = enrolment_pb2.JOIN_PURPOSE_BUNDLE


async def a_code(desk: Desk, title: str = "slow") -> tuple[Case, str, str]:
    """An open case of the one customer, and a bundle's code for it: its id and its text."""
    customer = next(iter(await desk.customers.list(ADMIN)), None) or await desk.customers.create(ADMIN, "Acme")
    case = await desk.cases.create(ADMIN, customer.customer_id, title)
    record, text = await desk.fleet.create_join_code(ADMIN, BUNDLE, "", case.case_id)
    return case, record.join_code_id, text


async def arrive(desk: Desk, agent_id: str, case: Case, files: tuple[ObjectRecord, ...] = (), **more: Any) -> None:
    """A snapshot of this machine is stored, as its bundle that reached its case unless said otherwise."""
    named = {"agent_id": agent_id, "customer_id": case.customer_id, "case_id": case.case_id}
    when = {"received_at": desk.clock.now(), "flow": snapshot_pb2.FLOW_ONE_SHOT}
    stored = fakes_storage.snapshot(**{**named, **when, **more})
    await fakes_storage.deliver(desk.storage, fakes_storage.deposit(stored, objects=files))


def ends_at(answer: enrolment_pb2.EnrolResponse) -> object:
    """When the certificate of an answer ends."""
    return x509.load_pem_x509_certificate(answer.certificate).not_valid_after_utc


async def test_the_same_key_goes_on_with_the_same_case(desk: Desk) -> None:
    """Hours later, on another hour's certificate, and it is told so; nobody else is, and no use is taken."""
    case, _, text = await a_code(desk)
    key = new_key()
    first = await desk.enrol(text, key)
    assert (first.resumed, first.ticket_until.ToDatetime()) == (
        False,
        (desk.clock.now() + timedelta(hours=72)).replace(tzinfo=None),
    )
    desk.clock.step(hours=71, minutes=59)
    again = await desk.enrol(text, key)
    assert (again.resumed, again.case_id, again.agent_id) == (True, case.case_id, first.agent_id)
    assert again.ticket_until == first.ticket_until
    assert ends_at(again) == (desk.clock.now() + timedelta(hours=1)).replace(microsecond=0)
    assert [row.detail for row in await desk.audit.list(ADMIN)][-1].endswith("going on")
    with pytest.raises(JoinCodeUsed):
        await desk.enrol(text, new_key())


async def test_a_ticket_outlives_its_code(desk: Desk) -> None:
    """A code that is redeemed late leaves its key the whole time; a code that nobody redeemed just ends."""
    _, _, text = await a_code(desk)
    _, _, unused = await a_code(desk)
    key = new_key()
    desk.clock.step(hours=71)
    await desk.enrol(text, key)
    desk.clock.step(hours=48)
    assert (await desk.enrol(text, key)).resumed
    with pytest.raises(JoinCodeExpired):
        await desk.enrol(unused, key)
    with pytest.raises(JoinCodeExpired):
        await desk.enrol(text, new_key())


async def test_a_key_with_two_tickets_goes_on_with_the_case_of_the_code(desk: Desk) -> None:
    """Whichever was redeemed last: what arrives next is attached to the case of the code that was shown."""
    first, _, one = await a_code(desk)
    second, _, other = await a_code(desk, "slower")
    key = new_key()
    for text, case in ((one, first), (other, second), (one, first)):
        agent_id = (await desk.enrol(text, key)).agent_id
        assert (await desk.fleet.get(ADMIN, agent_id)).case_id == case.case_id


@pytest.mark.parametrize(
    ("change", "standing"),
    [({}, False), ({"case_id": ""}, True), ({"flow": snapshot_pb2.FLOW_SCHEDULED}, True)],
    ids=["its bundle", "kept, not attached", "something else"],
)
async def test_a_ticket_ends_with_its_bundle(desk: Desk, change: dict[str, Any], standing: bool) -> None:
    """What arrived in the case was what the code was for; anything else leaves the ticket as it is."""
    case, _, text = await a_code(desk)
    key = new_key()
    await arrive(desk, (await desk.enrol(text, key)).agent_id, case, **change)
    if standing:
        assert (await desk.enrol(text, key)).resumed
    else:
        with pytest.raises(JoinCodeUsed, match="its bundle arrived at 2026-11-22 09:30 UTC"):
            await desk.enrol(text, key)


async def test_an_earlier_bundle_does_not_end_a_later_ticket(desk: Desk) -> None:
    """A second code for the same case is for a second bundle."""
    case, _, text = await a_code(desk)
    key = new_key()
    await arrive(desk, (await desk.enrol(text, key)).agent_id, case)
    _, second = await desk.fleet.create_join_code(ADMIN, BUNDLE, "", case.case_id)
    desk.clock.step(minutes=1)
    assert not (await desk.enrol(second, key)).resumed
    assert (await desk.enrol(second, key)).resumed


async def test_two_codes_for_one_case_are_for_two_bundles(desk: Desk) -> None:
    """The first that arrives ends neither ticket, for it may have come by either; the second ends both."""
    case, _, one = await a_code(desk)
    _, other = await desk.fleet.create_join_code(ADMIN, BUNDLE, "", case.case_id)
    key = new_key()
    for text in (one, other):
        agent_id = (await desk.enrol(text, key)).agent_id
    await arrive(desk, agent_id, case)
    assert [(await desk.enrol(text, key)).resumed for text in (one, other)] == [True, True]
    await arrive(desk, agent_id, case, snapshot_id="snap_2")
    for text in (one, other):
        with pytest.raises(JoinCodeUsed):
            await desk.enrol(text, key)


async def test_a_machine_is_told_which_of_its_own_bundles_it_may_build_on(desk: Desk) -> None:
    """Its newest one here, with how this side packs; a stranger, and a machine that sent none, are told nothing."""
    case, _, text = await a_code(desk)
    key = new_key()
    first = await desk.enrol(text, key)
    file = ObjectRecord("bundle.zip", f"{first.agent_id}/snap_1/bundle.zip", 10, b"its hash")
    await arrive(desk, first.agent_id, case, objects=("bundle.zip",), files=(file,))
    _, second = await desk.fleet.create_join_code(ADMIN, BUNDLE, "", case.case_id)
    told = await desk.enrol(second, key)
    assert (first.base_sha256, told.base_sha256, told.packer) == (b"", b"its hash", packer())
    _, third = await desk.fleet.create_join_code(ADMIN, BUNDLE, "", case.case_id)
    assert (await desk.enrol(third, new_key())).base_sha256 == b""


@pytest.mark.parametrize("end", ["its time", "a revoked key", "a withdrawn code", "a closed case"])
async def test_what_ends_a_ticket(desk: Desk, end: str) -> None:
    """Seventy-two hours, or staff: by the key, the code or the case."""
    case, code_id, text = await a_code(desk)
    key = new_key()
    agent_id = (await desk.enrol(text, key)).agent_id
    if end == "its time":
        desk.clock.step(hours=72)
    elif end == "a revoked key":
        await desk.fleet.revoke(ADMIN, agent_id)
    elif end == "a withdrawn code":
        await desk.fleet.revoke_join_code(ADMIN, code_id)
    else:
        await desk.cases.close(ADMIN, case.case_id)
    with pytest.raises((JoinCodeUsed, Revoked, JoinCodeUnknown, CaseClosed)):
        await desk.enrol(text, key)


async def test_a_redeemed_code_can_be_withdrawn_for_as_long_as_its_ticket_may_last(desk: Desk) -> None:
    """Past its own end, too; one that nobody redeemed has ended then."""
    _, redeemed, text = await a_code(desk)
    _, unused, _ = await a_code(desk)
    key = new_key()
    await desk.enrol(text, key)
    desk.clock.step(hours=72)
    assert [code.join_code_id for code in await desk.fleet.list_join_codes(ADMIN)] == [redeemed]
    assert (await desk.fleet.revoke_join_code(ADMIN, redeemed)).revoked_at == desk.clock.now()
    with pytest.raises(NotFound, match="has not ended"):
        await desk.fleet.revoke_join_code(ADMIN, unused)
