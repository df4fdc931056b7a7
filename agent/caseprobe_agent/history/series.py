"""A ring read back: the last hour sample by sample, all of it in steps of five minutes."""

from __future__ import annotations

import math
import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, islice, pairwise
from typing import NamedTuple

from caseprobe.parse.logs.window import Window
from caseprobe.v1 import section_history_pb2
from caseprobe_agent.history.figures import Key
from caseprobe_agent.history.ring import COLUMNS, HEAD, RECORD_BYTES, Head, Read, columns, layout_of, newest_first

HOUR_SECONDS, STEP_SECONDS = 3600.0, 300.0
# Older is no sample, whatever the clock of its boot said: it may never have been set.
OLDEST_SECONDS = 32 * 86_400.0
UNITS = ("bytes_per_second", "per_second", "ratio", "bytes", "celsius", "seconds")
Row = tuple[float, ...]
# Least, mean and most.
Step = tuple[float, float, float]
NOT_MEASURED = (math.nan, math.nan, math.nan)


class Taken(NamedTuple):
    """One record: where it stands, and when it was taken by what the clock of its boot said last."""

    place: int
    head: Head
    at: float


def facts_of(
    read: Read, most_seconds: float, since: float = 0.0, window: Window | None = None
) -> section_history_pb2.HistoryFacts:
    """What was recorded since a moment, and in so many seconds before the last sample at most; all of a window.

    Sample by sample is told the last hour, or the last hour of the window. Raises ValueError where it is no ring.
    """
    layout = layout_of(read)
    at_most = None if window else int(most_seconds / layout.sample_seconds)
    found = list(islice(newest_first(read, layout.capacity), at_most))
    taken = _timed([(place, head) for place, head in reversed(found) if head is not None])
    facts = section_history_pb2.HistoryFacts(sample_seconds=layout.sample_seconds)
    facts.damaged_total = len(found) - len(taken)
    if not taken:
        return facts
    last = taken[-1].at
    # A moment of the future is told by a clock that was set back since.
    begin = max(since if since <= last else 0.0, last - most_seconds)
    begin = begin if window is None else max(min(begin, window.from_at), last - OLDEST_SECONDS)
    taken = [one for one in taken if begin < one.at <= last]
    if not taken:
        return facts
    _count(facts, taken)
    names = {column: key for column, key in columns(read).items() if key[0]}
    end = last if window is None else min(last, window.to_at)
    recent = [one for one in taken if end - HOUR_SECONDS < one.at <= end]
    for part, step_seconds in ((taken, STEP_SECONDS), (recent, layout.sample_seconds)):
        facts.series.extend(_series(read, names, part, step_seconds))
    return facts


def _count(facts: section_history_pb2.HistoryFacts, taken: Sequence[Taken]) -> None:
    """How many samples these are, and of which time."""
    facts.samples_total = len(taken)
    facts.boots_total = len({one.head.boot for one in taken})
    facts.clock_steps_total = _clock_steps(taken, facts.sample_seconds)
    facts.first_at.FromMilliseconds(round(min(one.at for one in taken) * 1e3))
    facts.last_at.FromMilliseconds(round(taken[-1].at * 1e3))


def _timed(samples: Sequence[tuple[int, Head]]) -> list[Taken]:
    """With their moments: what a clock that was set meanwhile said before is put right by what it said last."""
    offsets = {head.boot: head.wall_seconds - head.boottime_seconds for _, head in samples}
    return [Taken(place, head, offsets[head.boot] + head.boottime_seconds) for place, head in samples]


def _clock_steps(taken: Sequence[Taken], sample_seconds: float) -> int:
    """How often the wall's clock went on otherwise than the boot's, by more than a sample."""
    pairs = ((one.head, other.head) for one, other in pairwise(taken) if one.head.boot == other.head.boot)
    drifts = (
        (other.wall_seconds - one.wall_seconds) - (other.boottime_seconds - one.boottime_seconds)
        for one, other in pairs
    )
    return sum(abs(drift) > sample_seconds for drift in drifts)


def _series(
    read: Read, names: Mapping[int, Key], taken: Sequence[Taken], step_seconds: float
) -> Iterator[section_history_pb2.Series]:
    """Every figure that was told at least once, in the order of names."""
    if not taken:
        return
    steps = [math.floor(one.at / step_seconds) for one in taken]
    begin, groups = min(steps), defaultdict[int, list[Taken]](list)
    for step, one in zip(steps, taken, strict=True):
        groups[step - begin].append(one)
    form = _form(names)
    rows = ((step, list(form.iter_unpack(_records(read, group)))) for step, group in groups.items())
    thinned = {step: [_thinned(values) for values in zip(*values_of, strict=True)] for step, values_of in rows}
    for place, column in sorted(enumerate(sorted(names)), key=lambda one: names[one[1]]):
        told = {step: found for step, row in thinned.items() if (found := row[place]) is not None}
        if told:
            one_series = _one_series(names[column], told, max(steps) - begin + 1)
            one_series.start_at.FromSeconds(int(begin * step_seconds))
            one_series.step_seconds = step_seconds
            yield one_series


def _records(read: Read, taken: Sequence[Taken]) -> bytes:
    """Those that stand one behind the other with one read."""
    size = len(taken) * RECORD_BYTES
    if taken[-1].place - taken[0].place + RECORD_BYTES == size and len(data := read(taken[0].place, size)) == size:
        return data
    parts = [read(one.place, RECORD_BYTES) for one in taken]
    return b"".join(part for part in parts if len(part) == RECORD_BYTES)


def _form(names: Mapping[int, Key]) -> struct.Struct:
    """Takes out of a record the columns that are in use, and nothing else."""
    runs = ((used, len(list(run))) for used, run in groupby(range(COLUMNS), key=names.__contains__))
    return struct.Struct(f"<{HEAD.size}x" + "".join(f"{count}f" if used else f"{4 * count}x" for used, count in runs))


def _thinned(values: Row) -> Step | None:
    """Least, mean and most of the values that were measured; None where there is none."""
    if len(values) > 1:
        total = sum(values)
        if total == total:
            return min(values), total / len(values), max(values)
        values = tuple(value for value in values if value == value)
        return (min(values), sum(values) / len(values), max(values)) if values else None
    value = values[0]
    return (value, value, value) if value == value else None


def _one_series(key: Key, told: Mapping[int, Step], steps_total: int) -> section_history_pb2.Series:
    name, obj = key
    unit = next((unit for unit in UNITS if name.endswith(unit)), "")
    series = section_history_pb2.Series(name=name, object=obj, unit=unit)
    rows = [told.get(step, NOT_MEASURED) for step in range(steps_total)]
    if any(least != most for least, _, most in told.values()):
        series.min.extend([least for least, _, _ in rows])
        # Four digits are what was measured.
        series.avg.extend([float(f"{mean:.4g}") for _, mean, _ in rows])
        series.max.extend([most for _, _, most in rows])
    else:
        series.avg.extend([mean for _, mean, _ in rows])
    return series
