"""The system's log, kept as text or in the journal: its newest part as an artifact, its faults as facts."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.errors import MachineAbsent, MachineDenied, MeasurementError
from caseprobe.parse.logs.facts import last_moment
from caseprobe.parse.logs.text import LogText
from caseprobe.parse.logs.window import window_from
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.log_reading import Reading, read_journal, read_text
from caseprobe_agent.probes.probe import Measured, Notes

SOURCES = ("/var/log/syslog", "/var/log/messages")
JOURNAL = "journal"
ARTIFACT = "artifacts/system.log"
LIMIT_BYTES = (2 << 20) - (768 << 10)
# Some 20 µs each: what quick may take of its second. The longer profiles read what fits.
QUICK_ENTRIES, ENTRIES_AT_MOST = 3000, 12000
# Of the full profile, which may take seconds.
FULL_BYTES, FULL_ENTRIES = 4 << 20, 40_000
# A text log that ends so long before the journal is what an earlier system left behind.
STALE_SECONDS = 24 * 3600.0


def measure(machine: Machine, earlier: object | None) -> Measured:
    """Counts and faults of the newest part of the log, or since the last snapshot of a timetable.

    Raises where there is none, with what stood in the way.
    """
    return _measure(machine, QUICK_ENTRIES, earlier)


def measure_more(machine: Machine, earlier: object | None) -> Measured:
    """As measure, with as many entries of the journal as fit."""
    return _measure(machine, ENTRIES_AT_MOST, earlier)


def measure_most(machine: Machine, earlier: object | None) -> Measured:
    """As measure, with three times as much text."""
    return _measure(machine, FULL_ENTRIES, earlier, FULL_BYTES)


def measure_tail(machine: Machine, earlier: object | None, argument: str) -> Measured:
    """The newest lines, or what is new since earlier, at most argument of them. Raises as measure."""
    reading, _ = _reading(machine, QUICK_ENTRIES, earlier, LIMIT_BYTES)
    return reading.tail(ARTIFACT, int(argument), bool(earlier))


def _measure(
    machine: Machine, entries_at_most: int, earlier: object | None, limit_bytes: int = LIMIT_BYTES
) -> Measured:
    notes = Notes()
    reading, errors = _reading(machine, entries_at_most, earlier, limit_bytes)
    for error in errors:
        notes.lack("system_log.source", error)
    return reading.measured(notes, ARTIFACT)


def _reading(
    machine: Machine, entries_at_most: int, earlier: object | None, limit_bytes: int
) -> tuple[Reading, list[MeasurementError]]:
    """The log that goes on now, and what stood in the way of another."""
    errors: list[MeasurementError] = []
    texts = _texts(machine, errors, earlier, limit_bytes)
    if window_from(earlier) is None:
        text = next(texts, None)
        fresh = text is not None and not _stale(machine, text.log)
    else:
        # What an earlier system left behind, or a daemon that has ended, holds nothing of the window.
        found = list(texts)
        text = next((one for one in found if one.log.text), next(iter(found), None))
        fresh = text is not None and bool(text.log.text)
    journal = None if fresh else _journal(machine, entries_at_most, errors, earlier, limit_bytes)
    reading = journal or text
    if reading is None:
        raise _nothing(errors)
    return reading, errors


def _texts(
    machine: Machine, errors: list[MeasurementError], earlier: object | None, limit_bytes: int
) -> Iterator[Reading]:
    """Every source that can be read."""
    for source in SOURCES:
        try:
            yield read_text(machine, source, limit_bytes, earlier)
        except MachineAbsent:
            continue
        except MeasurementError as error:
            errors.append(error)


def _journal(
    machine: Machine,
    entries_at_most: int,
    errors: list[MeasurementError],
    earlier: object | None,
    limit_bytes: int,
) -> Reading | None:
    """None where there is none, or nothing in it."""
    try:
        reading, newest = read_journal(machine, JOURNAL, entries_at_most, limit_bytes, earlier)
    except MachineAbsent:
        return None
    except MeasurementError as error:
        errors.append(error)
        return None
    errors += newest.errors[:1]
    return reading if newest.entries else None


def _stale(machine: Machine, log: LogText) -> bool:
    """True where the text ended long ago, so that the log may go on elsewhere."""
    return machine.wall_seconds() - (last_moment(log) or 0.0) > STALE_SECONDS


def _nothing(errors: list[MeasurementError]) -> MeasurementError:
    denied = next((error for error in errors if isinstance(error, MachineDenied)), None)
    absent = MachineAbsent(f"no log is kept here: neither {' nor '.join(SOURCES)} exists, nor a journal")
    return denied or (errors[0] if errors else absent)
