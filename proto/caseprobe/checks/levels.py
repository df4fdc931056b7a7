"""Levels: where a value stops being well, and the finding that says so."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from caseprobe.checks.check import Unknown
from caseprobe.v1 import finding_pb2

INFO = finding_pb2.SEVERITY_INFO
WARN = finding_pb2.SEVERITY_WARN
CRITICAL = finding_pb2.SEVERITY_CRITICAL


@dataclass(frozen=True)
class Reached:
    """A level that a value is past."""

    state: finding_pb2.Severity.ValueType
    threshold: str


@dataclass(frozen=True)
class Levels:
    """Warn and critical levels of one parameter; a level that does not exist is None.

    below: True where small values are the bad ones.

    >>> Levels("available_ratio", warn=0.1, critical=0.05, below=True).reached(0.04).threshold
    'available_ratio < 0.05'
    >>> str(Levels("swap_used_ratio", warn=0.8, critical=0.9))
    'warn: swap_used_ratio >= 0.8; critical: swap_used_ratio >= 0.9'
    """

    parameter: str
    warn: float | None = None
    critical: float | None = None
    below: bool = False

    def reached(self, value: float) -> Reached | None:
        """The worst level that value is past, None where it is well; Unknown where it is no number."""
        if not math.isfinite(value):
            raise Unknown(f"{self.parameter} is not a number")
        for state, level in ((CRITICAL, self.critical), (WARN, self.warn)):
            if level is not None and (value < level if self.below else value >= level):
                return Reached(state, self._comparison(level))
        return None

    def lasting(self, now: float, since_boot: float, clear: float) -> Reached | None:
        """Like reached, for a value that is sampled over a fraction of a second only.

        Such a short moment alone is a remark; it is a warning where the average since boot is past clear too,
        or past the level itself.
        """
        over_time, moment = self.reached(since_boot), self.reached(now)
        if moment and since_boot >= clear and (not over_time or moment.state > over_time.state):
            return Reached(moment.state, f"{moment.threshold} now and >= {clear:g} since boot")
        if over_time:
            return Reached(over_time.state, f"{over_time.threshold} since boot")
        return Reached(INFO, f"{moment.threshold} for a moment") if moment else None

    def _comparison(self, level: float) -> str:
        return f"{self.parameter} {'<' if self.below else '>='} {level:g}"

    def __str__(self) -> str:
        named = (("warn", self.warn), ("critical", self.critical))
        return "; ".join(f"{name}: {self._comparison(level)}" for name, level in named if level is not None)


def fault(
    reached: Reached,
    cause: finding_pb2.Cause.ValueType,
    parameters: Mapping[str, float | str],
    evidence: Iterable[finding_pb2.Evidence],
    subject: str = "",
    message_id: str = "",
) -> finding_pb2.Finding:
    """A finding; subject is its object (a mount point, a device), empty for the machine as a whole."""
    return finding_pb2.Finding(
        state=reached.state,
        object=subject,
        cause=cause,
        parameters=[_parameter(name, value) for name, value in parameters.items()],
        evidence=evidence,
        threshold=reached.threshold,
        message_id=message_id,
    )


def _parameter(name: str, value: float | str) -> finding_pb2.Parameter:
    if isinstance(value, str):
        return finding_pb2.Parameter(name=name, text=value)
    return finding_pb2.Parameter(name=name, number=value)
