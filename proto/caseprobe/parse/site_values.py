"""What an operator's own file or command says, as keys and values: lines, key=value, JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping

FACTS_AT_MOST, KEY_CHARACTERS, VALUE_CHARACTERS = 500, 200, 1000
PAIR = re.compile(r"\s*(?:export\s+)?([^=:\s#;\[][^=:]*?)\s*(?:=|:(?=\s|$))\s*(.*?)\s*")
QUOTED = re.compile(r"""(["'])(.*)\1""")

Pairs = list[tuple[str, str]]


def parse_lines(text: str) -> Pairs:
    """Every line that is not blank, by its number from 1.

    >>> parse_lines("one\\n\\ntwo")
    [('line 1', 'one'), ('line 3', 'two')]
    """
    return [(f"line {number}", line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def parse_key_values(text: str) -> Pairs:
    """Of lines such as `key=value`, `key = "value"` and `key: value`; comments and headings are passed over.

    Raises ValueError where no line has this form.

    >>> parse_key_values("# state\\nLAST=ok\\nage: 3 h\\n")
    [('LAST', 'ok'), ('age', '3 h')]
    """
    found = [(pair[1], QUOTED.sub(r"\2", pair[2])) for line in text.splitlines() if (pair := PAIR.fullmatch(line))]
    if not found and text.strip():
        raise ValueError("no line has the form key=value")
    return found


def parse_json(text: str) -> Pairs:
    """Every value of a document by its dotted path. Raises ValueError.

    >>> parse_json('{"last": {"ok": true, "sizes": [3, 4]}}')
    [('last.ok', 'true'), ('last.sizes.0', '3'), ('last.sizes.1', '4')]
    """
    try:
        return list(_flat("", json.loads(text)))
    except RecursionError:
        raise ValueError("is nested too deeply") from None


def _flat(path: str, value: object) -> Iterator[tuple[str, str]]:
    named: Iterator[tuple[object, object]]
    if isinstance(value, dict):
        named = iter(value.items())
    elif isinstance(value, list):
        named = iter(enumerate(value))
    else:
        yield path or "value", value if isinstance(value, str) else json.dumps(value)
        return
    for name, inner in named:
        yield from _flat(f"{path}.{name}" if path else str(name), inner)


PARSERS: Mapping[str, Callable[[str], Pairs]] = {
    "lines": parse_lines,
    "key_value": parse_key_values,
    "json": parse_json,
}


def bounded(pairs: Pairs) -> tuple[Pairs, bool]:
    """The first of them, none too long, and whether anything was cut."""
    kept = [(key[:KEY_CHARACTERS], value[:VALUE_CHARACTERS]) for key, value in pairs[:FACTS_AT_MOST]]
    return kept, kept != pairs
