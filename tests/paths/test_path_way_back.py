"""The way back of replies, by the TTL with which they arrive: told where it is another, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe import texts
from caseprobe.path_stats import summarize
from caseprobe.path_stats.way_back import way_back
from caseprobe.texts.template import LANGUAGES
from caseprobe.v1 import path_pb2
from caseprobe_agent.path.rounds import Plan
from tests.fakes_path import FakeNetwork, run
from tests.paths.simulation import Simulation, scenario


def facts_of(name: str) -> path_pb2.PathFacts:
    """What is said of a scenario after three rounds."""
    return summarize(
        run(FakeNetwork(Simulation(scenario(name))), Plan(rounds=3)).rounds, path_pb2.PathFacts(target="h")
    )


def test_replies_that_come_back_over_four_more_routers_are_told_from_where_on() -> None:
    """Hop 6 and all behind it, though the target begins with another TTL than the routers."""
    facts = facts_of("asymmetric-return")
    assert (facts.way_back_first_ttl, facts.way_back_hops) == (6, 4)
    assert [hop.back_hops for hop in facts.hops] == [0, 1, 2, 3, 4, 9, 10, 11, 12, 13]
    assert texts.path_way_back(facts).startswith("From hop 6 on replies come back over at least 4 routers more")


@pytest.mark.parametrize("name", ["plain", "lossy-link", "mpls", "rate-limited", "silent-hops", "ecmp-diamond", "nat"])
def test_a_path_that_goes_back_as_it_went_says_nothing(name: str) -> None:
    """No hint without a difference."""
    facts = facts_of(name)
    assert texts.path_way_back(facts) == ""
    assert texts.path_summary_json(facts)["way_back"] is None


def test_a_tunnel_alone_is_no_hint() -> None:
    """Hops 3 and 4 answer by way of the tunnel's end; hop 5 does not."""
    assert way_back([(1, 255), (2, 254), (3, 249), (4, 249), (5, 251), (6, 59)]) is None


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 255)), max_size=30))
def test_any_ttls_give_a_hint_or_none(told: list[tuple[int, int]]) -> None:
    """Forged TTLs too: at least two routers of difference where one is given."""
    back = way_back(told)
    assert back is None or abs(back.hops) >= 2


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("hops", [3, -2])
def test_both_ways_have_their_sentence(language: str, hops: int) -> None:
    """In each language, with every value."""
    sentence = texts.path_way_back(path_pb2.PathFacts(way_back_first_ttl=6, way_back_hops=hops), language)
    assert "6" in sentence
    assert str(abs(hops)) in sentence
    assert "?" not in sentence
