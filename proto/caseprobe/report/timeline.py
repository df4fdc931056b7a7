"""The timeline: events by day, the oldest first, those long ago behind a line that can be clicked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import groupby

from caseprobe.report.events import Event, events
from caseprobe.report.markup import NOTHING, Markup, dotted, element, joined, unfold
from caseprobe.report.words import Words, left_out
from caseprobe.texts import catalogue
from caseprobe.v1 import snapshot_pb2

SHOWN, MOST = 20, 200
GRAVE = ("critical", "warn")


def render_timeline(snapshot: snapshot_pb2.Snapshot, words: Words) -> Markup:
    """What happened up to the measuring; nothing where nothing but the measuring has a date."""
    found = [event for event in events(snapshot, words) if _day(event)]
    if len(found) < 2:
        return NOTHING
    shown, earlier = found[-SHOWN:], found[-MOST:-SHOWN]
    note = left_out(len(found) - MOST, words)
    fold = unfold(words.filled("earlier_events", n=len(earlier)), note, _days(earlier, words)) if earlier else NOTHING
    return element("div", element("p", words("times_utc"), class_="lack"), fold, _days(shown, words), class_="panel")


def _days(found: Iterable[Event], words: Words) -> Markup:
    return joined(
        *(
            joined(element("h3", day), element("ol", *(_event(one, words) for one in alike), class_="events"))
            for day, alike in groupby(found, key=_day)
        )
    )


def _event(event: Event, words: Words) -> Markup:
    """Its time, its sentence, who tells it, and in a word what else its colour alone would say."""
    moment, until = _at(event.at), _at(event.until)
    start = element("time", f"{moment:%H:%M:%S}", datetime=f"{moment:%Y-%m-%dT%H:%M:%SZ}")
    lasted = f" – {until:%H:%M:%S}" if until - moment >= _SECOND else ""
    severity = catalogue.sentence(f"severity.{event.tone}", words.language) if event.tone in GRAVE else ""
    sentence = element("span", event.sentence, " ", element("small", dotted(words(event.origin), severity)))
    return element("li", element("span", start, lasted, class_="when"), sentence, class_=event.tone)


def _day(event: Event) -> str:
    """The day in UTC; empty where it cannot be a date."""
    try:
        return f"{_at(event.at):%Y-%m-%d}" if _at(event.until) else ""
    except (ValueError, OverflowError, OSError):
        return ""


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


_SECOND = _at(1) - _at(0)
