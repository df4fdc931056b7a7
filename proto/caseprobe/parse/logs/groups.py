"""Lines of a log that differ in nothing but numbers, put together: what is looked for is looked for once in each."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from caseprobe.parse.logs.templates import ANY, CHARACTERS_AT_MOST, NUMBER
from caseprobe.parse.logs.text import LogText, lines_with

# The level that a line begins with ("<11>") is a number, and tells lines apart all the same; the line without numbers.
Key = tuple[str, str]


@dataclass(frozen=True)
class Groups:
    """All lines (without carriage returns), and the numbers of those that are alike, from 1, in order."""

    lines: Sequence[str]
    alike: Mapping[Key, Sequence[int]]

    def holding(self, words: Iterable[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
        """The number of every line that holds some of these words, and which; in order. Words must hold no digit."""
        keys = list(self.alike)
        text = "\n".join(rough for _, rough in keys)
        found = [
            (number, held) for place, _, _, held in lines_with(text, words) for number in self.alike[keys[place - 1]]
        ]
        return iter(sorted(found))

    def after(self, told: int) -> Groups:
        """Without the first lines; numbers stay what they were."""
        if not told:
            return self
        later = {key: numbers[bisect_right(numbers, told) :] for key, numbers in self.alike.items()}
        return Groups(self.lines, {key: numbers for key, numbers in later.items() if numbers})


def grouped(log: LogText) -> Groups:
    """The groups of a log; lines are cut where they are very long."""
    lines = log.text.removesuffix("\n").split("\n") if log.text else []
    if "\r" in log.text:
        lines = [line.removesuffix("\r") for line in lines]
    rough = NUMBER.sub(ANY, "\n".join([line[:CHARACTERS_AT_MOST] for line in lines])).split("\n") if lines else []
    alike: dict[Key, list[int]] = defaultdict(list)
    for number, (line, text) in enumerate(zip(lines, rough, strict=True), start=1):
        alike[line[:4] if line[:1] == "<" else "", text].append(number)
    return Groups(lines, alike)
