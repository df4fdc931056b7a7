"""The trace state machine in virtual time: what is sent when, and what each reply counts as."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caseprobe.path_stats import summarize
from caseprobe.v1 import path_pb2
from caseprobe_agent.path.echoes import MAX_REPLIES, Reply
from caseprobe_agent.path.rounds import Plan, Trace
from tests.fakes_path import FakeNetwork, Run, run, step, straight_path
from tests.paths.simulation import Simulation, scenario

ON_TIME, LATE = path_pb2.REPLY_CLASS_ON_TIME, path_pb2.REPLY_CLASS_LATE
DUPLICATE, REORDERED = path_pb2.REPLY_CLASS_DUPLICATE, path_pb2.REPLY_CLASS_REORDERED


def network(spec: dict[str, Any]) -> FakeNetwork:
    """A fake network over a scenario."""
    return FakeNetwork(Simulation(spec))


def facts(rounds: list[path_pb2.PathRound]) -> path_pb2.PathFacts:
    """The summary of rounds without a header."""
    return summarize(rounds, path_pb2.PathFacts())


def test_one_round_shows_the_whole_path() -> None:
    """Sixteen hops are all asked at once and given as soon as the last has answered."""
    result = run(network(straight_path(16, hop_ms=6.25)), Plan(rounds=1))
    (round_,) = result.rounds
    assert list(round_.sent) == [reply.ttl for reply in round_.replies] == list(range(1, 17))
    assert result.given_at[0] <= 1.3 * 0.1 + 0.05


def test_a_near_target_is_found_before_the_rest_is_sent_to_it() -> None:
    """A target two hops away gets a few echoes too many, not thirty."""
    path = network(straight_path(2, hop_ms=0.2))
    run(path, Plan(rounds=1))
    assert 6 <= len(path.sent_at) <= 8


def test_silent_hops_do_not_delay_the_first_round() -> None:
    """Hops that never answer cost at most one more round trip of the target."""
    spec = straight_path(10, hop_ms=10.0)
    spec["nodes"]["r4"]["silent"] = spec["nodes"]["r9"]["silent"] = True
    result = run(network(spec), Plan(rounds=3))
    assert result.given_at[0] <= 2 * 0.1 + 0.05
    assert [hop.classification for hop in facts(result.rounds).hops].count("silent") == 2


def test_hops_are_asked_once_a_second_and_the_target_ten_times() -> None:
    """However short the interval, no hop gets two echoes within its gap."""
    path = network(straight_path(5))
    run(path, Plan(rounds=31, interval_seconds=0.1))
    for ttl, count in ((1, 4), (4, 4), (5, 31)):
        times = [at for at, sent_ttl in path.sent_at if sent_ttl == ttl]
        assert len(times) == count
        assert min(after - before for before, after in pairwise(times)) >= (0.099 if ttl == 5 else 0.99)


def test_a_default_linux_router_shows_no_loss() -> None:
    """Six errors at once and then one a second is how Linux routers answer: no echo of ours goes unanswered."""
    path = network(straight_path(8, icmp_rate=1.0, icmp_burst=6.0))
    result = facts(run(path, Plan(rounds=100, interval_seconds=0.1)).rounds)
    assert [hop.loss_ratio for hop in result.hops] == [0.0] * 8
    assert not any(hop.late or hop.duplicates or hop.reordered for hop in result.hops)
    assert result.verdict.message_id == "path.ok"


def test_a_reply_after_its_round_is_late_and_not_lost() -> None:
    """It travels with a later round, names its own, and counts as received."""
    spec = straight_path(4, hop_ms=2.0)
    spec["links"]["r1>r2"] |= {"reorder": 0.3, "reorder_ms": 400.0, "loss": 0.05}
    result = run(network(spec), Plan(rounds=40))
    late = result.replies(LATE)
    assert late
    assert all(0 < reply.round <= 40 for reply in late)
    assert sum(hop.late for hop in facts(result.rounds).hops) == len([r for r in late if r.ttl <= 4])


def test_a_reply_to_the_last_round_is_waited_for() -> None:
    """What comes after the last round was given travels in a round without echoes, and is no loss."""
    spec = straight_path(4)
    spec["nodes"]["r2"]["icmp_delay_ms"] = 600.0
    result = run(network(spec), Plan(rounds=1))
    assert [len(round_.sent) for round_ in result.rounds] == [4, 0]
    assert result.given_at[0] < 0.1
    summary = facts(result.rounds)
    assert (summary.rounds, summary.hops[1].received, summary.hops[1].late) == (1, 1, 1)


def test_a_reply_overtaken_by_a_later_echo_is_reordered() -> None:
    """The target's answer that comes after the answer to the next echo is a class of its own."""
    spec = straight_path(2)
    spec["links"]["r1>h"] |= {"reorder": 0.2, "reorder_ms": 250.0}
    result = facts(run(network(spec), Plan(rounds=50, interval_seconds=0.1)).rounds)
    assert result.hops[1].reordered > 0
    assert result.hops[1].loss_ratio == 0


