"""The facts of one log: how long, from when to when, how many errors, and its lines of known faults."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from google.protobuf.timestamp_pb2 import Timestamp

from caseprobe.parse.logs.entry import ERROR, WARNING, Entry
from caseprobe.parse.logs.faults import NEEDLES, Fault, Message, find_faults, newest
from caseprobe.parse.logs.groups import Groups, grouped
from caseprobe.parse.logs.summary import summary
from caseprobe.parse.logs.syslog import sounds_bad
from caseprobe.parse.logs.text import LogText
from caseprobe.v1 import section_pb2

FAULTS_AT_MOST, FAULTS_OF_EACH = 200, 50
QUOTE_CHARACTERS = 4096
PRIORITY = re.compile(r"<(\d{1,3})")


def facts_of(log: LogText, booted_at: float | None = None, told: int = 0) -> section_pb2.LogFacts:
    """Everything but source and artifact; booted_at is the wall clock's reading at the kernel's moment zero.

    Errors and warnings are counted by level where lines tell one, else by words. told: so many lines at the beginning
    were told before. They are not counted, but what recurs is told by them and those after them together.
    """
    every = grouped(log)
    groups = every.after(told)
    fresh = log.after(told)
    facts = section_pb2.LogFacts(lines_total=len(every.lines) - told, bytes_total=len(fresh.text.encode()))
    facts.told_lines_total = told
    _add_counts(facts, groups)
    _add_span(facts, fresh, booted_at)
    found = [one for one in find_faults(_kernel_messages(log, every, booted_at)) if one.message.line > told]
    for fault in newest(found, FAULTS_AT_MOST, FAULTS_OF_EACH):
        facts.faults.append(_fault(fault))
    _add_templates(facts, log, groups, booted_at)
    return facts


def lines_until(log: LogText, at: float, booted_at: float | None = None) -> int:
    """How many lines at the beginning are not newer than a moment, in seconds since 1970; the lines are in order.

    Where the log tells whole seconds, those of that second count as newer: to tell a line twice is better than never.
    """
    lines = log.text.removesuffix("\n").split("\n") if log.text else []
    low, high = 0, len(lines)
    while low < high:
        middle = (low + high) // 2
        told = ((place, _moment_of(log, lines[place], booted_at)) for place in range(middle, high))
        place, moment = next(((place, one) for place, one in told if one is not None), (high, None))
        if moment is not None and (moment < at or (moment == at and at % 1)):
            low = place + 1
        else:
            high = middle
    return low


def _moment_of(log: LogText, line: str, booted_at: float | None) -> float | None:
    entry = log.parse(line.removesuffix("\r"))
    return None if entry is None else _wall(entry, booted_at)


def _add_counts(facts: section_pb2.LogFacts, groups: Groups) -> None:
    levels: Counter[int] = Counter()
    for (level, _), numbers in groups.alike.items():
        if (told := PRIORITY.match(level)) is not None:
            levels[int(told[1]) & 7] += len(numbers)
    if sum(levels.values()) * 2 > facts.lines_total:
        facts.errors_total = sum(levels[level] for level in range(ERROR + 1))
        facts.warnings_total = levels[WARNING]
        return
    sounds: Counter[str] = Counter()
    for (_, rough), numbers in groups.alike.items():
        sounds[sounds_bad(rough.lower())] += len(numbers)
    facts.errors_total, facts.warnings_total = sounds["error"], sounds["warning"]


def _add_templates(facts: section_pb2.LogFacts, log: LogText, groups: Groups, booted_at: float | None) -> None:
    templates, facts.templates_total = summary(log, groups)
    for one in templates:
        made = facts.templates.add(template=one.template, program=one.program, lines_total=len(one.lines))
        first, last = groups.lines[one.lines[0] - 1], groups.lines[one.lines[-1] - 1]
        made.line, made.text = one.lines[-1], last[:QUOTE_CHARACTERS]
        made.busiest_minute_total = one.busiest_minute_total
        if one.level is not None:
            made.level = one.level
        for line, at in ((first, made.first_at), (last, made.last_at)):
            entry = log.parse(line)
            moment = _wall(entry, booted_at) if entry else None
            if moment is not None:
                at.CopyFrom(timestamp(moment))


def _add_span(facts: section_pb2.LogFacts, log: LogText, booted_at: float | None) -> None:
    """The first and the last moment that a line tells."""
    first, last = _first(log, _forward(log.text), booted_at), last_moment(log, booted_at)
    if first is not None and last is not None:
        facts.first_at.CopyFrom(timestamp(first))
        facts.last_at.CopyFrom(timestamp(last))


def last_moment(log: LogText, booted_at: float | None = None) -> float | None:
    """When the last line was written that tells a time, in seconds since 1970."""
    return _first(log, _backward(log.text), booted_at)


def _first(log: LogText, places: Iterator[tuple[int, int]], booted_at: float | None) -> float | None:
    entries = (log.entry(*place) for place in places)
    return next((one for entry in entries if entry and (one := _wall(entry, booted_at)) is not None), None)


def _forward(text: str) -> Iterator[tuple[int, int]]:
    begin = 0
    while begin < len(text):
        end = text.find("\n", begin)
        end = len(text) if end < 0 else end
        yield begin, end
        begin = end + 1


def _backward(text: str) -> Iterator[tuple[int, int]]:
    end = len(text)
    while end > 0:
        begin = text.rfind("\n", 0, end) + 1
        yield begin, end
        end = begin - 1


def _kernel_messages(log: LogText, groups: Groups, booted_at: float | None) -> Iterator[Message]:
    for number, words in groups.holding(NEEDLES):
        line = groups.lines[number - 1]
        entry = log.parse(line)
        if entry is not None and entry.kernel:
            yield Message(number, _moment(entry, booted_at), entry.text, line[:QUOTE_CHARACTERS], words)


def _wall(entry: Entry, booted_at: float | None) -> float | None:
    if entry.at is not None or entry.seconds is None or booted_at is None:
        return entry.at
    return booted_at + entry.seconds


def _moment(entry: Entry, booted_at: float | None) -> float | None:
    """On the wall's clock where that can be told, else since boot: enough to tell how far lines are apart."""
    wall = _wall(entry, booted_at)
    return entry.seconds if wall is None else wall


def _fault(fault: Fault) -> section_pb2.LogFault:
    message = fault.message
    made = section_pb2.LogFault(
        fault_class=fault.fault_class, object=fault.object, line=message.line, text=message.quoted
    )
    if message.seconds is not None:
        made.at.CopyFrom(timestamp(message.seconds))
    return made


def timestamp(seconds: float) -> Timestamp:
    """A moment to the microsecond; the first that there is where a log tells an impossible one."""
    at = Timestamp()
    try:
        at.FromMicroseconds(round(seconds * 1e6))
        at.ToJsonString()
    except (ValueError, OverflowError):
        at.Clear()
    return at
