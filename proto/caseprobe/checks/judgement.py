"""Judging a snapshot: every check over its section, and what became of each check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from caseprobe.checks.attached import attach_changes
from caseprobe.checks.causes import link_causes
from caseprobe.checks.check import LINUX, Check, Context, NoPast, NotApplicable, Unknown
from caseprobe.checks.folding import folded
from caseprobe.checks.past import Contexts
from caseprobe.overrides import NONE, Override, Overrides, switched_off
from caseprobe.v1 import finding_pb2, section_pb2, snapshot_pb2

# A section with a million broken objects must not become a million findings: the worst of one check are enough.
MOST_FINDINGS = 50
# A line as judged is kept whole; longer ones are binary rubbish or an attack.
MOST_CHARACTERS = 4096

_REAL = (
    finding_pb2.SEVERITY_OK,
    finding_pb2.SEVERITY_INFO,
    finding_pb2.SEVERITY_WARN,
    finding_pb2.SEVERITY_CRITICAL,
)
_NOT_JUDGED = {
    section_pb2.PROBE_OUTCOME_ABSENT: (finding_pb2.SEVERITY_NOT_APPLICABLE, "absent"),
    section_pb2.PROBE_OUTCOME_DENIED: (finding_pb2.SEVERITY_UNKNOWN, "denied"),
    section_pb2.PROBE_OUTCOME_TIMEOUT: (finding_pb2.SEVERITY_UNKNOWN, "timeout"),
    section_pb2.PROBE_OUTCOME_FAILED: (finding_pb2.SEVERITY_UNKNOWN, "failed"),
    section_pb2.PROBE_OUTCOME_SKIPPED: (finding_pb2.SEVERITY_UNKNOWN, "skipped"),
}


@dataclass(frozen=True)
class Judged:
    """What one check said about one section."""

    findings: list[finding_pb2.Finding]
    coverage: finding_pb2.Coverage


def worst(findings: Iterable[finding_pb2.Finding]) -> finding_pb2.Severity.ValueType:
    """The worst severity, from OK (also of none) to CRITICAL; states that are no verdict do not count."""
    return max((f.state for f in findings if f.state in _REAL), default=finding_pb2.SEVERITY_OK)


def judge_snapshot(
    snapshot: snapshot_pb2.Snapshot,
    checks: Sequence[Check],
    earlier: Sequence[snapshot_pb2.Snapshot] = (),
    overrides: Overrides = NONE,
) -> tuple[list[finding_pb2.Finding], list[finding_pb2.Coverage]]:
    """Findings, worst first, and one coverage per check in the order of checks; never raises for a section.

    earlier: this machine's snapshots before this one, newest first.
    """
    sections: dict[str, list[section_pb2.Section]] = {}
    for section in snapshot.sections:
        sections.setdefault(section.probe, []).append(section)
    contexts = Contexts(snapshot, earlier, overrides)
    system = _system(sections)
    judged = [
        _judge_all(check, sections.get(check.reads, []), contexts.of(check))
        if system == LINUX or system in check.elsewhere
        else _not_covered(check, system)
        for check in checks
    ]
    findings = [finding for result in judged for finding in result.findings]
    findings.sort(key=lambda finding: -finding.state)
    link_causes(findings, snapshot)
    attach_changes(findings, snapshot, earlier)
    return folded(findings), [result.coverage for result in judged]


def _system(sections: Mapping[str, Sequence[section_pb2.Section]]) -> str:
    """Which system the snapshot is of; a session's own snapshot does not say, and is taken by an agent for Linux."""
    told = (section.system.system for section in sections.get("system", ()))
    return next((name for name in told if name), LINUX)


def _not_covered(check: Check, system: str) -> Judged:
    reason = f"this check does not cover {system}"[:MOST_CHARACTERS]
    return _not_judged(check, finding_pb2.SEVERITY_UNKNOWN, "not_covered", reason)


def _judge_all(check: Check, sections: Sequence[section_pb2.Section], context: Context) -> Judged:
    """One check over all sections of its probe (a session may hold several paths)."""
    if off := switched_off(context.overrides, None):
        reason = f"switched off by {off.origin}"
        return _not_judged(check, finding_pb2.SEVERITY_NOT_APPLICABLE, "switched_off", reason)
    if not sections:
        return _not_judged(
            check, finding_pb2.SEVERITY_UNKNOWN, "not_measured", f"this snapshot did not measure {check.reads}"
        )
    results = [_judge(check, section, context) for section in sections]
    findings = [finding for result in results for finding in result.findings]
    telling = next((result for result in results if result.coverage.message_id), results[0])
    coverage = telling.coverage if not findings else _found(check, findings, telling.coverage.reason)
    return Judged(sorted(findings, key=lambda finding: -finding.state)[:MOST_FINDINGS], coverage)


