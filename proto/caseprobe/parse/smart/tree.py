"""A JSON report: values by path, and the path with its value as the line that proves a fact."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from caseprobe.parse.smart.reader import ENTRIES_AT_MOST, LARGEST, LONGEST_LINE
from caseprobe.v1 import section_smart_pb2 as smart


class Tree:
    """A place in a JSON document; missing, or of another type than asked for, is None and never an error.

    >>> Tree({"a": {"b": 5}}).at("a", "b").number()
    5
    """

    def __init__(self, value: Any, path: str = "$") -> None:
        """The value at a path."""
        self.value = value
        self.path = path

    def at(self, *names: str) -> Tree:
        """The place below; one whose value is None where there is no such thing."""
        value, path = self.value, self.path
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
            path = f"{path}.{name}"
        return Tree(value, path)

    def exists(self) -> bool:
        """True where there is a value."""
        return self.value is not None

    def items(self) -> Iterator[Tree]:
        """The objects of a list, each with its own path."""
        listed = self.value if isinstance(self.value, list) else []
        for index, value in enumerate(listed[:ENTRIES_AT_MOST]):
            if isinstance(value, dict):
                yield Tree(value, f"{self.path}[{index}]")

    def number(self, most: int = LARGEST) -> int | None:
        """A whole number from 0 to most; nvme-cli writes large ones as text, and some as {"value": …}."""
        value = self.value.get("value") if isinstance(self.value, dict) else self.value
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 60:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            return None
        return min(value, LARGEST) if most >= LARGEST else (value if value <= most else None)

    def signed(self) -> int | None:
        """A whole number that may be below zero and fits into 64 bits."""
        value = self.value
        fits = isinstance(value, int) and not isinstance(value, bool) and -(1 << 63) <= value < 1 << 63
        return value if fits else None

    def text(self, most: int = 200) -> str:
        """A text of at most so many characters; empty where it is none."""
        return _clean(self.value[:most]) if isinstance(self.value, str) else ""

    def flag(self) -> bool | None:
        """True or false; None where it is neither."""
        return self.value if isinstance(self.value, bool) else None

    def line(self) -> smart.SmartLine:
        """The path and the value at it, as evidence."""
        written = json.dumps(self.value, ensure_ascii=False, separators=(",", ":"))
        return smart.SmartLine(text=_clean(f"{self.path} = {written}"[:LONGEST_LINE]))


def _clean(text: str) -> str:
    """Half a surrogate pair can stand in JSON and nowhere else."""
    return text.encode("utf-8", "replace").decode()
