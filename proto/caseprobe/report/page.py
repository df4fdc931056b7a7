"""The report page: what was found on top, then what proves it, what was measured, what was not, what was hidden."""

from __future__ import annotations

from importlib import resources

from caseprobe import texts
from caseprobe.checks import worst
from caseprobe.report.markup import Markup, element, joined
from caseprobe.texts.catalogue import label
from caseprobe.v1 import finding_pb2, snapshot_pb2


def render_report(snapshot: snapshot_pb2.Snapshot, language: str = "en") -> str:
    """One self-contained HTML page about a redacted and judged snapshot.

    It loads nothing and runs no script; every text from the machine is escaped.
    """
    body = element("main", _verdict(snapshot, language), _findings(snapshot, language), _coverage(snapshot, language))
    return "<!doctype html>\n" + element(
        "html", _head(language), element("body", body), lang=language.replace("_", "-")
    )


def _head(language: str) -> Markup:
    # Built here and never from a machine's text, so it must not be escaped.
    style = Markup(resources.files(__package__).joinpath("style.css").read_text("utf-8"))
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content="default-src 'none'; style-src 'unsafe-inline'"),
        element("title", label("title", language)),
        element("style", style),
    )


def _verdict(snapshot: snapshot_pb2.Snapshot, language: str) -> Markup:
    return element(
        "header",
        element("h1", texts.verdict_sentence(snapshot.findings, language)),
        element("p", texts.coverage_sentence(snapshot.coverage, language)),
        class_=texts.state_name(worst(snapshot.findings)),
    )


def _findings(snapshot: snapshot_pb2.Snapshot, language: str) -> Markup:
    return joined(*(_finding(finding, language) for finding in snapshot.findings))


def _finding(finding: finding_pb2.Finding, language: str) -> Markup:
    lines = (f"{one.source}:{one.line}: {one.text}\n" for one in finding.evidence)
    return element(
        "details",
        element("summary", texts.severity(finding.state, language), " ", texts.summary(finding, language)),
        element("p", texts.advice(finding, language)),
        element("pre", *lines),
    )


def _coverage(snapshot: snapshot_pb2.Snapshot, language: str) -> Markup:
    missed = (one for one in snapshot.coverage if one.message_id)
    rows = (f"{texts.title(one.check_id, language)}: {texts.reason_sentence(one, language)}" for one in missed)
    return element("ul", *(element("li", row) for row in rows))
