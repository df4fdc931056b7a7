"""The [checks] table of a settings file, read into what an operator decided otherwise than the checks."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from caseprobe.overrides import NONE, Override, Overrides
from caseprobe_agent.config.document import Document, Value

if TYPE_CHECKING:
    from caseprobe.checks import Check

LEVELS = ("warn", "critical", "clear_warn", "clear_critical")


def read_overrides(document: Document) -> Overrides:
    """What a file states about checks, in its order, statements about some objects after those about all.

    Raises ConfigurationError, naming file, line and key, where a check, a parameter or a key does not exist.
    """
    table = document.values.get("checks")
    if table is None:
        return NONE
    # Only who has such a table pays for loading the checks: the resident agent does without them.
    from caseprobe.checks import ALL

    known = {check.id: check for check in ALL}
    found: list[Override] = []
    for name, value in document.table("checks", table).items():
        if name not in known:
            document.refuse(f"checks.{name}", f'no such check; an id is written in quotes: [checks."{ALL[0].id}"]')
        found += _check(document, known[name], value)
    return tuple(found)


def _check(document: Document, check: Check, value: Value) -> Iterator[Override]:
    """The statements of one check: about all of its objects, then about those that a pattern names."""
    key = f"checks.{check.id}"
    table = document.table(key, value)
    yield from _statements(document, check, key, table, "*", ("objects",))
    objects = document.table(f"{key}.objects", table.get("objects", {}))
    for pattern, stated in objects.items():
        place = f"{key}.objects.{pattern}"
        yield from _statements(document, check, place, document.table(place, stated), pattern, ())


def _statements(
    document: Document, check: Check, key: str, table: dict[str, Value], pattern: str, further: Collection[str]
) -> Iterator[Override]:
    """What one table states: whether to judge, and levels, of every parameter or of those that it names."""
    known = ("enabled", "parameters", *LEVELS, *further)
    for name in table:
        if name not in known:
            document.refuse(f"{key}.{name}", f"unknown; known are: {', '.join(known)}")
    enabled = table.get("enabled")
    if enabled is not None:
        if not isinstance(enabled, bool):
            document.refuse(f"{key}.enabled", "must be true or false")
        yield Override(check.id, str(document.path), pattern, enabled=enabled)
    if any(name in table for name in LEVELS):
        if len(check.parameters) != 1:
            document.refuse(key, _which(check))
        yield _levels(document, check, key, table, pattern, check.parameters[0])
    for parameter, value in document.table(f"{key}.parameters", table.get("parameters", {})).items():
        place = f"{key}.parameters.{parameter}"
        if parameter not in check.parameters:
            document.refuse(place, f"{check.id} has no such level; it has: {', '.join(check.parameters) or 'none'}")
        stated = document.table(place, value)
        for name in stated:
            if name not in LEVELS:
                document.refuse(f"{place}.{name}", f"unknown; known are: {', '.join(LEVELS)}")
        yield _levels(document, check, place, stated, pattern, parameter)


def _which(check: Check) -> str:
    """Why a level without a parameter cannot be meant."""
    if not check.parameters:
        return f"{check.id} has no levels; it can only be switched off (enabled = false)"
    example = f'[checks."{check.id}".parameters.{check.parameters[0]}]'
    return f"{check.id} has levels of {', '.join(check.parameters)}; name one: {example}"


def _levels(
    document: Document, check: Check, key: str, table: dict[str, Value], pattern: str, parameter: str
) -> Override:
    """The levels of one parameter; refuses those that stand in the wrong order."""
    warn, critical, clear_warn, clear_critical = (
        _number(document, f"{key}.{name}", table.get(name)) for name in LEVELS
    )
    below = next(levels for levels in check.levels if levels.parameter == parameter).below
    for name, better, worse in (
        ("critical", warn, critical),
        ("clear_warn", clear_warn, warn),
        ("clear_critical", clear_critical, critical),
    ):
        if better is not None and worse is not None and (better < worse if below else better > worse):
            document.refuse(f"{key}.{name}", _order(below))
    return Override(check.id, str(document.path), pattern, parameter, None, warn, critical, clear_warn, clear_critical)


def _order(below: bool) -> str:
    """How levels stand to each other."""
    signs = "clear_warn >= warn >= critical" if below else "clear_warn <= warn <= critical"
    return f"small values are the {'bad' if below else 'good'} ones here: {signs}"


def _number(document: Document, key: str, value: Value | None) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        document.refuse(key, f"must be a number, not {value!r}")
    return float(value)
