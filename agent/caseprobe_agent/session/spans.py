"""What is measured again and again while somebody watches: read from a request, within this machine's bounds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from caseprobe.errors import UsageError
from caseprobe.v1 import link_pb2
from caseprobe.v1.consent_pb2 import POLICY_KIND_HEALTH, POLICY_KIND_LOGS, POLICY_KIND_WATCH
from caseprobe_agent.consent import Ask, Origin
from caseprobe_agent.consent.policy import probe_kind

if TYPE_CHECKING:
    from caseprobe_agent.probes.probe import Probe

INTERVAL_SECONDS, LEAST_INTERVAL_SECONDS, MOST_INTERVAL_SECONDS = 5.0, 1.0, 600.0
DURATION_SECONDS, MOST_DURATION_SECONDS = 60.0, 3600.0
PROBES_AT_MOST = 12
LINES, LINES_AT_MOST = 50, 500
# A log is looked at so often, and so many of its new lines are shown each time.
LOOK_SECONDS, LINES_A_LOOK = 1.0, 200
# The first look alone may take so long.
LEAST_TAIL_SECONDS = 5.0


@dataclass(frozen=True)
class Span:
    """Probes that are measured at once and then again every interval; later: what they are from the second time on.

    follows: it is a log, each round goes on where the one before left it.
    """

    probes: tuple[Probe, ...]
    later: tuple[Probe, ...]
    interval_seconds: float
    duration_seconds: float
    follows: bool = False


def span_of(request: link_pb2.CommandRequest) -> Span:
    """What a watch or a log_tail measures; raises UsageError."""
    return watch_span(request.watch) if request.HasField("watch") else tail_span(request.log_tail)


def watch_span(action: link_pb2.WatchAction) -> Span:
    """The probes of a watch, none of which sends a packet. Raises UsageError for what is no such probe."""
    known = watchable()
    names = tuple(dict.fromkeys(action.probes))
    unknown = next((name for name in names if name not in known), None)
    if unknown in log_names():
        raise UsageError(f"{unknown} is a log: it is followed line by line, by log_tail")
    if unknown is not None or not names:
        why = "a watch names its probes" if unknown is None else f"no probe is called {unknown[:60]!r}"
        raise UsageError(f"{why}; those that can be watched are: {', '.join(sorted(known))}")
    if len(names) > PROBES_AT_MOST:
        raise UsageError(f"at most {PROBES_AT_MOST} probes are watched at once, not {len(names)}")
    probes = tuple(known[name] for name in names)
    interval = _within(action.interval_seconds, INTERVAL_SECONDS, LEAST_INTERVAL_SECONDS, MOST_INTERVAL_SECONDS)
    duration = _within(action.duration_seconds, DURATION_SECONDS, LEAST_INTERVAL_SECONDS, MOST_DURATION_SECONDS)
    return Span(probes, probes, interval, duration)


def tail_span(action: link_pb2.LogTailAction) -> Span:
    """The newest lines of one log, then what is new. Raises UsageError for what is no log's name."""
    from caseprobe_agent.probes import LOG_TAILS  # not for an agent that idles

    log = LOG_TAILS.get(action.source)
    if log is None:
        raise UsageError(f"no log is called {action.source[:60]!r}; the logs are: {', '.join(LOG_TAILS)}")
    first = replace(log, argument=str(lines_of(action)))
    later = replace(log, argument=str(LINES_A_LOOK))
    duration = _within(action.follow_seconds, 0.0, 0.0, MOST_DURATION_SECONDS)
    return Span((first,), (later,), LOOK_SECONDS, duration, follows=True)


def watch_ask(action: link_pb2.WatchAction) -> Ask:
    """A watch in the words of policy."""
    span = watch_span(action)
    names = tuple(probe.name for probe in span.probes)
    return Ask(
        POLICY_KIND_WATCH,
        Origin.COLLECTOR,
        target=", ".join(names),
        duration_seconds=span.duration_seconds,
        every_seconds=span.interval_seconds,
        details=(f"every {span.interval_seconds:g} s for {span.duration_seconds:g} s",),
    )


def tail_ask(action: link_pb2.LogTailAction) -> Ask:
    """A log that is followed, in the words of policy."""
    span, lines = tail_span(action), lines_of(action)
    return Ask(
        POLICY_KIND_LOGS,
        Origin.COLLECTOR,
        target=action.source,
        logs=(action.source,),
        duration_seconds=max(span.duration_seconds, LEAST_TAIL_SECONDS),
        every_seconds=span.interval_seconds,
        lines=lines,
        details=(f"{lines} lines, then for {span.duration_seconds:g} s",),
    )


def watchable() -> dict[str, Probe]:
    """Every probe that tells figures and no lines of a log, by its name, in its lightest form."""
    from caseprobe_agent.probes import PROFILES

    every = {probe.name: probe for profile in ("full", "quick") for probe in PROFILES[profile]}
    return {name: probe for name, probe in every.items() if probe_kind(name) == POLICY_KIND_HEALTH}


def log_names() -> tuple[str, ...]:
    """The logs that can be followed."""
    from caseprobe_agent.probes import LOG_TAILS

    return tuple(LOG_TAILS)


def lines_of(action: link_pb2.LogTailAction) -> int:
    """How many of the newest lines are shown first."""
    return min(action.lines or LINES, LINES_AT_MOST)


def _within(asked: float, default: float, least: float, most: float) -> float:
    """What was asked, within bounds; the default where nothing was, or no number."""
    return min(max(asked, least), most) if asked > 0 else default
