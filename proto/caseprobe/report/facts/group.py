"""One section of the snapshot on the page: a name, its gist in one line, and the tables behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from caseprobe.report.markup import Markup
from caseprobe.report.words import Words
from caseprobe.v1 import section_pb2


@dataclass(frozen=True)
class Gist:
    """The one line, and what stands behind it."""

    line: str
    body: Markup


Render = Callable[[section_pb2.Section, Words], Gist]
# So many rows of a table; a report is read by people, the rest is in snapshot.json.
MOST_ROWS = 30


def dotted(*parts: str) -> str:
    """The parts that say something, one after the other.

    >>> dotted("a", "", "b")
    'a · b'
    """
    return " · ".join(part for part in parts if part)
