"""The product broken on purpose, one mechanism each, so that it is known which fault guards which mechanism."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """What is taken out of the product, and the fault whose runs must see it."""

    words: str
    caught_by: str
    apply: Callable[[], None]


def _swap(owner: object, name: str, value: object) -> None:
    """Put another thing in the place of one of the product's; a name that is not there any more is an error."""
    getattr(owner, name)
    setattr(owner, name, value)


def _commit_without_sync() -> None:
    from caseprobe_collector.storage import database

    _swap(database, "PRAGMAS", tuple(pragma.replace("= FULL", "= OFF") for pragma in database.PRAGMAS))


ALL: Mapping[str, Mutant] = {
    "collector-synchronous-off": Mutant("the collector's commits are not synced", "cut", _commit_without_sync),
}


def apply(name: str) -> None:
    """Break the product in this process."""
    ALL[name].apply()
