"""Live sessions from the person's click to the one outcome, over a real stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from caseprobe.errors import CaseClosed, NotAllowed, NotFound, UsageError
from caseprobe.v1 import link_pb2, path_pb2, section_pb2
from caseprobe_collector.access import Principal, Role
from caseprobe_collector.ports import Subscription
from caseprobe_collector.records import Event
from tests.desk import ADMIN, WAIT_SECONDS, Machine, Rig, Stream, snapshot_of

VIEWER = Principal("user", "user_v", "eve", Role.VIEWER, None)
STRANGER = Principal("user", "user_s", "bob", Role.SUPPORT, frozenset({"cust_b"}))


def path_request(deadline_seconds: float = 60.0) -> link_pb2.CommandRequest:
    """A path to a documentation address."""
    return link_pb2.CommandRequest(
        deadline_seconds=deadline_seconds, path=link_pb2.PathAction(target="192.0.2.1", rounds=2)
    )


async def ask(rig: Rig, machine: Machine, stream: Stream) -> link_pb2.CommandRequest:
    """A session that the machine received, as the machine reads it."""
    await stream.next("welcome")
    await rig.sessions.request(ADMIN, "case_1", machine.agent_id, path_request())
    return link_pb2.CommandRequest.FromString((await stream.next("command")).request)


async def test_a_request_reaches_the_machine_with_who_asks_and_for_which_case(rig: Rig) -> None:
    """What the owner of the machine is told comes with the command; the caller cannot choose it."""
    machine = await rig.enrol()
    async with rig.stream(machine) as stream:
        request = await ask(rig, machine, stream)
    assert (request.case_id, request.case_title, request.agent_id) == ("case_1", "It is slow", machine.agent_id)
    assert (request.requested_by.name, request.requested_by.role) == ("ada", "admin")


async def test_the_audit_entry_stands_before_the_command_leaves(rig: Rig) -> None:
    """At the moment that the machine reads a command, its audit entry is durable."""
    machine = await rig.enrol()
    async with rig.stream(machine) as stream:
        request = await ask(rig, machine, stream)
        rows = await rig.storage.audit.list_audit()
    entry = next(row for row in rows if row.action == "session.request")
    assert (entry.object, entry.actor) == (request.command_id, "user:user_admin")
    assert "192.0.2.1" in entry.detail


async def test_rounds_pass_through_at_once_and_are_kept_for_who_comes_late(rig: Rig) -> None:
    """A page that listens gets each round; one that opens later gets them all first."""
    machine = await rig.enrol()
    async with rig.bus.subscribe("case:case_1") as events, rig.stream(machine) as stream:
        session_id = (await ask(rig, machine, stream)).command_id
        rounds = link_pb2.Rounds(session_id=session_id, rounds=[path_pb2.PathRound(number=1)])
        await stream.send(rounds=rounds)
        async for event in events:
            if event.kind == "rounds":
                break
        kept = await rig.sessions.recent_rounds(ADMIN, session_id)
    assert event.rounds == rounds
    assert [one.number for one in kept.rounds] == [1]


async def test_sections_of_a_watch_pass_through_at_once_and_a_bounded_part_is_kept(rig: Rig) -> None:
    """Each round reaches who listens to the session; who comes late gets the newest, who may not see it nothing."""
    machine = await rig.enrol()
    async with rig.stream(machine) as stream:
        session_id = (await ask(rig, machine, stream)).command_id
        async with rig.bus.subscribe(f"session:{session_id}") as events:
            large = section_pb2.Section(probe="cpu", lines=[section_pb2.SourceLine(text="x" * 100_000)])
            for number in range(1, 5):
                sent = link_pb2.Sections(session_id=session_id, number=number, sections=[large])
                await stream.send(sections=sent)
            told = [event async for event in taken(events, 4)]
        kept = await rig.sessions.recent_sections(ADMIN, session_id)
        with pytest.raises(NotFound):
            await rig.sessions.recent_sections(STRANGER, session_id)
    assert [event.body["number"] for event in told] == [1, 2, 3, 4]
    assert list(told[0].sections) == [large]
    assert [one.number for one in kept] == [3, 4]


async def test_a_machine_that_sends_too_much_of_a_watch_is_told_and_ends(rig: Rig) -> None:
    """A round has its limit; nothing of one that is larger is kept."""
    machine = await rig.enrol()
    async with rig.stream(machine) as stream:
        session_id = (await ask(rig, machine, stream)).command_id
        huge = section_pb2.Section(probe="cpu", lines=[section_pb2.SourceLine(text="x" * 300_000)])
        await stream.send(sections=link_pb2.Sections(session_id=session_id, number=1, sections=[huge]))
        assert "at most 256 KiB" in (await stream.next("refusal")).message
    assert await rig.sessions.recent_sections(ADMIN, session_id) == []


async def taken(events: Subscription, count: int) -> AsyncIterator[Event]:
    """So many rounds of sections, within the time of a test."""
    async with asyncio.timeout(WAIT_SECONDS):
        async for event in events:
            if event.kind == "sections":
                yield event
                count -= 1
                if not count:
                    return


async def test_a_session_ends_exactly_once(rig: Rig) -> None:
    """The first outcome stays; a repeated one is acknowledged, so that the machine stops repeating it."""
    machine = await rig.enrol()
    async with rig.stream(machine) as stream:
        session_id = (await ask(rig, machine, stream)).command_id
        for state in (link_pb2.OUTCOME_STATE_OK, link_pb2.OUTCOME_STATE_FAILED):
            await stream.send(outcome=link_pb2.Outcome(command_id=session_id, state=state))
            assert (await stream.next("outcome_ack")).command_id == session_id
    assert (await rig.sessions.get(ADMIN, session_id)).state == "ok"


async def test_the_snapshot_of_a_session_is_attached_to_its_case(rig: Rig) -> None:
    """It is the session, not the machine's word, that attaches."""
    machine = await rig.enrol()
    async with rig.stream(machine) as stream:
        session_id = (await ask(rig, machine, stream)).command_id
        await stream.deliver(snapshot_of(machine, session_id=session_id))
        await stream.next("ack")
    rows = await rig.storage.snapshots.list_by_case("case_1", None)
    assert [row.session_id for row in rows] == [session_id]