def _judge(check: Check, section: section_pb2.Section, context: Context) -> Judged:
    if section.outcome in _NOT_JUDGED:
        outcome, message_id = _verdict(section.outcome, section.needs)
        reason = section.reason or f"{section.probe}: {message_id}"
        return _not_judged(check, outcome, message_id, reason, section.needs)
    findings: list[finding_pb2.Finding] = []
    silenced: dict[str, Override] = {}
    try:
        # One by one, so that what a judge found before it could not go on is kept.
        for finding in _stamped(check, section, context):
            if off := switched_off(context.overrides, finding.object):
                silenced[finding.object] = off
            else:
                findings.append(finding)
    except NotApplicable as error:
        absent = _not_judged(check, finding_pb2.SEVERITY_NOT_APPLICABLE, "absent", str(error))
        result = _lacking(check, section) or absent
    except NoPast as error:
        result = _lacking(check, section) or _not_judged(check, finding_pb2.SEVERITY_UNKNOWN, "no_past", str(error))
    except Unknown as error:
        message_id = "denied" if error.needs else "unreadable"
        result = _not_judged(check, finding_pb2.SEVERITY_UNKNOWN, message_id, str(error), error.needs)
    except Exception as error:
        # Sections come from machines that may be hostile or newer: a surprise is "unknown", never a crash.
        reason = f"the facts of {section.probe} make no sense to this check ({type(error).__name__})"
        result = _not_judged(check, finding_pb2.SEVERITY_UNKNOWN, "unreadable", reason)
    else:
        result = _lacking(check, section) or _silent(check, section)
    return Judged(findings, _with_silenced(result.coverage, silenced))


def _silent(check: Check, section: section_pb2.Section) -> Judged:
    """A judge that says nothing means "ok", unless there was not a single fact to speak of."""
    facts = section.WhichOneof("facts")
    if facts != check.reads or not getattr(section, facts).ByteSize():
        reason = f"the {check.reads} section holds no facts"
        return _not_judged(check, finding_pb2.SEVERITY_UNKNOWN, "unreadable", reason)
    return Judged([], finding_pb2.Coverage(check_id=check.id, outcome=finding_pb2.SEVERITY_OK))


def _verdict(outcome: section_pb2.ProbeOutcome.ValueType, needs: str) -> tuple[finding_pb2.Severity.ValueType, str]:
    """What a check ends as whose section ended so: a tool that is not installed says nothing about the hardware."""
    if outcome == section_pb2.PROBE_OUTCOME_ABSENT and needs:
        return finding_pb2.SEVERITY_UNKNOWN, "absent"
    return _NOT_JUDGED.get(outcome, (finding_pb2.SEVERITY_UNKNOWN, "unreadable"))


def _with_silenced(coverage: finding_pb2.Coverage, silenced: Mapping[str, Override]) -> finding_pb2.Coverage:
    """What an operator does not want to hear of is not gone: the coverage names it."""
    if silenced and not coverage.reason:
        files = ", ".join(dict.fromkeys(one.origin for one in silenced.values()))
        coverage.reason = f"{len(silenced)} switched off by {files}: {', '.join(sorted(silenced))}"[:MOST_CHARACTERS]
    return coverage


def _lacking(check: Check, section: section_pb2.Section) -> Judged | None:
    """What a check ends as because a part that it rests on could not be read; None where all could."""
    names = {name for field in check.fields for name in (field, f"{section.probe}.{field}")}
    shortfall = next((one for one in section.shortfalls if one.field in names), None)
    if shortfall is None:
        return None
    outcome, message_id = _verdict(shortfall.outcome, shortfall.needs)
    return _not_judged(check, outcome, message_id, shortfall.reason or shortfall.field, shortfall.needs)


def _stamped(check: Check, section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    for finding in check.judge(section, context):
        finding.check_id = check.id
        own = finding.threshold_source
        finding.threshold_source = f"set in {own}" if own else check.threshold_source
        for evidence in finding.evidence:
            evidence.text = evidence.text[:MOST_CHARACTERS]
        yield finding


def _found(check: Check, findings: Iterable[finding_pb2.Finding], reason: str) -> finding_pb2.Coverage:
    return finding_pb2.Coverage(check_id=check.id, outcome=worst(findings), reason=reason)


def _not_judged(
    check: Check, outcome: finding_pb2.Severity.ValueType, message_id: str, reason: str, needs: str = ""
) -> Judged:
    coverage = finding_pb2.Coverage(
        check_id=check.id, outcome=outcome, reason=reason, needs=needs, message_id=message_id
    )
    return Judged([], coverage)
