"""A share with the interval that it is known to within."""

from __future__ import annotations

from math import sqrt

Z95 = 1.959964


def wilson(hits: int, total: int) -> tuple[float, float]:
    """The 95 % interval of Wilson; (0, 1) of nothing.

    >>> [round(bound, 3) for bound in wilson(9, 10)]
    [0.596, 0.982]
    """
    if not total:
        return 0.0, 1.0
    ratio, z2 = hits / total, Z95 * Z95
    middle = ratio + z2 / (2 * total)
    spread = Z95 * sqrt(ratio * (1 - ratio) / total + z2 / (4 * total * total))
    return max(0.0, (middle - spread) / (1 + z2 / total)), min(1.0, (middle + spread) / (1 + z2 / total))


def share(hits: int, total: int) -> str:
    """In words: 98.2 % (96.1 to 99.2)."""
    low, high = wilson(hits, total)
    return f"{hits / total:.1%} ({low:.1%} to {high:.1%})" if total else "none"
