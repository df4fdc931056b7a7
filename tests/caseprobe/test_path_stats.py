"""From rounds to hops and a verdict, on scripted paths whose truth is known."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.path_stats import chance, summarize
from caseprobe.path_stats.hops import jitter, p95
from caseprobe.v1 import path_pb2
from caseprobe_agent.path.rounds import Plan
from tests.fakes_path import FakeNetwork, run, straight_path
from tests.paths.simulation import Simulation, scenario

HEADER = path_pb2.PathFacts(target="example.org", protocol=path_pb2.PATH_PROTOCOL_ICMP)


def traced(spec: dict[str, Any], rounds: int, interval_seconds: float = 1.0) -> path_pb2.PathFacts:
    """The facts of a path of a scenario after so many rounds."""
    plan = Plan(rounds=rounds, interval_seconds=interval_seconds)
    return summarize(run(FakeNetwork(Simulation(spec)), plan).rounds, HEADER)


def round_of(*replies: path_pb2.HopReply, sent: tuple[int, ...], number: int = 1) -> path_pb2.PathRound:
    """A round by hand."""
    return path_pb2.PathRound(number=number, sent=sent, replies=replies)


def test_no_rounds_are_a_verdict_too() -> None:
    """Nothing sent is said as such, and the header stays."""
    facts = summarize([], HEADER)
    assert (facts.verdict.message_id, facts.target, len(facts.hops)) == ("path.nothing_sent", "example.org", 0)


def test_a_plain_path_is_ok_at_every_hop() -> None:
    """Sixteen clean hops: no loss, times grow, verdict ok."""
    facts = traced(scenario("plain"), 50)
    assert [hop.classification for hop in facts.hops] == ["ok"] * 16
    assert facts.verdict.message_id == "path.ok"
    assert facts.hops[15].from_target
    assert facts.hops[15].best_seconds == pytest.approx(0.1, rel=0.05)
    assert facts.rounds == 50


def test_loss_is_named_at_the_link_where_it_begins() -> None:
    """5 % lost between r6 and r7 are found there, with an interval that holds the truth."""
    verdict = traced(scenario("lossy-link"), 300).verdict
    assert verdict.message_id == "path.loss_from"
    assert verdict.segment_first_ttl <= 6 < 7 <= verdict.segment_last_ttl
    assert verdict.segment_last_ttl - verdict.segment_first_ttl <= 2
    assert verdict.loss_low_ratio < 0.05 < verdict.loss_high_ratio
    assert verdict.confidence >= 0.9


def test_limiters_are_no_loss() -> None:
    """Routers that answer five times and then every two seconds are named as limiters on a clean path."""
    facts = traced(scenario("rate-limited"), 120)
    classes = {hop.ttl: hop.classification for hop in facts.hops}
    assert classes[3] == "rate_limited"
    assert facts.verdict.message_id == "path.ok"
    assert set(classes.values()) == {"ok", "rate_limited"}


def test_silent_hops_are_silent_and_the_path_is_ok() -> None:
    """Hops that never answer are a result, not a fault."""
    facts = traced(scenario("silent-hops"), 30)
    assert [hop.ttl for hop in facts.hops if hop.classification == "silent"] == [4, 5, 9]
    assert facts.verdict.message_id == "path.ok"


def test_a_slow_control_plane_is_not_a_slow_path() -> None:
    """A router that takes its time for errors delays nothing that passes it."""
    spec = straight_path(6)
    spec["nodes"]["r3"] |= {"icmp_delay_ms": 80.0}
    facts = traced(spec, 10)
    assert [hop.classification for hop in facts.hops] == ["ok", "ok", "slow_control_plane", "ok", "ok", "ok"]


def test_one_lost_echo_of_ten_asks_for_more() -> None:
    """One loss may be chance: the verdict says how many rounds would tell."""
    target = path_pb2.HopReply(ttl=1, address=b"\x01\x02\x03\x04", rtt_seconds=0.01, from_target=True)
    rounds = [round_of(target, sent=(1,), number=n) for n in range(1, 10)] + [round_of(sent=(1,), number=10)]
    verdict = summarize(rounds, HEADER).verdict
    assert (verdict.message_id, verdict.loss_ratio, verdict.more_rounds) == ("path.needs_more", 0.1, 10)


def test_loss_on_the_first_link_begins_at_this_machine() -> None:
    """A bad own link shows at every hop: the segment begins at hop 0, this machine."""
    spec = straight_path(5)
    spec["links"]["src>r1"]["loss"] = 0.3
    verdict = traced(spec, 200).verdict
    assert (verdict.message_id, verdict.segment_first_ttl, verdict.segment_last_ttl) == ("path.loss_from", 0, 1)


def test_weak_evidence_names_a_wide_segment() -> None:
    """Six echoes per hop cannot tell where 10 % are lost: the segment holds every link that it may be."""
    rounds = []
    for number in range(1, 61):
        ttls = (1, 2, 3) if number % 10 == 1 else (3,)
        answers = [
            path_pb2.HopReply(ttl=ttl, address=bytes([192, 0, 2, ttl]), rtt_seconds=0.01, from_target=ttl == 3)
            for ttl in ttls
            if ttl != 3 or number % 10 != 5
        ]
        rounds.append(round_of(*answers, sent=ttls, number=number))
    verdict = summarize(rounds, HEADER).verdict
    assert (verdict.message_id, verdict.segment_first_ttl, verdict.segment_last_ttl) == ("path.loss_from", 0, 3)
    assert verdict.confidence >= 0.9


def test_replies_beyond_the_target_are_not_part_of_the_path() -> None:
    """The first round asks too far; the target's answers to that make no further hops."""
    replies = [
        path_pb2.HopReply(ttl=ttl, address=b"\x01\x02\x03\x04", rtt_seconds=0.01, from_target=ttl >= 2)
        for ttl in (1, 2, 3, 4)
    ]
    facts = summarize([round_of(*replies, sent=(1, 2, 3, 4))], HEADER)
    assert [hop.ttl for hop in facts.hops] == [1, 2]


