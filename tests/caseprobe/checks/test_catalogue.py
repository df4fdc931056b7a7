"""Conformance: every check is whole, in every language, and its id never changes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from caseprobe.checks import ALL, check_snapshot
from caseprobe.checks.check import Check
from caseprobe.overrides import Override
from caseprobe.texts import LANGUAGES, catalogue
from caseprobe.texts.template import PLURALS, places
from caseprobe.v1 import finding_pb2, section_pb2
from tests import catalogues, docs
from tests import fakes_sections as section_fakes
from tests.fakes_faults import FAULTS, WELL
from tests.fakes_faults_storage import STORAGE_FAULTS
from tests.fakes_host_faults import HOST_FAULTS
from tests.fakes_smart_faults import SMART_FAULTS

# Ids are in support cases, alerts and people's heads: one may be added, none may go or change.
FROZEN = [
    "btrfs.alloc",
    "btrfs.dev",
    "cert.expiry",
    "cpu.busy",
    "cpu.cgquota",
    "cpu.freqcap",
    "cpu.iowait",
    "cpu.load",
    "cpu.mitig",
    "cpu.psi",
    "cpu.softirq",
    "cpu.steal",
    "cpu.throttle",
    "disk.await",
    "disk.deleted",
    "disk.fill",
    "disk.inodes",
    "disk.missing",
    "disk.psi",
    "disk.queue",
    "disk.ro",
    "disk.space",
    "disk.util",
    "dns.resolver",
    "fd.process",
    "fd.system",
    "hw.fan",
    "hw.ipmi",
    "hw.pcie_aer",
    "hw.power",
    "hw.temp",
    "hw.volt",
    "log.anomaly",
    "log.kernel",
    "log.system",
    "lvm.thin",
    "mem.avail",
    "mem.cglimit",
    "mem.commit",
    "mem.edac_ce",
    "mem.edac_ue",
    "mem.hugefrag",
    "mem.hwcorrupt",
    "mem.leak",
    "mem.majflt",
    "mem.oom",
    "mem.psi",
    "mem.swapio",
    "mem.swapused",
    "mpath",
    "net.bond",
    "net.bufferbloat",
    "net.conntrack",
    "net.drop",
    "net.err",
    "net.link",
    "net.listen",
    "net.portal",
    "net.ports",
    "net.proxy",
    "net.retrans",
    "net.softnet",
    "net.tcpmem",
    "nvme.critical",
    "nvme.errlog",
    "nvme.media",
    "nvme.spare",
    "nvme.temp",
    "nvme.unsafe",
    "nvme.used",
    "past.stall",
    "pid.cglimit",
    "pid.limit",
    "proc.dstate",
    "proc.zombie",
    "raid.md",
    "raid.mismatch",
    "smart.attr_now",
    "smart.attr_past",
    "smart.crc",
    "smart.defects",
    "smart.devstat",
    "smart.e2e",
    "smart.endurance",
    "smart.errlog",
    "smart.growth",
    "smart.notested",
    "smart.offunc",
    "smart.pending",
    "smart.readerr",
    "smart.realloc",
    "smart.reported",
    "smart.selftest",
    "smart.spin",
    "smart.status",
    "smart.temp",
    "smart.timeout",
    "svc.failed",
    "sys.crash",
    "sys.reboot",
    "sys.taint",
    "time.offset",
    "time.server",
    "time.sync",
    "vpn.mtu",
    "vpn.route",
    "wifi.rate",
    "wifi.retry",
    "wifi.roam",
    "wifi.signal",
    "zfs.pool",
]
SECTIONS = {field.name for field in section_pb2.Section.DESCRIPTOR.oneofs_by_name["facts"].fields}
EVERY = pytest.mark.parametrize("check", ALL, ids=lambda check: check.id)


def texts(check: Check) -> Iterator[tuple[str, dict[str, str]]]:
    """Every text of a check with its place in the catalogue."""
    for name, table in catalogue.checks()[check.id].items():
        if name == "title":
            yield "title", table
        else:
            yield from ((f"{name}.{part}", table[part]) for part in ("summary", "advice"))


def test_ids_are_frozen() -> None:
    """Exactly these ids exist, each once."""
    assert sorted(check.id for check in ALL) == FROZEN


@EVERY
def test_a_check_is_whole(check: Check) -> None:
    """A dotted id, a section that exists, a threshold with its source, and why it matters."""
    assert re.fullmatch(r"[a-z]+(\.[a-z0-9_]+)*", check.id)
    assert check.reads in SECTIONS
    assert check.threshold
    assert len(check.threshold_source) > 2
    assert len((check.judge.__doc__ or "").split("\n\n")) >= 2, "the docstring is the page: what, then why"


@EVERY
def test_the_fields_of_a_check_exist(check: Check) -> None:
    """A shortfall of a field that is misspelt would never be seen, so each is a field of the section's facts."""
    facts = section_pb2.Section.DESCRIPTOR.fields_by_name[check.reads].message_type
    assert facts is not None
    known = {field.name for field in facts.fields}
    known |= {field.name for child in facts.fields if child.message_type for field in child.message_type.fields}
    assert set(check.fields) <= known


@EVERY
def test_a_check_speaks_every_language(check: Check) -> None:
    """Title, summary and advice exist in each language, speak of the same values and count as its grammar does."""
    for place, table in texts(check):
        assert sorted(table) == sorted(LANGUAGES), place
        names = {name for name, forms in places(table["en"]) if not forms}
        for language, text in table.items():
            assert {name for name, forms in places(text) if not forms} == names, (place, language)
            assert {forms for _, forms in places(text) if forms} <= {PLURALS[language][0]}, (place, language)


