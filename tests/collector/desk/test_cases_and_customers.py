"""Cases and customers as staff use them."""

from __future__ import annotations

import asyncio

import pytest

from caseprobe.errors import NotAllowed, NotFound, UsageError
from caseprobe_collector.access import Role
from tests.fakes_desk import ADMIN, Desk, staff
from tests.fakes_storage import NOW


async def test_a_case_is_opened_closed_and_opened_again(desk: Desk) -> None:
    """Each change is audited once, in order, by name of the case."""
    customer = await desk.customers.create(ADMIN, "  Acme ")
    case = await desk.cases.create(ADMIN, customer.customer_id, " disks slow ", "since monday")
    assert (customer.name, case.title, case.state, case.created_by) == ("Acme", "disks slow", "open", "user_root")
    desk.clock.step(hours=1)
    closed = await desk.cases.close(ADMIN, case.case_id)
    assert (closed.state, closed.closed_at) == ("closed", desk.clock.now())
    assert await desk.cases.get(ADMIN, case.case_id) == closed
    assert await desk.cases.close(ADMIN, case.case_id) == closed
    assert (await desk.cases.reopen(ADMIN, case.case_id)).closed_at is None
    assert await desk.actions() == [
        f"customer.create {customer.customer_id}",
        f"case.create {case.case_id}",
        f"case.close {case.case_id}",
        f"case.reopen {case.case_id}",
    ]


async def test_two_who_close_at_once_are_one_close(desk: Desk) -> None:
    """Both get the closed case; the audit has one entry."""
    customer = await desk.customers.create(ADMIN, "Acme")
    case = await desk.cases.create(ADMIN, customer.customer_id, "disks")
    closed = await asyncio.gather(*(desk.cases.close(ADMIN, case.case_id) for _ in range(5)))
    assert {one.closed_at for one in closed} == {NOW}
    assert (await desk.actions()).count(f"case.close {case.case_id}") == 1


async def test_two_who_take_a_name_at_once(desk: Desk) -> None:
    """One customer of it; the others are told that it is taken."""
    outcomes = await asyncio.gather(*(desk.customers.create(ADMIN, "Acme") for _ in range(4)), return_exceptions=True)
    taken = [outcome for outcome in outcomes if isinstance(outcome, UsageError)]
    assert [str(outcome) for outcome in taken] == ["name: there is a customer 'Acme' already"] * 3


@pytest.mark.parametrize("text", ["", "   ", "x" * 201, "two\nlines", "bell\x07", "\x1b[2J"])
async def test_a_title_is_one_printable_line(desk: Desk, text: str) -> None:
    """It is shown on customers' terminals; the same rule holds for customers' names."""
    customer = await desk.customers.create(ADMIN, "客户 Ёлка")
    with pytest.raises(UsageError, match="title"):
        await desk.cases.create(ADMIN, customer.customer_id, text)
    with pytest.raises(UsageError, match="name"):
        await desk.customers.create(ADMIN, text)


async def test_half_a_character_is_a_usage_error(desk: Desk) -> None:
    """JSON can carry a lone surrogate; the database cannot, and nothing breaks."""
    customer = await desk.customers.create(ADMIN, "Acme")
    with pytest.raises(UsageError):
        await desk.cases.create(ADMIN, customer.customer_id, "title", "\ud800")
    with pytest.raises(UsageError):
        await desk.cases.get(ADMIN, "\ud800")


async def test_roles_do_what_they_may(desk: Desk) -> None:
    """Viewers read, operations open but do not close, support does both, admins alone add customers."""
    customer = await desk.customers.create(ADMIN, "Acme")
    viewer, operations, support = (staff(role) for role in (Role.VIEWER, Role.OPERATIONS, Role.SUPPORT))
    case = await desk.cases.create(operations, customer.customer_id, "disks")
    assert await desk.cases.get(viewer, case.case_id) == case
    for attempt in (
        desk.cases.create(viewer, customer.customer_id, "title"),
        desk.cases.close(viewer, case.case_id),
        desk.cases.close(operations, case.case_id),
        desk.customers.create(support, "Other"),
        # Whether a name is taken is not for an admin of some customers.
        desk.customers.create(staff(Role.ADMIN, customer.customer_id), "Other"),
    ):
        with pytest.raises(NotAllowed):
            await attempt
    assert (await desk.cases.close(support, case.case_id)).state == "closed"


async def test_a_case_needs_its_customer(desk: Desk) -> None:
    """One that does not exist, or is not one's own, is not found."""
    customer = await desk.customers.create(ADMIN, "Acme")
    for by, customer_id in ((ADMIN, "cust_nobody"), (staff(Role.SUPPORT, "cust_b"), customer.customer_id)):
        with pytest.raises(NotFound):
            await desk.cases.create(by, customer_id, "title")
