"""The house's bars hold: length, nesting, annotations, docstrings, no import cycles."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture import codestats

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("tree", ["agent/caseprobe_agent", "collector/caseprobe_collector", "proto/caseprobe"])
def test_the_style_bars_hold(tree: str) -> None:
    """No tree breaks a bar of docs/style.md; a broken one names its worst places."""
    stats = codestats.measure(ROOT / tree, [])
    broken = codestats.broken_bars(stats, codestats.summary(stats))
    assert broken == [], sorted(stats.func_lines, reverse=True)[:5]
