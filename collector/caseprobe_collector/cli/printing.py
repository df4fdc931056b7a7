"""What a command tells: JSON, or lines for people. Text of machines never reaches the terminal with its controls."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any


def tell(value: Any, as_json: bool, lines: Iterable[str]) -> None:
    """The value as one JSON document, or its lines."""
    if as_json:
        print(json.dumps(value, ensure_ascii=False))
        return
    for line in lines:
        print(line)


def warn(line: str) -> None:
    """Something to think about, on stderr: the result stays alone on stdout."""
    print(f"caseprobe-collector: {line}", file=sys.stderr)


def printable(lines: Iterable[str]) -> list[str]:
    """The lines without what a terminal would obey."""
    # Here and below, because it loads all catalogues, which `serve` on its way to the first machine does not need.
    from caseprobe import texts

    return [texts.printable(line) for line in lines]


def columns(rows: Sequence[dict[str, Any]], names: Sequence[str], empty: str) -> list[str]:
    """A table with its head; the sentence for empty where there is no row."""
    if not rows:
        return [empty]
    cells = [[_cell(row.get(name)) for name in names] for row in rows]
    heads = [name.removesuffix("_at").replace("_", " ") for name in names]
    widths = [max(len(line[index]) for line in [heads, *cells]) for index in range(len(names))]
    return [
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in [heads, *cells]
    ]


def pairs(row: dict[str, Any], names: Sequence[str]) -> list[str]:
    """One thing, a line a value."""
    width = max(len(name) for name in names)
    return [f"{name.replace('_', ' ').ljust(width)}  {_cell(row.get(name))}" for name in names]


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, list):
        return ", ".join(_cell(one) for one in value) or "-"
    text = str(value)
    # A time in full is its own line's worth; the second is enough.
    if len(text) > 19 and text[10:11] == "T" and text[4:5] == "-":
        return text[:19] + "Z"
    return printable([text])[0]
