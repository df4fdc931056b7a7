"""What an operator's own files and programs say: any text gives pairs or a reason."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.parse.site_values import FACTS_AT_MOST, PARSERS, bounded, parse_json, parse_key_values


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("A=1\nB = two words\n", [("A", "1"), ("B", "two words")]),
        ('export PATH="/bin"\n; note\n[heading]\n', [("PATH", "/bin")]),
        ("started: 2026-11-22T10:00:00\n", [("started", "2026-11-22T10:00:00")]),
        ("url=https://a.example/?b=c\n", [("url", "https://a.example/?b=c")]),
        ("empty=\n", [("empty", "")]),
        ("", []),
    ],
)
def test_pairs_of_every_usual_form(text: str, pairs: list[tuple[str, str]]) -> None:
    """The first sign parts key and value; comments and headings are none."""
    assert parse_key_values(text) == pairs


def test_what_is_not_of_its_form_says_so() -> None:
    """A reason for the reader, never a crash."""
    with pytest.raises(ValueError, match="no line has the form"):
        parse_key_values("nothing of that kind\n")
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json("[" * 100_000 + "]" * 100_000)
    with pytest.raises(ValueError, match="Expecting"):
        parse_json("{")


def test_no_more_is_kept_than_fits() -> None:
    """Facts and their lengths have an end, and the cut is told."""
    kept, cut = bounded([(str(number), "x") for number in range(FACTS_AT_MOST + 1)])
    assert (len(kept), cut) == (FACTS_AT_MOST, True)
    assert bounded([("k" * 500, "v" * 5000)]) == ([("k" * 200, "v" * 1000)], True)
    assert bounded([("k", "v")]) == ([("k", "v")], False)


@given(st.text(max_size=300), st.sampled_from(sorted(PARSERS)))
def test_any_text_is_read_or_refused(text: str, parser: str) -> None:
    """Pairs of text, or a ValueError."""
    with contextlib.suppress(ValueError):
        assert all(isinstance(word, str) for pair in PARSERS[parser](text) for word in pair)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists, max_leaves=10))
def test_every_value_of_a_document_is_there(value: object) -> None:
    """As many pairs as there are values that hold no other."""

    def leaves(inner: object) -> int:
        return sum(map(leaves, inner)) if isinstance(inner, list) else 1

    assert len(parse_json(json.dumps(value))) == leaves(value)
