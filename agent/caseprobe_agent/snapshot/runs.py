"""One child at work, as its parent sees it: what it has sent, which probe it is at, and when that takes too long."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from caseprobe.errors import MeasurementError
from caseprobe.v1 import section_pb2
from caseprobe_agent import worker
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Probe, RawArtifact
from caseprobe_agent.snapshot.child import ARTIFACT, BEGIN, PLACE, SECTION, measure_all

# asyncio is imported by the functions that the parent runs: a child loads this package too, and starts 50 ms sooner.
# How long a child may take to start, or to rest between its samples, before it counts as hung.
STILL_SECONDS = 10.0
# How long the idle child may take in all: what it has not done then is done in the usual class.
IDLE_SECONDS = 2.0


@dataclass
class Progress:
    """What is known so far: sections by probe. before: where logs were left, by probe; None: they are read whole.

    told: hears of every section as it comes, gathered: of every artifact.
    """

    probes: Sequence[Probe]
    end: float
    patience_seconds: float
    sentinel: str = ""
    before: Mapping[str, str] | None = None
    sections: dict[str, section_pb2.Section] = field(default_factory=dict)
    # By name: what a second child measures anew takes the place of what the first one had sent of it.
    artifacts: dict[str, RawArtifact] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    told: Callable[[section_pb2.Section], None] = lambda _section: None
    gathered: Callable[[RawArtifact], None] = lambda _artifact: None

    def keep(self, section: section_pb2.Section) -> None:
        """A probe has ended."""
        self.sections[section.probe] = section
        self.told(section)

    def add(self, artifact: RawArtifact) -> None:
        """An artifact has come."""
        self.artifacts[artifact.name] = artifact
        self.gathered(artifact)

    def left(self) -> list[Probe]:
        """Probes without a section, in their order."""
        return [probe for probe in self.probes if probe.name not in self.sections]

    def conclude(self, probe: Probe, outcome: section_pb2.ProbeOutcome.ValueType, reason: str) -> None:
        """A probe ends without facts."""
        self.keep(section_pb2.Section(probe=probe.name, outcome=outcome, reason=reason))


@dataclass(eq=False)
class Run:
    """A child that measures these probes in their order, idle: only in time that nobody else wants.

    released: it takes long, so that it stays with its one probe, and others take the rest. An idle one that takes long
    is given up instead, and others take all that it has not done: it may simply get no time.
    """

    progress: Progress
    probes: Sequence[Probe]
    idle: bool = False
    current: Probe | None = None
    limit: float = 0.0
    patient_until: float = 0.0
    idle_until: float = math.inf
    released: bool = False
    concluded: int = 0
    _over: bool = False

    async def play(self, machine: Machine, child: worker.Child | None) -> None:
        """Take in what the child sends until it is done, hangs, dies, has been released, or the deadline comes."""
        import asyncio

        now = asyncio.get_running_loop().time()
        self.idle_until = now + IDLE_SECONDS if self.idle else math.inf
        self.begin(None)
        seconds_left = self.progress.end - now
        # The child's own limit is a second net; the deadline is kept here.
        try:
            child = child or worker.Child(worker.reference(measure_all), self.idle)
            frames = child.answers(self._request(machine), max(0.0, seconds_left) + 1.0, worker.Limits())
            async with contextlib.aclosing(frames):
                while not self._over:
                    async with asyncio.timeout_at(min(self.progress.end, self.limit)):
                        frame = await anext(frames)
                    self.note(frame)
        except StopAsyncIteration:
            self._died("its child ended without it", stuck=True)
        except TimeoutError:
            self._hung()
        except MeasurementError as error:
            self._died(str(error), stuck=not self.concluded)

    def begin(self, probe: Probe | None) -> None:
        """The child begins with a probe, or rests; either has its time."""
        import asyncio

        self.current = probe
        now = asyncio.get_running_loop().time()
        self.limit = now + (probe.timeout_seconds if probe else STILL_SECONDS)
        self.patient_until = min(now + self.progress.patience_seconds, self.idle_until)

    def note(self, frame: bytes) -> None:
        """Take in one frame."""
        kind = frame[:1]
        if kind == ARTIFACT:
            # Copied once: it may be the largest thing of the whole run.
            end = frame.index(b"\n")
            name, source, truncated = json.loads(frame[1:end])
            self.progress.add(RawArtifact(name, source, frame[end + 1 :], truncated))
        elif kind == PLACE:
            name, place = json.loads(frame[1:])
            self.progress.places[name] = place
        elif kind == SECTION:
            self.progress.keep(section_pb2.Section.FromString(frame[1:]))
            self.concluded += 1
            self._go_on(None)
        else:
            name = frame[1:].decode() if kind == BEGIN else ""
            self._go_on(next((probe for probe in self.probes if probe.name == name), None))

    def left(self) -> list[Probe]:
        """Its probes without a section."""
        return [probe for probe in self.probes if probe.name not in self.progress.sections]

    @property
    def apart(self) -> bool:
        """Whether nothing waits behind its one probe."""
        return self.released or len(self.probes) == 1

    def release(self) -> None:
        """It goes on with its present probe alone, so that another child can take the rest."""
        if self.current is not None and len(self.left()) > 1:
            self.released, self.probes = True, [self.current]

    def _go_on(self, probe: Probe | None) -> None:
        """The child turns to another probe, or rests; one that was released has then done what it stayed for."""
        self._over = self.released
        self.begin(probe)

    def _hung(self) -> None:
        """Nothing came in time: the running probe ends as TIMEOUT, or all that are left where none runs."""
        import asyncio

        late = asyncio.get_running_loop().time() >= self.progress.end
        if self.current is not None:
            seconds = self.current.timeout_seconds
            reason = "still ran at the deadline" if late else f"did not answer within {seconds:g} s"
            outcome = section_pb2.PROBE_OUTCOME_TIMEOUT
            self.progress.conclude(self.current, outcome, f"it {reason} and was killed")
        elif not late:
            self._died(f"its child did not begin within {STILL_SECONDS:g} s", stuck=True)

    def _died(self, reason: str, stuck: bool) -> None:
        """The child ended: the running probe is to blame; where none ran and nothing moves, all that are left fail."""
        blamed = [self.current] if self.current is not None else self.left() if stuck else []
        for probe in blamed:
            self.progress.conclude(probe, section_pb2.PROBE_OUTCOME_FAILED, reason)

    def _request(self, machine: Machine) -> bytes:
        before = self.progress.before
        rows = [
            [
                probe.name,
                probe.measure,
                probe.sample,
                probe.argument,
                None if before is None or not probe.resumes else before.get(probe.name, ""),
            ]
            for probe in self.probes
        ]
        asked = {
            "root": str(machine.root),
            "reader_socket": machine.reader_socket,
            "probes": rows,
            "sentinel": self.progress.sentinel,
            "hurried": not self.idle,
        }
        return json.dumps(asked).encode()
