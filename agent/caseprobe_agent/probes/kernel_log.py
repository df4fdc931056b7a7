"""The kernel's messages: their text as an artifact, their faults as facts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from caseprobe.errors import MachineAbsent, MachineDenied, MeasurementError
from caseprobe.parse.logs.kmsg import ring_lines, ring_sequences
from caseprobe.parse.logs.place import Place
from caseprobe.parse.logs.text import LogText, ring_parser
from caseprobe.parse.logs.window import Window, window_from
from caseprobe_agent.machine import Machine
from caseprobe_agent.machine.reads import ADVICE
from caseprobe_agent.probes.log_reading import Reading, place_of, read_journal, read_text, told_by_time
from caseprobe_agent.probes.probe import Measured, Notes, value_of

RING = "/dev/kmsg"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
# Where syslog daemons keep what the kernel says, for those who may not read the ring itself.
TEXT = "/var/log/kern.log"
JOURNAL = "journal (kernel)"
ARTIFACT = "artifacts/kernel.log"
# With the system log's share this makes the 2 MiB that a quick snapshot may hold.
LIMIT_BYTES = 768 << 10
# Larger than any ring (log_buf_len).
WHOLE_RING_BYTES = 16 << 20
ENTRIES_AT_MOST = 3000


def measure(machine: Machine, earlier: object | None) -> Measured:
    """Counts and faults of the ring: since boot, since a timetable's last run, in a stretch of time, or the newest.

    Raises where the ring cannot be read. Where it is denied or not there, what others keep of it is read, and named as
    the source.
    """
    return _reading(machine, earlier).measured(Notes(), ARTIFACT, _booted_at(machine))


def measure_tail(machine: Machine, earlier: object | None, argument: str) -> Measured:
    """The newest lines, or what is new since earlier, at most argument of them. Raises as measure."""
    return _reading(machine, earlier).tail(ARTIFACT, int(argument), bool(earlier), _booted_at(machine))


def _reading(machine: Machine, earlier: object | None) -> Reading:
    try:
        reading = _ring(machine, earlier)
        # The ring may begin only within a stretch of time; what was written down reaches back over earlier boots.
        if reading.truncated and window_from(earlier) is not None:
            kept = (one for one in (_text(machine, earlier), _journal(machine, earlier)) if one is not None)
            reading = max((reading, *kept), key=lambda one: len(one.log.text))
    except (MachineDenied, MachineAbsent) as error:
        found = _text(machine, earlier) or _journal(machine, earlier)
        if found is None:
            raise error
        reading = found
    return reading


def _ring(machine: Machine, earlier: object | None) -> Reading:
    window = window_from(earlier)
    text, truncated = _records(machine, LIMIT_BYTES if window is None else WHOLE_RING_BYTES)
    records = ring_lines(text)
    if text and not records:
        raise MeasurementError(f"{RING} holds no record of the kernel's form")
    if window is not None:
        return _within(machine, records, window)
    lines = _newest_lines(records)
    cut = len(records) - len(lines)
    log = _log_of(lines)
    if earlier is None:
        return Reading(RING, log, truncated or cut > 0)
    return _resumed(machine, log, ring_sequences(text)[cut:], truncated or cut > 0, earlier)


def _records(machine: Machine, limit_bytes: int) -> tuple[str, bool]:
    """The ring's text and whether older records were left out."""
    try:
        data, truncated = machine.read_tail(RING, limit_bytes)
    except MachineDenied as error:
        raise MachineDenied(
            f"{RING} cannot be read: it takes root or CAP_SYSLOG; {ADVICE} it", needs="CAP_SYSLOG"
        ) from error
    except MachineAbsent as error:
        raise MachineAbsent(f"{RING} does not exist: the kernel's log is not visible in here") from error
    return data.decode("utf-8", "replace"), truncated


def _log_of(lines: Sequence[str]) -> LogText:
    return LogText("".join(f"{line}\n" for line in lines), ring_parser(0))


def _within(machine: Machine, records: Sequence[str], window: Window) -> Reading:
    """The ring's lines of a stretch of time; truncated where it does not reach back to its beginning."""
    moment, booted_at = _log_of(()).moment, _booted_at(machine)
    moments = [None if (seconds := moment(line)) is None else booted_at + seconds for line in records]
    held = [line for line, at in zip(records, moments, strict=True) if window.holds(at)]
    begins_at = next((at for at in moments if at is not None), window.to_at)
    lines = _newest_lines(held)
    return Reading(RING, _log_of(lines), len(lines) < len(held) or begins_at > window.from_at)


def _resumed(machine: Machine, log: LogText, sequences: Sequence[int], cut: bool, earlier: object | None) -> Reading:
    """The ring's lines, of which those are known that the same boot had before the place."""
    place = place_of(machine, earlier)
    boot = value_of(machine, BOOT_ID) or ""
    last = None if place is None else place.sequences.get(boot)
    if place is not None and last is not None:
        told = bisect_right(sequences, last)
        cut = bool(sequences) and sequences[0] > last + 1
    elif place is not None and place.source == RING and boot and place.sequences:
        told = 0
    else:
        told = told_by_time(log, place, _booted_at(machine))
        cut = cut and not told
    counted = {boot: max(last or 0, sequences[-1] if sequences else 0)} if boot else {}
    return Reading(RING, log, cut, told, Place(RING, None if place is None else place.at, counted))


def _text(machine: Machine, earlier: object | None) -> Reading | None:
    """None where it is not there, or not to be read."""
    try:
        return read_text(machine, TEXT, LIMIT_BYTES, earlier)
    except MeasurementError:
        return None


def _journal(machine: Machine, earlier: object | None) -> Reading | None:
    try:
        return read_journal(machine, JOURNAL, ENTRIES_AT_MOST, LIMIT_BYTES, earlier, kernel_only=True)[0]
    except MeasurementError:
        return None


def _newest_lines(lines: Sequence[str]) -> Sequence[str]:
    """The newest lines that fit."""
    size = 0
    for place in range(len(lines) - 1, -1, -1):
        size += len(lines[place].encode()) + 1
        if size > LIMIT_BYTES:
            return lines[place + 1 :]
    return lines


def _booted_at(machine: Machine) -> float:
    return machine.wall_seconds() - machine.monotonic_seconds()
