"""What an operator decided otherwise than the checks: levels, or no judgement at all, for a check or some objects.

Nothing here loads a check, so that a process that only hands settings on stays small.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Override:
    """One statement of an operator; None is "not stated".

    pattern: a glob of objects (mount points, disks, interfaces …); "*" is every object and the machine as a whole.
    parameter: whose levels these are, where a check has levels of more than one; "" is every parameter.
    origin: the file that states it.
    """

    check_id: str
    origin: str
    pattern: str = "*"
    parameter: str = ""
    enabled: bool | None = None
    warn: float | None = None
    critical: float | None = None
    clear_warn: float | None = None
    clear_critical: float | None = None

    def applies(self, subject: str, parameter: str = "") -> bool:
        """Whether it speaks of this object and parameter.

        >>> Override("disk.space", "agent.toml", pattern="/var/*").applies("/var/lib")
        True
        """
        of_parameter = not self.parameter or not parameter or self.parameter == parameter
        return of_parameter and (self.pattern == "*" or fnmatchcase(subject, self.pattern))


# In the order in which they were stated: of two that speak of the same thing the later one holds.
Overrides = tuple[Override, ...]
NONE: Overrides = ()


def switched_off(overrides: Iterable[Override], subject: str | None) -> Override | None:
    """The override that switches an object off, or the whole check for None; None where it is judged."""
    last: Override | None = None
    for one in overrides:
        speaks = one.pattern == "*" if subject is None else one.applies(subject)
        if one.enabled is not None and speaks:
            last = one
    return last if last is not None and last.enabled is False else None
