"""Route changes: found within three rounds, statistics split there, and balancers never taken for one."""

from __future__ import annotations

import random
from typing import Any

import pytest

from caseprobe import texts
from caseprobe.path_stats import PathTally, facts_of, summarize
from caseprobe.v1 import path_pb2
from caseprobe_agent.path.rounds import Plan
from tests.fakes_path import FakeNetwork, run, straight_path
from tests.paths.simulation import Simulation, scenario

TARGET = b"\xc6\x13\x00\x01"


def rounds_of(spec: dict[str, Any], rounds: int) -> list[path_pb2.PathRound]:
    """The rounds of a path of a scenario, one a second."""
    return run(FakeNetwork(Simulation(spec)), Plan(rounds=rounds)).rounds


def detected_in(rounds: list[path_pb2.PathRound]) -> list[int]:
    """The rounds in which the tally says that the route has changed."""
    tally, seen = PathTally(), []
    for round_ in rounds:
        before = tally.route_changes
        tally.add(round_)
        if tally.route_changes > before:
            seen.append(round_.number)
    return seen


def test_two_changes_are_found_within_three_rounds_and_split_the_statistics() -> None:
    """A detour of one hop more from second 15 to 30: three routes, each with its own hops and no loss."""
    rounds = rounds_of(scenario("route-change"), 45)
    first, second = detected_in(rounds)
    assert first <= 18  # rounds 16 to 30 took the detour
    assert second <= 33
    facts = summarize(rounds, path_pb2.PathFacts(target="h"))
    assert [(route.first_round, route.rounds, route.changed_ttl) for route in facts.earlier_routes] == [
        (1, 15, 5),
        (16, 15, 5),
    ]
    assert [len(route.hops) for route in facts.earlier_routes] == [10, 11]
    assert len(facts.hops) == 10
    assert {hop.loss_ratio for route in facts.earlier_routes for hop in route.hops} == {0.0}
    assert [sum(hop.sent for hop in route.hops) for route in facts.earlier_routes] == [
        15 * 10,
        15 * 11 - 1,  # in the round of the change nobody knew of an eleventh hop
    ]
    assert {hop.sent for hop in facts.hops} == {15}
    assert facts.rounds == 45


def test_the_sentence_tells_of_the_change() -> None:
    """The verdict is on the route that stands, and says since when it does."""
    facts = summarize(rounds_of(scenario("route-change"), 45), path_pb2.PathFacts(target="h"))
    assert texts.path_verdict(facts) == (
        "The path to h is clean over 15 rounds; the route changed 2 times, last in round 31 from hop 5 on"
    )


def test_loss_of_an_earlier_route_is_not_forgotten() -> None:
    """The path loses, then takes another way and is clean: both are said, and neither is mixed into the other."""
    spec = scenario("route-change")
    spec["links"]["r5>r6"]["loss"] = 0.4
    spec["events"] = [{"at": 40, "set": {"nodes/r4/routes": {"*": ["x5"]}}}]
    facts = summarize(rounds_of(spec, 60), path_pb2.PathFacts(target="h"))
    (before,) = facts.earlier_routes
    assert (before.verdict.message_id, facts.verdict.message_id) == ("path.loss_from", "path.ok")
    assert before.verdict.segment_first_ttl < 6 <= before.verdict.segment_last_ttl
    assert "earlier one lost" in texts.path_verdict(facts)
    assert {hop.loss_ratio for hop in facts.hops} == {0.0}


