"""What the collector's end of a stream does with a machine, good or bad."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from dataclasses import replace
from typing import Any

import pytest

from caseprobe.v1 import link_pb2, snapshot_pb2
from caseprobe_collector.ports import Transaction
from caseprobe_collector.rpc import METHOD_ACTIONS, methods
from tests.desk import Rig, snapshot_of
from tests.fakes_storage import case


def test_every_rpc_has_a_rule() -> None:
    """A method without an access rule would keep the collector from starting."""
    assert sorted(METHOD_ACTIONS) == sorted(methods())


async def test_a_snapshot_is_acknowledged_once_it_is_stored(rig: Rig) -> None:
    """The ack names the sequence, and what it acknowledges can be read back."""
    machine = await rig.enrol()
    async with rig.stream(machine) as stream:
        await stream.deliver(snapshot_of(machine), sequence=5)
        assert (await stream.next("ack")).sequence == 5
    rows = await rig.storage.snapshots.list_by_agent(machine.agent_id, None)
    assert [(row.snapshot_id, row.case_id, row.worst) for row in rows] == [(f"snap_{1:032x}", "", 1)]


async def test_a_snapshot_sent_twice_is_recorded_once(rig: Rig) -> None:
    """What is sent again after a lost ack is acknowledged again and stored no second time."""
    machine = await rig.enrol()
    for _ in range(2):
        async with rig.stream(machine) as stream:
            await stream.deliver(snapshot_of(machine))
            assert (await stream.next("ack")).sequence == 1
    assert len(await rig.storage.snapshots.list_by_agent(machine.agent_id, None)) == 1


async def test_many_items_are_acknowledged_in_their_order(rig: Rig) -> None:
    """Stores run side by side, but no ack overtakes one before it; what is ready together needs one."""
    machine = await rig.enrol()
    async with rig.stream(machine) as stream:
        for number in range(1, 101):
            await stream.deliver(snapshot_of(machine, number), sequence=number)
        acks = await stream.acks_until(100)
    assert acks == sorted(set(acks))


async def test_the_welcome_tells_what_was_stored_last(rig: Rig) -> None:
    """A machine that lost its acks learns where to go on."""
    machine = await rig.enrol()
    async with rig.stream(machine) as stream:
        await stream.deliver(snapshot_of(machine), sequence=9)
        await stream.next("ack")
    async with rig.stream(machine) as stream:
        assert (await stream.next("welcome")).last_stored_sequence == 9


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": bytes(32)},
        {"kind": link_pb2.DATA_KIND_LOG_LINES},
        {"total_bytes": 1 << 40},
        {"offset": 7},
        {"sha256": hashlib.sha256(b"garbage").digest(), "payload": b"garbage", "total_bytes": 7},
    ],
    ids=["wrong hash", "unknown kind", "too large", "begins in the middle", "no snapshot"],
)
async def test_a_bad_item_is_refused_by_its_sequence_and_the_stream_goes_on(rig: Rig, change: dict[str, Any]) -> None:
    """One item that can never be stored costs neither the stream nor what comes after it."""
    machine = await rig.enrol()
    async with rig.stream(machine) as stream:
        await stream.deliver(snapshot_of(machine), sequence=1, **change)
        assert (await stream.next("refusal")).sequence == 1
        await stream.deliver(snapshot_of(machine, 2), sequence=2)
        assert (await stream.next("ack")).sequence == 2


async def test_a_machine_cannot_speak_for_another(rig: Rig) -> None:
    """A snapshot that names another machine is refused; so is another machine's snapshot id."""
    mine, other = await rig.enrol(), await rig.enrol()
    async with rig.stream(other) as stream:
        await stream.deliver(snapshot_of(other))
        await stream.next("ack")
    async with rig.stream(mine) as stream:
        await stream.deliver(snapshot_of(other, 2), sequence=1)
        assert (await stream.next("refusal")).code == "not_allowed"
        await stream.deliver(snapshot_of(mine, 1), sequence=2)
        assert (await stream.next("refusal")).code == "not_allowed"


