"""Levels: where a value stops being well, and the finding that says so."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from caseprobe.checks.reasons import Unknown
from caseprobe.v1 import finding_pb2

OK = finding_pb2.SEVERITY_OK
INFO = finding_pb2.SEVERITY_INFO
WARN = finding_pb2.SEVERITY_WARN
CRITICAL = finding_pb2.SEVERITY_CRITICAL
HELD = ", as long as it has not cleared"


@dataclass(frozen=True)
class Reached:
    """A level that a value is past. source: who set it, where that was not the check."""

    state: finding_pb2.Severity.ValueType
    threshold: str
    source: str = ""


@dataclass(frozen=True)
class Levels:
    """Warn and critical levels of one parameter; a level that does not exist is None.

    below: True where small values are the bad ones. clear_warn, clear_critical: what a value must come back to before
    a level that it was past is left again (hysteresis), so that one that wavers does not flap; None: the level itself.

    >>> Levels("available_ratio", warn=0.1, critical=0.05, below=True).reached(0.04).threshold
    'available_ratio < 0.05'
    >>> str(Levels("swap_used_ratio", warn=0.8, critical=0.9))
    'warn: swap_used_ratio >= 0.8; critical: swap_used_ratio >= 0.9'
    """

    parameter: str
    warn: float | None = None
    critical: float | None = None
    below: bool = False
    clear_warn: float | None = None
    clear_critical: float | None = None
    source: str = ""
    stood: finding_pb2.Severity.ValueType = OK

    def reached(self, value: float) -> Reached | None:
        """The worst level that value is past, None where it is well; Unknown where it is no number."""
        if not math.isfinite(value):
            raise Unknown(f"{self.parameter} is not a number")
        for state, level, clear in ((CRITICAL, self.critical, self.clear_critical), (WARN, self.warn, self.clear_warn)):
            if level is None:
                continue
            if self._past(value, level):
                return Reached(state, self._comparison(level), self.source)
            if clear is not None and self.stood >= state and self._past(value, clear):
                return Reached(state, self._comparison(clear) + HELD, self.source)
        return None

    def stated(
        self,
        warn: float | None,
        critical: float | None,
        clear_warn: float | None = None,
        clear_critical: float | None = None,
        source: str = "",
    ) -> Levels:
        """With an operator's levels in place of these; None leaves one as it is.

        A level moves its clear level along, and the other level where the two would cross: who lifts the warning
        over the critical level means both.

        >>> str(Levels("used_ratio", warn=0.8, critical=0.9).stated(0.95, None))
        'warn: used_ratio >= 0.95; critical: used_ratio >= 0.95'
        """
        if all(level is None for level in (warn, critical, clear_warn, clear_critical)):
            return self
        moved = (
            _moved(self.warn, warn, self.clear_warn) if clear_warn is None else clear_warn,
            _moved(self.critical, critical, self.clear_critical) if clear_critical is None else clear_critical,
        )
        new_warn, new_critical = self._uncrossed(warn, critical)
        return replace(
            self, warn=new_warn, critical=new_critical, clear_warn=moved[0], clear_critical=moved[1], source=source
        )

    def _uncrossed(self, warn: float | None, critical: float | None) -> tuple[float | None, float | None]:
        """Both levels with what was stated; one that was not gives way."""
        new_warn, new_critical = self.warn if warn is None else warn, self.critical if critical is None else critical
        if new_warn is not None and new_critical is not None:
            worse = min(new_warn, new_critical) if self.below else max(new_warn, new_critical)
            if worse != new_critical:
                return (new_warn, new_warn) if critical is None else (new_critical, new_critical)
        return new_warn, new_critical

    def held(self, stood: finding_pb2.Severity.ValueType) -> Levels:
        """With the state in which the value was before; its levels up to that one are left at their clear levels."""
        return replace(self, stood=stood) if stood != self.stood else self

    def lasting(self, now: float, since_boot: float, clear: float) -> Reached | None:
        """Like reached, for a value that is sampled over a fraction of a second only.

        Such a short moment alone is a remark; it is a warning where the average since boot is past clear too,
        or past the level itself.
        """
        over_time, moment = self.reached(since_boot), self.reached(now)
        if moment and since_boot >= clear and (not over_time or moment.state > over_time.state):
            return Reached(moment.state, f"{moment.threshold} now and >= {clear:g} since boot", moment.source)
        if over_time:
            return Reached(over_time.state, f"{over_time.threshold} since boot", over_time.source)
        return Reached(INFO, f"{moment.threshold} for a moment", moment.source) if moment else None

    def _past(self, value: float, level: float) -> bool:
        return value < level if self.below else value >= level

    def _comparison(self, level: float) -> str:
        return f"{self.parameter} {'<' if self.below else '>='} {plain(level)}"

    def __str__(self) -> str:
        named = (("warn", self.warn, self.clear_warn), ("critical", self.critical, self.clear_critical))
        return "; ".join(
            f"{name}: {self._comparison(level)}" + ("" if clear is None else f" (clears at {plain(clear)})")
            for name, level, clear in named
            if level is not None
        )


def plain(level: float) -> str:
    """A level as people write it: no exponent.

    >>> plain(1209600.0), plain(13e6), plain(0.05)
    ('1209600', '13000000', '0.05')
    """
    short = f"{level:g}"
    return short if "e" not in short else f"{level:f}".rstrip("0").rstrip(".")


def _moved(level: float | None, stated: float | None, clear: float | None) -> float | None:
    """A clear level at the same distance from a level that an operator moved."""
    if clear is None or level is None or stated is None:
        return clear
    return round(stated + clear - level, 9)


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
        threshold_source=reached.source,
        message_id=message_id,
    )


def _parameter(name: str, value: float | str) -> finding_pb2.Parameter:
    if isinstance(value, str):
        return finding_pb2.Parameter(name=name, text=value)
    return finding_pb2.Parameter(name=name, number=value)
