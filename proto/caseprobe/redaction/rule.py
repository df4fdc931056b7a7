"""One rule for a family of secrets: where it may stand, what of it is hidden, an example of both kinds."""

from __future__ import annotations

import re
from dataclasses import dataclass

HIDDEN = re.compile(rb"_hidden_[a-z0-9_]{1,40}_")


@dataclass(frozen=True)
class Rule:
    """A family of secrets.

    needles: lower-case texts of which one must stand in the line before the pattern is tried at all.
    pattern: bytes, linear time; each group that matched is hidden, or the whole match where there is no group.
    positive, negative: a line with a secret of the family (in the part "SECRET…"), and one that must stay as it is.
    exempt: looked for in the whole match; where found, nothing is hidden.
    """

    name: str
    needles: tuple[bytes, ...]
    pattern: re.Pattern[bytes]
    positive: str
    negative: str
    exempt: re.Pattern[bytes] | None = None

    def marker(self) -> bytes:
        """What stands in the place of a secret: a plain word, so that JSON, YAML, URLs and shells keep their syntax."""
        return b"_hidden_" + self.name.encode() + b"_"


def hide(rule: Rule, line: bytes) -> tuple[bytes, int]:
    """The line without the rule's secrets, and how many there were; what is hidden already is not counted again."""
    total = 0

    def replace(match: re.Match[bytes]) -> bytes:
        nonlocal total
        if rule.exempt is not None and rule.exempt.search(match[0]):
            return match[0]
        text, number = _without(match, rule.marker())
        total += number
        return text

    return rule.pattern.sub(replace, line), total


def _without(match: re.Match[bytes], marker: bytes) -> tuple[bytes, int]:
    """A match with its matched groups, or all of it, replaced by the marker, and how many were replaced."""
    groups = [number for number in range(1, match.re.groups + 1) if match[number]] if match.re.groups else [0]
    pieces: list[bytes] = []
    done, total = match.start(), 0
    for number in groups:
        if HIDDEN.fullmatch(match[number]):
            continue
        pieces += (match.string[done : match.start(number)], marker)
        done, total = match.end(number), total + 1
    return b"".join((*pieces, match.string[done : match.end()])), total