async def test_a_hello_that_names_another_machine_is_refused(rig: Rig) -> None:
    """Identity is the key's; the payload is only compared with it."""
    mine, other = await rig.enrol(), await rig.enrol()
    async with rig.stream(mine, agent_id=other.agent_id) as stream:
        assert (await stream.next("refusal")).code == "not_allowed"
        with pytest.raises(EOFError):
            await stream.next("welcome")


async def test_a_certified_key_that_is_not_entered_gets_no_stream(rig: Rig) -> None:
    """The CA's signature alone opens nothing."""
    async with rig.stream(rig.certify()) as stream:
        assert (await stream.next("refusal")).code == "not_allowed"


async def test_one_shot_evidence_goes_to_the_case_of_its_code_alone(rig: Rig) -> None:
    """Whatever case the snapshot names, it is attached to the one that the key was made for."""
    machine = await rig.enrol(kind="one_shot", case_id="case_1")
    async with rig.stream(machine) as stream:
        await stream.deliver(snapshot_of(machine, case_id="case_of_somebody_else"))
        await stream.next("ack")
    rows = await rig.storage.snapshots.list_by_case("case_1", None)
    assert [row.agent_id for row in rows] == [machine.agent_id]


async def test_an_enrolled_machine_attaches_nothing_by_its_own_word(rig: Rig) -> None:
    """Without a session of that case a snapshot belongs to the machine's page."""
    machine = await rig.enrol()
    async with rig.stream(machine) as stream:
        await stream.deliver(snapshot_of(machine, case_id="case_1", flow=snapshot_pb2.FLOW_SCHEDULED))
        await stream.next("ack")
    assert await rig.storage.snapshots.list_by_case("case_1", None) == []


async def test_a_closed_case_keeps_the_evidence_and_says_so(rig: Rig) -> None:
    """Nothing is lost: the snapshot is stored, the ack tells that it was not attached."""
    machine = await rig.enrol(kind="one_shot", case_id="case_1")
    now = (await rig.storage.cases.get_case("case_1", None)).created_at  # type: ignore[union-attr]
    await rig.storage.transactions.run(lambda tx: rig.storage.cases.close_case(tx, "case_1", now))
    async with rig.stream(machine) as stream:
        await stream.deliver(snapshot_of(machine))
        assert (await stream.next("ack")).notice_code == "case_closed"
    assert len(await rig.storage.snapshots.list_by_agent(machine.agent_id, None)) == 1


async def test_a_second_run_of_one_person_cuts_the_first_off_nowhere(rig: Rig) -> None:
    """It is asked to come later, and let in once the first is done; the first's own next stream is let in at once."""
    machine = await rig.enrol(kind="one_shot", case_id="case_1")
    async with rig.stream(machine, instance_id="first") as first:
        await first.next("welcome")
        async with rig.stream(machine, instance_id="second") as second:
            assert (await second.next("refusal")).code == "busy"
        await first.deliver(snapshot_of(machine))
        await first.next("ack")
        async with rig.stream(machine, instance_id="first", stream_number=2) as again:
            await again.next("welcome")
    async with rig.stream(machine, instance_id="second", stream_number=2) as second:
        await second.next("welcome")


async def test_what_a_machine_says_of_itself_changes_no_more_than_that(rig: Rig) -> None:
    """A code that its key redeemed between being let in and its first word keeps its case."""
    machine = await rig.enrol(kind="one_shot", case_id="case_1")
    stale, fleet, free = await rig.agent(machine), rig.storage.fleet, threading.Event()
    run, other = rig.storage.transactions.run, case("case_2")
    await run(lambda tx: rig.storage.cases.add_case(tx, other))

    async def redeem(tx: Transaction) -> None:
        # The writer is busy until the stream was let in by what was read before.
        free.wait(10)
        await fleet.put_agent(tx, replace(stale, case_id="case_2"))

    redeeming = asyncio.create_task(run(redeem))
    async with rig.bus.subscribe("fleet") as events, rig.stream(machine, machine_label="db7") as stream:
        await anext(aiter(events))
        free.set()
        await redeeming
        await stream.next("welcome")
    now = await rig.agent(machine)
    assert (now.case_id, now.label) == ("case_2", "db7")


