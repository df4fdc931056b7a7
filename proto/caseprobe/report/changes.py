"""The page of what changed between two snapshots of one machine; English, for support."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from caseprobe import texts
from caseprobe.checks.folding import groups
from caseprobe.diff import Change, findings_between
from caseprobe.diff.change import APPEARED, GONE
from caseprobe.report.document import contents, document, part
from caseprobe.report.facts.group import MOST_ROWS, plain_list
from caseprobe.report.findings import card
from caseprobe.report.markup import NOTHING, Markup, dotted, element, joined, table, unfold
from caseprobe.report.words import Words, host_of
from caseprobe.v1 import finding_pb2, snapshot_pb2

WORDS = Words("en")
# From this rank on a change is shown before all others, whatever its section, and its section is unfolded.
FOREMOST = 70


def render_changes(before: snapshot_pb2.Snapshot, after: snapshot_pb2.Snapshot, changes: Sequence[Change]) -> str:
    """One self-contained HTML page; changes as compare() gives them."""
    found, ended = findings_between(before, after)
    news = f"{_many(len(found), 'new finding')}, {_many(len(changes), 'change').lower()}"
    between = f"between {texts.taken(before)} and {texts.taken(after)}"
    bodies = {
        "new": ("New findings", _findings(found)),
        "gone": ("Findings that are gone", _findings(ended)),
        "first": ("First of all", _foremost(changes)),
        "changes": ("All changes", joined(*_sections(changes))),
    }
    parts = [(name, heading, body) for name, (heading, body) in bodies.items() if body]
    links = contents("On this page", [(name, heading) for name, heading, _ in parts])
    banner = _banner(after, news, between, found, links)
    main = element("main", *(part(*one) for one in parts))
    return document(f"{news} {between}", WORDS.language, banner, main, _footer(before, after))


def _banner(
    after: snapshot_pb2.Snapshot, news: str, between: str, found: Sequence[finding_pb2.Finding], links: Markup
) -> Markup:
    inner = (
        element("p", element("b", host_of(after)), class_="subject"),
        element("h1", news),
        element("p", between),
        links,
    )
    worst = max((one.state for one in found), default=finding_pb2.SEVERITY_OK)
    return element("header", element("div", *inner, class_="inner"), class_=texts.state_name(worst))


def _findings(findings: Iterable[finding_pb2.Finding]) -> Markup:
    return joined(*(card(group, WORDS) for group in groups(findings)))


def _foremost(changes: Iterable[Change]) -> Markup:
    """What most likely has to do with a new problem."""
    items = [element("li", texts.change_sentence(one)) for one in changes if one.rank >= FOREMOST]
    return element("div", element("ul", *items, class_="plain"), class_="panel") if items else NOTHING


def _sections(changes: Sequence[Change]) -> list[Markup]:
    """All changes, a row for each section, in the order of each section's foremost change."""
    order = list(dict.fromkeys(one.section for one in changes))
    ranked = sorted(changes, key=lambda one: (order.index(one.section), -one.rank))
    return [_section(section, list(alike)) for section, alike in groupby(ranked, key=lambda one: one.section)]


def _section(section: str, changes: Sequence[Change]) -> Markup:
    """What came, what went, and what is otherwise than before."""
    came, went = ([one.object for one in changes if one.kind == kind] for kind in (APPEARED, GONE))
    others = [one for one in changes if one.kind not in (APPEARED, GONE)]
    counts = ((len(came), "new"), (len(went), "gone"), (len(others), "changed"))
    gist = dotted(*(f"{count} {word}" for count, word in counts if count))
    name = element("span", section.replace("_", " ").capitalize(), class_="name")
    body = (table(("What", "Before", "After"), map(_row, others)), _named("New", came), _named("Gone", went))
    line = joined(name, " ", element("span", gist, class_="gist"))
    return unfold(line, *body, class_="row", open_=any(one.rank >= FOREMOST for one in changes))


def _named(title: str, names: Sequence[str]) -> Markup:
    """A few names in columns, many behind a line that can be clicked."""
    if len(names) > MOST_ROWS:
        return plain_list(f"{title}: {len(names)}", map(texts.printable, names), len(names), WORDS)
    items = element("ul", *(element("li", name) for name in names), class_="columns")
    return joined(element("h3", title), items) if names else NOTHING


def _row(change: Change) -> tuple[str, str, str]:
    what, before, after = texts.change_cells(change)
    return joined(element("b", change.object), " " if change.object else "", what), before, after


def _footer(before: snapshot_pb2.Snapshot, after: snapshot_pb2.Snapshot) -> Markup:
    pairs = (("before", before.snapshot_id), ("after", after.snapshot_id), ("machine", after.agent_id))
    return element(
        "footer", *(element("p", joined(name, " ", element("code", value))) for name, value in pairs if value)
    )


def _many(total: int, thing: str) -> str:
    return f"{total or 'No'} {thing}{'' if total == 1 else 's'}"
