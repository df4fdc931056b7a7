"""Where a reader of a log stopped, so that the next one goes on from there and tells nothing twice.

Each kind of log counts in its own way: the ring by a sequence in each boot, the journal by one for each writer, a text
by its bytes. The moment of the newest line is what remains where that does not help.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

# How far back it is looked where the place is lost.
LOST_SECONDS = 24 * 3600.0
# Where a log goes on, so many of the lines before that come along: what recurs is told by several lines, and a person
# wants to see what came before.
CONTEXT_LINES = 100
SEQUENCES_AT_MOST = 16


@dataclass(frozen=True)
class Place:
    """at: seconds since 1970, of the newest line; sequences: the last one, by the boot or the writer that counts it.

    offset and mark are those of a text: how many bytes were read, and the digest of the last of them.
    """

    source: str = ""
    at: float | None = None
    sequences: Mapping[str, int] = field(default_factory=dict)
    offset: int = 0
    mark: str = ""

    def written(self) -> str:
        """As it is kept."""
        return json.dumps([self.source, self.at, dict(self.sequences), self.offset, self.mark])


def place_from(text: str, now: float) -> Place | None:
    """What was kept; None for the empty text: this log was never read. A place that makes no sense is a day ago.

    >>> place_from(Place("/dev/kmsg", 5.0, {"boot": 7}).written(), 9.0)
    Place(source='/dev/kmsg', at=5.0, sequences={'boot': 7}, offset=0, mark='')
    >>> place_from("[1", 90000.0).at
    3600.0
    """
    if not text:
        return None
    try:
        source, at, sequences, offset, mark = json.loads(text)
        known = {str(name): _count(number) for name, number in sequences.items()}
        # A place of the future, by a clock that was set back since, would hide everything until then.
        moment = None if at is None or not 0.0 <= at <= now else float(at)
        return Place(str(source), moment, known, _count(offset), str(mark))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return Place(at=now - LOST_SECONDS)


def _count(number: object) -> int:
    if not isinstance(number, int) or number < 0:
        raise ValueError("no count")
    return number


def sequences_with(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    """Both, the newer where both tell one; those met last are kept where there are too many."""
    merged = {**{name: number for name, number in before.items() if name not in now}, **now}
    return {name: max(number, before.get(name, 0)) for name, number in list(merged.items())[-SEQUENCES_AT_MOST:]}
