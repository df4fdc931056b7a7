"""A log as its templates: what kinds of messages it holds, how many, how bad, when."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from caseprobe.parse.logs.entry import ERROR
from caseprobe.parse.logs.groups import Groups
from caseprobe.parse.logs.templates import ANY, CHARACTERS_AT_MOST, NUMBER, fine, merged
from caseprobe.parse.logs.text import LogText

KEPT, KEPT_ERRORS = 100, 60
# Reading the time of a line costs more than all else here: bursts are looked for among so many lines at most.
TIMED_LINES = 2000
BURST_LINES = 20
MINUTE = 60.0


@dataclass(frozen=True)
class Template:
    """One kind of message of one program; lines are numbers in the log, in order, from 1. level is the worst."""

    template: str
    program: str
    level: int | None
    lines: Sequence[int]
    busiest_minute_total: int


def summary(log: LogText, all_lines: Groups) -> tuple[list[Template], int]:
    """The templates worth keeping, errors first and then the most frequent, and how many there are in all."""
    lines = all_lines.lines
    groups = _by_template(log, all_lines)
    order = sorted(groups, key=lambda key: (-len(groups[key]), key[0], key[1], key[2] or 0))
    errors = [key for key in order if _is_error(key)][:KEPT_ERRORS]
    kept = [*errors, *(key for key in order if not _is_error(key))][:KEPT]
    left = TIMED_LINES
    found = []
    for key in kept:
        program, template, level = key
        numbers = groups[key]
        busiest = 0
        if BURST_LINES <= len(numbers) <= left:
            left -= len(numbers)
            busiest = _busiest_minute(log, [lines[number - 1] for number in numbers])
        found.append(Template(template, program, level, numbers, busiest))
    return found, len(groups)


Key = tuple[str, str, int | None]


def _is_error(key: Key) -> bool:
    return key[2] is not None and key[2] <= ERROR


def _by_template(log: LogText, all_lines: Groups) -> Mapping[Key, Sequence[int]]:
    """The lines of each template of each program; those of different levels are kept apart."""
    read = {
        key: entry
        for key, numbers in all_lines.alike.items()
        if (entry := log.parse(all_lines.lines[numbers[-1] - 1])) is not None
    }
    texts = fine([NUMBER.sub(ANY, entry.text[:CHARACTERS_AT_MOST]) for entry in read.values()])
    named = {key: f"{entry.program or '?'} {text}" for (key, entry), text in zip(read.items(), texts, strict=True)}
    common = merged(set(named.values()))
    groups: dict[Key, list[int]] = defaultdict(list)
    for key, entry in read.items():
        program, _, template = common[named[key]].partition(" ")
        groups[program, template, entry.level].extend(all_lines.alike[key])
    return {key: sorted(numbers) for key, numbers in groups.items()}


def _busiest_minute(log: LogText, lines: Sequence[str]) -> int:
    """Most lines within one minute of the clock; 0 where they tell no time."""
    moments = [moment for line in lines if (moment := log.moment(line)) is not None]
    return max(Counter(moment // MINUTE for moment in moments).values(), default=0)
