"""The page of what changed between two snapshots of one machine."""

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
from caseprobe.report.markup import NOTHING, Markup, element, joined, table, unfold
from caseprobe.report.words import Words, host_of
from caseprobe.v1 import finding_pb2, snapshot_pb2

# From this rank on a change is shown before all others, whatever its section, and its section is unfolded.
FOREMOST = 70


def render_changes(
    before: snapshot_pb2.Snapshot, after: snapshot_pb2.Snapshot, changes: Sequence[Change], language: str = "en"
) -> str:
    """One self-contained HTML page; changes as compare() gives them."""
    words = Words(language if language in texts.LANGUAGES else "en")
    found, ended = findings_between(before, after)
    news = words.filled("changes_title", found=len(found), n=len(changes))
    between = words.filled("changes_between", before=texts.taken(before), after=texts.taken(after))
    bodies = {
        "new": _findings(found, words),
        "gone": _findings(ended, words),
        "first": _foremost(changes, words),
        "all": joined(*_sections(changes, words)),
    }
    parts = [(name, words(f"changes_{name}"), body) for name, body in bodies.items() if body]
    links = contents(words("contents"), [(name, heading) for name, heading, _ in parts])
    nothing = NOTHING if parts else element("p", words("changes_nothing"))
    main = element("main", nothing, *(part(*one) for one in parts))
    banner = _banner(after, news, between, found, links)
    return document(f"{news} {between}", words.language, banner, main, _footer(before, after, words))


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


def _findings(findings: Iterable[finding_pb2.Finding], words: Words) -> Markup:
    return joined(*(card(group, words) for group in groups(findings)))


def _foremost(changes: Iterable[Change], words: Words) -> Markup:
    """What most likely has to do with a new problem."""
    items = [element("li", texts.change_sentence(one, words.language)) for one in changes if one.rank >= FOREMOST]
    return element("div", element("ul", *items, class_="plain"), class_="panel") if items else NOTHING


def _sections(changes: Sequence[Change], words: Words) -> list[Markup]:
    """All changes, a row for each section, in the order of each section's foremost change."""
    order = list(dict.fromkeys(one.section for one in changes))
    ranked = sorted(changes, key=lambda one: (order.index(one.section), -one.rank))
    return [_section(section, list(alike), words) for section, alike in groupby(ranked, key=lambda one: one.section)]


def _section(section: str, changes: Sequence[Change], words: Words) -> Markup:
    """What came, what went, and what is otherwise than before."""
    came, went = ([one.object for one in changes if one.kind == kind] for kind in (APPEARED, GONE))
    others = [one for one in changes if one.kind not in (APPEARED, GONE)]
    gist = words.filled("changes_counted", new=len(came), gone=len(went), changed=len(others))
    name = element("span", words(f"section_{section}"), class_="name")
    rows = table(
        [words(heading) for heading in ("what", "changes_before", "changes_after")],
        (_row(one, words) for one in others),
    )
    body = (rows, _named(words("changes_came"), came, words), _named(words("changes_went"), went, words))
    line = joined(name, " ", element("span", gist, class_="gist"))
    return unfold(line, *body, class_="row", open_=any(one.rank >= FOREMOST for one in changes))


def _named(title: str, names: Sequence[str], words: Words) -> Markup:
    """A few names in columns, many behind a line that can be clicked."""
    if len(names) > MOST_ROWS:
        return plain_list(f"{title}: {len(names)}", map(texts.printable, names), len(names), words)
    items = element("ul", *(element("li", name) for name in names), class_="columns")
    return joined(element("h3", title), items) if names else NOTHING


def _row(change: Change, words: Words) -> tuple[str, str, str]:
    what, before, after = texts.change_cells(change, words.language)
    return joined(element("b", change.object), " " if change.object else "", what), before, after


def _footer(before: snapshot_pb2.Snapshot, after: snapshot_pb2.Snapshot, words: Words) -> Markup:
    pairs = (("changes_before", before.snapshot_id), ("changes_after", after.snapshot_id), ("machine", after.agent_id))
    return element(
        "footer", *(element("p", joined(words(name), " ", element("code", value))) for name, value in pairs if value)
    )
