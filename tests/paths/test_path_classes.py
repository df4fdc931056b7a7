"""What a hop's missing answers mean: the model of the path, the limiter's fit, and varied paths."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caseprobe.path_stats import change, limiter
from tests.fakes_path import straight_path
from tests.paths.evaluate import World, evaluate, judged


def answered_by(rate: float, burst: int, seconds: int) -> list[limiter.Outcome]:
    """Which echoes, one a second, a router with such a bucket answers."""
    tokens, outcomes = float(burst), []
    for at in range(seconds):
        tokens = min(burst, tokens + (rate if at else 0.0))
        outcomes.append((float(at), tokens >= 1))
        tokens -= tokens >= 1
    return outcomes


@settings(max_examples=40, deadline=None)
@given(rate=st.floats(0.1, 0.7), burst=st.integers(2, 10))
def test_a_limiter_is_found_with_its_rate(rate: float, burst: int) -> None:
    """Its rate within a fifth, and far likelier than answers left out at random.

    A burst of one is left out: one token at most gives the same answers to one echo a second at many rates.
    """
    bucket = limiter.fit(answered_by(rate, burst, 200))
    assert bucket is not None
    assert bucket.per_second == pytest.approx(rate, rel=0.2)
    assert bucket.log_odds > 5


@pytest.mark.parametrize("seed", range(8))
def test_answers_left_out_at_random_are_no_limiter(seed: int) -> None:
    """An overloaded router drops any echo: no bucket explains which."""
    rng = random.Random(seed)
    dropped = rng.uniform(0.2, 0.8)
    bucket = limiter.fit([(float(at), rng.random() > dropped) for at in range(200)])
    assert bucket is None or bucket.log_odds < 0


def test_few_outcomes_tell_no_limiter() -> None:
    """Eleven echoes, or a hop that answered all or none, say nothing of a rate."""
    assert limiter.fit([(float(at), at < 5) for at in range(11)]) is None
    assert limiter.fit([(float(at), True) for at in range(50)]) is None
    assert limiter.fit([(float(at), False) for at in range(50)]) is None
    assert limiter.fit([]) is None


counts = st.integers(1, 2000).flatmap(lambda sent: st.tuples(st.integers(0, sent - 1), st.just(sent)))
limits = st.tuples(st.floats(-50, 50), st.integers(0, 300)).flatmap(
    lambda known: st.tuples(*map(st.just, known), st.integers(0, known[1]))
)
answers = st.builds(
    lambda counted, links, known: change.Answers(counted[0], counted[1], links, *known),
    counts,
    st.integers(1, 5),
    limits,
)


def read(*hops: tuple[int, int]) -> change.Reading:
    """The reading of (lost, sent) of hops that follow one another."""
    return change.read([change.Answers(*hop) for hop in hops])


@settings(max_examples=60, deadline=None)
@given(st.lists(answers, min_size=1, max_size=20))
def test_a_reading_is_made_of_probabilities(hops: list[change.Answers]) -> None:
    """Whatever was counted: one link begins the loss, and the path's end keeps nothing back."""
    reading = change.read(hops)
    assert math.fsum(reading.begins) == pytest.approx(1.0)
    assert all(-1e-9 <= own <= 1 + 1e-9 for own in reading.own)
    assert reading.own[-1] == 0
    assert len(reading.begins) == len(reading.own) == len(hops)


def test_a_limiter_before_a_fault_does_not_hide_it() -> None:
    """Hop 3 misses nine of ten and the path loses 5 % from hop 6 on: both are said, each of its own."""
    reading = read((0, 300), (1, 300), (270, 300), (0, 300), (1, 300), (15, 300), (17, 300), (15, 300))
    assert max(range(8), key=lambda index: reading.begins[index]) == 5
    assert [round(own) for own in reading.own] == [0, 0, 1, 0, 0, 0, 0, 0]