def balanced(width: int, seed: int, first_ttl: int = 3, length: int = 1) -> dict[str, Any]:
    """A path with a stage of so many routers side by side, chosen anew for every packet."""
    spec = {**straight_path(7), "seed": seed}
    for ttl in range(first_ttl, first_ttl + length):
        onward = spec["nodes"][f"r{ttl}"]["routes"]["*"]
        twins = [f"r{ttl}", *(f"r{ttl}_{number}" for number in range(1, width))]
        for number, name in enumerate(twins):
            spec["nodes"][name] = {"addr4": f"198.18.{ttl}.{number + 1}", "routes": {"*": onward}, "lb": "packet"}
            for source in [one for one in spec["nodes"] if one == "src" or one.split("_")[0] == f"r{ttl - 1}"]:
                spec["links"][f"{source}>{name}"] = {"delay_ms": 0.5}
                for target in onward:
                    spec["links"][f"{name}>{target}"] = {"delay_ms": 0.5}
        for source in [one for one in spec["nodes"] if one.split("_")[0] == f"r{ttl - 1}"]:
            spec["nodes"][source] |= {"routes": {"*": twins}, "lb": "packet"}
    return spec


@pytest.mark.parametrize(("width", "length"), [(2, 1), (2, 2), (4, 1), (16, 1)])
def test_a_balancer_is_no_change(width: int, length: int) -> None:
    """Packets spread over several ways change who answers all the time, on one and the same route."""
    for seed in range(5):
        assert detected_in(rounds_of(balanced(width, seed, length=length), 40)) == []


def spread(rng: random.Random, ways: int, hops: int, rounds: int) -> list[path_pb2.PathRound]:
    """Rounds of a path of which every hop but the target is one of so many, drawn anew for each packet."""
    return [
        path_pb2.PathRound(
            number=number,
            sent=range(1, hops + 1),
            replies=[
                path_pb2.HopReply(
                    ttl=ttl,
                    address=TARGET if ttl == hops else bytes([10, 0, ttl, rng.randrange(ways)]),
                    rtt_seconds=0.01,
                    from_target=ttl == hops,
                )
                for ttl in range(1, hops + 1)
            ],
        )
        for number in range(1, rounds + 1)
    ]


def test_a_hundred_balanced_paths_are_no_flaps() -> None:
    """Two to four ways at one hop or at three, a hundred times sixty rounds: not one change."""
    rng = random.Random(4)
    changes = [detected_in(spread(rng, rng.choice([2, 2, 3, 4]), rng.choice([2, 4]), 60)) for _ in range(100)]
    assert changes == [[]] * 100


def test_one_stray_answer_is_no_change() -> None:
    """A single answer from elsewhere, then the old router again."""
    rounds = spread(random.Random(1), 1, 4, 30)
    rounds[20].replies[1].address = b"\x0a\x00\x09\x09"
    assert detected_in(rounds) == []


def test_one_router_replaced_by_another_is_a_change() -> None:
    """Only hop 2 differs from round 21 on: said in round 23."""
    rounds = spread(random.Random(1), 1, 4, 30)
    for round_ in rounds[20:]:
        round_.replies[1].address = b"\x0a\x00\x09\x09"
    assert detected_in(rounds) == [23]


def test_a_late_answer_to_the_old_route_is_counted_there() -> None:
    """It names its round, which was before the change."""
    rounds = spread(random.Random(1), 1, 4, 30)
    for round_ in rounds[20:]:
        round_.replies[1].address = b"\x0a\x00\x09\x09"
    late = rounds[19].replies.pop(2)
    late.round, late.reply_class = 20, path_pb2.REPLY_CLASS_LATE
    rounds[21].replies.append(late)
    tally = PathTally()
    for round_ in rounds:
        tally.add(round_)
    facts = facts_of(tally, path_pb2.PathFacts())
    assert [hop.received for hop in facts.earlier_routes[0].hops] == [20] * 4
    assert [(hop.sent, hop.received) for hop in facts.hops] == [(10, 10)] * 4


def test_a_path_that_changes_all_the_time_keeps_few_routes() -> None:
    """A change every fifteen rounds for a thousand rounds: all are counted, the newest are told."""
    rounds = spread(random.Random(1), 1, 5, 1000)
    for round_ in rounds:
        for reply in round_.replies[1:4]:
            reply.address = bytes([10, 1, reply.ttl, round_.number // 15 % 2])
    facts = summarize(rounds, path_pb2.PathFacts())
    assert facts.route_changes == 66
    assert len(facts.earlier_routes) == 8
