"""The page can be read: by who sees little colour, hears it, uses the keyboard, or speaks another language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources
from itertools import pairwise

import pytest
from google.protobuf.message import Message

from caseprobe.report import render_changes, render_report
from caseprobe.report.facts import ELSEWHERE, RENDERS
from caseprobe.texts import LANGUAGES, catalogue
from caseprobe.v1 import section_pb2, snapshot_pb2
from tests.fakes_snapshot import TAKEN, troubled, with_a_path
from tests.outline import outline

STYLE = resources.files("caseprobe.report").joinpath("style.css").read_text("utf-8")
TONES = ("critical", "warn", "info", "ok", "unknown")
# Every pair of a text's colour and the ground that it stands on.
TEXTS = [
    *((ink, ground) for ink in ("ink", "quiet", "link") for ground in ("page", "card")),
    *((ink, "mono-page") for ink in ("ink", "quiet")),
    *((ink, f"{tone}-page") for tone in TONES for ink in (tone, "ink", "quiet", "link")),
    *((tone, "card") for tone in TONES),
]
# What is no text but tells something: bars, the edges of cards and events.
MARKS = [
    *((tone, "card") for tone in TONES),
    ("critical", "mono-page"),
    ("bar", "mono-page"),
    ("ink", "bar"),
    ("info", "mono-page"),
]
SCHEMES = ("light", "dark", "print")
EVERY_LANGUAGE = pytest.mark.parametrize("language", LANGUAGES)
OTHERS = pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
# Texts of a machine that choose our words.
CHOOSING = {"classification": "ok", "message_id": "path.ok", "role": "gateway"}


def colours(scheme: str) -> dict[str, str]:
    """The named colours of a scheme; what it does not state is as in the light one."""
    light, *others = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    stated = {"light": light, "dark": others[0], "print": others[1]}[scheme]
    return {name: value for block in (light, stated) for name, value in re.findall(r"--([\w-]+): (#\w+)", block)}


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.1 defines it, of #rgb or #rrggbb."""
    digits = colour.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    parts = (int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """How far two colours are apart, from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_text_stands_out_from_its_ground(scheme: str) -> None:
    """WCAG AA: 4.5 for text, 3 for what is drawn, in light, in dark and on paper."""
    of = colours(scheme)
    assert [pair for pair in TEXTS if contrast(of[pair[0]], of[pair[1]]) < 4.5] == []
    assert [pair for pair in MARKS if contrast(of[pair[0]], of[pair[1]]) < 3] == []


def pages() -> Iterator[str]:
    """The report in every language, and the page of what changed."""
    for language in LANGUAGES:
        yield render_report(with_a_path(), language)
        yield render_changes(troubled(), with_a_path(), [], language)


def test_headings_come_in_order_and_every_column_has_its_own() -> None:
    """One first heading, no level left out, each table's head is marked as a column's."""
    for page in pages():
        tags = outline(page).tags
        levels = [int(tag[1]) for tag, _ in tags if re.fullmatch(r"h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert [(one, two) for one, two in pairwise(levels) if two > one + 1] == []
        assert [given for tag, given in tags if tag == "th" and given.get("scope") != "col"] == []


def test_what_scrolls_or_opens_takes_the_keyboard() -> None:
    """Only links and the heads of details are clicked; what scrolls can be reached and has a name or is text."""
    for page in pages():
        tags = outline(page).tags
        assert {tag for tag, _ in tags} & {"button", "input", "select", "form"} == set()
        anchors = {given["href"] for tag, given in tags if tag == "a"}
        assert anchors <= {f"#{given['id']}" for _, given in tags if "id" in given}
        scrolling = [given for tag, given in tags if tag == "pre" or given.get("class") == "scroll"]
        assert all(given.get("tabindex") == "0" for given in scrolling)
        assert all(given.get("aria-hidden") == "true" for tag, given in tags if tag == "svg")


def test_the_page_says_its_language() -> None:
    """And what a machine wrote in English is marked as English."""
    for language in LANGUAGES:
        page = render_report(troubled(), language)
        assert outline(page).tags[0] == ("html", {"lang": language.replace("_", "-")})
        assert '<span lang="en">/var/log/syslog may not be read</span>' in page


# Names that are the same in every language.
NAMES = frozenset(
    re.findall(
        r"\w+",
        "caseprobe snapshot json utc ipv uuid smart pci pid mac dns http zfs btrfs lvm nvme mtu dbm multipath tls root"
        " kib mib gib tib gbit bit icmp",
    )
)


def latin(text: str) -> set[str]:
    """Words in Latin letters that are no name and no unit."""
    return set(re.findall(r"[a-z]{3,}", text.lower())) - NAMES


@OTHERS
def test_no_english_is_left_in_the_words_of_the_page(language: str) -> None:
    """No label in another language holds a word of its English one, but for names and what stands in braces."""
    left = {
        name: shared
        for name, table in catalogue.read("report").items()
        if (shared := latin(re.sub(r"\{\w+[|}]", " ", table[language])) & latin(table["en"]))
    }
    assert left == {}


def of_our_own(page: str) -> str:
    """The text of a page's body."""
    body = page[page.index("<body") : page.index("</html>")]
    return " ".join(outline(body).text)


def fill(message: Message, deep: int = 0) -> None:
    """Put something into every field: a sign where a machine's text would stand, one of everything that repeats."""
    for field in message.DESCRIPTOR.fields:
        if field.type == field.TYPE_MESSAGE and deep < 6:
            fill(getattr(message, field.name).add() if field.is_repeated else getattr(message, field.name), deep + 1)
        elif field.type == field.TYPE_STRING:
            said = CHOOSING.get(field.name, "#")
            getattr(message, field.name).append(said) if field.is_repeated else setattr(message, field.name, said)
        elif field.type in (field.TYPE_DOUBLE, field.TYPE_UINT64, field.TYPE_UINT32) and not field.is_repeated:
            setattr(message, field.name, 1)


def everything() -> snapshot_pb2.Snapshot:
    """A snapshot with every section that there is, each with every fact, and a part of each that could not be read."""
    made = snapshot_pb2.Snapshot()
    made.started_at.seconds = TAKEN
    for field in section_pb2.Section.DESCRIPTOR.oneofs_by_name["facts"].fields:
        section = made.sections.add(probe=field.name, outcome=section_pb2.PROBE_OUTCOME_OK)
        fill(getattr(section, field.name))
        section.shortfalls.add(field="#", outcome=section_pb2.PROBE_OUTCOME_DENIED, reason="#", needs="#")
    made.redaction.counts.extend(snapshot_pb2.RedactionCount(rule=rule, total=2) for rule in ("ipv4", "card", "#"))
    made.origin.skipped.add(reason="#", total=3)
    made.artifacts.add(name="#", source="#", size_bytes=1, truncated=True)
    return made


@EVERY_LANGUAGE
def test_every_section_has_something_to_show(language: str) -> None:
    """No kind of section is a name without a line, and each stands where it should."""
    page = render_report(everything(), language)
    outline(page)
    assert '<span class="gist"></span>' not in page
    assert page.count('class="name"') == len(RENDERS)
    assert {*RENDERS, *ELSEWHERE} == {one.probe for one in everything().sections}


@OTHERS
def test_no_english_is_left_on_a_page_whose_machine_says_nothing(language: str) -> None:
    """With a sign in place of every text of a machine, what is left are our own words, in the reader's language."""
    assert latin(of_our_own(render_report(everything(), language))) == set()
