"""The system's log, where a syslog daemon writes one as text: its newest part as an artifact, its faults as facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from caseprobe.errors import MachineAbsent, MeasurementError
from caseprobe.parse.kernel_log import Fault, Message, find_faults, newest
from caseprobe.parse.syslog import Entry, parse_syslog_line, sounds_bad
from caseprobe.v1 import section_pb2
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Notes, Probe, RawArtifact, timestamp

SOURCES = ("/var/log/syslog", "/var/log/messages")
JOURNALS = ("/var/log/journal", "/run/log/journal")
ARTIFACT = "artifacts/system.log"
LIMIT_BYTES = (2 << 20) - (768 << 10)
FAULTS_AT_MOST, FAULTS_OF_EACH = 200, 50
KERNEL = "kernel"


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """Counts and faults of the newest part of the log; raises where there is none, with what there is instead."""
    notes = Notes()
    source, data, truncated = _read(machine, notes)
    lines = _lines(data)
    facts = section_pb2.LogFacts(source=source, artifact=ARTIFACT, lines_total=len(lines), bytes_total=len(data))
    facts.truncated = truncated
    sounds = Counter(sounds_bad(line) for line in _lines(data.lower()))
    facts.errors_total, facts.warnings_total = sounds["error"], sounds["warning"]
    read = _reader(machine)
    _add_span(facts, lines, read)
    for fault in newest(find_faults(_kernel_messages(lines, read)), FAULTS_AT_MOST, FAULTS_OF_EACH):
        facts.faults.append(_fault(fault, lines))
    return notes.measured(facts, [RawArtifact(ARTIFACT, source, data, truncated)])


def _lines(data: bytes) -> list[str]:
    """Lines as editors count them: only a line feed ends one."""
    return data.decode("utf-8", "replace").removesuffix("\n").split("\n") if data else []


def _reader(machine: Machine) -> Callable[[str], Entry | None]:
    now = datetime.fromtimestamp(machine.wall_seconds(), UTC)
    offset = machine.utc_offset_seconds()
    return lambda line: parse_syslog_line(line, now, offset)


def _read(machine: Machine, notes: Notes) -> tuple[str, bytes, bool]:
    """The first source that can be read; a denied one is noted."""
    denied: MeasurementError | None = None
    for source in SOURCES:
        try:
            return source, *machine.read_tail(source, LIMIT_BYTES)
        except MachineAbsent:
            continue
        except MeasurementError as error:
            notes.lack("system_log.source", error)
            denied = denied or error
    raise denied or _nothing(machine)


def _nothing(machine: Machine) -> MeasurementError:
    if any(machine.exists(journal) for journal in JOURNALS):
        return MachineAbsent("the log is kept only in the journal's own format, which this profile does not read")
    return MachineAbsent(f"no log is written as text here: neither {' nor '.join(SOURCES)} exists")


def _add_span(facts: section_pb2.LogFacts, lines: Sequence[str], read: Callable[[str], Entry | None]) -> None:
    """The first and the last moment that a line tells."""
    for ordered, at in ((lines, facts.first_at), (reversed(lines), facts.last_at)):
        entries = (entry for line in ordered if (entry := read(line)) is not None)
        moment = next((entry.at for entry in entries if entry.at is not None), None)
        if moment is not None:
            at.FromDatetime(moment)


def _kernel_messages(lines: Sequence[str], read: Callable[[str], Entry | None]) -> Iterator[Message]:
    for number, line in enumerate(lines, start=1):
        # Looking for the word first leaves most lines unread.
        entry = read(line) if " kernel: " in line else None
        if entry is not None and entry.program == KERNEL:
            yield Message(number, entry.at.timestamp() if entry.at else None, entry.text)


def _fault(fault: Fault, lines: Sequence[str]) -> section_pb2.LogFault:
    message = fault.message
    made = section_pb2.LogFault(
        fault_class=fault.fault_class, object=fault.object, line=message.line, text=lines[message.line - 1]
    )
    if message.seconds is not None:
        made.at.CopyFrom(timestamp(message.seconds))
    return made


PROBE = Probe("system_log", measure, timeout_seconds=5.0, needs=("adm",))
