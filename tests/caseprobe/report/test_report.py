"""The report page: safe, self-contained, whole in every language, and it says what matters first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from caseprobe import report
from caseprobe.checks import ALL
from caseprobe.report import render_report
from caseprobe.texts import LANGUAGES, catalogue
from caseprobe.texts.template import PLURALS, places
from caseprobe.v1 import finding_pb2, path_pb2, section_pb2, snapshot_pb2
from tests import fakes_sections as fakes
from tests.fakes_faults import WELL
from tests.fakes_snapshot import troubled, with_a_path
from tests.outline import outline, retell

EVIL = "\"'><script>alert(1)</script>&<img src=x onerror=alert(2)>\u202e\x1b[2J"
EVERY_LANGUAGE = pytest.mark.parametrize("language", LANGUAGES)


@EVERY_LANGUAGE
def test_no_text_of_a_machine_becomes_markup(language: str) -> None:
    """With hostile text in every string field the page has the same elements as without."""
    hostile = troubled()
    retell(hostile, EVIL, kept=("probe", "check_id", "message_id"))
    safe, seen = outline(render_report(troubled(), language)), outline(render_report(hostile, language))
    assert {tag for tag, _ in seen.tags} <= {tag for tag, _ in safe.tags}
    attributes = {name for _, given_ in seen.tags for name in given_}
    assert not [name for name in attributes if name.startswith("on") or name in ("src", "style")]
    assert all(str(given_.get("href", "#")).startswith("#") for _, given_ in seen.tags)
    text = "".join(seen.text)
    assert "<script>alert(1)</script>" in text
    assert not {"\u202e", "\x1b"} & set(text)


def test_the_page_loads_nothing() -> None:
    """No address, no script, no font, no picture: it reads the same without a network."""
    page = render_report(troubled())
    for active in ("<script", "javascript:", "http:", "https:", "<link", "<img", "@import", "url("):
        assert active not in page
    policies = [attributes["content"] for tag, attributes in outline(page).tags if "http-equiv" in attributes]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_the_verdict_is_the_first_heading() -> None:
    """What a person under stress reads first is the worst, then how much was checked."""
    seen = outline(render_report(troubled()))
    assert next(tag for tag, _ in seen.tags if tag in ("h1", "h2")) == "h1"
    page = render_report(troubled())
    order = [
        "2 critical problems found",
        f"of {len(ALL)} ran",
        "What was found",
        "What was measured",
        "What was hidden",
    ]
    positions = [page.index(sentence, page.index("<body")) for sentence in order]
    assert positions == sorted(positions)


def test_each_finding_has_its_proof_behind_a_click() -> None:
    """The lines as judged, their source, their numbers, the level and where it is from."""
    page = render_report(troubled())
    card = page[page.index("Disk sdb could not read or write") :]
    card = card[: card.index("</article>")]
    assert "<details>" in card
    for told in ("/dev/kmsg", ">1890<", "I/O error, dev sdb, sector 976773120", "log.kernel", "lines ≥ 1"):
        assert told in card


def test_what_was_not_measured_is_told_with_its_reason() -> None:
    """Denied, absent and silent things stand beside what was read, with the missing right."""
    text = " ".join("".join(outline(render_report(troubled())).text).split())
    assert "System lognot allowed · /var/log/syslog may not be readgroup adm" in text
    assert "Memory memory.cgroup_limit_bytesnot on this machine · no memory limit" in text
    assert "1 of 3 filesystems could not be read (/mnt/backup: did not answer in 0.5 s)" in text
    assert "Temperatures, Fans, Batteries" in text


def test_what_was_hidden_is_counted_and_what_was_kept_back_is_named() -> None:
    """Counts by kind, never a value; a withheld artifact with its reason."""
    text = "".join(outline(render_report(troubled())).text)
    assert "322 private values were hidden" in text
    assert "secret (aws_key_id)1" in text
    assert "artifacts/auth.log/var/log/auth.log–could not be made safe" in text


def test_a_machine_that_is_well_reads_so() -> None:
    """No findings: the verdict says so, and that everything was judged."""
    page = render_report(fakes.judged(*WELL))
    assert 'class="ok"' in page
    assert re.search(r"<h1>No problem in the \d+ of \d+ checks that could run here(; 1 remark)?</h1>", page)
    # Growth takes more than one snapshot; everything else was judged.
    [(ran, known)] = re.findall(r"(\d+) of (\d+) ran", page)
    assert int(known) == len(ALL) and int(known) - int(ran) < 10


def test_nothing_judged_is_not_health() -> None:
    """An empty snapshot must not read as a machine that is well."""
    page = render_report(fakes.judged())
    assert "<h1>Nothing could be judged</h1>" in page
    assert 'class="unknown"' in page


def test_a_path_is_the_verdict_of_a_snapshot_that_measured_nothing_else() -> None:
    """A live path session ends as such a page, with its hops."""
    facts = path_pb2.PathFacts(
        target="www.example.net",
        rounds=20,
        hops=[path_pb2.PathHop(ttl=1, addresses=[bytes([10, 0, 0, 1])], sent=20, received=20, avg_seconds=0.0012)],
        verdict=path_pb2.PathVerdict(message_id="path.ok"),
    )
    page = render_report(fakes.judged(fakes.section("path", path=facts)))
    assert "<h1>The path to www.example.net is clean over 20 rounds</h1>" in page
    assert "10.0.0.1" in page


@EVERY_LANGUAGE
def test_every_word_of_the_page_exists_in_every_language(language: str) -> None:
    """Labels that the code names are in the catalogue, and each label counts as its language does."""
    code = "".join(path.read_text("utf-8") for path in Path(report.__file__).parent.rglob("*.py"))
    changes = dict(catalogue.read("changes"))
    known = {**changes.pop("field"), **changes, **catalogue.read("report")}
    named = set(re.findall(r"""words(?:\.filled)?\(\s*"([a-z0-9_]+)\"""", code))
    assert named - set(known) == set()
    for name, table in known.items():
        assert table[language], name
        assert {forms for _, forms in places(table[language]) if forms} <= {PLURALS[language][0]}, name


