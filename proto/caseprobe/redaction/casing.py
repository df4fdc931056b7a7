"""The case of a value's letters, carried by the letters of its pseudonym: one value is one pseudonym in any case.

All capitals stay all capitals; otherwise the n-th letter of the pseudonym has the case of the value's n-th letter.
"""

from __future__ import annotations

import re

LETTER = re.compile(r"[A-Za-z]")
LOWER_ONLY = re.compile(r"[^A-Z]*")


def dressed(plain: str, like: str) -> str | None:
    """The text in the case of another one; None where it has too few letters to carry it.

    plain: in lower case.

    >>> dressed("host-ab2", "DB1"), dressed("host-ab2", "dB1"), dressed("a1", "dBx")
    ('HOST-AB2', 'hOst-ab2', None)
    """
    if LOWER_ONLY.fullmatch(like):
        return plain
    cases = [letter.isupper() for letter in LETTER.findall(like)]
    letters = len(LETTER.findall(plain))
    if all(cases):
        return plain.upper() if letters else None
    return _worn(plain, cases) if letters >= len(cases) else None


def undressed(plain: str, like: str) -> str:
    """What dressed was given as `like`, from its lower case and the dressed text.

    >>> undressed("db1", "HOST-AB2"), undressed("db1", "hOst-ab2")
    ('DB1', 'dB1')
    """
    if LOWER_ONLY.fullmatch(like):
        return plain
    cases = [letter.isupper() for letter in LETTER.findall(like)]
    return _worn(plain, [True] * len(plain) if all(cases) else cases)


def lowered(text: str) -> str:
    """The text with its ASCII letters in lower case: all others might not come back."""
    return LETTER.sub(lambda match: match[0].lower(), text)


def _worn(plain: str, cases: list[bool]) -> str:
    """The text with its ASCII letters in the given cases, one after the other."""
    rest = iter(cases)
    return LETTER.sub(lambda match: match[0].upper() if next(rest, False) else match[0], plain)
