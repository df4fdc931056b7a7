"""What was hidden before anything left the machine, what travels along, and who agreed."""

from __future__ import annotations

from caseprobe.report.markup import NOTHING, Markup, element, facts_list, joined, machine_words, table, unfold
from caseprobe.report.words import NONE, Words
from caseprobe.v1 import consent_pb2, snapshot_pb2

_MODES = {
    consent_pb2.CONSENT_MODE_REVIEWED: "reviewed",
    consent_pb2.CONSENT_MODE_STREAMING: "streaming",
    consent_pb2.CONSENT_MODE_POLICY: "policy",
    consent_pb2.CONSENT_MODE_GRANT: "grant",
}


def render_hidden(snapshot: snapshot_pb2.Snapshot, words: Words) -> Markup:
    """Counts by kind, never a value; what was withheld, with its reason."""
    report = snapshot.redaction
    total = sum(one.total for one in report.counts)
    counts = sorted(report.counts, key=lambda one: -one.total)
    rows = [(words.kind(one.rule), words.count(one.total)) for one in counts]
    withheld = [element("li", name) for name in report.withheld]
    return joined(
        element("p", words.filled("hidden_total", n=total) if total else words("hidden_nothing")),
        unfold(words("hidden_by_kind"), table((words("kind"), words("number")), rows, (1,)), class_="row")
        if rows
        else "",
        element("div", element("h3", words("withheld")), element("ul", *withheld), class_="panel") if withheld else "",
    )


def render_artifacts(snapshot: snapshot_pb2.Snapshot, words: Words) -> Markup:
    """Raw evidence beside this page in the bundle."""
    if not snapshot.artifacts:
        return NOTHING
    rows = [
        (
            one.name,
            one.source or NONE,
            words.value("size_bytes", one.size_bytes) if one.size_bytes else NONE,
            machine_words(one.withheld_reason) or (words("cut") if one.truncated else ""),
        )
        for one in snapshot.artifacts
    ]
    head = (words("artifact"), words("source"), words("size"), words("note"))
    return element("div", table(head, rows, (2,)), class_="panel")


def render_consent(snapshot: snapshot_pb2.Snapshot, words: Words) -> Markup:
    """Who agreed to sending this, when, and on which text."""
    if not snapshot.HasField("consent"):
        return NOTHING
    consent = snapshot.consent
    facts = facts_list(
        [
            (words("consent_mode"), words(f"consent_{_MODES[consent.mode]}") if consent.mode in _MODES else ""),
            (words("granted_by"), consent.granted_by),
            (words("granted_at"), words.moment(consent.granted_at)),
        ]
    )
    shown = unfold(words("text_shown"), element("blockquote", consent.text_shown)) if consent.text_shown else NOTHING
    return element("div", facts, shown, class_="panel")