def labels_by_value() -> Iterator[str]:
    """Labels whose name ends in a value of the contract."""
    yield from (f"section_{field.name}" for field in section_pb2.Section.DESCRIPTOR.oneofs_by_name["facts"].fields)
    yield from (f"outcome_{name}" for name in ("absent", "denied", "timeout", "failed", "skipped"))
    yield from (f"cause_{name}" for name in ["disk", "link", "host", "wear", "software", "configuration", "unknown"])
    hops = ("ok", "loss", "rate_limited", "slow_control_plane", "silent", "filtered", "unknown")
    yield from (f"hop_{name}" for name in hops)
    yield from (f"role_{name}" for name in ("gateway", "resolver", "collector"))
    yield from (f"event_{of}_{end}" for of in ("mark", "window") for end in ("from", "to"))


def test_every_value_of_the_contract_has_a_word() -> None:
    """Sections, outcomes, causes and classes of hops are all named."""
    assert set(labels_by_value()) - set(catalogue.read("report")) == set()


def numbers_in(message: Message) -> Iterator[tuple[Message, str]]:
    """Every place of a floating number in a message, however deep."""
    for field, value in message.ListFields():
        if field.cpp_type == field.CPPTYPE_MESSAGE:
            for child in value if field.is_repeated else [value]:
                yield from numbers_in(child)
        elif field.cpp_type in (field.CPPTYPE_DOUBLE, field.CPPTYPE_FLOAT) and not field.is_repeated:
            yield message, field.name


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_no_number_breaks_the_page(data: st.DataObject) -> None:
    """Not a number, infinite, negative, huge: the page comes out and stays well-formed."""
    snapshot = snapshot_pb2.Snapshot()
    snapshot.CopyFrom(troubled())
    for message, name in numbers_in(snapshot):
        setattr(message, name, data.draw(st.sampled_from([0.0, -1.5, 1e300, float("nan"), float("inf"), 0.1])))
    snapshot.started_at.seconds = data.draw(st.sampled_from([0, -1, 2**62, 1]))
    outline(render_report(snapshot))


def test_what_follows_from_a_finding_is_behind_it_and_counted() -> None:
    """One problem, one card; the findings that follow from it are inside it, whole, and are not counted as more."""
    judged = troubled()
    for finding in judged.findings:
        finding.ClearField("folded_under")
    before = render_report(judged).count('<article class="card')
    root, follower = judged.findings[0], judged.findings[1]
    follower.folded_under.check_id, follower.folded_under.object = root.check_id, root.object
    follower.folded_under.message_id = root.message_id
    page = render_report(judged)
    assert page.count('<article class="card') == before
    assert "1 further finding follows from this one" in page
    assert "2 critical problems found" in page


def test_what_another_program_recorded_says_so() -> None:
    """The archive that it was read from, what of it was not taken, and where reading ended."""
    imported = troubled()
    imported.origin.kind, imported.origin.name, imported.origin.damage = "sosreport", "sos-1.tar.xz", "it was cut"
    imported.origin.skipped.add(reason="larger than is read", total=3)
    text = "".join(outline(render_report(imported)).text)
    assert "read from sosreport sos-1.tar.xz" in text
    assert "sos-1.tar.xz (3 members)larger than is read" in text
    assert "sos-1.tar.xzit was cut" in text


def test_a_page_of_a_monstrous_snapshot_is_bounded() -> None:
    """Thousands of everything: the page shows the worst, says how much more there is, and opens on a phone."""
    monstrous = troubled()
    for finding in list(monstrous.findings):
        finding.evidence.extend([finding_pb2.Evidence(source="x", text="long " * 500)] * 30)
        monstrous.findings.extend([finding] * 20)
    for section in list(monstrous.sections):
        section.shortfalls.extend([section_pb2.Shortfall(field="x", reason="why " * 30)] * 300)
    monstrous.sections.extend([section_pb2.Section(probe="path", path=with_a_path().sections[-1].path)] * 100)
    page = render_report(monstrous)
    assert len(page) < 8 << 20
    assert "more stand in snapshot.json" in page


@EVERY_LANGUAGE
def test_what_the_privileged_reader_read_is_said(language: str) -> None:
    """In the reader's language, with the section that owes it; a read of a newer machine by its name."""
    snapshot = troubled()
    section = next(one for one in snapshot.sections if one.WhichOneof("facts") == "filesystems")
    section.reads_by_reader.extend(["firmware", "a_newer_read"])
    said = catalogue.label("by_reader", language).partition("{")[0]
    assert f"{said}{catalogue.label('read_firmware', language)}, a_newer_read" in "".join(
        outline(render_report(snapshot, language)).text
    )
