"""What machines measured and had to drop, as shown: a page that stayed silent about it would pass for complete."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

WORDS = {
    "quota": "there was no more room for it on the machine",
    "age": "it waited too long on the machine",
    "corrupt": "it was damaged on the machine's disk",
}


@dataclass(frozen=True)
class GapView:
    """Measurements that will never come: how many (0 where that is not known), why, and when this was told."""

    records_total: int
    why: str
    told_at: datetime


def gap_views(
    gaps: Iterable[tuple[int, int, str, datetime]], since: datetime | None = None, limit: int = 50
) -> list[GapView]:
    """The newest gaps first, those that were told since then."""
    found = [_view(*gap) for gap in gaps if since is None or gap[3] >= since]
    return found[::-1][:limit]


def _view(first: int, last: int, reason: str, told_at: datetime) -> GapView:
    """One gap; first and last are 0 where the machine does not know what it lost."""
    kind, _, detail = reason.partition(": ")
    if kind == "refused":
        why = f"this collector did not take it ({detail})"
    else:
        why = WORDS.get(kind, reason) + (f" ({detail})" if detail and kind in WORDS else "")
    return GapView(last - first + 1 if first else 0, why, told_at)
