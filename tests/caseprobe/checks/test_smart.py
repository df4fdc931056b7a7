"""SMART checks on real reports with labels, what looks like a fault and is none, and growth between two reports."""

from __future__ import annotations

import pytest

from caseprobe.checks import ALL, check_snapshot
from caseprobe.parse.smart import parse_report
from caseprobe.v1 import finding_pb2, section_pb2
from caseprobe.v1 import section_smart_pb2 as smart
from tests import fakes_sections
from tests import fakes_smart as fakes
from tests.evaluation.smart import CHECKS as CHECK_OF
from tests.fakes_smart_disks import changed, disks, raw

CHECKS = {check.id: check for check in ALL}
LABELLED = [(label, kind) for label in fakes.labels() for kind in fakes.KINDS if label[kind] == "1"]
WARN, CRITICAL = finding_pb2.SEVERITY_WARN, finding_pb2.SEVERITY_CRITICAL
LINK, DISK = finding_pb2.CAUSE_LINK, finding_pb2.CAUSE_DISK


def section_of(text: str) -> section_pb2.Section:
    """A section with the one disk of a report."""
    return fakes_sections.section("smart", smart=smart.SmartFacts(disks=[parse_report(text, "sda", "a report")]))


def findings(text: str, before: str | None = None) -> list[finding_pb2.Finding]:
    """What all checks say about a report, after an earlier one if given."""
    previous = fakes_sections.snapshot(section_of(before)) if before is not None else None
    return check_snapshot(fakes_sections.snapshot(section_of(text)), previous=previous)[0]


@pytest.mark.parametrize(("label", "kind"), LABELLED, ids=lambda one: one if isinstance(one, str) else one["kind"])
def test_each_kind_of_evidence_is_told_with_its_exact_line(label: dict[str, str], kind: str) -> None:
    """Number and text of the labelled line stand in a finding of the check that is meant for it."""
    number, _, text = label[f"{kind}_line"].partition(": ")
    told = [one for one in findings(fakes.report(label)) if one.check_id == CHECK_OF[kind]]
    assert (int(number), text) in [(line.line, line.text) for one in told for line in one.evidence]


@pytest.mark.parametrize("label", [one for one in fakes.labels() if one["clean"] == "1"], ids=lambda one: one["path"])
def test_a_clean_drive_is_not_blamed(label: dict[str, str]) -> None:
    """No warning about the disk, its wear or its cable; that one of them stands too hot is another thing."""
    warned = [one for one in findings(fakes.report(label)) if one.state >= WARN]
    assert [one.check_id for one in warned if one.cause != finding_pb2.CAUSE_HOST] == []


@pytest.mark.parametrize(
    "label", [one for one in fakes.labels() if one["log_icrc"] == "1"], ids=lambda one: one["path"]
)
def test_a_bad_cable_is_no_bad_disk(label: dict[str, str]) -> None:
    """ICRC alone blames the link and says not to replace the disk; beside lost data it does not acquit the disk."""
    others = [kind for kind in fakes.KINDS if kind not in ("log_icrc", "attr_past") and label[kind] == "1"]
    causes = {one.cause for one in findings(fakes.report(label)) if one.state >= finding_pb2.SEVERITY_INFO}
    assert (LINK in causes) == (not others)
    assert (DISK in causes) == bool(others)


def test_read_errors_of_other_vendors_are_no_count() -> None:
    """Seagate packs two counters into the same attribute: the number is large on every healthy disk."""
    text = changed("sda", raw(1, "142217000"), ("200   200   051", "083   063   044"), ("WDC WD4000", "ST4000NM0023"))
    _, [coverage] = check_snapshot(fakes_sections.snapshot(section_of(text)), [CHECKS["smart.readerr"]])
    assert coverage.outcome == finding_pb2.SEVERITY_NOT_APPLICABLE


@pytest.mark.parametrize("pair", fakes.pairs(), ids=lambda pair: pair["group"])
def test_growth_between_two_real_reports(pair: dict[str, str]) -> None:
    """What turned bad or grew is told with both lines; what stood still is not."""
    first, second = (fakes.texts()[f"pairs/{pair['pair']}/{name}.txt"] for name in ("first", "second"))
    grown = [one for one in findings(second, first) if one.check_id == "smart.growth"]
    still = pair["group"] in ("stays_clean", "stays_with_old_count", "crc_grew")
    counters = ("realloc", "reported_unc", "pending", "offline_unc")
    grew = any(int(pair[f"{name}_second"] or 0) > int(pair[f"{name}_first"] or 0) for name in counters)
    assert grown or not grew
    assert not (still and grown)
    cable = [one for one in findings(second, first) if one.check_id == "smart.crc" and one.message_id == "grown"]
    assert bool(cable) == (int(pair["crc_second"] or 0) > int(pair["crc_first"] or 0))


def test_another_disk_of_the_same_name_has_no_past() -> None:
    """A disk that was replaced did not lose its errors, and the new one did not get them."""
    old = changed("sda", raw(197, "2"), ("WD-1", "WD-2"))
    told, [coverage] = check_snapshot(
        fakes_sections.snapshot(section_of(changed("sda", raw(197, "8")))),
        [CHECKS["smart.growth"]],
        previous=fakes_sections.snapshot(section_of(old)),
    )
    assert (told, coverage.outcome) == ([], finding_pb2.SEVERITY_UNKNOWN)


def test_the_worst_word_of_a_drive_is_the_root_of_the_others() -> None:
    """Many replaced sectors are critical: they are not folded under an error that was reported once."""
    report = changed("sda", raw(5, "40"), raw(187, "1"))
    folds = {one.check_id: one.folded_under.check_id for one in findings(report) if one.state >= WARN}
    assert folds == {"smart.realloc": "", "smart.reported": "smart.realloc"}


def test_one_disk_that_cannot_be_judged_does_not_hide_another() -> None:
    """The finding of the one stands, and the coverage says what of the other was missing."""
    cut = changed("sda").partition("ID# ATTRIBUTE_NAME")[0]
    section = disks(sda=cut, sdb=changed("sda", raw(197, "8"), ("WD-1", "WD-2")))
    [finding], [coverage] = check_snapshot(fakes_sections.snapshot(section), [CHECKS["smart.pending"]])
    assert (finding.object, finding.state) == ("sdb", CRITICAL)
    assert coverage.reason.startswith("sda: ")
