"""Rows of plain text under one another, and times as they stand in them: pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def aligned_rows(rows: Sequence[Sequence[str]], left: Collection[str]) -> list[str]:
    """One line a row; the first row is the headings, of which those in left are columns of words.

    >>> aligned_rows([("hop", "address"), ("10", "*")], ("address",))
    ['hop  address', ' 10  *']
    """
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(_cells(row, rows[0], widths, left)).rstrip() for row in rows]


def _cells(row: Sequence[str], headings: Sequence[str], widths: Sequence[int], left: Collection[str]) -> list[str]:
    return [
        cell.ljust(width) if heading in left else cell.rjust(width)
        for heading, cell, width in zip(headings, row, widths, strict=True)
    ]


def milliseconds(seconds: float) -> str:
    """A time in milliseconds with three significant digits where it is short.

    >>> milliseconds(0.0000412), milliseconds(0.01234), milliseconds(0.1)
    ('0.041', '12.3', '100')
    """
    value = seconds * 1e3
    digits = 3 if value < 1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f}"
