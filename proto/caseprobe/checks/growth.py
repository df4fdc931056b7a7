"""Growth between two snapshots of one machine: what a counter gained, and over which time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from caseprobe.checks.check import Context, Past

HOUR_SECONDS = 3600.0


class Named(Protocol):
    """An object of a section that keeps its name from snapshot to snapshot."""

    name: str


Thing = TypeVar("Thing", bound=Named)


def gained(now: float, before: float) -> float:
    """What a counter gained; all of it where it was set back in between.

    >>> gained(12, 10), gained(3, 10)
    (2, 3)
    """
    return now - before if now >= before else now


def same(things: Iterable[Thing], name: str) -> Thing | None:
    """The object of this name, None where it was not there."""
    return next((thing for thing in things if thing.name == name), None)


def window(context: Context, seconds: float) -> Past | None:
    """The youngest section of this boot that is so old, with a known age; None where there is none."""
    fitting = (past for past in context.history if past.same_boot and past.elapsed_seconds >= seconds)
    return next(fitting, None)


def per_hour(gain: float, elapsed_seconds: float) -> float:
    """A gain as so many an hour; within less than an hour it is not blown up."""
    return gain / max(elapsed_seconds / HOUR_SECONDS, 1.0)