async def test_a_machine_cannot_end_or_feed_another_machines_session(rig: Rig) -> None:
    """Outcomes, rounds and snapshots of others' sessions change nothing."""
    mine, other = await rig.enrol(), await rig.enrol()
    async with rig.stream(mine) as stream, rig.stream(other) as foreign:
        session_id = (await ask(rig, mine, stream)).command_id
        await foreign.send(rounds=link_pb2.Rounds(session_id=session_id, rounds=[path_pb2.PathRound(number=9)]))
        await foreign.send(outcome=link_pb2.Outcome(command_id=session_id, state=link_pb2.OUTCOME_STATE_OK))
        await foreign.next("outcome_ack")
        await foreign.deliver(snapshot_of(other, session_id=session_id))
        await foreign.next("ack")
        kept = await rig.sessions.recent_rounds(ADMIN, session_id)
    assert list(kept.rounds) == []
    assert (await rig.sessions.get(ADMIN, session_id)).ended_at is None
    assert await rig.storage.snapshots.list_by_case("case_1", None) == []


async def test_a_machine_that_was_offline_gets_the_request_when_it_comes_back(rig: Rig) -> None:
    """A request waits for its machine until its deadline."""
    machine = await rig.enrol()
    session = await rig.sessions.request(ADMIN, "case_1", machine.agent_id, path_request())
    async with rig.stream(machine) as stream:
        command = link_pb2.CommandRequest.FromString((await stream.next("command")).request)
    assert command.command_id == session.session_id


async def test_what_a_machine_has_begun_is_not_sent_to_it_again(rig: Rig) -> None:
    """A machine that names the session as open gets no second copy."""
    machine = await rig.enrol()
    session = await rig.sessions.request(ADMIN, "case_1", machine.agent_id, path_request())
    async with rig.stream(machine, open_commands=[session.session_id]) as stream:
        await stream.send(heartbeat=link_pb2.Heartbeat())
        assert "command" not in await stream.kinds_until("heartbeat_reply")


async def test_a_request_past_its_deadline_expires(rig: Rig) -> None:
    """A machine that never came leaves a session that ended as expired, with the reason."""
    machine = await rig.enrol()
    session = await rig.sessions.request(ADMIN, "case_1", machine.agent_id, path_request(1.0))
    rig.clock.shift = timedelta(minutes=5)
    await rig.sessions.expire()
    ended = await rig.sessions.get(ADMIN, session.session_id)
    assert (ended.state, ended.reason) == ("expired", "the machine was not online before the deadline")


async def test_a_session_whose_outcome_never_came_is_lost(rig: Rig) -> None:
    """The machine had it and said nothing more: not the same as one that it never saw; a late word is nothing."""
    machine = await rig.enrol()
    async with rig.stream(machine) as stream:
        session_id = (await ask(rig, machine, stream)).command_id
        rig.clock.shift = timedelta(seconds=60 + 29)
        await rig.sessions.expire()
        assert (await rig.sessions.get(ADMIN, session_id)).ended_at is None
        rig.clock.shift = timedelta(seconds=60 + 31)
        await rig.sessions.expire()
        await stream.send(outcome=link_pb2.Outcome(command_id=session_id, state=link_pb2.OUTCOME_STATE_OK))
        await stream.next("outcome_ack")
    ended = await rig.sessions.get(ADMIN, session_id)
    assert (ended.state, ended.reason) == ("lost", "no outcome came within the deadline; it may have run")


