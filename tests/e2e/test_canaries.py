"""A machine full of values that must stay on it, a bundle of it sent, and every place of the collector searched.

`make bench-canaries` plays all flows with 200 of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.canary.planting import plant
from tests.canary.play import allowed, play
from tests.canary.search import Search, forms


def test_no_planted_value_leaves_its_machine(tmp_path: Path) -> None:
    """None of 60 secrets and identifiers stands in wire, database, objects, logs or pages, in six encodings."""
    if not allowed():
        pytest.skip("not run: needs root for a namespace of its own")
    outcome = play(tmp_path, 60, seed=7, resident=False)
    assert outcome.control == outcome.planted
    assert {place: found for place, found in outcome.found.items() if found} == {}
    assert all(outcome.seen_bytes[place] for place in ("wire", "database", "objects", "console", "bundle file"))


def test_the_search_finds_a_value_in_each_of_its_encodings() -> None:
    """Otherwise finding nothing would mean nothing."""
    canaries = plant(40, 3).canaries
    search = Search(canaries)
    for one in canaries:
        for encoding, texts in forms(one.value).items():
            assert all(one.value in {value for _, value, _ in search.hits(b"x" + text + b"x")} for text in texts), (
                encoding
            )
