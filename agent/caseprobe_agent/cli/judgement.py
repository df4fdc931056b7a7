"""Findings in words on a screen, for every command that shows a snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from caseprobe import texts
from caseprobe.checks.folding import groups, shown_state
from caseprobe.report.words import Words
from caseprobe.v1 import finding_pb2, section_pb2, snapshot_pb2
from caseprobe_agent.cli.screen import Screen

EVIDENCE_LINES = 3
FAIL_STATES = {"warn": finding_pb2.SEVERITY_WARN, "critical": finding_pb2.SEVERITY_CRITICAL}
SHOWN = (finding_pb2.SEVERITY_INFO, finding_pb2.SEVERITY_WARN, finding_pb2.SEVERITY_CRITICAL)
OUTCOMES = {
    section_pb2.PROBE_OUTCOME_ABSENT: "not on this machine",
    section_pb2.PROBE_OUTCOME_DENIED: "not permitted",
    section_pb2.PROBE_OUTCOME_TIMEOUT: "hung",
    section_pb2.PROBE_OUTCOME_FAILED: "failed",
    section_pb2.PROBE_OUTCOME_SKIPPED: "left out",
}
Restore = Callable[[str], str]


def as_it_is(text: str) -> str:
    """No true names are known: text stays."""
    return text


def fails(findings: Sequence[finding_pb2.Finding], fail_on: str | None) -> bool:
    """Whether --fail-on turns these findings into exit code 1."""
    return any(one.state >= FAIL_STATES[fail_on] for one in findings if one.state in SHOWN) if fail_on else False


def show_judgement(
    screen: Screen,
    findings: Sequence[finding_pb2.Finding],
    coverage: Sequence[finding_pb2.Coverage],
    language: str,
    restore: Restore = as_it_is,
) -> None:
    """The verdict, every finding with its evidence, advice and what follows from it, and what was judged."""
    judged = snapshot_pb2.Snapshot(findings=findings, coverage=coverage)
    screen.finding(texts.snapshot_state(judged), restore(texts.snapshot_verdict(judged, language)), [])
    for group in groups(finding for finding in findings if finding.state in SHOWN):
        finding, under = group
        told = [*_details(finding, language), *_followers(under, language)]
        details = [(restore(texts.printable(text)), how) for text, how in told]
        screen.line()
        screen.finding(texts.state_name(shown_state(group)), restore(texts.summary(finding, language)), details)
    screen.line()
    screen.line(texts.coverage_sentence(coverage, language), "dim")


def _details(finding: finding_pb2.Finding, language: str) -> Iterator[tuple[str, str]]:
    """Evidence and advice of a finding, each with its style."""
    for one in finding.evidence[:EVIDENCE_LINES]:
        place = f"{one.source}:{one.line}" if one.line else one.source
        yield f"{place}: {one.text}", "dim"
    left = len(finding.evidence) - EVIDENCE_LINES
    if left > 0:
        yield f"… and {left} more lines", "dim"
    yield f"→ {texts.advice(finding, language)}", ""


def _followers(under: Sequence[finding_pb2.Finding], language: str) -> Iterator[tuple[str, str]]:
    """How many findings follow from one, and what each says."""
    if under:
        yield f"{texts.folded_sentence(len(under), language)}:", ""
    for finding in under:
        yield f"  {texts.state_name(finding.state)}: {texts.summary(finding, language)}", "dim"


def not_measured(snapshot: snapshot_pb2.Snapshot) -> list[tuple[str, str]]:
    """Every probe that gave nothing, with why and what it would need."""
    rows = []
    for section in snapshot.sections:
        if section.outcome != section_pb2.PROBE_OUTCOME_OK:
            why = OUTCOMES.get(section.outcome, "failed")
            needs = f" (needs {section.needs})" if section.needs else ""
            rows.append((section.probe, texts.printable(f"{why}: {section.reason}{needs}")))
    return rows


def hidden(snapshot: snapshot_pb2.Snapshot, language: str) -> str:
    """How much of each kind was hidden, the most first, in words."""
    words = Words(language)
    ranked = sorted(snapshot.redaction.counts, key=lambda count: -count.total)
    return ", ".join(f"{words.kind(count.rule)}: {words.count(count.total)}" for count in ranked) or words(
        "hidden_nothing"
    )
