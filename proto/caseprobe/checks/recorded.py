"""What had passed before anybody looked: stalls in the samples that the resident agent recorded."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from caseprobe.checks.check import Check, Context, Unknown
from caseprobe.checks.evidence import stated
from caseprobe.checks.levels import CRITICAL, INFO, WARN, Levels, Reached, fault
from caseprobe.checks.pressure import SOURCE
from caseprobe.v1 import finding_pb2, section_history_pb2, section_pb2

# By the series' name: the levels of the checks of the moment (cpu.psi, mem.psi, disk.psi).
STALLS = {
    "pressure.cpu_some_ratio": Levels("cpu_some_ratio", warn=0.80),
    "pressure.memory_full_ratio": Levels("memory_full_ratio", warn=0.10, critical=0.40),
    "pressure.io_full_ratio": Levels("io_full_ratio", warn=0.20, critical=0.60),
}
LEAST_SECONDS = 600.0


@dataclass(frozen=True)
class Stall:
    """Steps one behind the other that all reached a level, and the mean of them."""

    begun_at: float
    lasted_seconds: float
    mean: float


def judge_stalls(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Ten minutes or more of the recorded time in which tasks waited for a processor, for memory or for disks.

    What was slow at night is over when somebody looks. It is a remark, and where the machine all but stood still a
    warning: a nightly backup keeps disks busy and is no fault.
    """
    facts = section.history
    if not facts.samples_total:
        raise Unknown("the resident agent has not recorded anything yet")
    thinned = max((series.step_seconds for series in facts.series), default=0.0)
    for series in facts.series:
        levels = STALLS.get(series.name)
        if levels is None or series.step_seconds != thinned:
            continue
        levels = context.levels(levels)
        found = max(_stalls(series, levels), key=lambda one: one.lasted_seconds, default=None)
        if found is not None and (reached := levels.reached(found.mean)):
            yield _finding(section, series, levels, found, reached)


def _stalls(series: section_history_pb2.Series, levels: Levels) -> Iterator[Stall]:
    """Every stretch that is long enough."""
    begin, values = 0, [*series.avg, math.nan]
    for place, value in enumerate(values):
        if math.isfinite(value) and levels.reached(value):
            continue
        seconds = (place - begin) * series.step_seconds
        if seconds >= LEAST_SECONDS:
            begun_at = series.start_at.seconds + begin * series.step_seconds
            yield Stall(begun_at, seconds, sum(values[begin:place]) / (place - begin))
        begin = place + 1


def _finding(
    section: section_pb2.Section,
    series: section_history_pb2.Series,
    levels: Levels,
    stall: Stall,
    reached: Reached,
) -> finding_pb2.Finding:
    last_at = section.history.last_at.seconds
    ended_seconds = max(0.0, last_at - stall.begun_at - stall.lasted_seconds)
    values = {levels.parameter: stall.mean, "lasted_seconds": stall.lasted_seconds, "ended_seconds": ended_seconds}
    evidence = stated(section, series=series.name, begun_at=f"{stall.begun_at:.0f}", **values)
    state = WARN if reached.state == CRITICAL else INFO
    past = Reached(state, f"{reached.threshold} for {LEAST_SECONDS:g} s", reached.source)
    resource = series.name.removeprefix("pressure.").partition("_")[0]
    found = fault(past, finding_pb2.CAUSE_HOST, values, [evidence], message_id=resource)
    found.kind = finding_pb2.FINDING_KIND_EVENT
    return found


ALL: tuple[Check, ...] = (
    Check(
        id="past.stall",
        judge=judge_stalls,
        reads="history",
        levels=tuple(STALLS.values()),
        fields=("series",),
        threshold="; ".join(
            [
                f"warn: {one.parameter} >= {one.critical:g} for {LEAST_SECONDS:g} s"
                for one in STALLS.values()
                if one.critical is not None
            ]
            + [f"info: {one.parameter} >= {one.warn:g} for {LEAST_SECONDS:g} s" for one in STALLS.values() if one.warn]
        ),
        threshold_source=f"own levels, those of cpu.psi, mem.psi and disk.psi; {SOURCE}",
    ),
)
