"""The page of what changed: news first, then each section with what came, what went and what is otherwise."""

from __future__ import annotations

import re

import pytest

from caseprobe.diff import compare
from caseprobe.report import render_changes
from caseprobe.v1 import finding_pb2, section_pb2, snapshot_pb2
from caseprobe.v1 import section_host_pb2 as host
from tests.fakes_sections import section
from tests.fakes_snapshot import TAKEN, troubled
from tests.outline import outline

LATER = TAKEN + 3600


def told(page: str) -> str:
    """The text of a page's body in one line."""
    return " ".join(" ".join(outline(page[page.index("<body") : page.index("</html>")]).text).split())


def taken(at: int, *packages: str, routes: tuple[str, ...] = ("default",)) -> snapshot_pb2.Snapshot:
    """A snapshot with these packages and routes."""
    facts = host.PackagesFacts(packages=[host.Package(name=name, version="1") for name in packages])
    table = section_pb2.RoutesFacts(routes=[section_pb2.Route(destination=to, interface="eno1") for to in routes])
    made = snapshot_pb2.Snapshot(sections=[section("packages", packages=facts), section("routes", routes=table)])
    made.started_at.seconds = at
    return made


def page_of(before: snapshot_pb2.Snapshot, after: snapshot_pb2.Snapshot) -> str:
    """The page of what changed between the two."""
    return render_changes(before, after, compare(before, after))


def test_new_and_lost_things_are_named_by_section() -> None:
    """What came and what went stand in their sections, counted in the line that is seen before a click."""
    text = told(page_of(taken(TAKEN, "a", "b"), taken(LATER, "b", "c", "d")))
    assert re.search(r"Packages 2 new, 1 gone, \d changed", text)
    assert "New c d Gone a" in text


def test_what_matters_most_comes_first_and_is_unfolded() -> None:
    """A default route that is gone stands before all packages, and its section is open."""
    page = page_of(taken(TAKEN, "a"), taken(LATER, "b", routes=()))
    text = told(page)
    assert text.index("First of all") < text.index("All changes")
    assert re.findall(r'<details class="row" open="">.*?class="name">(\w+)<', page) == ["Routes"]


def test_a_new_finding_comes_with_its_advice_and_its_proof() -> None:
    """As on the report, so that nobody has to open two pages."""
    healthy = taken(TAKEN)
    text = told(page_of(healthy, troubled()))
    assert text.index("New findings") < text.index("/var/lib/postgresql is 97% full") < text.index("What to do:")


def test_a_finding_that_was_mended_is_named() -> None:
    """Judged again and found well: it stands among those that are gone."""
    mended = troubled()
    for one in mended.coverage:
        if one.check_id == "disk.space":
            one.outcome = finding_pb2.SEVERITY_OK
    kept = [one for one in mended.findings if one.check_id != "disk.space"]
    del mended.findings[:]
    mended.findings.extend(kept)
    assert "Findings that are gone Critical /var/lib/postgresql is 97% full" in told(page_of(troubled(), mended))


def test_many_names_are_behind_a_line() -> None:
    """An upgrade of a whole system does not push everything else off the page."""
    page = page_of(taken(TAKEN, *(f"old{n}" for n in range(50))), taken(LATER, *(f"new{n}" for n in range(60))))
    assert "New: 60" in told(page)
    assert "Gone: 50" in told(page)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "zh_Hans",
            ("最重要的变化", "路由 default", "已消失", "软件包 新增 1，消失 1，变化 0", "之后", "内核版本 6.1 → 6.5"),
        ),
        ("ru", ("Прежде всего", "Маршруты default", "исчезло", "Пакеты новых 1, исчезло 1, изменилось 0", "Стало")),
    ],
)
def test_the_page_is_read_in_the_owners_language(language: str, words: tuple[str, ...]) -> None:
    """Headings, sections, facts and sentences; what a machine names itself stays."""
    before, after = taken(TAKEN, "a"), taken(LATER, "b", routes=())
    for snapshot, release in ((before, "6.1"), (after, "6.5")):
        facts = section_pb2.SystemFacts(kernel_release=release)
        snapshot.sections.append(section("system", system=facts))
    page = render_changes(before, after, compare(before, after), language)
    assert [word for word in words if word not in told(page)] == []
    assert outline(page).tags[0] == ("html", {"lang": language.replace("_", "-")})
    assert not re.search(r"\b(new|gone|before|after|changes?|first)\b", told(page), re.IGNORECASE)


def test_nothing_changed_is_said() -> None:
    """A page without a change is no empty page."""
    assert "0 new findings, 0 changes" in told(page_of(taken(TAKEN), taken(LATER)))
