"""What every adapter of the bus must do; the one here keeps three events a listener."""

from __future__ import annotations

import asyncio

from caseprobe_collector.ports import Bus, Subscription
from caseprobe_collector.records import Event


def event(topic: str, number: int = 0) -> Event:
    """An event with a number."""
    return Event(topic, "presence", "cust_a", {"number": number})


async def take(subscription: Subscription, count: int) -> list[int]:
    """The numbers of the next events."""
    numbers: list[int] = []
    async with asyncio.timeout(60):
        async for one in subscription:
            numbers.append(one.body["number"])
            if len(numbers) == count:
                break
    return numbers


async def test_listeners_get_their_topics(bus: Bus) -> None:
    """Each listener of a topic gets each event of it, in order, and no other."""
    async with bus.subscribe("case:1", "fleet") as first, bus.subscribe("fleet") as second:
        for number, topic in enumerate(["case:1", "case:2", "fleet"]):
            bus.publish(event(topic, number))
        assert await take(first, 2) == [0, 2]
        assert await take(second, 1) == [2]


async def test_a_slow_listener_loses_its_oldest(bus: Bus) -> None:
    """Nobody waits for it, and what it gets is the newest."""
    async with bus.subscribe("fleet") as slow:
        for number in range(10):
            bus.publish(event("fleet", number))
        assert await take(slow, 3) == [7, 8, 9]


async def test_a_listener_that_waits_is_woken(bus: Bus) -> None:
    """News reach who is waiting already."""
    async with bus.subscribe("fleet") as listener:
        waiting = asyncio.create_task(take(listener, 1))
        await asyncio.sleep(0)
        bus.publish(event("fleet", 5))
        assert await waiting == [5]


async def test_who_left_hears_nothing(bus: Bus) -> None:
    """After the block, and before it, nothing is kept; news to nobody are no error."""
    bus.publish(event("fleet", 1))
    async with bus.subscribe("fleet") as listener:
        bus.publish(event("fleet", 2))
    bus.publish(event("fleet", 3))
    assert await take(listener, 1) == [2]
    bus.publish(event("nobody", 4))
