"""Every check finds its fault and says so; a machine that is well gets no finding from any."""

from __future__ import annotations

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from caseprobe import texts
from caseprobe.checks import ALL, check_snapshot
from caseprobe.texts import LANGUAGES, catalogue
from caseprobe.v1 import finding_pb2, section_pb2
from tests import fakes_sections
from tests.fakes_faults import FAULTS, LOG_FAULTS, WELL, Fault
from tests.fakes_faults_storage import STORAGE_FAULTS
from tests.fakes_host_faults import HOST_FAULTS
from tests.fakes_smart_faults import SMART_FAULTS

ALL_FAULTS = (*FAULTS, *HOST_FAULTS, *SMART_FAULTS, *STORAGE_FAULTS)
EVERY_FAULT = pytest.mark.parametrize("fault", (*ALL_FAULTS, *LOG_FAULTS), ids=lambda fault: fault.check_id)
CHECKS = {check.id: check for check in ALL}


def findings_of(fault: Fault) -> list[finding_pb2.Finding]:
    """What the fault's check finds in its section."""
    now, earlier = fakes_sections.with_past(fault.section, fault.earlier, fault.step_seconds)
    return check_snapshot(now, [CHECKS[fault.check_id]], earlier=earlier)[0]


@EVERY_FAULT
def test_a_fault_is_exactly_this_finding(fault: Fault) -> None:
    """State, object and sentence of each finding, worst first, and no other."""
    found = [
        (texts.state_name(one.state), one.object, texts.summary(one).replace("\u00a0", " "))
        for one in findings_of(fault)
    ]
    assert found == list(fault.expected)


@EVERY_FAULT
def test_a_finding_is_whole(fault: Fault) -> None:
    """Evidence, threshold with source, a cause, and a sentence and advice without a gap in every language."""
    for finding in findings_of(fault):
        assert finding.evidence
        assert all(evidence.text and evidence.source for evidence in finding.evidence)
        assert finding.threshold
        assert finding.threshold_source
        assert finding.cause != finding_pb2.CAUSE_UNSPECIFIED
        for language in LANGUAGES:
            for sentence in (texts.summary(finding, language), texts.advice(finding, language)):
                assert sentence
                assert "?" not in sentence
                assert "{" not in sentence


def test_every_variant_of_every_text_was_spoken() -> None:
    """Each check has a fault here, each sentence of its catalogue a finding; log classes are counted apart."""
    spoken = {(one.check_id, one.message_id or "default") for fault in ALL_FAULTS for one in findings_of(fault)}
    written = {
        (check_id, name)
        for check_id, table in catalogue.checks().items()
        if not check_id.startswith("log.")
        for name in table
        if name != "title"
    }
    assert spoken == written


def test_a_machine_that_is_well_gets_no_finding() -> None:
    """All checks run on it, none has anything to say."""
    judged = fakes_sections.judged(*WELL)
    findings, coverage = list(judged.findings), judged.coverage
    assert findings == []
    assert {one.check_id: texts.state_name(one.outcome) for one in coverage} == {check.id: "ok" for check in ALL}


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.id)
def test_an_empty_section_is_never_an_error(check: object) -> None:
    """A section without facts is judged or is unknown with a reason; it does not break the judge."""
    empty = [fakes_sections.section(one.probe) for one in WELL]
    _, coverage = check_snapshot(fakes_sections.snapshot(*empty), [check])  # type: ignore[list-item]
    assert "no sense" not in coverage[0].reason


NUMBERS = st.one_of(st.floats(), st.sampled_from([0.0, -1.0, 1e308, float("nan"), float("inf")]))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_no_numbers_break_a_check(data: st.DataObject) -> None:
    """Whatever floats a hostile or broken machine sends: findings and coverage come out, and can be put in words."""
    sections = []
    for well in WELL:
        section = section_pb2.Section()
        section.CopyFrom(well)
        facts = getattr(section, str(section.WhichOneof("facts")))
        for field in facts.DESCRIPTOR.fields:
            if field.cpp_type == field.CPPTYPE_DOUBLE and not field.is_repeated:
                setattr(facts, field.name, data.draw(NUMBERS))
        sections.append(section)
    findings, coverage = check_snapshot(fakes_sections.snapshot(*sections))
    assert len(coverage) == len(ALL)
    assert not [one.reason for one in coverage if "no sense" in one.reason]
    for finding in findings:
        texts.finding_json(finding)
        json_format.MessageToJson(finding)
