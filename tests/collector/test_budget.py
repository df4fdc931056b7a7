"""Bytes on their way into the database are bounded, for all and for each, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from caseprobe.v1 import link_pb2
from caseprobe_collector.ingest import Budget, Partial
from caseprobe_collector.ingest.parking import KEPT_SECONDS, Parking
from tests.fakes_storage import StagedInMemory, SteppedClock

TOTAL, EACH = 100, 40


async def settle() -> None:
    """Let every task that can run do so."""
    for _ in range(5):
        await asyncio.sleep(0)


@given(
    wanted=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 150)), max_size=30),
    chaos=st.randoms(use_true_random=False),
)
def test_what_is_held_is_bounded_and_everyone_comes_to_its_turn(wanted: list[tuple[str, int]], chaos: Any) -> None:
    """Whatever the sizes and the order of giving back; one that is over a bound is let in alone."""

    async def play() -> None:
        budget, held, served = Budget(TOTAL, EACH), list[tuple[str, int]](), 0

        async def take(who: str, size: int) -> None:
            await budget.take(who, size)
            held.append((who, size))

        tasks = [asyncio.create_task(take(who, size)) for who, size in wanted]
        await settle()
        while served < len(wanted):
            assert held, "somebody waits and nobody holds anything"
            by_agent = {who: [size for name, size in held if name == who] for who, _ in held}
            assert budget.held_bytes == sum(size for _, size in held)
            assert budget.held_bytes <= TOTAL or sum(size > 0 for _, size in held) == 1
            assert all(sum(sizes) <= EACH or sum(size > 0 for size in sizes) == 1 for sizes in by_agent.values())
            budget.give_back(*held.pop(chaos.randrange(len(held))))
            served += 1
            await settle()
        await asyncio.gather(*tasks)
        assert budget.held_bytes == 0

    asyncio.run(play())


@given(gives_up=st.sets(st.integers(0, 9)))
def test_who_gives_up_waiting_holds_nothing(gives_up: set[int]) -> None:
    """A stream that ended while it waited leaves its room to the others."""

    async def play() -> None:
        budget = Budget(TOTAL, EACH)
        await budget.take("first", TOTAL)
        tasks = [asyncio.create_task(budget.take(f"agent_{number}", EACH)) for number in range(10)]
        await settle()
        for number in gives_up:
            tasks[number].cancel()
        await settle()
        budget.give_back("first", TOTAL)
        for number, task in enumerate(tasks):
            if number not in gives_up:
                await task
                budget.give_back(f"agent_{number}", EACH)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert budget.held_bytes == 0

    asyncio.run(play())


async def test_one_greedy_machine_holds_nobody_else_up() -> None:
    """Whom its own share holds back is passed by those behind it."""
    budget = Budget(TOTAL, EACH)
    await budget.take("greedy", EACH)
    waiting = asyncio.create_task(budget.take("greedy", 1))
    await settle()
    await asyncio.wait_for(asyncio.gather(budget.take("modest", EACH)), 60)
    assert not waiting.done()
    budget.give_back("greedy", EACH)
    await asyncio.wait_for(waiting, 60)


def partial(size: int) -> tuple[dict[str, Partial], StagedInMemory]:
    """An item of which so much is here."""
    staged = StagedInMemory()
    return {"one": Partial(link_pb2.Data(), staged, size)}, staged


def test_what_is_parked_is_taken_once_and_not_for_ever() -> None:
    """By its own machine; after a while it is dropped."""
    clock = SteppedClock()
    parking = Parking(clock)
    items, staged = partial(10)
    parking.park("agent_1", items)
    assert parking.take("agent_2") == {}
    assert parking.take("agent_1") == items
    assert parking.take("agent_1") == {}
    parking.park("agent_1", items)
    clock.step(seconds=KEPT_SECONDS)
    assert parking.take("agent_1") == {}
    assert staged.discarded


def test_the_oldest_goes_where_there_is_too_much() -> None:
    """And what a machine left before is replaced by what it leaves now."""
    parking = Parking(SteppedClock(), most_bytes=25)
    kept = {name: partial(10) for name in ("agent_1", "agent_2", "agent_3", "agent_2 again")}
    for name in ("agent_1", "agent_2", "agent_3"):
        parking.park(name, kept[name][0])
    assert kept["agent_1"][1].discarded
    parking.park("agent_2", kept["agent_2 again"][0])
    assert kept["agent_2"][1].discarded
    assert parking.take("agent_2") == kept["agent_2 again"][0]
    parking.close()
    assert kept["agent_3"][1].discarded
