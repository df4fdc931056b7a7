"""Findings and paths in words and as JSON, for pages and the API alike."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

from caseprobe import texts
from caseprobe.checks.folding import groups, shown_state
from caseprobe.report.markup import NOTHING, Markup
from caseprobe.report.paths import render_path
from caseprobe.v1 import finding_pb2, path_pb2, snapshot_pb2
from caseprobe_collector.console.facts import ENGLISH, address_text
from caseprobe_collector.console.views import severity_word

PROTOCOLS = ("", "icmp", "udp", "tcp")
TIERS = ("", "icmp_datagram", "udp", "tcp_connect", "raw")
_RANK = {4: 0, 3: 1, 2: 2, 1: 3}


@dataclass(frozen=True)
class EvidenceView:
    """One line as judged; line counts from 1, 0 where the source has none."""

    source: str
    line: int
    text: str


@dataclass(frozen=True)
class RootView:
    """Names the finding of the same snapshot that another one follows from, and is shown under."""

    check_id: str
    object: str


@dataclass(frozen=True)
class FindingView:
    """A check's verdict in words, with what proves it; shown_state is the worst of it and of what follows from it."""

    check_id: str
    state: str
    object: str
    cause: str
    summary: str
    parameters: dict[str, int | float | str | None]
    evidence: list[EvidenceView]
    advice: str
    threshold: str
    threshold_source: str
    kind: str
    folded_under: RootView | None
    folded_total: int
    shown_state: str


def finding_view(finding: finding_pb2.Finding, root: finding_pb2.Finding | None = None) -> FindingView:
    """A finding as shown; root is the one that it follows from."""
    told = texts.finding_json(finding)
    return FindingView(
        check_id=finding.check_id,
        state=severity_word(finding.state),
        object=finding.object,
        cause=str(told["cause"]),
        summary=texts.summary(finding),
        parameters=cast("dict[str, int | float | str | None]", told["parameters"]),
        evidence=[EvidenceView(e.source, e.line, e.text) for e in finding.evidence],
        advice=texts.advice(finding),
        threshold=finding.threshold,
        threshold_source=finding.threshold_source,
        kind=str(told["kind"]),
        folded_under=RootView(root.check_id, root.object) if root else None,
        folded_total=0 if root else finding.folded_total,
        shown_state=severity_word(finding.state),
    )


def findings_of(snapshot: snapshot_pb2.Snapshot) -> list[FindingView]:
    """A snapshot's findings, worst first, each directly before those that follow from it."""
    found = sorted(groups(snapshot.findings), key=lambda g: _RANK.get(shown_state(g), 9))
    views: list[FindingView] = []
    for group in found:
        root, under = group
        views.append(replace(finding_view(root), shown_state=severity_word(shown_state(group))))
        views += [finding_view(one, root) for one in under]
    return views


@dataclass(frozen=True)
class CoverageView:
    """What became of one check."""

    check_id: str
    title: str
    outcome: str
    reason: str


def coverage_of(snapshot: snapshot_pb2.Snapshot) -> list[CoverageView]:
    """What was judged and what was not, the latter first."""
    rows = [
        CoverageView(
            c.check_id, texts.title(c.check_id), severity_word(c.outcome), texts.reason_sentence(c) or c.reason
        )
        for c in snapshot.coverage
    ]
    return sorted(rows, key=lambda row: ({"unknown": 0, "not_applicable": 2}.get(row.outcome, 1), row.check_id))


@dataclass(frozen=True)
class HopView:
    """One hop over all rounds; name and network are empty where they were not asked for or are not known."""

    ttl: int
    addresses: list[str]
    sent: int
    received: int
    loss_ratio: float
    best_seconds: float | None
    avg_seconds: float | None
    p95_seconds: float | None
    worst_seconds: float | None
    jitter_seconds: float | None
    mpls: list[int]
    classification: str
    name: str
    network: str


@dataclass(frozen=True)
class VerdictView:
    """What the path as a whole says; segment is the first and last ttl of what is faulty."""

    text: str
    segment: list[int] | None
    loss_ratio: float
    confidence: float


@dataclass(frozen=True)
class PathView:
    """A path probe's summary; said: everything in sentences, the verdict's among them."""

    target: str
    address: str
    protocol: str
    tier: str
    rounds: int
    hops: list[HopView]
    verdict: VerdictView
    said: list[str]


def path_view(facts: path_pb2.PathFacts) -> PathView:
    """A path as shown."""
    return PathView(
        target=facts.target,
        address=address_text(facts.address),
        protocol=PROTOCOLS[facts.protocol] if facts.protocol < len(PROTOCOLS) else "",
        tier=TIERS[facts.tier] if facts.tier < len(TIERS) else "",
        rounds=facts.rounds,
        hops=[_hop_view(hop) for hop in facts.hops],
        verdict=_verdict_view(facts),
        said=texts.path_sentences(facts),
    )


def _hop_view(hop: path_pb2.PathHop) -> HopView:
    def seconds(name: str) -> float | None:
        return float(getattr(hop, name)) if hop.HasField(name) else None  # type: ignore[arg-type]

    return HopView(
        hop.ttl,
        [address_text(a) for a in hop.addresses],
        hop.sent,
        hop.received,
        hop.loss_ratio,
        seconds("best_seconds"),
        seconds("avg_seconds"),
        seconds("p95_seconds"),
        seconds("worst_seconds"),
        seconds("jitter_seconds"),
        list(hop.mpls_labels),
        hop.classification,
        texts.printable(texts.hop_name(hop)),
        texts.printable(texts.hop_network(hop)),
    )


def _verdict_view(facts: path_pb2.PathFacts) -> VerdictView:
    verdict = facts.verdict
    segment = [verdict.segment_first_ttl, verdict.segment_last_ttl] if verdict.segment_last_ttl else None
    return VerdictView(texts.path_verdict(facts), segment, verdict.loss_ratio, verdict.confidence)


def path_of(snapshot: snapshot_pb2.Snapshot) -> path_pb2.PathFacts | None:
    """The path that a snapshot measured; None where it measured none."""
    return next((section.path for section in snapshot.sections if section.HasField("path")), None)


def path_drawing(snapshot: snapshot_pb2.Snapshot | None) -> Markup:
    """The hops of the path that a snapshot measured, as its report draws them; nothing where it measured none."""
    facts = path_of(snapshot) if snapshot else None
    return render_path(facts, snapshot.started_at.seconds, ENGLISH) if snapshot and facts else NOTHING
