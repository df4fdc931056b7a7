"""One rule for a family of secrets: where it may stand, what of it is hidden, an example of both kinds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from caseprobe.redaction.pseudonyms import DASHED, TOKEN, is_masked_name

Span = tuple[int, int]

# Letters and digits of a secret around a pseudonym; less of it is a word, a port or an ending.
TOLD_AROUND = re.compile(r"(?=[A-Za-z]{0,40}[0-9])(?=[0-9]{0,40}[A-Za-z])[A-Za-z0-9!%*^~+]{8}")
HIDDEN = re.compile(rb"_hidden_[a-z0-9_]{1,40}_")


@dataclass(frozen=True)
class Rule:
    """A family of secrets.

    needles: texts of which one must stand in the line before the pattern is tried at all; look: a pattern in RE2's
    syntax instead of them, where words alone would send too many lines to the rule.
    regex: for bytes, linear time; each group that matched is hidden, or the whole match where none did.
    positive, negative: a line with a secret of the family (in the part "SECRET…"), and one that must stay as it is.
    unless: tried at the start of the match; where it fits, nothing is hidden. Both are compiled when a line first
    passes the look: most runs meet few of the rules.
    cased: the pattern is for the line as it is; otherwise for the line in lower case.
    find: gives the places of secrets in a line as it is, where a pattern alone cannot tell; then regex is not used.
    """

    name: str
    needles: tuple[bytes, ...]
    regex: bytes
    positive: str
    negative: str
    unless: bytes = b""
    cased: bool = False
    look: bytes = b""
    find: Callable[[bytes], Iterable[Span]] | None = None

    @cached_property
    def pattern(self) -> re.Pattern[bytes]:
        """What finds the secrets."""
        return re.compile(self.regex)

    @cached_property
    def exempt(self) -> re.Pattern[bytes] | None:
        """What is found and is none."""
        return re.compile(self.unless) if self.unless else None

    @property
    def looks(self) -> tuple[bytes, ...]:
        """What a line must hold before the pattern is tried at all, any of these, in RE2's syntax, in any case."""
        return (self.look,) if self.look else tuple(re.escape(needle) for needle in self.needles)

    def marker(self) -> bytes:
        """What stands in the place of a secret: a plain word, so that JSON, YAML, URLs and shells keep their syntax."""
        return b"_hidden_" + self.name.encode() + b"_"


def hide(rule: Rule, line: bytes, lowered: bytes) -> tuple[bytes, int]:
    """The line without the rule's secrets, and how many there were; what is hidden already is not counted again.

    lowered: the line in lower case, in which most patterns look, since that is several times faster than ignoring case.
    """
    pieces: list[bytes] = []
    done = total = 0
    for start, end in _joined(_found(rule, line, lowered)):
        if not is_done(line[start:end]):
            pieces += (line[done:start], rule.marker())
            done, total = end, total + 1
    return (b"".join((*pieces, line[done:])), total) if total else (line, 0)


def _found(rule: Rule, line: bytes, lowered: bytes) -> Iterator[Span]:
    """Where the rule's secrets stand, in any order."""
    if rule.find is not None:
        yield from rule.find(line)
        return
    for match in rule.pattern.finditer(line if rule.cased else lowered):
        if rule.exempt is None or not rule.exempt.match(match[0]):
            yield from _secret_spans(match)


def _joined(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, those that overlap made one: no part of a secret stays because another began before it.

    >>> _joined([(5, 9), (1, 3), (2, 4), (7, 7)])
    [(1, 4), (5, 9)]
    """
    joined: list[Span] = []
    for start, end in sorted(span for span in spans if span[1] > span[0]):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def is_done(value: bytes) -> bool:
    """Whether a value was hidden already, or is a pseudonym: a second run must not take that for a secret.

    A secret in which only a name or address was replaced is not done: what stands around that still tells it.
    """
    if HIDDEN.fullmatch(value):
        return True
    text = value.decode("latin-1")
    rest = TOKEN.sub(lambda match: "" if is_masked_name(match[0]) else match[0], text)
    if rest == text:
        return DASHED.fullmatch(text) is not None
    return TOLD_AROUND.search(rest) is None


def _secret_spans(match: re.Match[bytes]) -> list[Span]:
    """Where the secrets are in a match: its groups that matched, or all of it where none did."""
    groups = [match.span(number) for number in range(1, match.re.groups + 1) if match.start(number) >= 0]
    return groups or [match.span()]
