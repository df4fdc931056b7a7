"""What the resident agent recorded before anybody asked: a curve for each figure that moved."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import groupby

from caseprobe.report.charts import Column, curve, thinned
from caseprobe.report.events import FAULT
from caseprobe.report.markup import NOTHING, Markup, element, facts_list, joined, unfold
from caseprobe.report.words import Words, left_out
from caseprobe.v1 import section_history_pb2, snapshot_pb2

Series = section_history_pb2.Series
# Columns of a curve, and figures that are drawn: more of either makes the page heavy and tells no more.
MOST_COLUMNS, MOST_FIGURES = 96, 60
# Of which part of the machine a figure is, by the beginning of its name, in the order of reading.
PARTS = {
    "cpu": "section_cpu",
    "tasks": "section_cpu",
    "pressure": "pressure_history",
    "memory": "section_memory",
    "swap": "section_memory",
    "disk": "section_disks",
    "net": "section_interfaces",
    "tcp": "section_interfaces",
    "path": "section_path",
    "sensor": "section_sensors",
    "kernel": "section_kernel_log",
}


def render_history(snapshot: snapshot_pb2.Snapshot, words: Words) -> Markup:
    """How far back it reaches, then the figures by part of the machine; nothing where no agent recorded anything."""
    facts = next((one.history for one in snapshot.sections if one.WhichOneof("facts") == "history"), None)
    if facts is None:
        return NOTHING
    figures: dict[tuple[str, str], list[Series]] = {}
    # Faults are events, each in its line of the timeline.
    for one in (series for series in facts.series if not series.name.startswith(FAULT)):
        figures.setdefault((one.name, one.object), []).append(one)
    order = list(dict.fromkeys(PARTS.values()))
    shown = sorted(
        list(figures)[:MOST_FIGURES], key=lambda key: order.index(part) if (part := _part(key)) in order else len(order)
    )
    rows = [
        unfold(words(part), *_figures([figures[key] for key in keys], words), class_="row", open_=place == 0)
        for place, (part, keys) in enumerate(groupby(shown, key=_part))
    ]
    return joined(_about(facts, words), *rows, left_out(len(figures) - len(shown), words))


def _part(key: tuple[str, str]) -> str:
    family = key[0].partition(".")[0]
    return PARTS.get(family, family)


def _about(facts: section_history_pb2.HistoryFacts, words: Words) -> Markup:
    """How far back the samples reach, and what is to be known of them."""
    total = words.filled("samples_total", n=facts.samples_total, step_seconds=facts.sample_seconds)
    counts = (
        ("samples_damaged", facts.damaged_total),
        ("restarts", max(facts.boots_total - 1, 0)),
        ("clock_steps", facts.clock_steps_total),
    )
    return element(
        "div",
        element("p", total),
        facts_list(
            [
                (words("first_at"), words.moment(facts.first_at)),
                (words("last_at"), words.moment(facts.last_at)),
                *((words(name), words.count(count)) for name, count in counts if count),
            ]
        ),
        class_="panel",
    )


def _figures(found: Iterable[Sequence[Series]], words: Words) -> Iterable[Markup]:
    """A curve for each figure that moved, then in one list those that stood still."""
    still: list[tuple[str, str]] = []
    for spans in found:
        values = [value for one in spans for value in (*one.min, *one.avg, *one.max) if math.isfinite(value)]
        name = _name(spans[0], words)
        if values and min(values) < max(values):
            yield _figure(name, spans, max(values), words)
        elif values:
            still.append((name, words.value(spans[0].name, values[0])))
    if still:
        yield joined(element("h3", words("stood_still")), facts_list(still))


def _name(series: Series, words: Words) -> Markup:
    """In the reader's language; a figure that this version does not know by its own name."""
    label = f"figure_{series.name.replace('.', '_')}"
    name = words(label) if words(label) != label else element("span", series.name, lang="en")
    return joined(name, " ", series.object) if series.object else joined(name)


def _figure(name: Markup, spans: Sequence[Series], highest: float, words: Words) -> Markup:
    """One figure over each span that it is told for, on one scale: shares up to the whole, others to their most."""
    most = max(1.0, highest) if spans[0].name.endswith("_ratio") else highest
    curves = [_curve(one, most, words) for one in spans]
    scale = words.filled("full_height", most=words.value(spans[0].name, most))
    return element(
        "figure", element("figcaption", element("b", name), " ", element("small", scale)), *curves, class_="figure"
    )


def _curve(series: Series, most: float, words: Words) -> Markup:
    """A curve with its first and last moment, and in words what it shows."""
    mean = list(series.avg)
    low, high = (list(values) if len(values) == len(mean) else mean for values in (series.min, series.max))
    columns = thinned(low, mean, high, MOST_COLUMNS)
    told = [column for column in columns if column is not None]
    if not told:
        return NOTHING
    begin, end = series.start_at.seconds, series.start_at.seconds + series.step_seconds * len(mean)
    peak = begin + series.step_seconds * high.index(max(value for value in high if math.isfinite(value)))
    axis = element("p", element("span", words.clock(begin)), element("span", words.clock(end)), class_="axis")
    return element(
        "div", curve(columns, most), axis, element("p", _said(series.name, told, peak, words), class_="said")
    )


def _said(name: str, told: Sequence[Column], peak: float, words: Words) -> str:
    low, mean, high = (words.value(name, value) for value in _extremes(told))
    return words.filled("curve_says", low=low, mean=mean, high=high, at=words.clock(peak))


def _extremes(told: Sequence[Column]) -> Column:
    lows, means, highs = zip(*told, strict=True)
    return min(lows), sum(means) / len(means), max(highs)
