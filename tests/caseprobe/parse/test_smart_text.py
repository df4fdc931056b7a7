"""Text reports of smartctl and nvme-cli: every part, every layout, and what cannot be read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caseprobe.parse.smart import parse_report
from caseprobe.v1 import section_smart_pb2 as smart
from tests import fakes_smart as fakes

READ, CUT = smart.SMART_PART_STATE_READ, smart.SMART_PART_STATE_CUT
FAILED, UNSUPPORTED = smart.SMART_PART_STATE_FAILED, smart.SMART_PART_STATE_UNSUPPORTED
ANY = pytest.mark.parametrize("label", fakes.labels(), ids=lambda label: label["path"].rpartition("/")[2])


def parsed(text: str) -> smart.SmartDisk:
    """A report by its text."""
    return parse_report(text, "sda", "smartctl -x /dev/sda")


def states(disk: smart.SmartDisk) -> dict[str, int]:
    """What became of each part."""
    return {part.name: part.state for part in disk.parts}


def values(disk: smart.SmartDisk) -> dict[str, float]:
    """Named values."""
    return {value.name: value.value for value in disk.values}


def lines(disk: smart.SmartDisk) -> list[smart.SmartLine]:
    """Every line that any fact of a disk rests on."""
    repeated = (disk.attributes, disk.errors, disk.selftests, disk.statistics, disk.defects, disk.values)
    return [fact.line for facts in (*repeated, disk.phy_events) for fact in facts]


@ANY
def test_every_line_of_evidence_stands_in_the_report(label: dict[str, str]) -> None:
    """Number and text of each line that a fact names are those of the report."""
    text = fakes.report(label).split("\n")
    found = lines(parsed(fakes.report(label)))
    assert found
    assert all(text[line.line - 1] == line.text for line in found)


@ANY
def test_the_parts_of_a_real_report_are_known(label: dict[str, str]) -> None:
    """Status and what the kind of drive has beside it were read."""
    disk = parsed(fakes.report(label))
    wanted = {"hdd": "attributes", "ssd": "attributes", "nvme": "health"}[label["kind"]]
    assert states(disk)["status"] == states(disk)[wanted] == READ
    assert disk.kind in (label["kind"], "ssd")


def test_the_older_layout_tells_the_same() -> None:
    """Hexadecimal flags, FAILING_NOW and In_the_past, and the error log without upper bytes."""
    disk = parsed(fakes.OLD_LAYOUT)
    by_id = {attribute.id: attribute for attribute in disk.attributes}
    assert (by_id[5].raw, by_id[5].when_failed, by_id[5].prefailure) == (1987, "now", True)
    assert (by_id[190].when_failed, by_id[190].raw, by_id[190].prefailure) == ("past", 31, False)
    assert [(error.number, error.power_on_hours, list(error.kinds)) for error in disk.errors] == [
        (2, 7401, ["UNC"]),
        (1, 12, ["ICRC", "ABRT"]),
    ]
    assert disk.errors[0].lba == 4233984
    assert [(test.test, test.outcome, test.power_on_hours) for test in disk.selftests] == [
        ("extended", "failed", 7405),
        ("short", "passed", 6000),
    ]
    assert (disk.last_selftest_code, disk.passed, disk.power_on_hours, disk.kind) == (7, False, 7410, "hdd")
    assert set(states(disk).values()) == {READ}


def test_a_sas_drive_tells_other_things() -> None:
    """Grown defects, uncorrected errors, trip temperature and self-tests of its own form."""
    disk = parsed(fakes.SAS)
    assert (disk.protocol, disk.kind, disk.passed, disk.model) == ("scsi", "hdd", False, "ST4000NM0023")
    assert values(disk) == {
        "temperature_celsius": 38,
        "critical_limit_celsius": 60,
        "grown_defects_total": 127,
        "pending_defects_total": 2,
        "read_uncorrected_total": 3,
        "write_uncorrected_total": 0,
        "non_medium_errors_total": 14,
    }
    assert [(test.test, test.outcome) for test in disk.selftests] == [("extended", "failed"), ("short", "passed")]


@pytest.mark.parametrize("text", [fakes.NVME_CLI_1, fakes.NVME_CLI_2, fakes.NVME_CLI_JSON, fakes.NVME_SMARTCTL])
def test_one_nvme_drive_in_four_forms(text: str) -> None:
    """nvme-cli of both generations, its JSON and smartctl give the same values."""
    disk = parsed(text)
    assert values(disk) == {
        "critical_warning": 4,
        "temperature_celsius": 36,
        "spare_ratio": 1,
        "spare_threshold_ratio": 0.1,
        "used_ratio": 0.03,
        "power_cycles_total": 120,
        "power_on_hours": 9876,
        "unsafe_shutdowns_total": 14,
        "media_errors_total": 2,
        "error_entries_total": 152,
        "warning_temperature_seconds": 300,
        "critical_temperature_seconds": 0,
    }
    assert (states(disk)["health"], disk.kind, disk.power_on_hours) == (READ, "nvme", 9876)


@pytest.mark.parametrize(
    ("line", "part", "state"),
    [
        ("Device Statistics (GP/SMART Log 0x04) not supported", "statistics", UNSUPPORTED),
        ("Pending Defects log (GP Log 0x0c) not supported", "defects", UNSUPPORTED),
        ("SCT Commands not supported", "temperature", UNSUPPORTED),
        ("Read Device Statistics page 0x04 failed", "statistics", FAILED),
        ("Read SMART Extended Comprehensive Error Log failed: Connection timed out", "error_log", FAILED),
        ("Read Self-test Log failed: Invalid Field in Command (0x2002)", "selftests", FAILED),
        ("SMART Status command failed: Input/output error", "status", FAILED),
        ("Read SMART Data failed: scsi error unsupported field in scsi command", "attributes", FAILED),
        ("Read NVMe SMART/Health Information failed: NVMe Status 0x02", "health", FAILED),
    ],
)
def test_what_could_not_be_read_is_no_absence(line: str, part: str, state: int) -> None:
    """A log that the drive lacks and one that did not answer are two things, with the tool's own words."""
    disk = parsed(f"smartctl 7.4 2023\n\n{line}\n")
    assert states(disk) == {part: state}
    assert disk.parts[0].reason == line


