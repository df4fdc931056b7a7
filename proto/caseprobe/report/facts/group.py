"""One section of the snapshot on the page: a name, its gist in one line, and the tables behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from caseprobe.report.markup import NOTHING, Markup, element, joined, table, unfold
from caseprobe.report.words import Words, left_out
from caseprobe.v1 import section_pb2

T = TypeVar("T")


@dataclass(frozen=True)
class Gist:
    """The one line, and what stands behind it."""

    line: str
    body: Markup


Render = Callable[[section_pb2.Section, Words], Gist]
# So many rows of a table, and lines of a plain list; a report is read by people, the rest is in snapshot.json.
MOST_ROWS, MOST_LINES = 30, 1000


def listed(
    head: Sequence[str],
    found: Sequence[T],
    row: Callable[[T], Sequence[str]],
    words: Words,
    numbers: Sequence[int] = (),
) -> Markup:
    """A table of the first of many things, and how many more there are; numbers are the columns to align right."""
    return joined(
        table(head, [row(one) for one in found[:MOST_ROWS]], numbers), left_out(len(found) - MOST_ROWS, words)
    )


def plain_list(title: str, lines: Iterable[str], total: int, words: Words) -> Markup:
    """Many short lines behind one that can be clicked, in columns where there is room."""
    if not total:
        return NOTHING
    text = element("pre", "\n".join(islice(lines, MOST_LINES)), class_="list", tabindex="0")
    return unfold(title, text, left_out(total - MOST_LINES, words), class_="more")
