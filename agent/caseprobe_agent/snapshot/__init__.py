"""Runs probes in worker children and makes a snapshot of what they measured; never fails for a probe.

One child measures them all. Where it stays long at one probe, it keeps that one and the next child goes on with the
others, so that what hangs costs nothing but itself: it is killed at its own limit, or at the deadline. The first one
takes only time that nobody else wants; where it stays long at one probe it is given up, and two take its place, one for
that probe alone.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from caseprobe.errors import MeasurementError
from caseprobe.v1 import section_pb2, snapshot_pb2
from caseprobe_agent import worker
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Probe, RawArtifact, timestamp
from caseprobe_agent.snapshot.child import SENTINEL_SOURCE
from caseprobe_agent.snapshot.runs import Progress, Run

if TYPE_CHECKING:
    import asyncio

__all__ = ["SENTINEL_SOURCE", "Taken", "new_sentinel", "take_snapshot"]

SENTINEL_BYTES = 12
# So long a child may stay at one probe before others take the rest, and at most this share of all the time.
PATIENCE_SECONDS, PATIENCE_SHARE = 1.0, 0.1
# So many children may be at work at once.
CHILDREN_AT_MOST = 6


@dataclass(frozen=True)
class Taken:
    """A snapshot with its raw artifacts: nothing in it is redacted yet, so it must not reach disk or wire."""

    snapshot: snapshot_pb2.Snapshot
    artifacts: tuple[RawArtifact, ...]
    # By probe, where its log was left.
    places: Mapping[str, str] = field(default_factory=dict)


async def take_snapshot(
    probes: Sequence[Probe],
    machine: Machine,
    deadline_seconds: float,
    profile: str,
    child: worker.Child | None = None,
    sentinel: str = "",
    places: Mapping[str, str] | None = None,
    patience_seconds: float | None = None,
    told: Callable[[section_pb2.Section], None] = lambda _section: None,
    gathered: Callable[[RawArtifact], None] = lambda _artifact: None,
) -> Taken:
    """Everything that the probes can tell within the deadline, in their order.

    A probe that hangs is killed with its child at its timeout and is TIMEOUT; at the deadline what has not begun is
    SKIPPED. child: one that was started early for measure_all, or that is kept for Looks. sentinel: planted in every
    section and artifact, for what is going to be sealed. places: where the logs were left, by probe, to go on from
    there; None to read them whole. patience_seconds: so long a child may stay at one probe before another one takes
    the rest; None: as the deadline allows. told: hears of every section as it comes, gathered: of every artifact.
    Sections are raw; ids, sequence and consent are for the caller to set.
    """
    import asyncio

    loop = asyncio.get_running_loop()
    snapshot = _header(machine, profile)
    started = loop.time()
    end = started + deadline_seconds
    patience = (
        min(PATIENCE_SECONDS, deadline_seconds * PATIENCE_SHARE) if patience_seconds is None else patience_seconds
    )
    progress = Progress(probes, end, patience, sentinel, places, told=told, gathered=gathered)
    await _measure(progress, machine, child)
    for probe in progress.left():
        progress.conclude(probe, section_pb2.PROBE_OUTCOME_SKIPPED, "the deadline came before its turn")
    snapshot.sections.extend(progress.sections[probe.name] for probe in probes)
    snapshot.duration_seconds = loop.time() - started
    return Taken(snapshot, tuple(progress.artifacts.values()), progress.places)


def new_sentinel() -> str:
    """A value that nothing on any machine holds, drawn for one run."""
    return os.urandom(SENTINEL_BYTES).hex()


def _header(machine: Machine, profile: str) -> snapshot_pb2.Snapshot:
    snapshot = snapshot_pb2.Snapshot(profile=profile, boottime_seconds=machine.boottime_seconds())
    snapshot.started_at.CopyFrom(timestamp(machine.wall_seconds()))
    with contextlib.suppress(MeasurementError):
        snapshot.boot_id = machine.read_text("/proc/sys/kernel/random/boot_id", 64).strip()
    return snapshot


async def _measure(progress: Progress, machine: Machine, child: worker.Child | None) -> None:
    """Children until nothing is left or the deadline comes; the first one is idle, unless it was started otherwise."""
    import asyncio

    loop = asyncio.get_running_loop()
    runs: dict[asyncio.Task[None], Run] = {}
    idle, suspects = child is None or child.idle, list[Probe | None]()
    try:
        while True:
            if len(runs) < CHILDREN_AT_MOST and loop.time() < progress.end:
                for share in _shares(_free(progress, runs.values()), suspects):
                    run = Run(progress, share, idle)
                    runs[asyncio.create_task(run.play(machine, child))] = run
                    child, idle = None, False
            if not runs:
                return
            done, _ = await asyncio.wait(runs, timeout=_patience(runs.values()), return_when=asyncio.FIRST_COMPLETED)
            given_up = _slow(runs)
            suspects += [runs[task].current for task in given_up]
            await _end(runs, [*done, *given_up])
    finally:
        await _end(runs, list(runs))


def _free(progress: Progress, runs: Iterable[Run]) -> list[Probe]:
    """What no child has: nothing as long as one of them still goes from probe to probe."""
    if not all(run.apart for run in runs):
        return []
    held = {probe.name for run in runs for probe in run.probes}
    return [probe for probe in progress.left() if probe.name not in held]


def _shares(free: Sequence[Probe], suspects: Collection[Probe | None]) -> list[list[Probe]]:
    """What is free as the next children take it: the one at which a child was given up stays apart from the others."""
    shares = ([probe for probe in free if (probe in suspects) is apart] for apart in (False, True))
    return [share for share in shares if share]


def _patience(runs: Iterable[Run]) -> float | None:
    """Seconds until a child has stayed too long at one probe; None where none of them can."""
    import asyncio

    now = asyncio.get_running_loop().time()
    waits = [run.patient_until - now for run in runs if run.idle or (not run.released and len(run.left()) > 1)]
    return max(0.0, min(waits)) if waits else None


def _slow(runs: Mapping[asyncio.Task[None], Run]) -> list[asyncio.Task[None]]:
    """Releases every child that stays long at one probe; gives those that are idle, to be given up."""
    import asyncio

    now = asyncio.get_running_loop().time()
    late = {task: run for task, run in runs.items() if now >= run.patient_until}
    for run in late.values():
        if not run.idle:
            run.release()
    return [task for task, run in late.items() if run.idle]


async def _end(runs: dict[asyncio.Task[None], Run], tasks: Iterable[asyncio.Task[None]]) -> None:
    """Take these off the list; their children are gone then. Raises what one of them raised."""
    import asyncio

    ended = [task for task in tasks if runs.pop(task, None)]
    for task in ended:
        task.cancel()
    for result in await asyncio.gather(*ended, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
