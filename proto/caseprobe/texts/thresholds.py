"""Levels as people read them: what a finding was compared with, numbers with units; in English, as checks write it."""

from __future__ import annotations

import re

from caseprobe.texts.units import format_value, plain_name

# A parameter's name where one stands before the sign: "await_seconds >= 0.2 now and >= 0.05 since boot".
_LEVEL = re.compile(r"(?:\b([a-z0-9]+(?:_[a-z0-9]+)+) )?(>=|<=|[<>=]) (-?\d+(?:\.\d+)?)\b")
_SIGNS = {">=": "≥", "<=": "≤"}


def level_text(threshold: str) -> str:
    """A threshold with the units that its parameters' names end in.

    >>> level_text("await_seconds >= 0.2 now and >= 0.05 since boot").replace("\u00a0", " ")
    'await ≥ 200 ms now and ≥ 50 ms since boot'
    >>> level_text("used_ratio >= 0.928"), level_text("members_active < members_total")
    ('used ≥ 93%', 'members_active < members_total')
    """
    known = ""

    def spoken(match: re.Match[str]) -> str:
        nonlocal known
        name, sign, number = match.groups()
        known = name or known
        level = f"{_SIGNS.get(sign, sign)} {format_value(known, float(number))}"
        return f"{plain_name(name)} {level}" if name else level

    return _LEVEL.sub(spoken, threshold)
