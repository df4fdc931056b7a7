"""A finding in words."""

from __future__ import annotations

from caseprobe.texts import catalogue
from caseprobe.texts.template import Value, fill, quoted
from caseprobe.v1 import finding_pb2

STATES = {
    finding_pb2.SEVERITY_OK: "ok",
    finding_pb2.SEVERITY_INFO: "info",
    finding_pb2.SEVERITY_WARN: "warn",
    finding_pb2.SEVERITY_CRITICAL: "critical",
    finding_pb2.SEVERITY_UNKNOWN: "unknown",
    finding_pb2.SEVERITY_NOT_APPLICABLE: "not_applicable",
}


def state_name(state: finding_pb2.Severity.ValueType) -> str:
    """The word of a severity in JSON, "unknown" for one that this version does not know.

    >>> state_name(finding_pb2.SEVERITY_WARN)
    'warn'
    """
    return STATES.get(state, "unknown")


def severity(state: finding_pb2.Severity.ValueType, language: str = "en") -> str:
    """A severity as people read it."""
    return catalogue.sentence(f"severity.{state_name(state)}", language)


def title(check_id: str, language: str = "en") -> str:
    """What a check looks at; its id where this version does not know it."""
    found = catalogue.checks().get(check_id)
    return catalogue.in_language(found["title"], language) if found else check_id


def values(finding: finding_pb2.Finding) -> dict[str, Value]:
    """What a sentence about this finding may speak of: its parameters by name, and its object."""
    found: dict[str, Value] = {
        parameter.name: parameter.text if parameter.WhichOneof("value") == "text" else parameter.number
        for parameter in finding.parameters
    }
    found["object"] = finding.object or "?"
    return found


def summary(finding: finding_pb2.Finding, language: str = "en") -> str:
    """The finding in one sentence; its check and object where this version has no words for it."""
    template = _variant(finding, "summary", language)
    if template is not None:
        return fill(template, values(finding), language)
    fallback = catalogue.sentence("fallback.summary" if finding.object else "fallback.machine", language)
    return fill(fallback, {"check": finding.check_id, "object": finding.object}, language)


def advice(finding: finding_pb2.Finding, language: str = "en") -> str:
    """What to do next, its commands safe to copy; empty where this version has no words for it."""
    template = _variant(finding, "advice", language)
    return "" if template is None else fill(template, values(finding), language, quoted)


def _variant(finding: finding_pb2.Finding, part: str, language: str) -> str | None:
    texts = catalogue.checks().get(finding.check_id, {})
    variant = texts.get(finding.message_id or "default") or texts.get("default")
    return catalogue.in_language(variant[part], language) if variant else None
