"""Conformance: every check is whole, in every language, and its id never changes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from caseprobe.checks import ALL
from caseprobe.checks.check import Check
from caseprobe.texts import LANGUAGES, catalogue
from caseprobe.texts.template import PLURALS, places
from caseprobe.v1 import section_pb2
from tests import docs

# Ids are in support cases, alerts and people's heads: one may be added, none may go or change.
FROZEN = [
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
    "disk.inodes",
    "disk.psi",
    "disk.ro",
    "disk.space",
    "dns.resolver",
    "fd.process",
    "fd.system",
    "hw.fan",
    "hw.pcie_aer",
    "hw.power",
    "hw.temp",
    "log.kernel",
    "log.system",
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
    "net.bond",
    "net.conntrack",
    "net.drop",
    "net.err",
    "net.link",
    "net.listen",
    "net.portal",
    "net.proxy",
    "net.retrans",
    "net.tcpmem",
    "nvme.critical",
    "nvme.errlog",
    "nvme.media",
    "nvme.spare",
    "nvme.temp",
    "nvme.unsafe",
    "nvme.used",
    "pid.cglimit",
    "pid.limit",
    "proc.dstate",
    "proc.zombie",
    "raid.md",
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
    assert re.fullmatch(r"[a-z]+(\.[a-z0-9_]+)+", check.id)
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


def test_the_pages_are_those_of_the_code() -> None:
    """docs/checks has one page a check, as `python -m tests.docs checks` writes it."""
    written = {path.name: path.read_text(encoding="utf-8") for path in docs.FOLDER.glob("*.md")}
    assert written == docs.check_pages(), "run: python -m tests.docs checks"
