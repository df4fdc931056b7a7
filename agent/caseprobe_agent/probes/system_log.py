"""The system's log, kept as text or in the journal: its newest part as an artifact, its faults as facts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from caseprobe.errors import MachineAbsent, MachineDenied, MeasurementError
from caseprobe.parse.logs.facts import facts_of, last_moment
from caseprobe.parse.logs.text import LogText, rendered, syslog_parser
from caseprobe_agent.machine import Machine, journals
from caseprobe_agent.probes.probe import Measured, Notes, Probe, RawArtifact

SOURCES = ("/var/log/syslog", "/var/log/messages")
JOURNAL = "journal"
ARTIFACT = "artifacts/system.log"
LIMIT_BYTES = (2 << 20) - (768 << 10)
# Some 20 µs each: what quick may take of its second. The longer profiles read what fits.
QUICK_ENTRIES, ENTRIES_AT_MOST = 3000, 12000
# A text log that ends so long before the journal is what an earlier system left behind.
STALE_SECONDS = 24 * 3600.0


@dataclass(frozen=True)
class _Text:
    """What was read, as bytes and as lines."""

    source: str
    data: bytes
    log: LogText
    truncated: bool


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """Counts and faults of the newest part of the log; raises where there is none, with what stood in the way."""
    return _measure(machine, QUICK_ENTRIES)


def measure_more(machine: Machine, _earlier: object | None) -> Measured:
    """As measure, with as many entries of the journal as fit."""
    return _measure(machine, ENTRIES_AT_MOST)


def _measure(machine: Machine, entries_at_most: int) -> Measured:
    notes = Notes()
    errors: list[MeasurementError] = []
    text = next(_texts(machine, errors), None)
    newest = None if text is not None and not _stale(machine, text.log) else _journal(machine, entries_at_most, errors)
    for error in errors:
        notes.lack("system_log.source", error)
    if newest is not None and newest.entries:
        log = rendered(newest.entries, _now(machine))
        return _measured(notes, _Text(JOURNAL, log.text.encode(), log, newest.truncated))
    if text is None:
        raise _nothing(errors)
    return _measured(notes, text)


def _texts(machine: Machine, errors: list[MeasurementError]) -> Iterator[_Text]:
    """Every source that can be read."""
    for source in SOURCES:
        try:
            data, truncated = machine.read_tail(source, LIMIT_BYTES)
        except MachineAbsent:
            continue
        except MeasurementError as error:
            errors.append(error)
            continue
        parse = syslog_parser(_now(machine), machine.utc_offset_seconds())
        yield _Text(source, data, LogText(data.decode("utf-8", "replace"), parse), truncated)


def _journal(machine: Machine, entries_at_most: int, errors: list[MeasurementError]) -> journals.Newest | None:
    try:
        newest = journals.read_newest(machine, entries_at_most, LIMIT_BYTES)
    except MachineAbsent:
        return None
    except MeasurementError as error:
        errors.append(error)
        return None
    errors += newest.errors[:1]
    return newest


def _stale(machine: Machine, log: LogText) -> bool:
    """True where the text ended long ago, so that the log may go on elsewhere."""
    return machine.wall_seconds() - (last_moment(log) or 0.0) > STALE_SECONDS


def _now(machine: Machine) -> datetime:
    return datetime.fromtimestamp(machine.wall_seconds(), UTC)


def _nothing(errors: list[MeasurementError]) -> MeasurementError:
    denied = next((error for error in errors if isinstance(error, MachineDenied)), None)
    absent = MachineAbsent(f"no log is kept here: neither {' nor '.join(SOURCES)} exists, nor a journal")
    return denied or (errors[0] if errors else absent)


def _measured(notes: Notes, text: _Text) -> Measured:
    facts = facts_of(text.log)
    facts.source, facts.artifact, facts.truncated = text.source, ARTIFACT, text.truncated
    return notes.measured(facts, [RawArtifact(ARTIFACT, text.source, text.data, text.truncated)])


PROBE = Probe("system_log", measure, timeout_seconds=5.0, needs=("adm",))
LONGER = Probe("system_log", measure_more, timeout_seconds=10.0, needs=("adm",))
