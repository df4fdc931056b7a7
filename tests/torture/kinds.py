"""All faults, with what is asked of each and what each needs."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.torture import agents, calls, clocks, cuts, flips, kills, needs, partitions, sleepers, space
from tests.torture.ground import Ground
from tests.torture.oracle import Outcome

# Given the ground, a seeded source, when to end (monotonic) and how many runs at most.
Run = Callable[[Ground, Random, float, int], Coroutine[Any, Any, Outcome]]


@dataclass(frozen=True)
class Kind:
    """One fault. asked: runs in all; batch: of one slice; sample: of `make test`; guards: numbers of invariants."""

    name: str
    words: str
    run: Run
    guards: tuple[int, ...]
    asked: int
    batch: int
    sample: int
    need: needs.Need = needs.nothing
    # The longest slice; a sweep is worth little where it is not whole.
    seconds: float = 75.0


ALL = (
    Kind("kill", "SIGKILL of the collector under load", kills.kill_collector, (1, 2), 700, 80, 1),
    Kind("cut", "power cut of the collector", cuts.cut_collector, (1, 4), 200, 36, 1, needs.loop_images),
    Kind(
        "call-kill",
        "SIGKILL at the k-th call of one ingest, every k",
        calls.kill_at_calls,
        (1, 2),
        600,
        1000,
        2,
        needs.tracing,
        600.0,
    ),
    Kind(
        "call-eio",
        "EIO at the k-th call of one ingest, every k, then a power cut",
        calls.fail_at_calls,
        (1, 4),
        200,
        1000,
        2,
        lambda: needs.tracing() or needs.loop_images(),
        600.0,
    ),
    Kind("agent-kill", "SIGKILL of the agent under load, or of both sides", agents.kill_agent, (1, 2, 3), 300, 60, 2),
    Kind("agent-cut", "power cut of the agent", agents.cut_agent, (3,), 100, 25, 1, needs.loop_images),
    Kind(
        "agent-call",
        "SIGKILL or EIO at the k-th call of one append, every k",
        agents.agent_calls,
        (3, 4),
        100,
        1000,
        2,
        needs.tracing,
        600.0,
    ),
    Kind("full", "the collector's disk full", space.full_collector, (1, 2), 60, 6, 1, needs.mounts),
    Kind("limit", "no file of the collector may grow (EFBIG)", space.limited_collector, (1, 2), 40, 6, 0, needs.root),
    Kind("agent-full", "the agent's disk full", space.full_agent, (3,), 40, 10, 1, needs.mounts),
    Kind("agent-tiny", "a disk of 3 MiB, filled by the agent itself", space.tiny_agent, (3,), 30, 10, 0, needs.mounts),
    Kind("agent-limit", "no file of the agent may grow (EFBIG)", space.limited_agent, (3,), 40, 10, 1, needs.mounts),
    Kind(
        "partition",
        "packets vanish both ways, one way, or the carrier does; 50 machines each",
        partitions.silent_partitions,
        (2,),
        500,
        250,
        0,
        needs.networks,
        400.0,
    ),
    Kind(
        "reset",
        "connections reset, or 30 % of the packets lost; 50 machines each",
        partitions.loud_partitions,
        (2,),
        500,
        250,
        2,
        needs.networks,
        200.0,
    ),
    Kind("flip-spool", "a byte of a spool flipped or its end cut", flips.flip_spool, (5,), 5000, 2500, 40),
    Kind("flip-store", "the same in database, log and objects", flips.flip_store, (5,), 5000, 2500, 6),
    Kind("flip-start", "the same, a real collector started on it", flips.flip_and_start, (5,), 100, 50, 1),
    Kind("flip-deliver", "a spool's byte, a real agent started on it", flips.flip_and_deliver, (3, 5), 100, 50, 1),
    Kind(
        "stopped",
        "the agent, the collector or both stand still (SIGSTOP) for 40 s",
        sleepers.stop_and_go,
        (),
        30,
        6,
        0,
        seconds=400.0,
    ),
    Kind(
        "clock-agent",
        "the agent's wall clock jumps (−1 h, +1 h, +400 d, 1970) under timetables",
        clocks.jump_agent,
        (5,),
        150,
        40,
        0,
        needs.false_clocks,
        180.0,
    ),
    Kind(
        "clock-collector",
        "the collector's wall clock jumps under load",
        clocks.jump_collector,
        (1, 2),
        50,
        20,
        1,
        needs.false_clocks,
    ),
)
