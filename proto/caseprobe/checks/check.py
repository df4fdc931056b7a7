"""What a check is: a pure function over one section, with its threshold's source beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from caseprobe.checks.levels import CRITICAL, WARN, Levels
from caseprobe.checks.reasons import NoPast, NotApplicable, Unknown
from caseprobe.overrides import NONE, Overrides
from caseprobe.v1 import finding_pb2, section_pb2

__all__ = [
    "DARWIN",
    "LINUX",
    "NO_CONTEXT",
    "WINDOWS",
    "Check",
    "Context",
    "Judge",
    "NoPast",
    "NotApplicable",
    "Past",
    "Unknown",
]


# Systems as SystemFacts names them.
LINUX, WINDOWS, DARWIN = "linux", "windows", "darwin"


@dataclass(frozen=True)
class Past:
    """An earlier section of the same probe on the same machine.

    elapsed_seconds: how long before the one that is judged; 0 where the clocks do not tell.
    same_boot: whether counters since boot can be compared at all.
    """

    section: section_pb2.Section
    elapsed_seconds: float = 0.0
    same_boot: bool = False


@dataclass(frozen=True)
class Context:
    """What a judge knows beside its section.

    previous: the same probe's section in the snapshot that growth is measured against (from an hour ago on where the
    agent keeps that much), None where there is none that could be read. history: all earlier ones, newest first.
    overrides: what the operator stated about this check. before: its findings in the newest earlier snapshot.
    """

    previous: section_pb2.Section | None = None
    elapsed_seconds: float = 0.0
    same_boot: bool = False
    history: tuple[Past, ...] = ()
    overrides: Overrides = NONE
    before: Sequence[finding_pb2.Finding] = ()

    def levels(self, levels: Levels, subject: str = "") -> Levels:
        """These levels as they hold for an object: with what the operator stated, and held where it stood past them."""
        for one in self.overrides:
            if one.applies(subject, levels.parameter):
                levels = levels.stated(one.warn, one.critical, one.clear_warn, one.clear_critical, one.origin)
        return levels.held(self._stood(levels.parameter, subject))

    def since(self, seconds: float) -> Past | None:
        """The youngest earlier section that is at least so old, else the oldest; None where there is none."""
        old_enough = (past for past in self.history if past.elapsed_seconds >= seconds)
        return next(old_enough, self.history[-1] if self.history else None)

    def _stood(self, parameter: str, subject: str) -> finding_pb2.Severity.ValueType:
        """The state in which this parameter of the object was before; OK where it was well or is new."""
        states = (
            finding.state
            for finding in self.before
            if finding.object == subject and finding.threshold.startswith(f"{parameter} ")
        )
        return max((state for state in states if state in (WARN, CRITICAL)), default=finding_pb2.SEVERITY_OK)


NO_CONTEXT = Context()
Judge = Callable[[section_pb2.Section, Context], Iterator[finding_pb2.Finding]]


@dataclass(frozen=True)
class Check:
    """A frozen dotted id, the judge, and the name of the probe whose section it reads.

    judge yields one finding per object that is not well, nothing where all is well,
    and raises NotApplicable or Unknown where it cannot tell (findings yielded before that count).
    It need not fill check_id and threshold_source: check_snapshot stamps them.
    fields: parts of the facts without which it may not say "ok": where the section's shortfalls name one of them,
    the check is unknown (or not applicable) with that shortfall's reason.
    threshold: all levels of the check in words and units, for its page; a finding names the one it reached.
    levels: those that an operator may state otherwise; the judge asks its context for each of them.
    elsewhere: other systems than Linux whose facts it judges; tried on recorded outputs only, never run there. On any
    other it is unknown: facts that mean one thing on Linux may be missing or mean another.
    Titles, summaries and advice live in caseprobe.texts, by this id.
    """

    id: str
    judge: Judge
    reads: str
    threshold: str
    threshold_source: str
    fields: tuple[str, ...] = ()
    levels: tuple[Levels, ...] = ()
    elsewhere: tuple[str, ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """Whose levels may be stated otherwise, each once."""
        return tuple(dict.fromkeys(levels.parameter for levels in self.levels))
