"""What a log probe has read: lines, which of them were told before, and where the next one goes on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from caseprobe.errors import MeasurementError
from caseprobe.parse.logs.facts import facts_of, last_moment, lines_until
from caseprobe.parse.logs.place import CONTEXT_LINES, Place, place_from, sequences_with
from caseprobe.parse.logs.text import LogText, rendered, syslog_parser
from caseprobe.parse.logs.window import Window, window_from
from caseprobe_agent.machine import Machine, journals, log_windows, text_logs
from caseprobe_agent.probes.probe import Measured, Notes, RawArtifact


@dataclass(frozen=True)
class Reading:
    """Lines of one source, of which the first ones were told before.

    truncated: lines that were not told were left out. data: the lines' bytes, where they were read as such. place.at is
    set when it is measured. errors: what stood in the way of reading more.
    """

    source: str
    log: LogText
    truncated: bool
    told: int = 0
    place: Place | None = None
    data: bytes | None = None
    errors: tuple[MeasurementError, ...] = ()

    def measured(self, notes: Notes, artifact: str, booted_at: float | None = None) -> Measured:
        """Facts of what was not told before; the artifact holds a little of what was."""
        for error in self.errors:
            notes.lack(f"{artifact.removeprefix('artifacts/').removesuffix('.log')}_log.lines_total", error)
        surplus = max(0, self.told - CONTEXT_LINES)
        log, told = self.log.after(surplus), self.told - surplus
        facts = facts_of(log, booted_at, told)
        facts.source, facts.artifact, facts.truncated = self.source, artifact, self.truncated
        data = log.text.encode() if self.data is None else after_lines(self.data, surplus)
        evidence = RawArtifact(artifact, self.source, data, self.truncated)
        measured = notes.measured(facts, [evidence])
        if self.place is None:
            return measured
        at = last_moment(self.log, booted_at)
        return replace(measured, place=replace(self.place, at=self.place.at if at is None else at).written())


def after_lines(data: bytes, count: int) -> bytes:
    """Without the first lines."""
    return data.split(b"\n", count)[count] if count else data


def now_of(machine: Machine) -> datetime:
    """The machine's time of day."""
    return datetime.fromtimestamp(machine.wall_seconds(), UTC)


def place_of(machine: Machine, earlier: object | None) -> Place | None:
    """Where the last snapshot stopped; None where this one reads everything."""
    return place_from(earlier, machine.wall_seconds()) if isinstance(earlier, str) else None


def told_by_time(log: LogText, place: Place | None, booted_at: float | None = None) -> int:
    """How many lines are not newer than a place, where nothing but the time tells."""
    return 0 if place is None or place.at is None else lines_until(log, place.at, booted_at)


def read_text(machine: Machine, path: str, limit_bytes: int, earlier: object | None) -> Reading:
    """A text log: its newest part, a stretch of time, or what was written since. Raises as Machine.read_tail."""
    window = window_from(earlier)
    if window is not None:
        return _text_within(machine, path, limit_bytes, window)
    parse = syslog_parser(now_of(machine), machine.utc_offset_seconds())
    if earlier is None:
        data, truncated = machine.read_tail(path, limit_bytes)
        return Reading(path, LogText(data.decode("utf-8", "replace"), parse), truncated, data=data)
    place = place_of(machine, earlier)
    part = text_logs.read_from(machine, path, place, limit_bytes)
    log = LogText(part.data.decode("utf-8", "replace"), parse)
    told = part.data[: part.told_bytes].count(b"\n") if part.known else told_by_time(log, place)
    following = Place(path, None if place is None else place.at, {}, part.offset, part.mark)
    return Reading(path, log, part.truncated and (part.known or not told), told, following, part.data)


def _text_within(machine: Machine, path: str, limit_bytes: int, window: Window) -> Reading:
    found = log_windows.read_window(machine, path, window, limit_bytes)
    # Years and zones that lines do not tell are those of the window.
    latest = datetime.fromtimestamp(min(window.to_at, machine.wall_seconds()), UTC)
    parse = syslog_parser(latest, machine.utc_offset_seconds(window.from_at))
    log = LogText(found.data.decode("utf-8", "replace"), parse)
    return Reading(path, log, found.truncated, data=found.data, errors=tuple(found.errors))


def read_journal(
    machine: Machine,
    source: str,
    entries_at_most: int,
    limit_bytes: int,
    earlier: object | None,
    kernel_only: bool = False,
) -> tuple[Reading, journals.Newest]:
    """The journal: its newest entries, those of a stretch of time, or those since. Raises as journals.read_newest."""
    window = window_from(earlier)
    if window is not None:
        newest = journals.read_window(machine, window, entries_at_most, limit_bytes, kernel_only)
        return Reading(source, rendered(newest.entries, now_of(machine)), newest.truncated), newest
    place = place_of(machine, earlier)
    newest = journals.read_newest(machine, entries_at_most, limit_bytes, kernel_only, place)
    log = rendered(newest.entries, now_of(machine))
    reading = Reading(source, log, newest.truncated, newest.told)
    if earlier is None:
        return reading, newest
    before = place or Place()
    following = Place(source, before.at, sequences_with(before.sequences, newest.sequences))
    return replace(reading, place=following), newest
