"""What a probe is, what it hands over, and the few ways in which every probe reads its machine."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from caseprobe.errors import MachineAbsent, MachineDenied, MachineTimeout, MeasurementError
from caseprobe.v1 import section_pb2
from caseprobe_agent.machine import Machine

Value = TypeVar("Value")
# Programs are looked for here and nowhere else, whatever PATH says.
FOLDERS = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")
# A line is quoted whole up to here; longer ones are a machine's mistake or an attack.
QUOTE_CHARACTERS = 4096
OUTPUT_BYTES = 1 << 20


@dataclass(frozen=True)
class RawArtifact:
    """Raw evidence beside a section, not redacted yet: name is its path in the bundle."""

    name: str
    source: str
    data: bytes
    truncated: bool


@dataclass(frozen=True)
class Measured:
    """One probe's facts (the message that Section names as the probe), what they were read from, what is missing."""

    facts: Message
    lines: tuple[section_pb2.SourceLine, ...] = ()
    shortfalls: tuple[section_pb2.Shortfall, ...] = ()
    artifacts: tuple[RawArtifact, ...] = ()
    # Where a log was left, for the probe's next run; it never leaves the machine.
    place: str = ""


@dataclass(frozen=True)
class Probe:
    """A name (a field of Section.facts), the function that measures, and the time that it may take.

    Of a name with a dot in it, what stands before the dot is the field. measure and sample are functions as
    worker.reference writes them, so that only the child that runs them loads them: measure takes a machine and what was
    before, gives Measured, and raises MeasurementError where nothing can be measured. sample is taken first, measure
    gets it at least 0.25 s later, so that rates are over this run; "" where there is none. resumes: instead, measure
    gets the place that its last run in a timetable handed over ("" at first; None: read everything). needs names the
    rights without which facts are missing. argument: where there is one, both functions get it too, by that name.
    """

    name: str
    measure: str
    timeout_seconds: float
    needs: tuple[str, ...] = ()
    sample: str = ""
    resumes: bool = False
    argument: str = ""


class Reads(Protocol):
    """What the small readers below need of a machine."""

    def read_text(self, path: str, limit_bytes: int = 1 << 20) -> str:
        """As Machine.read_text."""

    def list_dir(self, path: str) -> list[str]:
        """As Machine.list_dir."""


@dataclass
class Notes:
    """What a probe gathers beside its facts: lines to quote and parts that could not be read."""

    lines: list[section_pb2.SourceLine] = field(default_factory=list)
    shortfalls: list[section_pb2.Shortfall] = field(default_factory=list)

    @property
    def denied(self) -> bool:
        """Whether a right was missing somewhere: then what was not found may well be there."""
        return any(one.outcome == section_pb2.PROBE_OUTCOME_DENIED for one in self.shortfalls)

    def quote(self, source: str, text: str, beginnings: Iterable[str] = ("",)) -> None:
        """Keep the lines of a source that begin with one of these, blanks before them aside."""
        starts = tuple(beginnings)
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip() and line.lstrip().startswith(starts):
                self.keep(source, number, line)

    def keep(self, source: str, number: int, line: str) -> None:
        """Keep one line of a source; number counts from 1."""
        self.lines.append(section_pb2.SourceLine(source=source, line=number, text=line[:QUOTE_CHARACTERS]))

    def attempt(self, fact: str, read: Callable[[], Value]) -> Value | None:
        """What read gives; None and a shortfall of this fact where it cannot be read or is not of its form."""
        try:
            return read()
        except (MeasurementError, ValueError) as error:
            self.lack(fact, error)
            return None

    def parsed(self, fact: str, machine: Machine, path: str, parse: Callable[[str], Value]) -> Value | None:
        """What parse makes of a file, all lines of which are quoted; None and a shortfall as attempt gives them."""

        def read() -> Value:
            text = machine.read_text(path)
            value = parse(text)
            self.quote(path, text)
            return value

        return self.attempt(fact, read)

    def text(self, fact: str, machine: Machine, path: str) -> str | None:
        """The one value in a small file, stripped; None where there is none. A right that is missing is a shortfall."""
        try:
            return machine.read_text(path, 1 << 16).strip()
        except MachineDenied as error:
            self.lack(fact, error)
        except MeasurementError:
            pass  # drivers answer with an error where there is nothing to tell
        return None

    def number(self, fact: str, machine: Machine, path: str) -> int | None:
        """The whole number in a small file; None where there is none, and a shortfall where a right is missing."""
        text = self.text(fact, machine, path)
        return int(text) if text is not None and text.removeprefix("-").isdecimal() else None

    def names(self, fact: str, machine: Machine, path: str) -> list[str]:
        """The names in a folder; none where there is no such folder, and a shortfall where a right is missing."""
        try:
            return machine.list_dir(path)
        except MachineDenied as error:
            self.lack(fact, error)
        except MeasurementError:
            pass
        return []

    def noted(self, fact: str, machine: Machine) -> Noted:
        """The machine for reading this fact: what may not be read is a shortfall of it, however it is read."""
        return Noted(machine, self, fact)

    def lack(self, fact: str, error: Exception) -> None:
        """Note that one fact is missing, and why."""
        self.shortfalls.append(
            section_pb2.Shortfall(field=fact, outcome=outcome_of(error), reason=str(error), needs=needs_of(error))
        )

    def measured(self, facts: Message, artifacts: Iterable[RawArtifact] = ()) -> Measured:
        """The probe's result with everything noted."""
        return Measured(facts, tuple(self.lines), tuple(self.shortfalls), tuple(artifacts))