def test_a_second_reply_is_a_duplicate_and_not_received_twice() -> None:
    """Duplicates are counted apart, so a hop never shows less than no loss."""
    spec = straight_path(3)
    spec["links"]["r1>r2"]["duplicate"] = 1.0
    result = facts(run(network(spec), Plan(rounds=5)).rounds)
    assert [hop.received for hop in result.hops] == [5, 5, 5]
    assert [hop.duplicates >= 4 for hop in result.hops] == [False, True, True]  # nobody waits for the very last one


def test_a_flood_of_replies_to_one_echo_is_cut() -> None:
    """Ten thousand answers to one echo leave a handful."""
    path = network(straight_path(3, hop_ms=10.0))
    for _ in range(10_000):
        path.inject(0.012, Reply(1, 0.0, b"\x01\x02\x03\x04"))
    result = run(path, Plan(rounds=1))
    assert sum(len(round_.replies) for round_ in result.rounds) == MAX_REPLIES + 2


def test_replies_to_nothing_change_nothing() -> None:
    """A forged sequence is no reply of ours."""
    path = network(straight_path(3))
    for sequence in (0, 500, 65535):
        path.inject(0.001, Reply(sequence, 0.0, b"\x01\x02\x03\x04"))
    assert [hop.received for hop in facts(run(path, Plan(rounds=2)).rounds).hops] == [2, 2, 2]


def test_a_silent_target_narrows_the_horizon() -> None:
    """Where nothing answers behind hop 6, the wide search is given up after two rounds."""
    spec = straight_path(12)
    spec["nodes"]["r7"]["filter"] = ["icmp"]
    path = network(spec)
    result = facts(run(path, Plan(rounds=4)).rounds)
    asked = Counter(ttl for _, ttl in path.sent_at)
    assert (asked[6], asked[11], asked[30]) == (4, 4, 2)
    assert (result.verdict.message_id, result.verdict.segment_first_ttl) == ("path.target_silent", 6)


def test_a_path_that_grows_shows_no_false_loss() -> None:
    """A detour of one hop more in the middle of the run is not read as loss at the target (mtr #361)."""
    spec = scenario("route-change")
    for link in spec["links"].values():
        link["jitter_ms"] = 0.0
    rounds = run(network(spec), Plan(rounds=60)).rounds
    assert {hop.loss_ratio for hop in facts(rounds).hops} == {0.0}
    assert [max(round_.sent) for round_ in (rounds[10], rounds[20], rounds[-1])] == [10, 11, 10]


def test_a_refusing_router_ends_the_path() -> None:
    """An ICMP prohibition is where the path ends: nothing is asked beyond, and the verdict says so."""
    spec = straight_path(9)
    spec["nodes"]["r4"]["refuse"] = 13
    path = network(spec)
    result = facts(run(path, Plan(rounds=3)).rounds)
    assert (result.verdict.message_id, result.verdict.segment_last_ttl) == ("path.blocked", 5)
    assert result.hops[-1].classification == "filtered"
    assert max(ttl for at, ttl in path.sent_at if at >= 1) == 5


@pytest.mark.parametrize(
    ("plan", "shortfall"),
    [
        (Plan(rounds=10, max_echoes=23), "packet_budget"),
        (Plan(rounds=10, echo_bytes=100, max_bytes=2_350), "byte_budget"),
        (Plan(rounds=10, max_seconds=3.5), "time_budget"),
    ],
)
def test_a_budget_ends_the_trace_and_is_told(plan: Plan, shortfall: str) -> None:
    """No echo leaves beyond a budget, and the facts name it."""
    path = network(straight_path(4))
    result = facts(run(path, plan).rounds)
    assert result.shortfall == shortfall
    assert len(path.sent_at) <= plan.echo_limit
    assert result.rounds < 10


