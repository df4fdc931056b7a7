"""Bars beside the numbers that they show: drawn from numbers only, without a word, hidden from who hears the page."""

from __future__ import annotations

import math

from caseprobe.report.markup import Markup, element

WIDTH, HEIGHT = 100.0, 10.0
# A tick of this width is seen on a phone.
TICK = 2.5


def share_bar(ratio: float) -> Markup:
    """A share of the whole width; one that is not zero is seen, however small."""
    width = _along(ratio, 1.0)
    return _drawing(_box(0.0, max(width, TICK) if width else 0.0, "share"))


def span_bar(low: float, middle: float, high: float, most: float) -> Markup:
    """From the least to nearly the most, with a tick at the mean; most: what the whole width stands for."""
    start, tick, end = (_along(value, most) for value in (low, middle, high))
    return _drawing(_box(start, max(end - start, 1.0), "span"), _box(min(tick, WIDTH - TICK), TICK, "tick"))


def _along(value: float, most: float) -> float:
    """Where a value lies; what is no number, or beyond an end, lies at that end."""
    ratio = value / most if most > 0 and math.isfinite(value) and math.isfinite(most) else 0.0
    return min(max(ratio, 0.0), 1.0) * WIDTH


def _box(left: float, width: float, kind: str) -> Markup:
    return element("rect", x=f"{left:.1f}", y="0", width=f"{width:.1f}", height=f"{HEIGHT:g}", class_=kind)


def _drawing(*shapes: Markup) -> Markup:
    # Stretched to the cell that it stands in: nothing in it but boxes, which stay boxes.
    box = f"0 0 {WIDTH:g} {HEIGHT:g}"
    return element("svg", *shapes, class_="bar", viewBox=box, preserveAspectRatio="none", aria_hidden="true")
