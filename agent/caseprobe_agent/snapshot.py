"""Runs probes in one worker child and makes a snapshot of what they measured; never fails for a probe.

Parent and child speak in frames: "B" + name when a probe begins, "W" while none runs, "S" + Section when it is done,
"A" + artifact, "P" + where a log was left. The parent knows from them which probe hangs, kills the child and goes on
with a new one.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from caseprobe.errors import MeasurementError
from caseprobe.sentinel import planted_text, sentinel_line
from caseprobe.v1 import section_pb2, snapshot_pb2
from caseprobe_agent import worker
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Probe, RawArtifact, needs_of, outcome_of, timestamp

# asyncio is imported by the functions that the parent runs: a child loads this module too, and starts 50 ms sooner.
SAMPLE_SECONDS = 0.25
# How long a child may take to start, or to rest between its samples, before it counts as hung.
IDLE_SECONDS = 10.0
BEGIN, WAIT, SECTION, ARTIFACT, PLACE = b"B", b"W", b"S", b"A", b"P"
# Under this name every section holds the run's sentinel until the pipe has proved itself on it.
SENTINEL_SOURCE = "caseprobe sentinel"
SENTINEL_BYTES = 12

Measure = Callable[[Machine, object | None], Measured]
Sample = Callable[[Machine], object]


@dataclass(frozen=True)
class Taken:
    """A snapshot with its raw artifacts: nothing in it is redacted yet, so it must not reach disk or wire."""

    snapshot: snapshot_pb2.Snapshot
    artifacts: tuple[RawArtifact, ...]
    # By probe, where its log was left.
    places: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Progress:
    """What is known so far of a run: sections by probe, and which probe the child is at."""

    probes: Sequence[Probe]
    end: float
    sentinel: str = ""
    # By probe, where its log was left before; None: logs are read whole.
    before: Mapping[str, str] | None = None
    sections: dict[str, section_pb2.Section] = field(default_factory=dict)
    artifacts: list[RawArtifact] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    current: Probe | None = None
    limit: float = 0.0

    def begin(self, probe: Probe | None) -> None:
        """The child begins with a probe, or rests; either has its time."""
        import asyncio

        self.current = probe
        self.limit = asyncio.get_running_loop().time() + (probe.timeout_seconds if probe else IDLE_SECONDS)

    def left(self) -> list[Probe]:
        """Probes without a section, in their order."""
        return [probe for probe in self.probes if probe.name not in self.sections]

    def conclude(self, probe: Probe, outcome: section_pb2.ProbeOutcome.ValueType, reason: str) -> None:
        """A probe ends without facts."""
        self.sections[probe.name] = section_pb2.Section(probe=probe.name, outcome=outcome, reason=reason)

    def note(self, frame: bytes) -> None:
        """Take in what the child sent."""
        kind, body = frame[:1], frame[1:]
        if kind == SECTION:
            section = section_pb2.Section.FromString(body)
            self.sections[section.probe] = section
        elif kind == ARTIFACT:
            header, _, data = body.partition(b"\n")
            name, source, truncated = json.loads(header)
            self.artifacts.append(RawArtifact(name, source, data, truncated))
            return
        elif kind == PLACE:
            name, place = json.loads(body)
            self.places[name] = place
            return
        self.begin(next((p for p in self.probes if p.name == body.decode()), None) if kind == BEGIN else None)

    def hung(self) -> None:
        """Nothing came in time: the running probe ends as TIMEOUT, or all that are left where none runs."""
        import asyncio

        late = asyncio.get_running_loop().time() >= self.end
        if self.current is not None:
            seconds = self.current.timeout_seconds
            reason = "still ran at the deadline" if late else f"did not answer within {seconds:g} s"
            self.conclude(self.current, section_pb2.PROBE_OUTCOME_TIMEOUT, f"it {reason} and was killed")
        elif not late:
            self.died(f"its child did not begin within {IDLE_SECONDS:g} s", stuck=True)

    def died(self, reason: str, stuck: bool) -> None:
        """The child ended: the running probe is to blame; where none ran and nothing moves, all that are left fail."""
        blamed = [self.current] if self.current is not None else self.left() if stuck else []
        for probe in blamed:
            self.conclude(probe, section_pb2.PROBE_OUTCOME_FAILED, reason)


async def take_snapshot(
    probes: Sequence[Probe],
    machine: Machine,
    deadline_seconds: float,
    profile: str,
    child: worker.Child | None = None,
    sentinel: str = "",
    places: Mapping[str, str] | None = None,
) -> Taken:
    """Everything that the probes can tell within the deadline, in their order.

    A probe that hangs is killed with its child at its timeout and is TIMEOUT; at the deadline what has not begun is
    SKIPPED. child: one that was started early for measure_all. sentinel: planted in every section and artifact, for
    what is going to be sealed. places: where the logs were left, by probe, to go on from there; None to read them
    whole. Sections are raw; ids, sequence and consent are for the caller to set.
    """
    import asyncio

    loop = asyncio.get_running_loop()
    snapshot = _header(machine, profile)
    started = loop.time()
    progress = _Progress(probes, started + deadline_seconds, sentinel, places)
    while progress.left() and loop.time() < progress.end:
        await _one_child(progress, machine, child)
        child = None
    for probe in progress.left():
        reason = f"the deadline of {deadline_seconds:g} s came before its turn"
        progress.conclude(probe, section_pb2.PROBE_OUTCOME_SKIPPED, reason)
    snapshot.sections.extend(progress.sections[probe.name] for probe in probes)
    snapshot.duration_seconds = loop.time() - started
    return Taken(snapshot, tuple(progress.artifacts), progress.places)


def new_sentinel() -> str:
    """A value that nothing on any machine holds, drawn for one run."""
    return os.urandom(SENTINEL_BYTES).hex()


def _header(machine: Machine, profile: str) -> snapshot_pb2.Snapshot:
    snapshot = snapshot_pb2.Snapshot(profile=profile, boottime_seconds=machine.boottime_seconds())
    snapshot.started_at.CopyFrom(timestamp(machine.wall_seconds()))
    with contextlib.suppress(MeasurementError):
        snapshot.boot_id = machine.read_text("/proc/sys/kernel/random/boot_id", 64).strip()
    return snapshot


async def _one_child(progress: _Progress, machine: Machine, child: worker.Child | None) -> None:
    """Measure what is left in one child, until it is done, hangs, dies or the deadline comes."""
    import asyncio

    begun = len(progress.sections)
    progress.begin(None)
    seconds_left = progress.end - asyncio.get_running_loop().time()
    # The child's own limit is a second net; the deadline is kept here.
    request = _request(progress, machine.root)
    frames = worker.run(measure_all, request, max(0.0, seconds_left) + 1.0, child=child)
    try:
        async with contextlib.aclosing(frames):
            while True:
                async with asyncio.timeout_at(min(progress.end, progress.limit)):
                    progress.note(await anext(frames))
    except StopAsyncIteration:
        progress.died("its child ended without it", stuck=True)
    except TimeoutError:
        progress.hung()
    except MeasurementError as error:
        progress.died(str(error), stuck=len(progress.sections) == begun)


def _request(progress: _Progress, root: Path) -> bytes:
    rows = [
        [
            probe.name,
            worker.reference(probe.measure),
            worker.reference(probe.sample) if probe.sample else "",
            None if progress.before is None or not probe.resumes else progress.before.get(probe.name, ""),
        ]
        for probe in progress.left()
    ]
    return json.dumps({"root": str(root), "probes": rows, "sentinel": progress.sentinel}).encode()


def measure_all(request: bytes) -> Iterator[bytes]:
    """In the child: every sample first, then what needs none, then, when their time has passed, what was sampled."""
    asked = json.loads(request)
    machine = Machine(Path(asked["root"]))
    rows = [
        (name, _measure_function(measure), _sample_function(sample), place)
        for name, measure, sample, place in asked["probes"]
    ]
    samples: dict[str, object | None] = {}
    for name, _, sample, _ in rows:
        if sample is not None:
            yield BEGIN + name.encode()
            samples[name] = _sampled(sample, machine)
    sampled_at = time.monotonic()
    for name, measure, sample, place in rows:
        if sample is None:
            yield from _one(name, measure, machine, place, asked["sentinel"])
    yield WAIT
    if samples:
        # A wait by duration: one until a moment ends at once where somebody moves this process's clocks.
        select.select((), (), (), max(0.0, SAMPLE_SECONDS - (time.monotonic() - sampled_at)))
    for name, measure, sample, _ in rows:
        if sample is not None:
            yield from _one(name, measure, machine, samples[name], asked["sentinel"])


def _measure_function(name: str) -> Measure:
    return cast(Measure, worker.resolve(name))


def _sample_function(name: str) -> Sample | None:
    return cast(Sample, worker.resolve(name)) if name else None


def _sampled(sample: Sample, machine: Machine) -> object | None:
    """None where no sample can be had; measuring then tells why."""
    try:
        return sample(machine)
    except Exception:
        return None


def _one(name: str, measure: Measure, machine: Machine, earlier: object | None, sentinel: str) -> Iterator[bytes]:
    """Frames of one probe: it begins, its artifacts, its section, where it left its log."""
    yield BEGIN + name.encode()
    started = time.monotonic()
    section = section_pb2.Section(probe=name, outcome=section_pb2.PROBE_OUTCOME_OK)
    place = ""
    try:
        measured = measure(machine, earlier)
        yield from _fill(section, measured, sentinel)
        place = measured.place
    except Exception as error:
        section.Clear()
        section.probe, section.outcome, section.needs = name, outcome_of(error), needs_of(error)
        section.reason = _first_line(error)
    if sentinel:
        section.lines.add(source=SENTINEL_SOURCE, text=sentinel_line(sentinel))
    section.duration_seconds = time.monotonic() - started
    yield SECTION + section.SerializeToString()
    if place:
        yield PLACE + json.dumps([name, place]).encode()


def _fill(section: section_pb2.Section, measured: Measured, sentinel: str) -> Iterator[bytes]:
    """Put the result into its section; yields the artifacts."""
    getattr(section, section.probe).CopyFrom(measured.facts)
    section.lines.extend(measured.lines)
    section.shortfalls.extend(measured.shortfalls)
    for artifact in measured.artifacts:
        header = json.dumps([artifact.name, artifact.source, artifact.truncated]).encode()
        data = planted_text(artifact.data, sentinel) if sentinel else artifact.data
        yield ARTIFACT + header + b"\n" + data


def _first_line(error: Exception) -> str:
    """What a person reads: our own errors and what a parser says speak for themselves, a foreign one is named."""
    text = (str(error).splitlines() or [""])[0]
    return text if isinstance(error, MeasurementError | ValueError) else f"{type(error).__name__}: {text}"