def test_echoes_that_cannot_leave_are_no_loss() -> None:
    """An interface that goes down mid-run: what was never sent is not counted."""
    path = network(straight_path(3))
    trace, result = Trace(Plan(rounds=6)), Run()
    while not trace.done(path.now):
        path.down = 1.5 < path.now < 3.5
        step(trace, path, result)
        path.now = max(path.now, min(path.next_at(), trace.wake_at(path.now)))
    assert [len(round_.sent) for round_ in result.rounds][2:] == [0, 0, 3, 3]
    assert [(hop.sent, hop.received) for hop in facts(result.rounds).hops] == [(4, 4)] * 3


def test_a_suspended_machine_does_not_catch_up() -> None:
    """After an hour asleep the next round starts once, not 3,600 times."""
    path = network(straight_path(2))
    trace, result = Trace(Plan(rounds=5)), Run()
    step(trace, path, result)
    path.now += 3600
    while not trace.done(path.now):
        step(trace, path, result)
        path.now = max(path.now, min(path.next_at(), trace.wake_at(path.now)))
    starts = [round_.started_seconds for round_ in result.rounds]
    assert starts == [0, 3600, 3601, 3602, 3603]


def test_balanced_paths_show_one_address_per_hop() -> None:
    """All echoes are one flow, so a per-flow balancer sends them one way (Paris)."""
    result = facts(run(network(scenario("ecmp-diamond")), Plan(rounds=20)).rounds)
    assert [len(hop.addresses) for hop in result.hops] == [1] * len(result.hops)


def test_labels_and_reply_ttl_are_kept() -> None:
    """MPLS stacks stand at their hop; the reply's TTL tells the length of the way back."""
    rounds = run(network(scenario("mpls")), Plan(rounds=1)).rounds
    labels = {hop.ttl: list(hop.mpls_labels) for hop in facts(rounds).hops if hop.mpls_labels}
    assert labels == {5: [24015], 6: [24016, 300112]}
    assert next(reply.reply_ttl for reply in rounds[0].replies if reply.ttl == 3) == 253


@settings(max_examples=60, deadline=None)
@given(
    loss=st.floats(0, 0.5),
    reorder=st.floats(0, 0.5),
    duplicate=st.floats(0, 0.5),
    jitter_ms=st.floats(0, 30),
    interval=st.sampled_from([0.1, 0.3, 1.0]),
    seed=st.integers(0, 2**20),
)
def test_accounting_is_exact(
    loss: float, reorder: float, duplicate: float, jitter_ms: float, interval: float, seed: int
) -> None:
    """Whatever the path does within a second, sent and received are what truly happened, at every hop."""
    spec = {**straight_path(5, hop_ms=4.0), "seed": seed}
    spec["links"]["r2>r3"] |= {
        "loss": loss,
        "reorder": reorder,
        "reorder_ms": 300.0,
        "duplicate": duplicate,
        "jitter_ms": jitter_ms,
    }
    path = network(spec)
    result = facts(run(path, Plan(rounds=25, interval_seconds=interval)).rounds)
    for hop in result.hops:
        assert hop.sent == sum(count for (ttl, _), count in path.truth.items() if ttl == hop.ttl)
        assert hop.received == path.truth[hop.ttl, "answered"]


@settings(max_examples=30, deadline=None)
@given(interval=st.floats(0.1, 3.0), hop_ms=st.floats(0.1, 40.0), silent=st.booleans())
def test_rounds_are_given_in_order_and_soon(interval: float, hop_ms: float, silent: bool) -> None:
    """Every round is given once, in order, at most its waiting time after its last echo."""
    spec = straight_path(6, hop_ms=hop_ms)
    spec["nodes"]["h"]["udp"] = "drop"
    if silent:
        spec["nodes"]["h"] = {"routes": {}, "addr4": "198.19.0.1", "filter": ["icmp"]}
    result = run(network(spec), Plan(rounds=5, interval_seconds=interval))
    assert [round_.number for round_ in result.rounds] == [1, 2, 3, 4, 5]
    for round_, given_at in zip(result.rounds, result.given_at, strict=True):
        assert given_at <= round_.started_seconds + 1.1
