"""One drive in several forms: text, JSON of smartctl 7.0 to 7.5, nvme-cli; the facts and the findings are the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caseprobe.checks import check_snapshot
from caseprobe.checks.smart import ALL
from caseprobe.parse.smart import parse_report
from caseprobe.v1 import finding_pb2, section_pb2
from caseprobe.v1 import section_smart_pb2 as smart
from tests import fakes_sections
from tests import fakes_smart as fakes
from tests.fakes_smart_disks import WELL
from tests.fakes_smart_json import nvme_cli_json, smartctl_json

OK, UNKNOWN = finding_pb2.SEVERITY_OK, finding_pb2.SEVERITY_UNKNOWN
TEXTS = {
    **{label["path"].rpartition("/")[2]: fakes.report(label) for label in fakes.labels()},
    **WELL,
    "old": fakes.OLD_LAYOUT,
    "sas": fakes.SAS,
}
EVERY = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
Told = tuple[list[tuple[object, ...]], dict[str, int]]


def parsed(text: str) -> smart.SmartDisk:
    """A report by its text."""
    return parse_report(text, "sda", "a report")


def judged(disk: smart.SmartDisk) -> Told:
    """Findings without their lines, and what became of each check."""
    section: section_pb2.Section = fakes_sections.section("smart", smart=smart.SmartFacts(disks=[disk]))
    findings, coverage = check_snapshot(fakes_sections.snapshot(section), ALL)
    told = [
        (one.check_id, one.state, one.cause, one.message_id, [(p.name, p.text, p.number) for p in one.parameters])
        for one in findings
    ]
    return sorted(told, key=str), {one.check_id: one.outcome for one in coverage}


@EVERY
@pytest.mark.parametrize("version", [(7, 0), (7, 3), (7, 5)])
def test_text_and_json_of_one_drive_give_the_same_findings(text: str, version: tuple[int, int]) -> None:
    """Each check says the same, and could or could not judge the same."""
    from_text = parsed(text)
    from_json = parsed(smartctl_json(from_text, version))
    if version < (7, 3):
        from_text.ClearField("smart_enabled")
    findings, coverage = judged(from_text)
    assert judged(from_json)[0] == findings
    assert judged(from_json)[1] == coverage


@pytest.mark.parametrize("text", [text for text in TEXTS.values() if "NVMe Log 0x02" in text])
def test_smartctl_and_nvme_cli_give_the_same_findings(text: str) -> None:
    """Of the health log, which is all that nvme-cli tells; the model is smartctl's alone."""
    from_text, other = parsed(text), parsed(nvme_cli_json(parsed(text)))
    for name in ("model", "passed", "selftests"):
        from_text.ClearField(name)
    limits = [one for one in from_text.values if not one.name.endswith("_limit_celsius")]
    del from_text.values[:]
    from_text.values.extend(limits)
    mine, theirs = ([one for one in judged(disk)[0] if str(one[0]).startswith("nvme.")] for disk in (from_text, other))
    assert mine == theirs


@EVERY
def test_json_evidence_is_a_path_and_its_value(text: str) -> None:
    """What a finding quotes can be looked up in the document."""
    document = json.loads(smartctl_json(parsed(text)))
    section = fakes_sections.section("smart", smart=smart.SmartFacts(disks=[parsed(json.dumps(document))]))
    findings, _ = check_snapshot(fakes_sections.snapshot(section), ALL)
    for evidence in (evidence for finding in findings for evidence in finding.evidence):
        path, _, value = evidence.text.partition(" = ")
        assert evidence.line == 0
        assert _without_commands(_at(document, path)) == json.loads(value)


def _without_commands(value: Any) -> Any:
    return {key: one for key, one in value.items() if key != "previous_commands"} if isinstance(value, dict) else value


def _at(document: Any, path: str) -> Any:
    for name in path.removeprefix("$.").replace("[", ".").replace("]", "").split("."):
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document


PART_OF = {
    "smart.status": "status",
    "smart.errlog": "error_log",
    "smart.selftest": "selftests",
    "smart.devstat": "statistics",
    "smart.defects": "defects",
    "smart.attr_now": "attributes",
}


@pytest.mark.parametrize("text", [fakes.report(label) for label in fakes.labels()[1::6]])
def test_a_cut_report_is_never_well_where_it_was_cut(text: str) -> None:
    """At any line: a check says ok only where its part was read whole, and where the whole report is well too."""
    lines = text.split("\n")
    whole = judged(parsed(text))[1]
    for end in range(1, len(lines), 7):
        try:
            disk = parsed("\n".join(lines[:end]))
        except ValueError:
            continue
        states = {part.name: part.state for part in disk.parts}
        outcomes = judged(disk)[1]
        well = {check_id for check_id, outcome in outcomes.items() if outcome == OK}
        for check_id in well & set(PART_OF):
            assert states.get(PART_OF[check_id]) == smart.SMART_PART_STATE_READ, (end, check_id)
        assert {check_id for check_id in well if whole[check_id] != OK} <= BY_LINE, end


# These rest on several parts: one that is cut off took its fault along, and what is left is well.
BY_LINE = {"smart.temp", "smart.notested"}
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([smartctl_json(parsed(text)) for text in list(TEXTS.values())[::6]]), st.data())
def test_json_with_anything_anywhere_never_crashes(document: str, data: st.DataObject) -> None:
    """Any value in the place of any other: facts or one named error, and every check still ends."""
    tree = json.loads(document)
    place, key = data.draw(st.sampled_from(_places(tree)))
    place[key] = data.draw(JSON_VALUES)
    try:
        disk = parsed(json.dumps(tree))
    except ValueError as error:
        assert str(error)
        return
    assert set(judged(disk)[1]) == {check.id for check in ALL}


def _places(tree: Any) -> list[tuple[Any, Any]]:
    keys = list(tree) if isinstance(tree, dict) else list(range(len(tree))) if isinstance(tree, list) else []
    return [(tree, key) for key in keys] + [found for key in keys for found in _places(tree[key])]
