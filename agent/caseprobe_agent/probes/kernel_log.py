"""The kernel's messages: their text as an artifact, their faults as facts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from caseprobe.errors import MachineAbsent, MachineDenied, MeasurementError
from caseprobe.parse.logs.facts import facts_of
from caseprobe.parse.logs.kmsg import ring_lines
from caseprobe.parse.logs.text import LogText, rendered, ring_parser, syslog_parser
from caseprobe_agent.machine import Machine, journals
from caseprobe_agent.probes.probe import Measured, Notes, Probe, RawArtifact

RING = "/dev/kmsg"
# Where syslog daemons keep what the kernel says, for those who may not read the ring itself.
TEXT = "/var/log/kern.log"
JOURNAL = "journal (kernel)"
ARTIFACT = "artifacts/kernel.log"
# With the system log's share this makes the 2 MiB that a quick snapshot may hold.
LIMIT_BYTES = 768 << 10
ENTRIES_AT_MOST = 3000


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """Counts and faults of the ring since boot, or of its newest part; raises where the ring cannot be read.

    Where it is denied or not there, what others keep of it is read, and named as the source.
    """
    notes = Notes()
    try:
        return _ring(machine, notes)
    except (MachineDenied, MachineAbsent) as error:
        kept = _text(machine, notes) or _journal(machine, notes)
        if kept is None:
            raise error
        return kept


def _ring(machine: Machine, notes: Notes) -> Measured:
    try:
        data, truncated = machine.read_tail(RING, LIMIT_BYTES)
    except MachineDenied as error:
        raise MachineDenied(f"{RING} cannot be read: it takes root or CAP_SYSLOG", needs="CAP_SYSLOG") from error
    except MachineAbsent as error:
        raise MachineAbsent(f"{RING} does not exist: the kernel's log is not visible in here") from error
    records = ring_lines(data.decode("utf-8", "replace"))
    if data and not records:
        raise MeasurementError(f"{RING} holds no record of the kernel's form")
    lines, cut = _newest_lines(records)
    log = LogText("".join(f"{line}\n" for line in lines), ring_parser(0))
    return _measured(machine, notes, RING, log, truncated or cut)


def _text(machine: Machine, notes: Notes) -> Measured | None:
    """None where it is not there, or not to be read."""
    try:
        data, truncated = machine.read_tail(TEXT, LIMIT_BYTES)
    except MeasurementError:
        return None
    parse = syslog_parser(datetime.fromtimestamp(machine.wall_seconds(), UTC), machine.utc_offset_seconds())
    return _measured(machine, notes, TEXT, LogText(data.decode("utf-8", "replace"), parse), truncated)


def _journal(machine: Machine, notes: Notes) -> Measured | None:
    try:
        newest = journals.read_newest(machine, ENTRIES_AT_MOST, LIMIT_BYTES, kernel_only=True)
    except MeasurementError:
        return None
    log = rendered(newest.entries, datetime.fromtimestamp(machine.wall_seconds(), UTC))
    return _measured(machine, notes, JOURNAL, log, newest.truncated)


def _newest_lines(lines: Sequence[str]) -> tuple[list[str], bool]:
    """The newest lines that fit, and whether older ones were left out."""
    size = 0
    for place in range(len(lines) - 1, -1, -1):
        size += len(lines[place].encode()) + 1
        if size > LIMIT_BYTES:
            return list(lines[place + 1 :]), True
    return list(lines), False


def _measured(machine: Machine, notes: Notes, source: str, log: LogText, truncated: bool) -> Measured:
    facts = facts_of(log, machine.wall_seconds() - machine.monotonic_seconds())
    facts.source, facts.artifact, facts.truncated = source, ARTIFACT, truncated
    return notes.measured(facts, [RawArtifact(ARTIFACT, source, log.text.encode(), truncated)])


PROBE = Probe("kernel_log", measure, timeout_seconds=5.0, needs=("CAP_SYSLOG",))
