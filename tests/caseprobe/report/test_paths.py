"""Paths on a page: who leads to whom is drawn and said, the suspected stretch stands out, changes have their moment."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseprobe.report import render_report
from caseprobe.report.charts import Links, rail
from caseprobe.report.paths import render_path
from caseprobe.report.ways import Change, changes, links, routers
from caseprobe.report.words import Words
from caseprobe.v1 import path_pb2, snapshot_pb2
from tests.outline import outline

ENGLISH = Words("en")
BEGAN = 1_795_311_180


def address(last: int) -> bytes:
    """An address that differs in its last number."""
    return bytes([192, 0, 2, last])


def forked(*onward: list[int]) -> path_pb2.PathFacts:
    """Three hops, two routers at the second; onward: where each of these leads to among the two at the third."""
    facts = path_pb2.PathFacts(target="h", rounds=10)
    for ttl, answering in enumerate(((1,), (2, 3), (4, 5)), 1):
        hop = facts.hops.add(ttl=ttl, sent=10, received=10, addresses=[address(one) for one in answering[:1]])
        hop.avg_seconds = hop.best_seconds = hop.p95_seconds = 0.01
        way = facts.ways.hops.add(ttl=ttl, complete=True)
        for place, one in enumerate(answering):
            way.routers.add(address=address(one), flows=3 - place, next=onward[place] if ttl == 2 else [0, 1])
    return facts


def test_ways_lead_where_their_flows_went() -> None:
    """From the machine to the first hop, over both routers, each to the one that its flows met next."""
    facts = forked([0], [1])
    into = links(facts.hops, facts.ways, facts.verdict)
    assert [one.pairs for one in into] == [((0, 0),), ((0, 0), (0, 1)), ((0, 0), (1, 1)), ()]
    assert [(one.above, one.below) for one in into] == [(1, 1), (1, 2), (2, 2), (2, 1)]
    said = render_path(facts, 0, ENGLISH)
    assert "60% of flows → 192.0.2.4" in said and "40% of flows → 192.0.2.5" in said


def test_a_long_address_may_break_between_its_parts() -> None:
    """A narrow screen shows a whole address of version 6 in two lines, and it is still one when copied."""
    facts = path_pb2.PathFacts()
    facts.hops.add(ttl=1, addresses=[bytes(range(16))])
    seen = outline(render_path(facts, 0, ENGLISH))
    assert ("wbr", {}) in seen.tags and "1:203:405:607:809:a0b:c0d:e0f" in "".join(seen.text)


def test_without_ways_each_may_lead_to_each() -> None:
    """Addresses of a hop that nobody told apart by flow are joined with all around them."""
    facts = path_pb2.PathFacts()
    facts.hops.add(ttl=1, addresses=[address(1), address(2)])
    facts.hops.add(ttl=2)
    assert [one.pairs for one in links(facts.hops, facts.ways, facts.verdict)] == [
        ((0, 0), (0, 1)),
        ((0, 0), (1, 0)),
        (),
    ]


@pytest.mark.parametrize(("first", "last", "lines", "rows"), [(1, 3, "011", 2), (0, 1, "100", 1), (0, 0, "000", 0)])
def test_the_stretch_of_the_verdict_stands_out(first: int, last: int, lines: str, rows: int) -> None:
    """Lines between its ends are marked, and the hops at which its loss is seen; the machine itself is hop 0."""
    facts = forked([0], [1])
    facts.verdict.segment_first_ttl, facts.verdict.segment_last_ttl = first, last
    marked = [one.fault for one in links(facts.hops, facts.ways, facts.verdict)[:-1]]
    assert "".join(str(int(one)) for one in marked) == lines
    assert render_path(facts, 0, ENGLISH).count('class="suspect"') == rows


def test_a_change_of_route_has_its_moment_and_both_routers() -> None:
    """On the time line and under the hops, with the hop from which on the ways differ."""
    facts = forked([0], [1])
    facts.earlier_routes.add(first_round=1, rounds=4, changed_ttl=2, ended_seconds=60.5).hops.add(
        ttl=2, addresses=[address(9)]
    )
    facts.route_changes = 1
    assert list(changes(facts)) == [Change(60.5, 5, 2, (address(9),), (address(2),))]
    snapshot = snapshot_pb2.Snapshot()
    snapshot.started_at.seconds = BEGAN
    snapshot.sections.add(probe="path", path=facts)
    page = re.sub(r"<[^>]+>", "", render_report(snapshot))
    assert "2026-11-22 01:34:00 UTC · round 5, from hop 2 on: 192.0.2.9  → 192.0.2.2" in page
    assert "The route to h changed from hop 2 on" in page


HOPS = st.lists(st.tuples(st.integers(0, 40), st.lists(st.integers(0, 255), max_size=40)), max_size=6)


@given(HOPS, st.lists(st.integers(0, 2**32 - 1), max_size=5), st.integers(0, 9), st.integers(0, 9))
def test_no_ways_lead_out_of_the_drawing(
    told: list[tuple[int, list[int]]], onward: list[int], first: int, last: int
) -> None:
    """Any hops, any links: every line ends at a dot, and the page is well formed."""
    facts = path_pb2.PathFacts(target="h")
    facts.verdict.segment_first_ttl, facts.verdict.segment_last_ttl = first, last
    for ttl, answering in told:
        facts.hops.add(ttl=ttl, addresses=[address(one) for one in answering[:3]], sent=1)
        way = facts.ways.hops.add(ttl=ttl)
        way.routers.extend(path_pb2.PathWay(address=address(one), next=onward) for one in answering)
    for one in links(facts.hops, facts.ways, facts.verdict):
        assert all(here < one.above and there < one.below for here, there in one.pairs)
    outline(render_path(facts, BEGAN, ENGLISH))


def test_rows_of_a_drawing_meet() -> None:
    """A line leaves one row at the place at which it enters the next."""
    between = Links(2, 1, ((0, 0), (1, 0)), True)
    upper = rail(Links(1, 2, (), False), between, False)
    lower = rail(between, Links(1, 1, (), False), False)
    assert re.findall(r"L(\d+) 100", upper) == re.findall(r"M(\d+) 0L", lower) == ["37", "62"]
    assert 'class="way fault"' in upper and 'class="way fault"' in lower


def test_so_many_routers_are_drawn_and_no_more() -> None:
    """A hop that claims thousands of routers is cut, not drawn in full."""
    told = [path_pb2.PathWay(address=number.to_bytes(4, "big")) for number in range(5000)]
    assert len(routers(path_pb2.PathHop(), told)) == 16
