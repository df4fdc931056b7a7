"""What runs in the child: samples first, then every probe in its turn, each answer a frame.

"B" + name when a probe begins, "W" while none runs, "A" + artifact, "P" + where a log was left, "S" + Section when a
probe is done.
"""

from __future__ import annotations

import json
import select
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

from caseprobe.errors import MeasurementError
from caseprobe.sentinel import planted_text, sentinel_line
from caseprobe.v1 import section_pb2
from caseprobe_agent import worker
from caseprobe_agent.machine import Machine
from caseprobe_agent.machine.with_reader import machine_of
from caseprobe_agent.probes.probe import Measured, needs_of, outcome_of

SAMPLE_SECONDS = 0.25
BEGIN, WAIT, SECTION, ARTIFACT, PLACE = b"B", b"W", b"S", b"A", b"P"
# Under this name every section holds the run's sentinel until the pipe has proved itself on it.
SENTINEL_SOURCE = "caseprobe sentinel"

Measure = Callable[[Machine, object | None], Measured]
Sample = Callable[[Machine], object]


def measure_all(request: bytes) -> Iterator[bytes]:
    """In the child: every sample first, then what needs none, and as soon as their time has passed, what was sampled.

    The modules of the probes are loaded one by one: those of the samples first, the others while these come of age.
    hurried: something hangs on this machine, so that what was sampled is waited for and told before anything else.
    """
    yield from _measured(request, {})


class Looks:
    """In a child that is asked again and again: measure_all, against the samples of the look before.

    Rates are then over all the time between two looks, and nothing is waited for but the first time.
    """

    def __init__(self) -> None:
        self._samples: dict[str, object | None] = {}

    def __call__(self, request: bytes) -> Iterator[bytes]:
        """The frames of one look."""
        before, self._samples = self._samples, {}
        return _measured(request, before, self._samples)


def _measured(
    request: bytes, before: Mapping[str, object | None], kept: dict[str, object | None] | None = None
) -> Iterator[bytes]:
    """Frames of all probes. before: samples by probe, of an earlier time; kept: gets those of now, for a later one."""
    asked = json.loads(request)
    machine, sentinel = machine_of(Path(asked["root"]), asked["reader_socket"]), asked["sentinel"]
    rows = [_Row(*row) for row in asked["probes"]]
    samples: list[tuple[_Row, object | None]] = []
    for row in rows:
        if row.sample:
            yield BEGIN + row.name.encode()
            now = _sampled(row, machine) if kept is not None or row.name not in before else None
            samples.append((row, before.get(row.name, now)))
            if kept is not None:
                kept[row.name] = now
    due = time.monotonic() + (0.0 if before else SAMPLE_SECONDS)
    # Ended by whoever comes to it first, and empty for the next.
    aged = _aged(samples, due, machine, sentinel)
    for row in rows:
        if not row.sample:
            if asked["hurried"] or time.monotonic() >= due:
                yield from aged
            yield from _one(row, machine, row.place, sentinel)
    yield from aged


@dataclass(frozen=True)
class _Row:
    """A probe as the parent asks for it; place: where its log was left."""

    name: str
    measure: str
    sample: str
    argument: str
    place: str | None


def measure_function(name: str, argument: str = "") -> Measure:
    """The function that a probe measures by."""
    return cast(Measure, _function(name, argument))


def sample_function(name: str, argument: str = "") -> Sample:
    """The function that takes a probe's sample."""
    return cast(Sample, _function(name, argument))


def _function(name: str, argument: str) -> Callable[..., object]:
    """A probe's function, with the argument that goes with it."""
    function = worker.resolve(name)
    return partial(function, argument=argument) if argument else function


def _sampled(row: _Row, machine: Machine) -> object | None:
    """None where no sample can be had; measuring then tells why."""
    try:
        return sample_function(row.sample, row.argument)(machine)
    except Exception:
        return None


def _aged(
    samples: Sequence[tuple[_Row, object | None]], due: float, machine: Machine, sentinel: str
) -> Iterator[bytes]:
    """Frames of all that was sampled, once its time has passed."""
    yield WAIT
    if samples:
        # A wait by duration: one until a moment ends at once where somebody moves this process's clocks.
        select.select((), (), (), max(0.0, due - time.monotonic()))
    for row, sample in samples:
        yield from _one(row, machine, sample, sentinel)


def _one(row: _Row, machine: Machine, earlier: object | None, sentinel: str) -> Iterator[bytes]:
    """Frames of one probe: it begins, its artifacts, where it left its log, and last its section."""
    name = row.name
    yield BEGIN + name.encode()
    started = time.monotonic()
    section = section_pb2.Section(probe=name, outcome=section_pb2.PROBE_OUTCOME_OK)
    place = ""
    try:
        measured = measure_function(row.measure, row.argument)(machine, earlier)
        yield from _fill(section, measured, sentinel)
        place = measured.place
    except Exception as error:
        section.Clear()
        section.probe, section.outcome, section.needs = name, outcome_of(error), needs_of(error)
        section.reason = first_line(error)
    if sentinel:
        section.lines.add(source=SENTINEL_SOURCE, text=sentinel_line(sentinel))
    section.reads_by_reader.extend(machine.taken())
    section.duration_seconds = time.monotonic() - started
    if place:
        yield PLACE + json.dumps([name, place]).encode()
    yield SECTION + section.SerializeToString()


def _fill(section: section_pb2.Section, measured: Measured, sentinel: str) -> Iterator[bytes]:
    """Put the result into its section, as the fact that the probe's name begins with; yields the artifacts."""
    getattr(section, section.probe.partition(".")[0]).CopyFrom(measured.facts)
    section.lines.extend(measured.lines)
    section.shortfalls.extend(measured.shortfalls)
    for artifact in measured.artifacts:
        header = json.dumps([artifact.name, artifact.source, artifact.truncated]).encode()
        data = planted_text(artifact.data, sentinel) if sentinel else artifact.data
        yield ARTIFACT + header + b"\n" + data


def first_line(error: Exception) -> str:
    """What a person reads: our own errors and what a parser says speak for themselves, a foreign one is named."""
    text = (str(error).splitlines() or [""])[0]
    return text if isinstance(error, MeasurementError | ValueError) else f"{type(error).__name__}: {text}"
