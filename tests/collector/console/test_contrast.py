"""Colours are readable: WCAG 2.2 AA, computed from the style sheet itself, in both schemes."""

from __future__ import annotations

import re

import pytest

from caseprobe_collector.console.assets import read_assets

# Text on its ground: 4.5 to 1.
TEXT = [
    *((ink, ground) for ink in ("ink", "quiet", "accent") for ground in ("ground", "surface", "sunken", "hover")),
    *((f"{s}", f"{s}-soft") for s in ("critical", "warn", "info", "ok", "unknown", "na")),
    *((s, ground) for s in ("critical", "warn", "info", "ok") for ground in ("surface", "hover", "accent-soft")),
    ("accent", "accent-soft"),
    ("ink", "accent-soft"),
    ("quiet", "accent-soft"),
    ("accent-ink", "accent"),
]
# Marks that carry meaning, and what the keyboard stands on: 3 to 1.
MARKS = [("focus", "surface"), ("focus", "ground"), ("critical", "surface"), ("accent", "surface")]


def schemes() -> dict[str, dict[str, tuple[int, int, int]]]:
    """The colours of the light and of the dark scheme by name."""
    text = read_assets().files["console.css"][1].decode()
    light, dark = re.findall(r":root \{(.*?)\n\s*\}", text, re.DOTALL)[:2]
    first, second = (dict(re.findall(r"--([\w-]+): #(\w{6});", part)) for part in (light, dark))
    return {
        name: {key: (int(v[:2], 16), int(v[2:4], 16), int(v[4:], 16)) for key, v in values.items()}
        for name, values in (("light", first), ("dark", {**first, **second}))
    }


def luminance(colour: tuple[int, int, int]) -> float:
    """Relative luminance as WCAG defines it."""
    parts = [c / 255 for c in colour]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """The ratio of the lighter to the darker, from 1 to 21."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_marks_stand_out(scheme: str) -> None:
    """Each pair of the two lists reaches its ratio."""
    colours = schemes()[scheme]
    weak = [
        (a, b, round(contrast(colours[a], colours[b]), 2)) for a, b in TEXT if contrast(colours[a], colours[b]) < 4.5
    ]
    weak += [
        (a, b, round(contrast(colours[a], colours[b]), 2)) for a, b in MARKS if contrast(colours[a], colours[b]) < 3
    ]
    assert weak == []


def test_a_severity_is_told_by_word_and_shape_too() -> None:
    """Every severity has an icon of its own, so that colour alone tells nothing."""
    text = read_assets().files["parts.css"][1].decode()
    for name in ("critical", "warn", "info", "ok", "unknown"):
        assert f".badge.sev-{name}" in text
