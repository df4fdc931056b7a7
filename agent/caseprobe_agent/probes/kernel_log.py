"""The kernel's ring of messages: its text as an artifact, its faults as facts."""

from __future__ import annotations

from collections.abc import Sequence

from caseprobe.errors import MachineAbsent, MachineDenied, MeasurementError
from caseprobe.parse.kernel_log import Fault, Message, find_faults, newest
from caseprobe.parse.kmsg import ERROR, KERNEL, WARNING, Record, parse_kmsg
from caseprobe.v1 import section_pb2
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Notes, Probe, RawArtifact, timestamp

RING = "/dev/kmsg"
ARTIFACT = "artifacts/kernel.log"
# With the system log's share this makes the 2 MiB that a quick snapshot may hold.
LIMIT_BYTES = 768 << 10
FAULTS_AT_MOST, FAULTS_OF_EACH = 200, 50


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """Counts and faults of the ring since boot, or of its newest part; raises where the ring cannot be read."""
    try:
        data, truncated = machine.read_tail(RING, LIMIT_BYTES)
    except MachineDenied as error:
        raise MachineDenied(f"{RING} cannot be read: it takes root or CAP_SYSLOG", needs="CAP_SYSLOG") from error
    except MachineAbsent as error:
        raise MachineAbsent(f"{RING} does not exist: the kernel's log is not visible in here") from error
    records = parse_kmsg(data.decode("utf-8", "replace"))
    if data and not records:
        raise MeasurementError(f"{RING} holds no record of the kernel's form")
    lines, cut = _newest_lines([record.line() for record in records])
    records = records[len(records) - len(lines) :]
    text = "".join(f"{line}\n" for line in lines).encode()
    booted = machine.wall_seconds() - machine.monotonic_seconds()
    facts = _facts(records, lines, booted)
    facts.bytes_total, facts.truncated = len(text), truncated or cut
    return Notes().measured(facts, [RawArtifact(ARTIFACT, RING, text, facts.truncated)])


def _newest_lines(lines: Sequence[str]) -> tuple[list[str], bool]:
    """The newest lines that fit, and whether older ones were left out."""
    size = 0
    for place in range(len(lines) - 1, -1, -1):
        size += len(lines[place].encode()) + 1
        if size > LIMIT_BYTES:
            return list(lines[place + 1 :]), True
    return list(lines), False


def _facts(records: Sequence[Record], lines: Sequence[str], booted: float) -> section_pb2.LogFacts:
    """booted is the wall clock's reading at the kernel's moment zero."""
    facts = section_pb2.LogFacts(
        source=RING,
        artifact=ARTIFACT,
        lines_total=len(records),
        errors_total=sum(record.level <= ERROR for record in records),
        warnings_total=sum(record.level == WARNING for record in records),
    )
    if records:
        facts.first_at.CopyFrom(timestamp(booted + records[0].seconds))
        facts.last_at.CopyFrom(timestamp(booted + records[-1].seconds))
    messages = [
        Message(number, record.seconds, record.text)
        for number, record in enumerate(records, start=1)
        if record.facility == KERNEL
    ]
    for fault in newest(find_faults(messages), FAULTS_AT_MOST, FAULTS_OF_EACH):
        facts.faults.append(_fault(fault, lines, booted))
    return facts


def _fault(fault: Fault, lines: Sequence[str], booted: float) -> section_pb2.LogFault:
    message = fault.message
    seconds = message.seconds or 0.0
    return section_pb2.LogFault(
        fault_class=fault.fault_class,
        object=fault.object,
        line=message.line,
        text=lines[message.line - 1],
        at=timestamp(booted + seconds),
    )


PROBE = Probe("kernel_log", measure, timeout_seconds=5.0, needs=("CAP_SYSLOG",))