@given(st.lists(st.floats(0, 10), min_size=1, max_size=200))
def test_percentile_is_one_of_the_values_and_at_least_95_percent_are_not_above_it(values: list[float]) -> None:
    """Nearest rank, as stated."""
    rank = p95(values)
    assert rank in values
    assert sum(value <= rank for value in values) >= 0.95 * len(values)


@given(st.lists(st.floats(0, 10), max_size=50))
def test_jitter_is_never_more_than_the_span(values: list[float]) -> None:
    """Zero for a steady hop, at most worst minus best."""
    assert 0 <= jitter(values) <= (max(values) - min(values) if values else 0) + 1e-9


@given(st.integers(1, 400).flatmap(lambda sent: st.tuples(st.integers(0, sent), st.just(sent))))
def test_the_interval_holds_the_observed_ratio(lost_sent: tuple[int, int]) -> None:
    """The interval is inside 0..1 and around what was seen."""
    lost, sent = lost_sent
    low, high = chance.interval(lost, sent)
    assert 0 <= low <= lost / sent + 1e-12
    assert lost / sent - 1e-12 <= high <= 1


@given(st.integers(2, 60), st.integers(1, 20))
def test_what_needs_more_then_tells(sent: int, lost: int) -> None:
    """With the echoes asked for and the same ratio, loss is told from chance."""
    lost = min(lost, sent)
    total = chance.echoes_to_tell(lost, sent)
    if total < chance.NEVER:
        assert chance.is_loss(round(total * lost / sent), total) or chance.is_loss(int(total * lost / sent) + 1, total)


def random_path(rng: random.Random) -> tuple[dict[str, Any], int]:
    """A path as found in the wild and the hop where its loss begins; 0 where it is healthy."""
    hops = rng.randint(6, 14)
    spec = {**straight_path(hops, hop_ms=2.0), "seed": rng.randrange(2**20)}
    for name, node in spec["nodes"].items():
        if name.startswith("r"):
            kind = rng.random()
            node |= {"silent": True} if kind < 0.12 else {"icmp_rate": 0.4, "icmp_burst": 5} if kind < 0.25 else {}
    if rng.random() < 0.4:
        return spec, 0
    faulty = rng.randint(1, hops)
    list(spec["links"].values())[faulty - 1]["loss"] = rng.uniform(0.03, 0.2)
    return spec, faulty


def test_many_paths_are_judged_right() -> None:
    """Over varied paths: no false alarm on healthy ones, and nearly every named segment holds the fault."""
    rng = random.Random(11)
    named = right = 0
    for _ in range(24):
        spec, faulty = random_path(rng)
        verdict = traced(spec, 150).verdict
        if not faulty:
            assert verdict.message_id == "path.ok"
        elif verdict.message_id == "path.loss_from":
            named += 1
            right += verdict.segment_first_ttl < faulty <= verdict.segment_last_ttl
    assert named >= 10
    assert right >= named - 1
