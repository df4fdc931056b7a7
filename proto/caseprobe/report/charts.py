"""Bars and curves beside the numbers that they show: drawn from numbers only, without a word.

They are hidden from who hears the page: all that they say stands in words beside them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from caseprobe.report.markup import Markup, element

WIDTH, HEIGHT = 100, 10
# A tick of this width is seen on a phone.
TICK = 2.5
# Curves are drawn in whole steps: finer than the screen's own points on most.
CURVE_HEIGHT = 100
# Least, mean and most of a column.
Column = tuple[float, float, float]


@dataclass(frozen=True)
class Links:
    """Lines from the dots of one row to those of the next: so many dots above and below, and pairs of their places."""

    above: int
    below: int
    pairs: tuple[tuple[int, int], ...]
    fault: bool


def share_bar(ratio: float) -> Markup:
    """A share of the whole width; one that is not zero is seen, however small."""
    width = _part(ratio, 1.0) * WIDTH
    return _drawing("gauge", WIDTH, HEIGHT, _box(0.0, max(width, TICK) if width else 0.0, "share"))


def span_bar(low: float, middle: float, high: float, most: float) -> Markup:
    """From the least to nearly the most, with a tick at the mean; most: what the whole width stands for."""
    start, tick, end = (_part(value, most) * WIDTH for value in (low, middle, high))
    span = _box(start, max(end - start, 1.0), "span")
    return _drawing("gauge", WIDTH, HEIGHT, span, _box(min(tick, WIDTH - TICK), TICK, "tick"))


def rail(into: Links, out: Links, silent: bool) -> Markup:
    """A row of dots with the lower half of the lines into it and the upper half of those out of it.

    Rows under one another make one picture, however high each of them is.
    """
    upper = [f"M{_middle(into, pair)} 0L{_across(pair[1], into.below)} 50" for pair in into.pairs]
    lower = [f"M{_across(pair[0], out.above)} 50L{_middle(out, pair)} 100" for pair in out.pairs]
    dots = [f"M{_across(place, out.above)} 50h.01" for place in range(out.above)]
    shapes = ((upper, _line(into)), (lower, _line(out)), (dots, "dot silent" if silent else "dot"))
    drawn = [element("path", d="".join(steps), class_=kind) for steps, kind in shapes if steps]
    return _drawing("route", WIDTH, 100, *drawn)


def _line(links: Links) -> str:
    return "way fault" if links.fault else "way"


def _across(place: int, places: int) -> int:
    return round((place + 0.5) / places * WIDTH)


def _middle(links: Links, pair: tuple[int, int]) -> int:
    """Where a line crosses from one row into the next."""
    return (_across(pair[0], links.above) + _across(pair[1], links.below)) // 2


def thinned(low: Sequence[float], mean: Sequence[float], high: Sequence[float], most: int) -> list[Column | None]:
    """Values of equal steps in so many columns at most; None where a column has no number at all.

    >>> thinned([1, 2, 3], [1, 2, 3], [1, 5, 3], 2)
    [(1, 1.5, 5), (3, 3.0, 3)]
    """
    size = max(1, math.ceil(len(mean) / most))
    return [
        _column(*(values[begin : begin + size] for values in (low, mean, high))) for begin in range(0, len(mean), size)
    ]


def _column(low: Sequence[float], mean: Sequence[float], high: Sequence[float]) -> Column | None:
    if math.isfinite(sum(low) + sum(mean) + sum(high)):
        return min(low), sum(mean) / len(mean), max(high)
    lows, means, highs = ([value for value in values if math.isfinite(value)] for values in (low, mean, high))
    return (min(lows), sum(means) / len(means), max(highs)) if lows and means and highs else None


def curve(columns: Sequence[Column | None], most: float) -> Markup:
    """The mean as a line in a band from the least to the most, with its gaps. most: what the whole height is."""
    runs = [list(run) for told, run in groupby(enumerate(columns), key=lambda one: one[1] is not None) if told]
    lines, bands = [], []
    for run in runs:
        first = run[0][0]
        lows, means, highs = (_heights(values, most) for values in zip(*_told(run), strict=True))
        lines.append(f"M{first} {means[0]}{_steps(means, 1)}")
        bands.append(f"M{first} {highs[0]}{_steps(highs, 1)}V{lows[-1]}{_steps(lows[::-1], -1)}z")
    band = element("path", d="".join(bands), class_="band")
    line = element("path", d="".join(lines), class_="mean")
    return _drawing("curve", max(len(columns) - 1, 1), CURVE_HEIGHT, band, line)


def _told(run: Iterable[tuple[int, Column | None]]) -> Iterator[Column]:
    return (column for _, column in run if column is not None)


def _heights(values: Sequence[float], most: float) -> list[int]:
    """How far below the upper edge each value lies, which are numbers; some thousand of them are drawn."""
    scale = CURVE_HEIGHT / most if most > 0 and math.isfinite(most) else 0.0
    return [CURVE_HEIGHT - int(min(max(value * scale, 0.0), CURVE_HEIGHT) + 0.5) for value in values]


def _steps(heights: Sequence[int], right: int) -> str:
    """From each height to the next one, a column on; the same path wherever it starts."""
    told = " ".join(f"{right} {after - before}" for before, after in pairwise(heights))
    return f"l{told}".replace(" -", "-") if told else "h.3"


def _part(value: float, most: float) -> float:
    """Where a value lies between zero and the most; what is no number, or beyond an end, lies at that end."""
    ratio = value / most if most > 0 and math.isfinite(value) and math.isfinite(most) else 0.0
    return min(max(ratio, 0.0), 1.0)


def _box(left: float, width: float, kind: str) -> Markup:
    return element("rect", x=f"{left:.1f}", y="0", width=f"{width:.1f}", height=str(HEIGHT), class_=kind)


def _drawing(kind: str, width: int, height: int, *shapes: Markup) -> Markup:
    # Stretched to the place that it stands in: there is no letter in it that this would bend.
    box = f"0 0 {width} {height}"
    return element("svg", *shapes, class_=kind, viewBox=box, preserveAspectRatio="none", aria_hidden="true")