async def test_a_session_that_waits_for_its_snapshot_is_not_lost_so_soon(rig: Rig) -> None:
    """A machine with a long backlog says that the session ended; its outcome has an hour."""
    machine = await rig.enrol()
    async with rig.stream(machine) as stream:
        session_id = (await ask(rig, machine, stream)).command_id
        progress = link_pb2.Progress(command_id=session_id, state=link_pb2.PROGRESS_STATE_DELIVERING)
        await stream.send(progress=progress)
        await stream.send(heartbeat=link_pb2.Heartbeat())
        await stream.next("heartbeat_reply")
        states = []
        for minutes in (30, 70):
            rig.clock.shift = timedelta(minutes=minutes)
            await rig.sessions.expire()
            states.append((await rig.sessions.get(ADMIN, session_id)).state)
    assert states == ["delivering", "lost"]


async def test_a_step_of_the_wall_clock_ends_no_session(rig: Rig) -> None:
    """Deadlines run on the clock that does not jump."""
    machine = await rig.enrol()
    session = await rig.sessions.request(ADMIN, "case_1", machine.agent_id, path_request())
    for days in (400, -400):
        rig.clock.jump = timedelta(days=days)
        await rig.sessions.expire()
        assert (await rig.sessions.get(ADMIN, session.session_id)).ended_at is None


async def test_a_request_that_was_held_back_says_what_is_left_of_it(rig: Rig) -> None:
    """A machine that comes late gets no more time than the person who asked gave; past that it gets nothing."""
    machine = await rig.enrol()
    await rig.sessions.request(ADMIN, "case_1", machine.agent_id, path_request(60.0))
    rig.clock.shift = timedelta(seconds=50)
    async with rig.stream(machine) as stream:
        assert 5 < (await stream.next("command")).remaining_seconds <= 10
    rig.clock.shift = timedelta(seconds=61)
    async with rig.stream(machine) as stream:
        await stream.send(heartbeat=link_pb2.Heartbeat())
        assert "command" not in await stream.kinds_until("heartbeat_reply")


async def test_a_machine_is_told_to_stop_what_has_ended_here(rig: Rig) -> None:
    """A session that ran out while the machine was away does not go on when it comes back."""
    machine = await rig.enrol()
    session = await rig.sessions.request(ADMIN, "case_1", machine.agent_id, path_request(1.0))
    rig.clock.shift = timedelta(minutes=5)
    await rig.sessions.expire()
    async with rig.stream(machine, open_commands=[session.session_id]) as stream:
        assert (await stream.next("cancel")).command_id == session.session_id


async def test_who_may_ask(rig: Rig) -> None:
    """Viewers may not; another customer's staff do not even learn that the case exists."""
    machine = await rig.enrol()
    with pytest.raises(NotAllowed):
        await rig.sessions.request(VIEWER, "case_1", machine.agent_id, path_request())
    with pytest.raises(NotFound):
        await rig.sessions.request(STRANGER, "case_1", machine.agent_id, path_request())


async def test_another_customers_machine_cannot_be_asked_for_a_case(rig: Rig) -> None:
    """Case and machine must belong to one customer, even for who sees both."""
    foreign = await rig.enrol(customer_id="cust_b")
    with pytest.raises(NotFound):
        await rig.sessions.request(ADMIN, "case_1", foreign.agent_id, path_request())


@pytest.mark.parametrize("request_", [link_pb2.CommandRequest(deadline_seconds=5), path_request(0), path_request(1e9)])
async def test_a_request_needs_an_action_and_a_deadline(rig: Rig, request_: link_pb2.CommandRequest) -> None:
    """Nothing is recorded for a request that makes no sense."""
    machine = await rig.enrol()
    with pytest.raises(UsageError):
        await rig.sessions.request(ADMIN, "case_1", machine.agent_id, request_)


async def test_a_closed_case_takes_no_session(rig: Rig) -> None:
    """Reopen it first."""
    machine = await rig.enrol()
    now = (await rig.storage.cases.get_case("case_1", None)).created_at  # type: ignore[union-attr]
    await rig.storage.transactions.run(lambda tx: rig.storage.cases.close_case(tx, "case_1", now))
    with pytest.raises(CaseClosed):
        await rig.sessions.request(ADMIN, "case_1", machine.agent_id, path_request())
