"""The report for a mail: the sentence first, lines that mail programs leave alone, and what could not be seen."""

from __future__ import annotations

from caseprobe.path_stats import summarize
from caseprobe.v1 import path_pb2
from caseprobe_agent.cli.path.report import WIDTH, render_report
from caseprobe_agent.path.rounds import Plan
from tests.fakes_path import FakeNetwork, run
from tests.paths.simulation import Simulation, scenario

WHEN = "2026-11-22 09:00:00 +0000"


def report_of(name: str, rounds: int, target: str = "h") -> str:
    """The report on a scenario."""
    traced = run(FakeNetwork(Simulation(scenario(name))), Plan(rounds=rounds)).rounds
    header = path_pb2.PathFacts(
        target=target, tier=path_pb2.PATH_TIER_ICMP_DATAGRAM, unseen=["quoted_ip_header", "of_tomorrow"]
    )
    return render_report(summarize(traced, header), WHEN, "en")


def test_the_sentence_comes_before_the_table() -> None:
    """Who reads no further has read what matters."""
    text = report_of("lossy-link", 200)
    assert text.index("lost between hops") < text.index("hop  address")
    assert WHEN in text
    assert "loss: packets to the target are lost before this hop" in text


def test_limiters_are_explained_where_they_occur_and_only_there() -> None:
    """The legend has the notes of this path."""
    assert "own limit 0.49/s" in report_of("rate-limited", 60)
    assert "own limit: the router" in report_of("rate-limited", 60)
    assert "own limit" not in report_of("plain", 10)


def test_earlier_routes_have_tables_of_their_own() -> None:
    """Two changes: three tables."""
    text = report_of("route-change", 45)
    assert text.count("hop  address") == 3
    assert "before, in rounds 1 to 15; it differs from hop 5 on:" in text


def test_lines_fit_a_mail_and_say_what_was_not_seen() -> None:
    """No line is longer than a mail leaves alone; an id of a newer agent stands as it is."""
    for name in ("lossy-link", "rate-limited", "route-change", "silent-hops"):
        text = report_of(name, 45)
        assert max(len(line) for line in text.splitlines()) <= WIDTH
    assert "Not seen by icmp datagram echoes:" in text
    assert "- of_tomorrow" in text


def test_a_hostile_name_cannot_move_the_cursor() -> None:
    """Control characters never reach the mail."""
    assert "\x1b" not in report_of("plain", 1, target="a\x1b[2J")
