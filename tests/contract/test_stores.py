"""What every adapter of the stores must do: cases, customers, fleet, users, sessions, schedules."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest

from caseprobe.errors import UsageError
from caseprobe_collector.access import Role
from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import Agent
from caseprobe_collector.storage import Storage
from tests.fakes_storage import (
    NOW,
    agent,
    case,
    customer,
    deliver,
    deposit,
    join_code,
    schedule,
    session,
    snapshot,
    token,
    user,
)

T = TypeVar("T")
A, B = frozenset({"cust_a"}), frozenset({"cust_b"})
LATER = NOW + timedelta(hours=1)


async def put(storage: Storage, *writes: Callable[[Transaction], Awaitable[T]]) -> list[T]:
    """Do all of these in one transaction and give what each gave."""

    async def work(tx: Transaction) -> list[T]:
        return [await write(tx) for write in writes]

    return await storage.transactions.run(work)


async def test_a_case_is_read_back_by_its_customer_alone(filled: Storage) -> None:
    """None is every customer, an empty set is none."""
    seen = [await filled.cases.get_case("case_1", customers) for customers in (None, A, A | B, B, frozenset())]
    assert seen == [case(), case(), case(), None, None]


async def test_cases_are_listed_newest_first_in_pages(filled: Storage) -> None:
    """A page goes on after the last id of the one before; state and customers narrow it."""
    await put(filled, lambda tx: filled.cases.add_case(tx, case("case_3")))
    await put(filled, lambda tx: filled.cases.close_case(tx, "case_1", LATER))

    async def listed(*arguments: object, **named: object) -> list[str]:
        return [one.case_id for one in await filled.cases.list_cases(*arguments, **named)]  # type: ignore[arg-type]

    assert await listed(None) == ["case_3", "case_2", "case_1"]
    assert await listed(None, limit=2) == ["case_3", "case_2"]
    assert await listed(None, before="case_2") == ["case_1"]
    assert await listed(None, state="open") == ["case_3", "case_2"]
    assert await listed(A) == ["case_3", "case_1"]
    assert await listed(frozenset()) == []


async def test_a_case_closes_once_and_opens_again(filled: Storage) -> None:
    """A second close keeps the time of the first."""
    await put(filled, lambda tx: filled.cases.close_case(tx, "case_1", NOW))
    await put(filled, lambda tx: filled.cases.close_case(tx, "case_1", LATER))
    assert await filled.cases.get_case("case_1", None) == case(state="closed", closed_at=NOW)
    await put(filled, lambda tx: filled.cases.reopen_case(tx, "case_1"))
    assert await filled.cases.get_case("case_1", None) == case()


async def test_a_case_of_no_customer_is_refused(filled: Storage) -> None:
    """References hold: a record that names one that does not exist is a usage error."""
    with pytest.raises(UsageError, match="does not exist"):
        await put(filled, lambda tx: filled.cases.add_case(tx, case("case_9", "cust_nobody")))


async def test_customers_are_found_by_name_and_listed_by_it(filled: Storage) -> None:
    """find_customer sees all of them: a name is taken or it is not."""
    assert await filled.customers.find_customer("name of cust_b") == customer("cust_b")
    assert await filled.customers.list_customers(B) == [customer("cust_b")]
    assert await filled.customers.list_customers(None) == [customer("cust_a"), customer("cust_b")]
    assert await filled.customers.get_customer("cust_b", A) is None


async def test_a_machine_is_changed_in_place(filled: Storage) -> None:
    """Labels, policy and capabilities are what was last said; where none are given they are empty."""
    changed = agent(label="db2", policy=((1, 2), (3, 1)), capabilities=("path", "smart"), case_id="case_1")
    await put(filled, lambda tx: filled.fleet.put_agent(tx, changed))
    assert await filled.fleet.get_agent("agent_1", A) == changed
    assert await filled.fleet.get_agent("agent_1", B) is None


async def test_a_revocation_stands(filled: Storage) -> None:
    """A record that was read before the revocation does not undo it, nor does a second one move its time."""
    await put(filled, lambda tx: filled.fleet.revoke_agent(tx, "agent_1", NOW))
    await put(filled, lambda tx: filled.fleet.put_agent(tx, agent(label="renamed")))
    await put(filled, lambda tx: filled.fleet.revoke_agent(tx, "agent_1", LATER))
    assert await filled.fleet.get_agent("agent_1", None) == agent(label="renamed", revoked_at=NOW)


async def test_when_a_machine_was_seen_is_kept(filled: Storage) -> None:
    """mark_seen moves it; a record without it does not take it back."""
    await put(filled, lambda tx: filled.fleet.mark_seen(tx, {"agent_1": LATER, "agent_9": LATER}))
    await put(filled, lambda tx: filled.fleet.put_agent(tx, agent()))
    found = await filled.fleet.get_agent("agent_1", None)
    assert found is not None
    assert found.last_seen_at == LATER


async def test_machines_are_listed_by_kind_and_customer(filled: Storage) -> None:
    """Enrolled ones unless asked otherwise, by label."""
    one_shot = agent("agent_3", kind="one_shot", label="a laptop", case_id="case_1")
    await put(filled, lambda tx: filled.fleet.put_agent(tx, one_shot))

    def ids(agents: list[Agent]) -> list[str]:
        return [one.agent_id for one in agents]

    assert ids(await filled.fleet.list_agents(None)) == ["agent_1", "agent_2"]
    assert ids(await filled.fleet.list_agents(A, "one_shot")) == ["agent_3"]
    assert ids(await filled.fleet.list_agents(A, None)) == ["agent_3", "agent_1"]


async def test_a_join_code_is_used_up(filled: Storage) -> None:
    """Two uses are two uses, also inside one transaction; a withdrawn code has none."""
    code = join_code(uses=2)
    withdrawn = join_code(2, revoked_at=NOW)
    await put(filled, lambda tx: filled.join_codes.add_join_code(tx, code))
    await put(filled, lambda tx: filled.join_codes.add_join_code(tx, withdrawn))
    uses = [lambda tx: filled.join_codes.use_join_code(tx, "join_1")] * 3
    assert await put(filled, *uses) == [True, True, False]
    assert await put(filled, lambda tx: filled.join_codes.use_join_code(tx, "join_2")) == [False]
    assert await filled.join_codes.get_join_code(code.secret_sha256) == replace(code, uses_left=0)
    assert await filled.join_codes.get_join_code(bytes(32)) is None


async def test_a_use_that_is_rolled_back_is_not_used(filled: Storage) -> None:
    """Who took a use and failed afterwards gave it back."""
    await put(filled, lambda tx: filled.join_codes.add_join_code(tx, join_code()))

    async def work(tx: Transaction) -> None:
        assert await filled.join_codes.use_join_code(tx, "join_1")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await filled.transactions.run(work)
    assert await put(filled, lambda tx: filled.join_codes.use_join_code(tx, "join_1")) == [True]


async def test_users_are_found_and_changed(filled: Storage) -> None:
    """Roles and customers come back as what they were; None is every customer."""
    admin = user("user_2", "eve", role=Role.ADMIN, customer_ids=None)
    await put(filled, lambda tx: filled.users.put_user(tx, admin))
    assert await filled.users.find_user("eve") == admin
    assert await filled.users.get_user("user_1") == user()
    gone = replace(admin, disabled_at=NOW, customer_ids=frozenset())
    await put(filled, lambda tx: filled.users.put_user(tx, gone))
    assert await filled.users.list_users() == [user(), gone]


async def test_a_users_name_belongs_to_one(filled: Storage) -> None:
    """A second user of the name is a usage error."""
    with pytest.raises(UsageError):
        await put(filled, lambda tx: filled.users.put_user(tx, user("user_2", "ada")))


async def test_tokens_are_found_by_hash_and_end_once(filled: Storage) -> None:
    """Newest first; a second revocation keeps the time of the first."""
    await put(filled, *[lambda tx, n=n: filled.users.add_token(tx, token(n)) for n in (1, 2)])
    await put(filled, lambda tx: filled.users.revoke_token(tx, "tok_1", NOW))
    await put(filled, lambda tx: filled.users.revoke_token(tx, "tok_1", LATER))
    assert await filled.users.list_tokens("user_1") == [token(2), token(1, revoked_at=NOW)]
    assert await filled.users.find_token(token(2).secret_sha256) == token(2)
    assert await filled.users.find_token(bytes(32)) is None


async def test_a_session_ends_once(filled: Storage) -> None:
    """After its end nothing moves it any more."""
    await put(filled, lambda tx: filled.sessions.add_session(tx, session()))
    await put(filled, lambda tx: filled.sessions.set_state(tx, "sess_1", "running"))
    assert await filled.sessions.list_open("agent_1") == [session(state="running")]

    def end(state: str) -> Callable[[Transaction], Awaitable[bool]]:
        return lambda tx: filled.sessions.end_session(tx, "sess_1", state, "why", "snap_1", LATER)

    assert await put(filled, end("ok"), end("failed")) == [True, False]
    await put(filled, lambda tx: filled.sessions.set_state(tx, "sess_1", "running"))
    ended = session(state="ok", reason="why", snapshot_id="snap_1", ended_at=LATER)
    assert await filled.sessions.get_session("sess_1", A) == ended
    assert await filled.sessions.list_open() == []


async def test_sessions_are_seen_by_their_customer(filled: Storage) -> None:
    """Newest first within the case; another customer sees none."""
    await put(filled, *[lambda tx, n=n: filled.sessions.add_session(tx, session(f"sess_{n}")) for n in (1, 2)])
    assert [one.session_id for one in await filled.sessions.list_by_case("case_1", A)] == ["sess_2", "sess_1"]
    assert await filled.sessions.list_by_case("case_1", B) == []
    assert await filled.sessions.get_session("sess_1", B) is None
    assert await filled.sessions.list_open("agent_2") == []


async def test_a_timetable_that_ended_is_still_known(filled: Storage) -> None:
    """Its record stays with the time of its end."""
    await put(filled, lambda tx: filled.schedules.add_schedule(tx, schedule()))
    await put(filled, lambda tx: filled.schedules.add_schedule(tx, schedule("sched_2", "agent_2", "cust_b")))
    await put(filled, lambda tx: filled.schedules.remove_schedule(tx, "sched_1", LATER))
    removed = replace(schedule(), removed_at=LATER)
    assert await filled.schedules.list_by_agent("agent_1", A) == [removed]
    assert await filled.schedules.list_all(A) == [removed]
    assert await filled.schedules.get_schedule("sched_1", B) is None
    assert [one.schedule_id for one in await filled.schedules.list_all(None)] == ["sched_1", "sched_2"]


async def test_the_worst_is_that_of_the_newest_snapshots(filled: Storage) -> None:
    """Newest per machine and profile, in the order of arrival: a later good path does not hide a bad disk."""
    arrivals = [("agent_1", "quick", 4), ("agent_1", "quick", 3), ("agent_1", "path", 1), ("agent_2", "quick", 2)]
    for number, (agent_id, profile, worst) in enumerate(arrivals):
        one = snapshot(f"snap_{number}", agent_id=agent_id, profile=profile, worst=worst, case_id="case_1")
        await deliver(filled, deposit(one))
    found = await filled.cases.get_case("case_1", None)
    assert found is not None
    assert found.worst == 3
    assert [one.worst for one in await filled.fleet.list_agents(None)] == [3, 2]
    assert [one.worst for one in await filled.cases.list_cases(None)] == [0, 3]