async def test_a_gap_is_recorded_and_acknowledged(rig: Rig) -> None:
    """What a machine had to drop is known here."""
    machine = await rig.enrol()
    async with rig.stream(machine) as stream:
        await stream.send(gap=link_pb2.Gap(first_sequence=2, last_sequence=4, reason="quota", sequence=5))
        assert (await stream.next("ack")).sequence == 5
    gaps = await rig.storage.snapshots.list_gaps(machine.agent_id)
    assert [gap[:3] for gap in gaps] == [(2, 4, "quota")]


async def test_a_revoked_machine_gets_no_stream(rig: Rig) -> None:
    """A key whose enrolment was ended hears why."""
    machine = await rig.enrol()
    now = (await rig.storage.cases.get_case("case_1", None)).created_at  # type: ignore[union-attr]
    await rig.storage.transactions.run(lambda tx: rig.storage.fleet.revoke_agent(tx, machine.agent_id, now))
    async with rig.stream(machine) as stream:
        assert (await stream.next("refusal")).code == "revoked"


async def test_a_newer_stream_of_the_same_key_ends_the_older(rig: Rig) -> None:
    """A machine has one stream at most."""
    machine = await rig.enrol()
    async with rig.stream(machine) as older:
        await older.next("welcome")
        async with rig.stream(machine) as newer:
            await newer.next("welcome")
            assert (await older.next("refusal")).code == "replaced"
            assert rig.links.of(machine.agent_id) == "online"


async def test_presence_follows_the_stream(rig: Rig) -> None:
    """Whoever watches the fleet is told when a machine comes and goes."""
    machine = await rig.enrol()
    async with rig.bus.subscribe("fleet") as events:
        async with rig.stream(machine) as stream:
            await stream.next("welcome")
        seen = []
        async for event in events:
            seen.append(event.body["presence"])
            if seen[-1] == "offline":
                break
    assert seen == ["online", "offline"]


async def test_at_the_cap_a_machine_is_asked_to_come_back(rig: Rig) -> None:
    """One more than there is room for is told so, with a delay; who is here already may connect again."""
    rig.links.most = 1
    first, second = await rig.enrol(), await rig.enrol()
    async with rig.stream(first) as stream:
        await stream.next("welcome")
        async with rig.stream(second) as shed:
            refusal = await shed.next("refusal")
        async with rig.stream(first) as again:
            await again.next("welcome")
    assert (refusal.code, refusal.retry_after_seconds) == ("busy", 15.0)
    assert rig.links.shed_total == 1


async def test_drain_lets_a_machine_finish_and_nobody_in(rig: Rig) -> None:
    """The last words of a machine are taken and answered; a new stream is asked to come later."""
    machine, other = await rig.enrol(), await rig.enrol()
    async with rig.stream(machine) as stream:
        await stream.next("welcome")
        rig.links.drain(2.0)
        drain = await stream.next("drain")
        await stream.deliver(snapshot_of(machine))
        assert (await stream.next("ack")).sequence == 1
        async with rig.stream(other) as late:
            assert (await late.next("refusal")).code == "busy"
        await stream.end()
        with pytest.raises(EOFError):
            await stream.next("nothing")
    assert (drain.reconnect_after_seconds, drain.spread_seconds) == (2.0, 1.0)


async def test_a_new_stream_waits_for_what_the_older_one_gives_back(rig: Rig) -> None:
    """Only then is it known how much of a large item is here."""
    machine = await rig.enrol()
    async with rig.stream(machine) as older:
        await older.next("welcome")
        gone = rig.links.current(machine.agent_id)
        async with rig.stream(machine) as newer:
            await newer.next("welcome")
            assert gone is not None and gone.over