@pytest.mark.parametrize(
    "text", ["", "\0\1\2", "Zustand: gut", "{", "[]", "{}", '{"a": 1}', "smartctl 7.4", "нет\n" * 9]
)
def test_what_is_no_report_says_so(text: str) -> None:
    """Foreign, binary and empty input is an error with a reason."""
    with pytest.raises(ValueError, match=r"report|JSON"):
        parsed(text)


@pytest.mark.parametrize("label", fakes.labels()[::4], ids=lambda label: label["path"].rpartition("/")[2])
def test_a_report_cut_at_any_line_claims_nothing_that_it_lost(label: dict[str, str]) -> None:
    """A part that a shorter report calls read holds all facts that the whole report has of it."""
    text = fakes.report(label).split("\n")
    whole = parsed(fakes.report(label))
    counts = {name: len(facts) for name, facts in parts_of(whole).items()}
    for end in range(1, len(text), 3):
        try:
            cut = parsed("\n".join(text[:end]))
        except ValueError:
            continue
        held = parts_of(cut)
        for name, state in states(cut).items():
            assert state != READ or len(held.get(name, ())) == counts.get(name, 0), (end, name)


def parts_of(disk: smart.SmartDisk) -> dict[str, list[object]]:
    """The facts of each part that holds a list."""
    return {
        "attributes": list(disk.attributes),
        "error_log": list(disk.errors),
        "selftests": list(disk.selftests),
        "statistics": list(disk.statistics),
        "defects": list(disk.defects),
        "phy_events": list(disk.phy_events),
    }


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([fakes.report(label) for label in fakes.labels()[::5]]), st.data())
def test_damaged_reports_never_crash(text: str, data: st.DataObject) -> None:
    """Bytes put anywhere into a report, or a piece taken out, give facts or one named error."""
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, min(len(text), begin + 400)))
    try:
        parsed(text[:begin] + data.draw(st.text(max_size=40)) + text[end:])
    except ValueError as error:
        assert str(error)


@settings(max_examples=100, deadline=None)
@given(st.text() | st.binary().map(lambda data: "smartctl 7.4\n" + data.decode("latin-1")))
def test_any_text_is_a_report_or_a_named_error(text: str) -> None:
    """No input crashes the parser."""
    try:
        parsed(text)
    except ValueError as error:
        assert str(error)
