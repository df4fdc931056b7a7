"""The pages that go into files, in a real browser: they fit the window, open by the keyboard, and print whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from caseprobe.diff import compare
from caseprobe.report import render_changes, render_report
from caseprobe.texts import LANGUAGES
from caseprobe.v1 import snapshot_pb2
from tests.fakes_history import recorded
from tests.fakes_snapshot import TAKEN, troubled, with_a_path

WIDTHS = (1280, 390)
PASSES_THE_EDGE = "document.documentElement.scrollWidth > window.innerWidth"
# Everything that a fold hides, however deep, once the page is printed.
HIDDEN = "[...document.querySelectorAll('details *')].filter(one => !one.checkVisibility()).length"
CUT = "[...document.querySelectorAll('.scroll')].filter(one => getComputedStyle(one).overflowX !== 'visible').length"


def recorded_machine() -> snapshot_pb2.Snapshot:
    """A snapshot with faults, a path and what was recorded before it."""
    made = with_a_path()
    made.sections.add(probe="history", history=recorded(TAKEN))
    return made


def pages() -> dict[str, str]:
    """Every kind of page, by a name."""
    after = recorded_machine()
    del after.sections[0]
    changes = compare(troubled(), after)
    made = {language: render_report(recorded_machine(), language) for language in LANGUAGES}
    return {**made, "changes": render_changes(troubled(), after, changes)}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where a browser finds each page."""
    folder: Path = tmp_path_factory.mktemp("pages")
    for name, page in pages().items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return {path.stem: path.as_uri() for path in folder.iterdir()}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window whose complaints, and whose requests to anybody, fail the test."""
    context = browser.new_context()
    window, complaints = context.new_page(), []
    window.on("console", lambda message: complaints.append(message.text))
    window.on("request", lambda request: None if request.url.startswith("file:") else complaints.append(request.url))
    yield window
    context.close()
    assert complaints == []


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_passes_the_edge_of_the_window(page: Page, written: dict[str, str], width: int) -> None:
    """At a desk and on a phone, folded and unfolded, in every language."""
    page.set_viewport_size({"width": width, "height": 844})
    for name, address in written.items():
        page.goto(address)
        assert not page.evaluate(PASSES_THE_EDGE), name
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        assert not page.evaluate(PASSES_THE_EDGE), f"{name}, unfolded"


def test_the_proof_is_a_key_away(page: Page, written: dict[str, str]) -> None:
    """From the first fold of a finding the Enter key shows its lines."""
    page.goto(written["en"])
    page.locator("#findings summary").first.focus()
    assert not page.locator("#findings pre").first.is_visible()
    page.keyboard.press("Enter")
    assert page.locator("#findings pre").first.is_visible()


def test_on_paper_every_fold_is_open_and_no_table_is_cut(page: Page, written: dict[str, str]) -> None:
    """Black on white, even where the screen is dark."""
    page.emulate_media(media="print", color_scheme="dark")
    for name, address in written.items():
        page.goto(address)
        assert page.evaluate(HIDDEN) == 0, name
        assert page.evaluate(CUT) == 0, name
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
