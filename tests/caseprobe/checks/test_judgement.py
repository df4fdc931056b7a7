"""Judging a snapshot: stamping, order, coverage, and every way in which a check cannot tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from caseprobe.checks import check_snapshot, worst
from caseprobe.checks.check import Check, Context, NotApplicable, Unknown
from caseprobe.checks.judgement import MOST_FINDINGS
from caseprobe.v1 import finding_pb2, section_pb2
from tests import fakes_sections as fakes

SOME = section_pb2.MemoryFacts(total_bytes=1)
WARN, CRITICAL = finding_pb2.SEVERITY_WARN, finding_pb2.SEVERITY_CRITICAL
UNKNOWN, NOT_APPLICABLE = finding_pb2.SEVERITY_UNKNOWN, finding_pb2.SEVERITY_NOT_APPLICABLE


def check_that(*outcomes: finding_pb2.Finding | Exception) -> Check:
    """A check over memory that yields these findings and raises these exceptions, in this order."""

    def judge(_section: section_pb2.Section, _context: Context) -> Iterator[finding_pb2.Finding]:
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
            yield outcome

    return Check(id="test.one", judge=judge, reads="memory", threshold="none", threshold_source="test")


def judge(check: Check, section: section_pb2.Section) -> tuple[list[finding_pb2.Finding], finding_pb2.Coverage]:
    """Findings and the one coverage of a check over a snapshot with one section."""
    findings, coverage = check_snapshot(fakes.snapshot(section), [check])
    assert len(coverage) == 1
    return findings, coverage[0]


def test_a_finding_carries_its_check_and_the_source_of_its_threshold() -> None:
    """The judge need not repeat what its check already says."""
    findings, coverage = judge(check_that(finding_pb2.Finding(state=WARN)), fakes.section("memory", memory=SOME))
    assert findings == [finding_pb2.Finding(check_id="test.one", state=WARN, threshold_source="test")]
    assert coverage == finding_pb2.Coverage(check_id="test.one", outcome=WARN)


def test_a_check_that_yields_nothing_is_ok() -> None:
    """Nothing to say is a verdict of its own."""
    findings, coverage = judge(check_that(), fakes.section("memory", memory=SOME))
    assert findings == []
    assert coverage == finding_pb2.Coverage(check_id="test.one", outcome=finding_pb2.SEVERITY_OK)


def test_findings_come_worst_first() -> None:
    """A reader sees the worst first, whatever the order of objects."""
    check = check_that(*(finding_pb2.Finding(state=state) for state in (WARN, CRITICAL, WARN)))
    findings, coverage = judge(check, fakes.section("memory", memory=SOME))
    assert [finding.state for finding in findings] == [CRITICAL, WARN, WARN]
    assert coverage.outcome == CRITICAL


@pytest.mark.parametrize(
    ("raised", "outcome", "message_id", "needs"),
    [
        (NotApplicable("no swap"), NOT_APPLICABLE, "absent", ""),
        (Unknown("cut off"), UNKNOWN, "unreadable", ""),
        (Unknown("may not", needs="root"), UNKNOWN, "denied", "root"),
        (ZeroDivisionError("boom"), UNKNOWN, "unreadable", ""),
        (RecursionError(), UNKNOWN, "unreadable", ""),
    ],
)
def test_a_check_that_cannot_tell_says_why(
    raised: Exception, outcome: finding_pb2.Severity.ValueType, message_id: str, needs: str
) -> None:
    """Whatever a judge raises ends as unknown or not applicable with a reason, never as a crash or as ok."""
    _, coverage = judge(check_that(raised), fakes.section("memory", memory=SOME))
    assert (coverage.outcome, coverage.message_id, coverage.needs) == (outcome, message_id, needs)
    assert coverage.reason


def test_what_was_found_before_a_check_had_to_stop_is_kept() -> None:
    """One unreadable filesystem does not hide a full one; the reason stays beside the finding."""
    check = check_that(finding_pb2.Finding(state=CRITICAL), Unknown("the second did not answer"))
    findings, coverage = judge(check, fakes.section("memory", memory=SOME))
    assert len(findings) == 1
    assert (coverage.outcome, coverage.reason) == (CRITICAL, "the second did not answer")


@pytest.mark.parametrize(
    ("probe_outcome", "needs", "outcome", "message_id"),
    [
        (section_pb2.PROBE_OUTCOME_ABSENT, "", NOT_APPLICABLE, "absent"),
        (section_pb2.PROBE_OUTCOME_ABSENT, "a-package", UNKNOWN, "absent"),
        (section_pb2.PROBE_OUTCOME_DENIED, "root", UNKNOWN, "denied"),
        (section_pb2.PROBE_OUTCOME_TIMEOUT, "", UNKNOWN, "timeout"),
        (section_pb2.PROBE_OUTCOME_FAILED, "", UNKNOWN, "failed"),
        (section_pb2.PROBE_OUTCOME_SKIPPED, "", UNKNOWN, "skipped"),
    ],
)
def test_a_section_that_was_not_read_is_not_judged(
    probe_outcome: section_pb2.ProbeOutcome.ValueType,
    needs: str,
    outcome: finding_pb2.Severity.ValueType,
    message_id: str,
) -> None:
    """Absent hardware is not applicable, an absent tool and all else unknown; reason and what is missing go along."""
    section = section_pb2.Section(probe="memory", outcome=probe_outcome, reason="because", needs=needs)
    findings, coverage = judge(check_that(finding_pb2.Finding(state=WARN)), section)
    assert findings == []
    assert (coverage.outcome, coverage.message_id) == (outcome, message_id)
    assert (coverage.reason, coverage.needs) == ("because", needs)


@pytest.mark.parametrize("field", ["memory.pressure", "pressure"])
@pytest.mark.parametrize("judged", [(), (NotApplicable("no pressure here"),)])
def test_a_part_that_could_not_be_read_is_not_ok(field: str, judged: tuple[Exception, ...]) -> None:
    """Silence of a judge about a field that was denied is neither health nor absence."""
    denied = section_pb2.Shortfall(field=field, outcome=section_pb2.PROBE_OUTCOME_DENIED, reason="no", needs="root")
    section = fakes.section("memory", memory=SOME, shortfalls=[denied])
    _, coverage = judge(replace(check_that(*judged), fields=("pressure",)), section)
    assert (coverage.outcome, coverage.message_id, coverage.needs) == (UNKNOWN, "denied", "root")
    _, other = judge(replace(check_that(), fields=("total_bytes",)), section)
    assert other.outcome == finding_pb2.SEVERITY_OK


def test_a_section_that_is_not_there_is_unknown() -> None:
    """A profile that measures less must not look like a machine that is well."""
    findings, coverage = check_snapshot(fakes.snapshot(), [check_that()])
    assert findings == []
    assert (coverage[0].outcome, coverage[0].message_id) == (UNKNOWN, "not_measured")


def test_a_hostile_section_does_not_become_a_flood() -> None:
    """The number of findings of one check and the length of a quoted line are bounded, the worst stay."""
    evidence = [finding_pb2.Evidence(text="x" * 100_000)]
    many = [finding_pb2.Finding(state=WARN, evidence=evidence) for _ in range(500)]
    findings, coverage = judge(
        check_that(*many, finding_pb2.Finding(state=CRITICAL)), fakes.section("memory", memory=SOME)
    )
    assert len(findings) == MOST_FINDINGS
    assert findings[0].state == coverage.outcome == CRITICAL
    assert max(len(finding.evidence[0].text) for finding in findings[1:]) <= 4096


def test_the_worst_of_findings_ignores_what_is_no_verdict() -> None:
    """Unknown has a larger number than critical, but is no verdict."""
    states = (WARN, UNKNOWN, NOT_APPLICABLE)
    assert worst(finding_pb2.Finding(state=state) for state in states) == WARN
    assert worst([]) == finding_pb2.SEVERITY_OK
