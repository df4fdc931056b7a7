"""What is said of a machine's presence: each of three clocks can say no, and a judge that slept says nothing."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.v1 import link_pb2
from caseprobe_collector.bus import InProcessBus
from caseprobe_collector.rpc import OpenLinks
from caseprobe_collector.rpc.presence import (
    LOOK_SECONDS,
    RETURN_SECONDS,
    SHORTEST_SLEEP_SECONDS,
    SILENT_SECONDS,
    STALLED_SECONDS,
    Signs,
    Watch,
    judge,
    slept_seconds,
)
from tests.desk import Rig
from tests.fakes_storage import NOW, SteppedClock, agent

AGES = st.floats(0, 1e6)


@given(read=AGES, pumped=AGES, write=AGES)
def test_online_means_that_all_three_clocks_say_so(read: float, pumped: float, write: float) -> None:
    """And where one does not, the machine is unresponsive with a reason, as long as it has a stream."""
    fresh = read <= SILENT_SECONDS and pumped <= SILENT_SECONDS and write <= STALLED_SECONDS
    verdict = judge(Signs(read, pumped, write))
    assert (verdict.word == "online") is fresh
    assert (verdict.why == "") is fresh


@pytest.mark.parametrize(
    ("signs", "why"),
    [
        (Signs(99, 99, 99), "nothing came"),
        (Signs(1, 99), "its own loop has not turned"),
        (Signs(1, 1, 99), "it has taken nothing"),
        (None, "it has no stream"),
    ],
)
def test_the_clock_that_stood_still_is_named(signs: Signs | None, why: str) -> None:
    """Staff read which side to look at."""
    assert why in judge(signs).why


@given(looks=st.lists(st.floats(0.1, 60), max_size=30), since=st.floats(0, 100))
def test_a_judge_that_slept_counts_only_what_it_was_awake_for(looks: list[float], since: float) -> None:
    """No age is larger than the time since the judge's last sleep, and none is negative."""
    watch, now, woke = Watch(0.0, 0.0), 0.0, 0.0
    for step in looks:
        now += step
        if step > 2.5 * LOOK_SECONDS:
            woke = now
        watch = watch.look(now)
        assert watch.age(since, now) == max(0.0, now - max(since, woke))


@given(boot=st.floats(0, 1e7), slept=st.floats(0, 1.9) | st.floats(2.1, 1e6))
def test_sleep_is_what_one_clock_counts_and_the_other_does_not(boot: float, slept: float) -> None:
    """Less than a moment is rounding."""
    found = slept_seconds(boot + slept, boot)
    assert found == (pytest.approx(slept, abs=0.01) if slept > SHORTEST_SLEEP_SECONDS else 0.0)


def links() -> tuple[OpenLinks, SteppedClock]:
    """No stream yet, and a clock that moves when told."""
    clock = SteppedClock()
    return OpenLinks(InProcessBus(), clock), clock


def test_a_silent_machine_becomes_unresponsive_and_comes_back() -> None:
    """Since it was last heard, not since that was noticed; one heartbeat makes it online again."""
    open_links, clock = links()
    link = open_links.open(agent())
    open_links.beat(link, link_pb2.Heartbeat())
    for _ in range(8):
        clock.step(seconds=5)
        open_links.look()
    assert (open_links.of("agent_1"), open_links.since("agent_1")) == ("unresponsive", NOW)
    open_links.read(link)
    open_links.beat(link, link_pb2.Heartbeat())
    assert (open_links.of("agent_1"), open_links.since("agent_1")) == ("online", clock.now())


def test_frames_without_heartbeats_are_not_enough() -> None:
    """A stream that another thread keeps busy says nothing of the machine's own loop."""
    open_links, clock = links()
    link = open_links.open(agent())
    for _ in range(8):
        clock.step(seconds=5)
        open_links.look()
        open_links.read(link)
    assert open_links.of("agent_1") == "unresponsive"
    assert "its own loop" in open_links.why("agent_1")


def test_a_machine_that_takes_nothing_is_unresponsive() -> None:
    """Its frames arrive, ours do not."""
    open_links, clock = links()
    link = open_links.open(agent())
    open_links.writes(link, begins=True)
    for _ in range(5):
        clock.step(seconds=5)
        open_links.look()
        open_links.read(link)
        open_links.beat(link, link_pb2.Heartbeat())
    assert "taken nothing" in open_links.why("agent_1")
    open_links.writes(link, begins=False)
    assert open_links.of("agent_1") == "online"


def test_a_collector_that_was_stopped_accuses_nobody() -> None:
    """After a pause of its own every machine has the full time again."""
    open_links, clock = links()
    open_links.open(agent())
    clock.step(hours=3)
    assert open_links.of("agent_1") == "online"
    open_links.look()
    clock.step(seconds=10)
    assert open_links.of("agent_1") == "online"


def test_a_machine_that_left_a_collector_that_was_stopped_may_come_back_first() -> None:
    """It is offline once it has had the time for that, and not before; any other at once."""
    open_links, clock = links()
    names = ("agent_gone", "agent_returns", "agent_later")
    gone, returns, later = (open_links.open(agent(name)) for name in names)
    clock.step(seconds=SILENT_SECONDS)
    open_links.leave(gone)
    open_links.leave(returns)
    assert [open_links.of(name) for name in names] == ["online"] * 3
    returned = open_links.open(agent("agent_returns"))
    for _ in range(math.ceil(RETURN_SECONDS / LOOK_SECONDS) + 1):
        assert [open_links.of(name) for name in names] == ["online"] * 3
        for link in (returned, later):
            open_links.read(link)
            open_links.beat(link, link_pb2.Heartbeat())
        open_links.look()
        clock.step(seconds=LOOK_SECONDS)
    open_links.leave(later)
    assert [open_links.of(name) for name in names] == ["offline", "online", "offline"]


def test_offline_is_since_it_was_last_heard() -> None:
    """A line that was cut is noticed only later."""
    open_links, clock = links()
    link = open_links.open(agent())
    for _ in range(4):
        clock.step(seconds=LOOK_SECONDS)
        open_links.look()
    open_links.leave(link)
    assert (open_links.of("agent_1"), open_links.since("agent_1")) == ("offline", NOW)
    assert open_links.seen_at("agent_1") == NOW


def test_a_machine_tells_that_it_slept() -> None:
    """Its boot clock moved an hour further than its monotonic one."""
    open_links, _ = links()
    link = open_links.open(agent())
    for boottime, monotonic in ((100.0, 100.0), (3715.0, 115.0)):
        open_links.beat(link, link_pb2.Heartbeat(boottime_seconds=boottime, monotonic_seconds=monotonic))
    assert link.slept_seconds == 3600.0


async def test_last_seen_moves_while_a_machine_is_connected(rig: Rig) -> None:
    """With each frame, for whoever looks now; and it can be kept."""
    machine = await rig.enrol()
    async with rig.stream(machine) as stream:
        await stream.next("welcome")
        await stream.send(heartbeat=link_pb2.Heartbeat())
        await stream.next("heartbeat_reply")
        first = rig.links.seen_at(machine.agent_id)
        await stream.send(heartbeat=link_pb2.Heartbeat())
        await stream.next("heartbeat_reply")
        second = rig.links.seen_at(machine.agent_id)
    assert first is not None
    assert second is not None
    assert second > first
    seen = rig.links.take_seen()
    assert seen == {machine.agent_id: second}
    await rig.storage.transactions.run(lambda tx: rig.storage.fleet.mark_seen(tx, seen))
    kept = await rig.storage.fleet.get_agent(machine.agent_id, None)
    assert kept is not None
    assert kept.last_seen_at == second
