"""The page of what changed between two snapshots of one machine; English, for support."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from caseprobe import texts
from caseprobe.diff import Change, findings_between
from caseprobe.report.document import document
from caseprobe.report.findings import heading
from caseprobe.report.markup import NOTHING, Markup, element, joined, table
from caseprobe.v1 import finding_pb2, snapshot_pb2

LANGUAGE = "en"
# From this rank on a change is shown before all others, whatever its section.
FOREMOST = 70


def render_changes(before: snapshot_pb2.Snapshot, after: snapshot_pb2.Snapshot, changes: Sequence[Change]) -> str:
    """One self-contained HTML page; changes as compare() gives them."""
    found, ended = findings_between(before, after)
    news = f"{_many(len(found), 'new finding')}, {_many(len(changes), 'change').lower()}"
    between = f"between {texts.taken(before)} and {texts.taken(after)}"
    main = element(
        "main",
        _findings("New findings", found),
        _findings("Findings that are gone", ended),
        _foremost(changes),
        *_sections(changes),
    )
    banner = _banner(after, news, between, found)
    return document(f"{news} {between}", LANGUAGE, banner, main, _footer(before, after))


def _banner(after: snapshot_pb2.Snapshot, news: str, between: str, found: Sequence[finding_pb2.Finding]) -> Markup:
    host = next((one.system.host_name for one in after.sections if one.WhichOneof("facts") == "system"), "")
    inner = (element("p", element("b", host), class_="subject"), element("h1", news), element("p", between))
    worst = max((one.state for one in found), default=finding_pb2.SEVERITY_OK)
    return element("header", element("div", *inner, class_="inner"), class_=texts.state_name(worst))


def _findings(title: str, findings: Iterable[finding_pb2.Finding]) -> Markup:
    cards = [
        element("article", heading(one, one.state, LANGUAGE), class_=f"card {texts.state_name(one.state)}")
        for one in findings
    ]
    return element("section", element("h2", title), *cards) if cards else NOTHING


def _foremost(changes: Iterable[Change]) -> Markup:
    """What most likely has to do with a new problem."""
    items = [element("li", texts.change_sentence(one)) for one in changes if one.rank >= FOREMOST]
    if not items:
        return NOTHING
    return element("section", element("h2", "First of all"), element("div", element("ul", *items), class_="panel"))


def _sections(changes: Sequence[Change]) -> list[Markup]:
    """All changes, a table for each section, in the order of each section's foremost change."""
    order = list(dict.fromkeys(one.section for one in changes))
    ranked = sorted(changes, key=lambda one: (order.index(one.section), -one.rank))
    made = []
    for section, alike in groupby(ranked, key=lambda one: one.section):
        rows = [(one.object or "–", *texts.change_cells(one)) for one in alike]
        heading = element("h2", section.replace("_", " ").capitalize())
        panel = element("div", table(("of", "what", "before", "after"), rows), class_="panel")
        made.append(element("section", heading, panel))
    return made


def _footer(before: snapshot_pb2.Snapshot, after: snapshot_pb2.Snapshot) -> Markup:
    pairs = (("before", before.snapshot_id), ("after", after.snapshot_id), ("machine", after.agent_id))
    return element("footer", *(element("p", joined(name, " ", element("code", value))) for name, value in pairs))


def _many(total: int, thing: str) -> str:
    return f"{total or 'No'} {thing}{'' if total == 1 else 's'}"
