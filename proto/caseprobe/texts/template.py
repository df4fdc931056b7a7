"""Sentences with places for values: {name} is a value with its unit, {name|process|processes} a word by its number."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping

from caseprobe.texts.units import format_value

Value = float | str
_PLACE = re.compile(r"\{(\w+)((?:\|[^{}|]*)*)\}")
_LONGEST = 200
# Values come from machines: what is not printable must not reach a terminal, where it could move the cursor.
# Marks that turn the direction of writing would let a file name lie about its ending.
_INVISIBLE = r"\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"
_UNPRINTABLE = re.compile(rf"[\x00-\x1f{_INVISIBLE}]+")
_UNPRINTABLE_IN_LINES = re.compile(rf"[\x00-\x08\x0b-\x1f{_INVISIBLE}]+")


def _english(number: float) -> int:
    return 0 if number == 1 else 1


def _russian(number: float) -> int:
    if number != int(number):
        return 1
    last, tens = abs(int(number)) % 10, abs(int(number)) % 100
    if last == 1 and tens != 11:
        return 0
    return 1 if 2 <= last <= 4 and not 12 <= tens <= 14 else 2


def _chinese(_number: float) -> int:
    return 0


# How many forms a counted word has in a language, and which one goes with a number (Unicode CLDR plural rules).
PLURALS: Mapping[str, tuple[int, Callable[[float], int]]] = {
    "en": (2, _english),
    "zh_Hans": (1, _chinese),
    "ru": (3, _russian),
}
LANGUAGES = tuple(PLURALS)


def visible(text: str) -> str:
    """A machine's text of one line or more, without control characters and marks that turn its direction."""
    return _UNPRINTABLE_IN_LINES.sub("�", text)


def printable(text: str) -> str:
    """One line of a machine's text, without control characters and at most 200 characters long.

    >>> printable("eth0\\x1b[2J")
    'eth0�[2J'
    """
    clean = _UNPRINTABLE.sub("�", text)
    return clean if len(clean) <= _LONGEST else clean[: _LONGEST - 1] + "…"


def quoted(text: str) -> str:
    """As printable, and one word to a shell: advice names commands, which somebody will copy with what is in them.

    >>> quoted("/srv/data"), quoted("/mnt/x; reboot")
    ('/srv/data', "'/mnt/x; reboot'")
    """
    return shlex.quote(printable(text))


def fill(
    template: str, values: Mapping[str, Value], language: str = "en", shown: Callable[[str], str] = printable
) -> str:
    """The sentence with its values; a value that is missing reads "?", so that a newer or older side still reads.

    shown: what a machine's text becomes in it.

    >>> fill("{zombies_total} {zombies_total|process is|processes are} dead", {"zombies_total": 1})
    '1 process is dead'
    >>> fill("{n} {n|процесс|процесса|процессов}", {"n": 22}, "ru")
    '22 процесса'
    """

    def value(match: re.Match[str]) -> str:
        found = values.get(match[1], "?")
        forms = match[2].split("|")[1:]
        if forms:
            return _form(forms, found, language)
        return shown(found) if isinstance(found, str) else format_value(match[1], found, language)

    return _PLACE.sub(value, template)


def _form(forms: list[str], number: Value, language: str) -> str:
    if isinstance(number, str) or number != number or abs(number) == float("inf"):
        return forms[-1]
    _, chosen = PLURALS.get(language, PLURALS["en"])
    return forms[min(chosen(number), len(forms) - 1)]


def places(template: str) -> list[tuple[str, int]]:
    """Each place of a template in order: its name and the number of word forms, 0 where it takes the value itself.

    >>> places("{n} {n|dog|dogs} on {object}")
    [('n', 0), ('n', 2), ('object', 0)]
    """
    return [(name, forms.count("|")) for name, forms in _PLACE.findall(template)]