def test_the_catalogue_has_no_text_without_a_check() -> None:
    """A removed check leaves nothing behind, a misspelt id is seen."""
    assert set(catalogue.checks()) == {check.id for check in ALL}


def test_the_compiled_catalogues_say_what_their_toml_says() -> None:
    """What the product reads is what people wrote, in every file and no other."""
    assert catalogues.written() == catalogues.compiled(), f"run: {catalogues.COMMAND}"


def test_the_pages_are_those_of_the_code() -> None:
    """docs/checks has one page a check, as `python -m tests.docs checks` writes it."""
    written = {path.name: path.read_text(encoding="utf-8") for path in docs.FOLDER.glob("*.md")}
    assert written == docs.check_pages(), "run: python -m tests.docs checks"
    assert docs.OTHER.read_text(encoding="utf-8") == docs.other_systems(), "run: python -m tests.docs checks"


NOT_OK = (
    section_pb2.PROBE_OUTCOME_ABSENT,
    section_pb2.PROBE_OUTCOME_DENIED,
    section_pb2.PROBE_OUTCOME_TIMEOUT,
    section_pb2.PROBE_OUTCOME_FAILED,
    section_pb2.PROBE_OUTCOME_SKIPPED,
)


def judged(check: Check, *sections: section_pb2.Section) -> finding_pb2.Coverage:
    """What becomes of a check on these sections."""
    _, [coverage] = check_snapshot(section_fakes.snapshot(*sections), [check])
    return coverage


def assert_not_judged(coverage: finding_pb2.Coverage) -> None:
    """Unknown or not applicable, with a reason in words and as an id."""
    assert coverage.outcome in (finding_pb2.SEVERITY_UNKNOWN, finding_pb2.SEVERITY_NOT_APPLICABLE)
    assert coverage.reason
    assert coverage.message_id in catalogue.read("sentences")["reason"]


@EVERY
@pytest.mark.parametrize("outcome", NOT_OK)
def test_a_section_that_was_not_read_is_never_ok(check: Check, outcome: section_pb2.ProbeOutcome.ValueType) -> None:
    """However a probe ended, each check that reads it says so with the reason and the missing right."""
    coverage = judged(check, section_pb2.Section(probe=check.reads, outcome=outcome, reason="because", needs="root"))
    assert_not_judged(coverage)
    assert (coverage.reason, coverage.needs) == ("because", "root")


@EVERY
def test_a_section_that_is_not_there_is_never_ok(check: Check) -> None:
    """A snapshot that did not measure it says so."""
    assert_not_judged(judged(check))


@EVERY
def test_a_section_without_facts_is_never_ok(check: Check) -> None:
    """A probe that claims to have read something and tells nothing was cut off, or lies."""
    bare = section_pb2.Section(probe=check.reads, outcome=section_pb2.PROBE_OUTCOME_OK)
    assert_not_judged(judged(check, bare))
    getattr(bare, check.reads).SetInParent()
    assert_not_judged(judged(check, bare))
    other = section_pb2.Section(probe=check.reads, outcome=section_pb2.PROBE_OUTCOME_OK)
    getattr(other, "memory" if check.reads != "memory" else "cpu").SetInParent()
    assert_not_judged(judged(check, other))


@EVERY
@settings(max_examples=20, deadline=None)
@given(data=st.binary(max_size=200))
def test_rubbish_for_facts_is_never_an_error(check: Check, data: bytes) -> None:
    """Bytes from a broken or hostile machine are judged, or are unknown; nothing is raised."""
    section = section_pb2.Section(probe=check.reads, outcome=section_pb2.PROBE_OUTCOME_OK)
    try:
        getattr(section, check.reads).MergeFromString(data)
    except DecodeError:
        return
    coverage = judged(check, section)
    if coverage.outcome != finding_pb2.SEVERITY_OK and coverage.message_id:
        assert_not_judged(coverage)


@EVERY
def test_a_part_that_was_not_read_is_never_ok(check: Check) -> None:
    """Each fact that a check rests on, denied on its own, leaves the check unknown with the missing right."""
    well = next((one for one in WELL if one.probe == check.reads), None)
    if well is None:
        pytest.skip(f"no section of {check.reads} to start from")
    for field in check.fields:
        section = section_pb2.Section()
        section.CopyFrom(well)
        denied = section_pb2.PROBE_OUTCOME_DENIED
        section.shortfalls.add(field=f"{check.reads}.{field}", outcome=denied, reason="because", needs="root")
        now, earlier = section_fakes.snapshot(section), section_fakes.unchanged(well)
        _, [coverage] = check_snapshot(now, [check], earlier=earlier)
        assert_not_judged(coverage)
        assert coverage.needs == "root"


@EVERY
def test_every_level_can_be_stated_otherwise(check: Check) -> None:
    """The judge asks its context for every level that the check declares: one that nothing passes silences it."""
    faults = [
        one.section for one in (*FAULTS, *HOST_FAULTS, *SMART_FAULTS, *STORAGE_FAULTS) if one.check_id == check.id
    ]
    for levels in check.levels:
        never, sign = (-1e300, "<") if levels.below else (1e300, ">=")
        override = Override(check.id, "agent.toml", parameter=levels.parameter, warn=never, critical=never)
        for section in faults:
            findings, _ = check_snapshot(section_fakes.snapshot(section), [check], overrides=(override,))
            of_level = [
                one
                for one in findings
                if one.threshold.startswith(f"{levels.parameter} {sign} ") and one.state >= finding_pb2.SEVERITY_WARN
            ]
            assert not of_level