def test_an_overloaded_router_is_no_limiter_and_no_loss() -> None:
    """A router that drops half of its own answers at random is busy itself; the path is clean."""
    spec = straight_path(7)
    spec["nodes"]["r3"]["icmp_drop"] = 0.5
    facts = judged(World(spec, {}, {}, 0, 0.0), 100)
    assert [hop.classification for hop in facts.hops] == ["ok", "ok", "slow_control_plane", "ok", "ok", "ok", "ok"]
    assert facts.verdict.message_id == "path.ok"


def test_a_limiter_is_told_with_rate_and_burst() -> None:
    """Four at once and then one every four seconds, behind a link that loses 5 %."""
    spec = straight_path(6)
    spec["links"]["r1>r2"]["loss"] = 0.05
    spec["nodes"]["r4"] |= {"icmp_rate": 0.25, "icmp_burst": 4}
    hop = judged(World(spec, {}, {}, 0, 0.0), 150).hops[3]
    assert hop.classification == "rate_limited"
    assert hop.limit_per_second == pytest.approx(0.25, rel=0.2)
    assert hop.probability > 0.9


def test_a_limiter_that_misses_as_much_as_the_link_does_not_draw_the_fault_to_itself() -> None:
    """Hop 2 and the link behind it both leave out four in ten: only which echoes are missing tells them apart."""
    hops = [change.Answers(lost, 150) for lost in (0, 60, 60, 58, 61)]
    limited = replace(hops[1], limited=30.0, met=90)
    plain, told = change.read(hops), change.read([hops[0], limited, *hops[2:]])
    assert [max(range(5), key=lambda index: one.begins[index]) for one in (plain, told)] == [1, 2]
    assert told.own[1] > 0.99 > 0.5 > plain.own[1]


@pytest.mark.parametrize(("blank", "begins"), [(0, 3), (12, 2)])
def test_a_limiter_tells_on_which_side_of_it_the_loss_begins(blank: int, begins: int) -> None:
    """Hop 3 answers 90 echoes of 300: of those that found a token all were answered, or as few as behind it."""
    limited = change.Answers(210, 300, limited=60.0, met=90 + blank, blank=blank)
    hops = [change.Answers(0, 300), change.Answers(0, 300), limited, *[change.Answers(36, 300)] * 3]
    assert change.read(hops).begins[begins] > 0.9


def test_links_between_two_answers_share_what_is_said_of_them() -> None:
    """Two silent hops before the one where the loss begins: three links, each as likely, and the segment holds all."""
    spec = straight_path(8)
    spec["nodes"]["r3"]["silent"] = spec["nodes"]["r4"]["silent"] = True
    spec["links"]["r4>r5"]["loss"] = 0.2
    verdict = judged(World(spec, {}, {}, 0, 0.0), 120).verdict
    assert (verdict.segment_first_ttl, verdict.segment_last_ttl) == (2, 5)
    assert verdict.confidence > 0.95


@pytest.mark.parametrize(("link", "segment"), [("r3>r4", (3, 4)), ("r4>r5", (4, 5))])
def test_a_limited_hop_bounds_the_segment(link: str, segment: tuple[int, int]) -> None:
    """The loss begins right before a limiter, or right behind it: its own answers tell which."""
    spec = straight_path(8)
    spec["nodes"]["r4"] |= {"icmp_rate": 0.3, "icmp_burst": 3}
    spec["links"][link]["loss"] = 0.1
    verdict = judged(World(spec, {}, {}, 0, 0.0), 240).verdict
    assert (verdict.segment_first_ttl, verdict.segment_last_ttl) == segment


def test_varied_paths_raise_no_false_alarm() -> None:
    """Over a few varied paths: no alarm on a healthy one, and what is said of hops is nearly always right."""
    score = evaluate(5, 100, 3)
    assert score.alarms == 0
    assert score.held == score.named
    assert score.right >= 0.9 * score.said
