"""Drawings: made of numbers only, they keep to their frame whatever the numbers are."""

from __future__ import annotations

import math
import re

from hypothesis import given
from hypothesis import strategies as st

from caseprobe.report import render_report
from caseprobe.report.charts import CURVE_HEIGHT, curve, share_bar, span_bar, thinned
from caseprobe.v1 import section_history_pb2, snapshot_pb2
from tests.fakes_history import recorded
from tests.fakes_sections import section
from tests.outline import outline

NUMBERS = st.floats(width=32)
NOW = 1_795_311_180


def points(path: str) -> list[tuple[float, float]]:
    """Every point that a path with M, l, h and V passes."""
    found: list[tuple[float, float]] = []
    for command, rest in re.findall(r"([MlhVz])([-\d. ]*)", path):
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", rest)]
        if command == "M":
            found.append((numbers[0], numbers[1]))
        elif command == "V":
            found.append((found[-1][0], numbers[0]))
        elif command == "l":
            for right, down in zip(numbers[::2], numbers[1::2], strict=True):
                found.append((found[-1][0] + right, found[-1][1] + down))
    return found


def paths(drawing: str) -> list[str]:
    """The band and the line of a curve."""
    return re.findall(r' d="([^"]*)"', drawing)


def test_a_curve_goes_through_its_columns_and_leaves_gaps() -> None:
    """The line through the means, the band around it and back; a column without numbers ends a run."""
    columns = [(0.0, 0.5, 1.0), (0.5, 0.5, 0.5), None, (1.0, 1.0, 1.0)]
    band, line = paths(curve(columns, 1.0))
    assert points(line) == [(0, 50), (1, 50), (3, 0)]
    assert points(band) == [(0, 0), (1, 50), (1, 50), (0, 100), (3, 0), (3, 0)]
    assert line.endswith("h.3")


@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), max_size=300), NUMBERS)
def test_no_number_leaves_the_frame(values: list[tuple[float, float, float]], most: float) -> None:
    """Not a number, infinite, negative, huge: every point lies within the drawing, and nothing else is written."""
    low, mean, high = ([one[place] for one in values] for place in range(3))
    columns = thinned(low, mean, high, 50)
    assert len(columns) <= 50
    spans = [span_bar(*one, most) for one in values[:3]]
    for drawing in (curve(columns, most), share_bar(most), *spans):
        assert not re.search(r"nan|inf|e[-+]\d", drawing)
        outline(drawing)
    for x, y in (point for path in paths(curve(columns, most)) for point in points(path)):
        assert 0 <= x < max(len(columns), 1)
        assert 0 <= y <= CURVE_HEIGHT


def page(history: section_history_pb2.HistoryFacts) -> str:
    """A report with this history."""
    return render_report(snapshot_pb2.Snapshot(sections=[section("history", history=history)]))


def test_what_moved_is_drawn_and_what_stood_still_is_said() -> None:
    """A curve for the day and one for the hour, extremes in words with their moment; a flat line is one word."""
    told = " ".join("".join(outline(page(recorded(NOW))).text).split())
    assert page(recorded(NOW)).count('class="curve"') == 2 * 10
    assert "8,640 samples, one every 10 s" in told
    assert re.search(r"Processors at workfull height: 100%|Processors at work full height: 100%", told)
    assert re.search(r"to 7\d% \(at 11-2\d \d\d:\d\d\), mean 3\d%", told)
    assert "Did not changeTaken by the host0%" in told


def test_a_history_that_makes_no_sense_breaks_nothing() -> None:
    """Steps that are no number, series without values, moments that are no date."""
    facts = section_history_pb2.HistoryFacts()
    for step, start, values in ((math.nan, 5, [1, 2]), (1e300, 5, [1, 2]), (10, 2**60, [1, 2]), (10, 5, [math.nan])):
        series = facts.series.add(name="cpu.load1", object=f"{step}{start}", step_seconds=step, avg=values)
        series.start_at.seconds = start
    facts.series.add(name="unheard.of", avg=[1.0, 2.0])
    facts.series.add(name="cpu.busy_ratio", min=[0.0], avg=[1.0] * 500, max=[2.0, 3.0])
    made = page(facts)
    outline(made)
    assert '<span lang="en">unheard.of</span>' in made


def test_a_page_with_every_figure_stays_light() -> None:
    """Sixty figures of a day and an hour, drawn."""
    facts = recorded(NOW)
    for number in range(60):
        facts.series.add(name="disk.busy_ratio", object=f"sd{number}").MergeFrom(facts.series[14])
    assert len(page(facts).encode()) < 300_000
