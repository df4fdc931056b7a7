"""Findings on the page: what, what to do, and the proof a click away."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from caseprobe import texts
from caseprobe.checks.folding import Group, groups, shown_state
from caseprobe.report.markup import NOTHING, Markup, element, facts_list, joined, machine_words, unfold
from caseprobe.report.words import Words, left_out
from caseprobe.v1 import finding_pb2, snapshot_pb2

# So many findings, lines of evidence of each, and characters of a line; findings.json has them all.
MOST, MOST_LINES, MOST_CHARACTERS = 200, 20, 1000


def render_findings(snapshot: snapshot_pb2.Snapshot, words: Words) -> Markup:
    """All findings, worst first, each with those that follow from it; nothing where there is none."""
    found = sorted(groups(snapshot.findings), key=lambda group: -shown_state(group))
    return joined(*(card(group, words) for group in found[:MOST]), left_out(len(found) - MOST, words))


def card(group: Group, words: Words, level: str = "h3") -> Markup:
    """A finding as bad as the worst that follows from it: nothing critical hides below a warning."""
    (finding, under), state = group, shown_state(group)
    return element(
        "article",
        _heading(finding, state, words.language, level),
        _advice(finding, words),
        unfold(words("evidence"), _evidence(finding), _basis(finding, words)),
        _followers(under, words),
        class_=f"card {texts.state_name(state)}",
    )


def _heading(finding: finding_pb2.Finding, state: finding_pb2.Severity.ValueType, language: str, level: str) -> Markup:
    """How bad it is and what it is; state: as it is shown, which may be that of what follows from it."""
    badge = element("span", texts.severity(state, language), class_="badge")
    return element(level, badge, " ", texts.summary(finding, language))


def _followers(under: Sequence[finding_pb2.Finding], words: Words) -> Markup:
    """The findings that follow from one, counted, each whole."""
    if not under:
        return NOTHING
    return unfold(
        texts.folded_sentence(len(under), words.language),
        *(card((one, []), words, "h4") for one in under[:MOST]),
        left_out(len(under) - MOST, words),
    )


def _advice(finding: finding_pb2.Finding, words: Words) -> Markup:
    advice = texts.advice(finding, words.language)
    return element("p", element("b", words("advice")), " ", advice, class_="advice") if advice else NOTHING


def _evidence(finding: finding_pb2.Finding) -> Markup:
    """The lines, those of one source together, each with its number."""
    figures = []
    for source, found in groupby(finding.evidence[:MOST_LINES], key=lambda one: one.source):
        lines = joined(*(_line(one) for one in found))
        figures.append(element("figure", element("figcaption", source), element("pre", lines, tabindex="0")))
    return joined(*figures)


def _line(one: finding_pb2.Evidence) -> Markup:
    number = element("span", str(one.line), class_="line") if one.line else NOTHING
    text = one.text[:MOST_CHARACTERS].rstrip("\n")
    return joined(number, text, "…\n" if len(one.text) > MOST_CHARACTERS else "\n")


def _basis(finding: finding_pb2.Finding, words: Words) -> Markup:
    """What it was compared with, and who says that this is the level."""
    return facts_list(
        [
            (words("check"), f"{finding.check_id} · {texts.title(finding.check_id, words.language)}"),
            (words("threshold"), machine_words(texts.level_text(finding.threshold))),
            (words("threshold_source"), machine_words(finding.threshold_source)),
            (words("cause"), words(f"cause_{texts.cause_name(finding.cause)}")),
        ]
    )
