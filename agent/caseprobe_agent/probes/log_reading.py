"""What a log probe has read: lines, which of them were told before, and where the next one goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import accumulate

from caseprobe.errors import MeasurementError
from caseprobe.parse.logs.facts import facts_of, last_moment, lines_until
from caseprobe.parse.logs.place import CONTEXT_LINES, Place, place_from, sequences_with
from caseprobe.parse.logs.text import LogText, rendered, syslog_parser
from caseprobe.parse.logs.window import Window, window_from
from caseprobe.v1 import section_log_pb2
from caseprobe_agent.machine import Machine, journals, log_windows, text_logs
from caseprobe_agent.probes.probe import Measured, Notes, RawArtifact

# What one look at a log that is followed may show.
TAIL_BYTES = 48 << 10


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
        return replace(notes.measured(facts, [evidence]), place=self._left_at(booted_at))

    def tail(self, artifact: str, lines_at_most: int, resumed: bool, booted_at: float | None = None) -> Measured:
        """The newest of the lines that were not told before, as many as fit; the artifact holds a little before them.

        resumed: the log was read before, so that what does not fit is left out.
        """
        lines = self.log.text.removesuffix("\n").split("\n") if self.log.text else []
        fresh = lines[self.told :]
        count = fitting(fresh[-lines_at_most:], TAIL_BYTES)
        shown = len(lines) - count
        context = lines[max(0, shown - CONTEXT_LINES) : shown]
        facts = section_log_pb2.LogTailFacts(source=self.source, artifact=artifact, lines_total=count)
        facts.context_lines_total = len(context)
        if resumed:
            facts.left_out_total, facts.truncated = len(fresh) - count, self.truncated
        data = "".join(f"{line}\n" for line in (*context, *lines[shown:])).encode()
        evidence = RawArtifact(artifact, self.source, data, facts.truncated)
        return Measured(facts, artifacts=(evidence,), place=self._left_at(booted_at))

    def _left_at(self, booted_at: float | None) -> str:
        """Where the next reading goes on; empty where none does."""
        if self.place is None:
            return ""
        at = last_moment(self.log, booted_at)
        return replace(self.place, at=self.place.at if at is None else at).written()


def fitting(lines: Sequence[str], limit_bytes: int) -> int:
    """How many of the last lines fit into so many bytes.

    >>> fitting(["aaaa", "bb", "c"], 6)
    2
    """
    sizes = accumulate(len(line.encode()) + 1 for line in reversed(lines))
    return sum(size <= limit_bytes for size in sizes)


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
