"""Every pattern that searches a text reads on from one place for no more than so many bytes, whatever the text is."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

from caseprobe import redaction
from caseprobe.redaction import rules_phrases, rules_spoken
from caseprobe.redaction.phrases import compiled
from caseprobe.redaction.secrets import RULES

REPEATS = (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT)
# The part without a limit stands behind letters that it cannot hold: no byte of it is read from two places.
BEHIND_LETTERS = {"code_service", "cloud_service", "chat_service", "scheme_hash", "scheme_word"}
# So it is with TOKEN; the others are put to one word or to one place, or to a phrase of ours: no text is searched with
# them.
PUT_TO_ONE_PLACE = {
    *("casing.LOWER_ONLY", "continued.INDENT", "cues.BOUND", "domains._OF_EVERYBODY", "identifiers.NO_MAILBOX"),
    *("identifiers.TOKEN", "identifiers.WORD", "nested.TEXT", "paths.NO_USER", "phrases.PARTS"),
    *("pseudonyms.PLACEHOLDER", "pseudonyms.TOKEN", "rule.TOKEN", "secret_names.WORD", "secret_values.DRAWN_WORD"),
    *("sql.OPEN", "structure.known_file.PAIR", "word_finder.TOKEN_OR_DOTTED"),
}


def endless(pattern: Any, flags: int = 0) -> bool:
    """Whether a part of it may repeat without a limit."""
    return any(_repeats(_parser.parse(pattern, flags)))


def _repeats(parsed: Any) -> Iterator[bool]:
    """For every repetition in it, however deep, whether it has no limit."""
    for operator, argument in parsed:
        if operator in REPEATS:
            yield argument[1] == _constants.MAXREPEAT
        yield from _inside(argument)


def _inside(argument: Any) -> Iterator[bool]:
    if isinstance(argument, _parser.SubPattern):
        yield from _repeats(argument)
    elif isinstance(argument, tuple | list):
        for part in argument:
            yield from _inside(part)


def constants() -> Iterator[tuple[str, re.Pattern[Any]]]:
    """Every pattern that a module of the package holds by a name, alone or among others."""
    for found in pkgutil.walk_packages(redaction.__path__, f"{redaction.__name__}."):
        for name, value in vars(importlib.import_module(found.name)).items():
            for one in value if isinstance(value, tuple) else (value,):
                if isinstance(one, re.Pattern):
                    yield f"{found.name.removeprefix(f'{redaction.__name__}.')}.{name}", one


def test_the_look_finds_what_has_no_end() -> None:
    """In any depth, greedy or not; what has a limit passes."""
    assert all(map(endless, (b"a*", b"(x|(?:ab+c)?)", "a{3,}?", b"(?=a.*)", b"[^a]++", b"(?>a(?:b|c*))")))
    assert not any(map(endless, (b"a{0,9}", b"(?:ab?c){1,64}+", b"[*+]", rb"\*")))


def test_no_rule_reads_on_without_end() -> None:
    """Neither what it finds nor what it lets pass."""
    patterns = {rule.name: (rule.regex, rule.unless) for rule in RULES}
    assert {name for name, both in patterns.items() if any(map(endless, both))} == BEHIND_LETTERS


def test_no_other_pattern_that_searches_reads_on_without_end() -> None:
    """A new one without a limit fails here, and so does an exception that needs none any more."""
    found = {name for name, pattern in constants() if endless(pattern.pattern, pattern.flags & ~re.UNICODE)}
    assert found == PUT_TO_ONE_PLACE


PHRASES = [
    phrase
    for module in (rules_phrases, rules_spoken)
    for value in vars(module).values()
    if isinstance(value, tuple) and all(isinstance(one, str) for one in value)
    for phrase in value
]


def ways(parsed: Any) -> Iterator[int]:
    """Of every repetition that may give back what it took, how often it repeats."""
    for operator, argument in parsed:
        if operator in REPEATS[:2]:
            yield argument[1]
        if operator not in REPEATS[2:]:
            yield from _ways_inside(argument)


def _ways_inside(argument: Any) -> Iterator[int]:
    if isinstance(argument, _parser.SubPattern):
        yield from ways(argument)
    elif isinstance(argument, tuple | list):
        for part in argument:
            yield from _ways_inside(part)


def test_a_phrase_is_tried_in_few_ways() -> None:
    """Three words that give back what they took were seconds for a line of 2,000 signs."""
    assert len(PHRASES) > 200
    for phrase in PHRASES:
        long = [times for times in ways(_parser.parse(compiled(phrase, False).pattern)) if times > 8]
        assert len(long) <= 2 and max(long, default=0) <= 200, phrase