@dataclass(frozen=True)
class Noted:
    """A machine of which every right that is missing becomes a shortfall of one fact, told once."""

    machine: Machine
    notes: Notes
    fact: str

    def read_text(self, path: str, limit_bytes: int = 1 << 20) -> str:
        """As Machine.read_text."""
        with self._told():
            return self.machine.read_text(path, limit_bytes)

    def list_dir(self, path: str) -> list[str]:
        """As Machine.list_dir."""
        with self._told():
            return self.machine.list_dir(path)

    def folders_in(self, path: str) -> list[str]:
        """As Machine.folders_in."""
        with self._told():
            return self.machine.folders_in(path)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        denied = section_pb2.PROBE_OUTCOME_DENIED
        try:
            yield
        except MachineDenied as error:
            if not any((one.field, one.outcome) == (self.fact, denied) for one in self.notes.shortfalls):
                self.notes.lack(self.fact, error)
            raise


def program_of(machine: Machine, name: str) -> str | None:
    """Where a program is, looked for in the system's own folders only; None where it is missing."""
    return next((path for folder in FOLDERS if machine.exists(path := f"{folder}/{name}")), None)


def output_of(machine: Machine, command: Sequence[str], timeout_seconds: float, limit_bytes: int = OUTPUT_BYTES) -> str:
    """What a program of the system's own folders prints.

    Raises MachineDenied where the program is missing (it is what is needed) or says that a right is,
    MachineTimeout, MeasurementError where it fails.
    """
    name = command[0]
    path = program_of(machine, name)
    if path is None:
        raise MachineDenied(f"{name} is not installed", needs=name)
    done = machine.run((path, *command[1:]), timeout_seconds, limit_bytes)
    if done.truncated:
        raise MeasurementError(f"{name} printed more than it may")
    said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0][:200]
    if any(sign in said.lower() for sign in ("permission denied", "not permitted", "must be root", "need to be root")):
        raise MachineDenied(f"{name}: {said}")
    if done.exit_code:
        raise MeasurementError(f"{name} failed ({done.exit_code}): {said or 'it does not say why'}")
    return done.stdout.decode("utf-8", "replace")


def outcome_of(error: Exception) -> section_pb2.ProbeOutcome.ValueType:
    """How a probe ends that meets this error: absent, denied and failed are three things.

    >>> outcome_of(MachineAbsent("no such file")) == section_pb2.PROBE_OUTCOME_ABSENT
    True
    """
    if isinstance(error, MachineAbsent):
        return section_pb2.PROBE_OUTCOME_ABSENT
    if isinstance(error, MachineDenied):
        return section_pb2.PROBE_OUTCOME_DENIED
    if isinstance(error, MachineTimeout):
        return section_pb2.PROBE_OUTCOME_TIMEOUT
    return section_pb2.PROBE_OUTCOME_FAILED


def needs_of(error: Exception) -> str:
    """The right or the package that an error says is missing; empty where none is."""
    return error.needs if isinstance(error, MachineDenied | MachineAbsent) else ""


def timestamp(wall_seconds: float) -> Timestamp:
    """A moment as a wall clock tells it, to the microsecond."""
    at = Timestamp()
    at.FromMicroseconds(round(wall_seconds * 1e6))
    return at


def value_of(machine: Reads, path: str) -> str | None:
    """The one value in a small file, stripped; None where it cannot be read or the driver does not tell."""
    try:
        return machine.read_text(path, 1 << 16).strip()
    except MeasurementError:
        return None


def number_of(machine: Reads, path: str) -> int | None:
    """The whole number in a small file; None where there is none."""
    text = value_of(machine, path)
    return int(text) if text is not None and text.removeprefix("-").isdecimal() else None


def names_in(machine: Reads, path: str) -> list[str]:
    """The names in a folder; none where it cannot be read."""
    try:
        return machine.list_dir(path)
    except MeasurementError:
        return []
