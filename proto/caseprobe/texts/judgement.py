"""A judgement as JSON: what `check --json` prints and findings.json holds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from caseprobe.texts.findings import advice, state_name, summary, values
from caseprobe.texts.verdicts import coverage_sentence, overall_state
from caseprobe.v1 import finding_pb2

KINDS = {
    finding_pb2.FINDING_KIND_EVENT: "event",
    finding_pb2.FINDING_KIND_TREND: "trend",
}
CAUSES = {
    finding_pb2.CAUSE_DISK: "disk",
    finding_pb2.CAUSE_LINK: "link",
    finding_pb2.CAUSE_HOST: "host",
    finding_pb2.CAUSE_WEAR: "wear",
    finding_pb2.CAUSE_SOFTWARE: "software",
    finding_pb2.CAUSE_CONFIGURATION: "configuration",
}


def finding_json(finding: finding_pb2.Finding) -> dict[str, object]:
    """One finding, with its English summary and advice."""
    return {
        "check_id": finding.check_id,
        "state": state_name(finding.state),
        "object": finding.object,
        "cause": cause_name(finding.cause),
        "summary": summary(finding),
        "parameters": {name: _finite(value) for name, value in values(finding).items() if name != "object"},
        "evidence": [{"source": one.source, "line": one.line, "text": one.text} for one in finding.evidence],
        "advice": advice(finding),
        "threshold": finding.threshold,
        "threshold_source": finding.threshold_source,
        "kind": KINDS.get(finding.kind, "condition"),
        "folded_under": _root(finding),
        "folded_total": finding.folded_total,
    }


def _root(finding: finding_pb2.Finding) -> dict[str, str] | None:
    """Which finding this one follows from."""
    if not finding.HasField("folded_under"):
        return None
    return {"check_id": finding.folded_under.check_id, "object": finding.folded_under.object}


def _finite(value: float | str) -> float | str | None:
    """Whole numbers without a fraction; None for what JSON cannot say."""
    if isinstance(value, str):
        return value
    if not math.isfinite(value):
        return None
    return int(value) if value == int(value) else value


def coverage_json(coverage: finding_pb2.Coverage) -> dict[str, object]:
    """What became of one check."""
    state = state_name(coverage.outcome)
    outcome = "finding" if state in ("info", "warn", "critical") else state
    return {"check_id": coverage.check_id, "outcome": outcome, "reason": coverage.reason}


def judgement_json(
    subject: str, findings: Sequence[finding_pb2.Finding], coverage: Iterable[finding_pb2.Coverage]
) -> dict[str, object]:
    """One object of `check --json`; subject is the file or "this machine"; worst is unknown if nothing was judged."""
    listed = list(coverage)
    return {
        "input": subject,
        "worst": overall_state(findings, listed),
        "findings": [finding_json(finding) for finding in findings],
        "coverage": [coverage_json(one) for one in listed],
        "coverage_line": coverage_sentence(listed),
    }


def cause_name(cause: finding_pb2.Cause.ValueType) -> str:
    """The word of a cause in JSON, "unknown" for one that this version does not know."""
    return CAUSES.get(cause, "unknown")
