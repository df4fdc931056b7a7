"""The report page: what was found on top, then what proves it, what was measured, what was not, what was hidden."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from caseprobe import texts
from caseprobe.checks.folding import groups, shown_state
from caseprobe.report.coverage import render_coverage
from caseprobe.report.document import contents, document, part
from caseprobe.report.facts import render_facts
from caseprobe.report.findings import render_findings
from caseprobe.report.hidden import render_artifacts, render_consent, render_hidden
from caseprobe.report.history import render_history
from caseprobe.report.markup import NOTHING, Markup, dotted, element, joined
from caseprobe.report.paths import render_paths
from caseprobe.report.timeline import render_timeline
from caseprobe.report.unmeasured import render_unmeasured
from caseprobe.report.words import Words, host_of
from caseprobe.v1 import snapshot_pb2

STATES = ("critical", "warn", "info")
# The parts of the page by the name of their heading, which is their anchor too; a part that has nothing is left out.
PARTS: tuple[tuple[str, Callable[[snapshot_pb2.Snapshot, Words], Markup]], ...] = (
    ("findings", render_findings),
    ("paths", render_paths),
    ("timeline", render_timeline),
    ("section_history", render_history),
    ("facts", render_facts),
    ("unmeasured", render_unmeasured),
    ("coverage", render_coverage),
    ("hidden", render_hidden),
    ("artifacts", render_artifacts),
    ("consent", render_consent),
)


def render_report(snapshot: snapshot_pb2.Snapshot, language: str = "en") -> str:
    """One self-contained HTML page about a redacted and judged snapshot.

    It loads nothing and runs no script; every text from the machine is escaped. A language that we do not speak
    reads English.
    """
    words = Words(language if language in texts.LANGUAGES else "en")
    made = {name: body for name, render in PARTS if (body := render(snapshot, words))}
    main = element("main", *(part(name, words(name), body) for name, body in made.items()))
    links = contents(words("contents"), [(name, words(name)) for name in made])
    title = f"{texts.snapshot_verdict(snapshot, words.language)} – {words('title')}"
    return document(title, words.language, _banner(snapshot, links, words), main, _footer(snapshot, words))


def _banner(snapshot: snapshot_pb2.Snapshot, links: Markup, words: Words) -> Markup:
    """Which machine and when, the verdict, how many of each, how much was judged, and where to go on."""
    coverage = texts.coverage_sentence(snapshot.coverage, words.language) if snapshot.coverage else ""
    inner = element(
        "div",
        element("p", _subject(snapshot, words), class_="subject"),
        element("h1", texts.snapshot_verdict(snapshot, words.language)),
        _chips(snapshot, words),
        element("p", coverage, class_="covered") if coverage else NOTHING,
        _window(snapshot, words),
        links,
        class_="inner",
    )
    return element("header", inner, class_=texts.snapshot_state(snapshot))


def _window(snapshot: snapshot_pb2.Snapshot, words: Words) -> Markup:
    """Of which time the logs are, where only some was asked for."""
    if not snapshot.HasField("window"):
        return NOTHING
    moments = {name: words.moment(getattr(snapshot.window, name)) for name in ("from_at", "to_at")}
    return element("p", words.filled("window", **moments), class_="covered")


def _subject(snapshot: snapshot_pb2.Snapshot, words: Words) -> Markup:
    host = host_of(snapshot)
    taken = element("span", words.filled("taken", at=words.moment(snapshot.started_at)), class_="moment")
    origin = snapshot.origin
    read = words.filled("read_from", kind=origin.kind, name=origin.name) if snapshot.HasField("origin") else ""
    return dotted(element("b", host) if host else "", taken, read)


def _chips(snapshot: snapshot_pb2.Snapshot, words: Words) -> Markup:
    """How many problems of each severity; what follows from another one is no problem of its own."""
    counts = Counter(texts.state_name(shown_state(group)) for group in groups(snapshot.findings))
    chips = [
        element(
            "li",
            element("b", words.count(counts[state])),
            " ",
            words.filled(f"chip_{state}", n=counts[state]),
            class_=state,
        )
        for state in STATES
        if counts[state]
    ]
    return element("ul", *chips, class_="chips") if chips else NOTHING


def _footer(snapshot: snapshot_pb2.Snapshot, words: Words) -> Markup:
    """What identifies this snapshot, for whoever compares it with the case."""
    ids = (("snapshot", snapshot.snapshot_id), ("machine", snapshot.agent_id), ("case", snapshot.case_id))
    pairs = [joined(words(name), " ", element("code", value)) for name, value in ids if value]
    pairs.append(joined(words("profile"), " ", snapshot.profile)) if snapshot.profile else None
    duration = words.filled("took", duration_seconds=snapshot.duration_seconds)
    version = f"caseprobe {snapshot.agent_version}".strip()
    return element("footer", *(element("p", part) for part in (*pairs, joined(version, " · ", duration))))
