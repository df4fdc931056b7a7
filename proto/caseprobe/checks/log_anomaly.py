"""Logs: kinds of messages that this machine has never written before, and kinds that come far more often."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from caseprobe.checks.check import Check, Context, NoPast
from caseprobe.checks.levels import INFO, WARN, Levels, Reached, fault
from caseprobe.checks.log_baseline import log_of, template_hash
from caseprobe.v1 import finding_pb2, section_log_pb2, section_pb2

# A day has its backups, its logins and its rotation: before one is over, much is new.
BASELINE_SECONDS = 24 * 3600.0
ERROR = 3
BURST = Levels("lines_per_minute", warn=60.0)
BURST_FACTOR = 10
NEW = Levels("new_lines_total", warn=3.0)
PROGRAMS_AT_MOST, LINES_AT_MOST = 10, 10
Templates = Sequence[section_log_pb2.LogTemplate]


def judge_anomaly(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Messages of error level of a kind that is new on this machine, by program, and bursts.

    A new kind of error is the first thing to look at when something broke today that ran yesterday. Lines that are
    known faults are left to the checks of those. It needs a day of this machine's own snapshots, and logs that tell a
    level (the journal, the kernel's ring).
    """
    log = log_of(section)
    pasts = [(past.elapsed_seconds, told) for past in context.history if (told := log_of(past.section)) is not None]
    if log is None or not pasts or max(seconds for seconds, _ in pasts) < BASELINE_SECONDS:
        raise NoPast("what is new here can be told after a day of this machine's own snapshots")
    explained = {one.line for one in log.faults}
    open_templates = [one for one in log.templates if one.line not in explained]
    yield from _new(log, open_templates, pasts[0][1], context)
    yield from _bursts(log, open_templates, [told for _, told in pasts], context)


def _new(
    log: section_pb2.LogFacts, templates: Templates, newest: section_pb2.LogFacts, context: Context
) -> Iterator[finding_pb2.Finding]:
    known = {*newest.known_templates, *map(template_hash, newest.templates)}
    fresh: dict[str, list[section_log_pb2.LogTemplate]] = {}
    for one in templates:
        if one.HasField("level") and one.level <= ERROR and template_hash(one) not in known:
            fresh.setdefault(one.program, []).append(one)
    for program, kinds in list(fresh.items())[:PROGRAMS_AT_MOST]:
        lines = sum(one.lines_total for one in kinds)
        reached = context.levels(NEW, program).reached(lines) or Reached(INFO, "new_lines_total >= 1")
        figures: dict[str, float | str] = {"new_lines_total": lines, "kinds_total": len(kinds), "program": program}
        yield fault(reached, finding_pb2.CAUSE_SOFTWARE, figures, _lines(log, kinds), program, "new")


def _bursts(
    log: section_pb2.LogFacts, templates: Templates, pasts: Sequence[section_pb2.LogFacts], context: Context
) -> Iterator[finding_pb2.Finding]:
    before: dict[int, int] = {}
    for past in pasts:
        for one in past.templates:
            name = template_hash(one)
            before[name] = max(before.get(name, 0), one.busiest_minute_total)
    for one in templates:
        usual = before.get(template_hash(one), 0)
        reached = context.levels(BURST, one.program).reached(one.busiest_minute_total)
        if reached and usual and one.busiest_minute_total >= BURST_FACTOR * usual:
            bad = one.HasField("level") and one.level <= ERROR
            figures: dict[str, float | str] = {
                "lines_per_minute": one.busiest_minute_total,
                "usual_lines_per_minute": usual,
                "program": one.program,
            }
            level = Reached(WARN if bad else INFO, f"{reached.threshold} and >= {BURST_FACTOR} times the most before")
            yield fault(level, finding_pb2.CAUSE_SOFTWARE, figures, _lines(log, [one]), one.program, "burst")


def _lines(log: section_pb2.LogFacts, kinds: Iterable[section_log_pb2.LogTemplate]) -> Iterator[finding_pb2.Evidence]:
    newest = sorted(kinds, key=lambda one: -one.line)[:LINES_AT_MOST]
    return (finding_pb2.Evidence(source=log.source, line=one.line, text=one.text) for one in newest)


ALL = (
    Check(
        id="log.anomaly",
        judge=judge_anomaly,
        reads="system_log",
        levels=(NEW, BURST),
        threshold=(
            f"of a kind never seen here, at error level: {NEW}, fewer: info; {BURST} (info below error level) "
            f"and >= {BURST_FACTOR} times the busiest minute of that kind before"
        ),
        threshold_source="netdata ml (anomalies against the machine's own past); levels own",
    ),
)
