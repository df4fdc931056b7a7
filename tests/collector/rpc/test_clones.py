"""Two machines with one key are told apart from one that starts anew, and neither is served."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from caseprobe_collector.rpc.clones import Clones
from tests.desk import Rig


@dataclass
class Clock:
    """Seconds that a test moves on."""

    seconds: float = 0.0

    def __call__(self) -> float:
        """Now."""
        return self.seconds


def admitted(clones: Clones, asks: Iterable[tuple[str, int]]) -> list[bool]:
    """What a key's processes are told, one after the other."""
    return [clones.admit("agent_x", instance, number) for instance, number in asks]


@given(st.lists(st.integers(1, 5), max_size=30))
def test_one_machine_that_starts_and_reconnects_is_always_served(streams: list[int]) -> None:
    """Any number of starts, each with any number of streams, at any time."""
    asks = [(f"start {start}", number) for start, count in enumerate(streams) for number in range(1, count + 1)]
    assert all(admitted(Clones(Clock()), asks))


@given(st.lists(st.sampled_from("ab"), min_size=60, max_size=60).filter(lambda turns: len(set(turns)) == 2))
def test_two_machines_that_take_turns_are_both_turned_away(turns: list[str]) -> None:
    """From the second time on that one comes back after the other."""
    numbers = {"a": 0, "b": 0}
    asks: list[str] = []
    answers: list[tuple[int, bool]] = []
    changes = 0
    clones = Clones(Clock())
    for turn in turns:
        numbers[turn] += 1
        changes += bool(asks) and asks[-1] != turn
        asks.append(turn)
        answers.append((changes, clones.admit("agent_x", turn, numbers[turn])))
    # The first change of hands may be a new start; each return after it is a sign, and two are enough.
    assert all(served == (changes < 3) for changes, served in answers)


def test_a_copied_memory_counts_its_streams_alike() -> None:
    """The same process twice, as after restoring a virtual machine: its numbers do not rise."""
    clones = Clones(Clock())
    assert admitted(clones, [("a", 7), ("a", 8), ("a", 8), ("a", 9), ("a", 9), ("a", 10)]) == [True] * 4 + [False] * 2
    assert clones.quarantined("agent_x") and not clones.quarantined("agent_y")


def test_who_is_left_alone_is_served_again() -> None:
    """After a quarter of an hour in which only one of them asked."""
    clock = Clock()
    clones = Clones(clock)
    admitted(clones, [("a", 1), ("b", 1), ("a", 2), ("b", 2)])
    answers = []
    for minute in range(1, 18):
        clock.seconds = 60.0 * minute
        answers.append(clones.admit("agent_x", "a", 2 + minute))
    assert answers == [False] * 15 + [True] * 2


def test_an_accident_is_none_after_a_while() -> None:
    """One frame that was long on its way is forgotten."""
    clock = Clock()
    clones = Clones(clock)
    assert all(admitted(clones, [("a", 1), ("b", 1), ("a", 2)]))
    clock.seconds = 3600.0
    assert all(admitted(clones, [("b", 2)]))


def test_an_agent_that_tells_nothing_is_served_as_before() -> None:
    """Version 0.1.0 names no process."""
    assert all(admitted(Clones(Clock()), [("", 0)] * 5))


async def test_both_ends_are_told_why(rig: Rig) -> None:
    """The machines by a refusal with a delay, the staff by presence and audit, once."""
    machine = await rig.enrol()
    for number in (1, 2):
        for name in ("original", "copy"):
            async with rig.stream(machine, instance_id=name, stream_number=number) as stream:
                if (name, number) == ("copy", 2):
                    refusal = await stream.next("refusal")
                else:
                    await stream.next("welcome")
    async with rig.stream(machine, instance_id="original", stream_number=3) as stream:
        assert (await stream.next("refusal")).code == "cloned"
    assert (refusal.code, refusal.retry_after_seconds) == ("cloned", 60.0)
    assert "enroll it anew" in refusal.message
    assert rig.links.of(machine.agent_id) == "cloned" and rig.links.why(machine.agent_id) == refusal.message
    rows = await rig.storage.audit.list_audit()
    assert [row.action for row in rows].count("agent.cloned") == 1
