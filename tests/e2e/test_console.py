"""What a member of staff sees and does in a real browser, under the strict content security policy."""

from __future__ import annotations

import pytest
from playwright.sync_api import Dialog, expect

from tests.stage import Watched, World


def test_the_case_shows_findings_evidence_and_sessions(world: World, watched: Watched) -> None:
    """The machine's evidence stands on the case's page, and the path that was measured live."""
    page = watched.page
    page.goto(world.case_address)
    expect(page.get_by_role("heading", name="This machine")).to_be_visible()
    expect(page.locator("#evidence .verdict").first).not_to_be_empty()
    expect(page.locator("#paths")).to_contain_text("127.0.0.1")
    assert watched.complaints == []


@pytest.mark.parametrize("watched", ["phone"], indirect=True)
def test_a_live_path_appears_round_by_round_and_ends_as_evidence(world: World, watched: Watched) -> None:
    """Support starts a path on the page; rounds appear while it runs; at its end it is a session of the case."""
    page = watched.page
    page.goto(world.case_address)
    before = page.locator("#paths details").count()
    page.get_by_role("button", name="Start live session").click()
    page.locator("#new-session [name='path.target']").fill("127.0.0.1")
    page.locator("#new-session [name='path.rounds']").fill("5")
    page.locator("#new-session [name='path.interval_seconds']").fill("0.5")
    page.locator("#new-session [name='path.names']").check()
    page.locator("#new-session [name='path.loaded']").check()
    expect(page.locator("#new-session [name='path.target']")).to_be_disabled()
    page.locator("#new-session [name='path.loaded']").uncheck()
    page.locator("#new-session button.primary").click()
    expect(page.locator("#live table")).to_contain_text("127.0.0.1", timeout=15_000)
    expect(page.locator("#paths details")).to_have_count(before + 1, timeout=20_000)
    assert watched.complaints == []


@pytest.mark.parametrize("watched", ["desktop", "phone"], indirect=True)
def test_every_page_opens_without_a_complaint_and_fits_its_window(world: World, watched: Watched) -> None:
    """No console error, no refused load, no foreign request, no sideways scrolling, on any page."""
    page = watched.page
    agent_id = world.stage.call("GET", "/agents")[0]["agent_id"]
    evidence = world.stage.call("GET", f"/cases/{world.case_id}")
    snapshot_id = evidence["snapshots"][0]["snapshot"]["snapshot_id"]
    session_id = evidence["sessions"][0]["session"]["session_id"]
    pages = ["/cases", f"/cases/{world.case_id}", "/machines", f"/machines/{agent_id}", f"/snapshots/{snapshot_id}"]
    for address in [*pages, f"/sessions/{session_id}", "/customers", "/users", "/audit", "/account"]:
        answer = page.goto(world.stage.console + address)
        assert answer is not None
        assert answer.status == 200, address
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{address} scrolls sideways by {wide} px"
        expect(page.locator("h1")).to_be_visible()
    assert watched.complaints == []


def test_words_of_others_never_run(world: World, watched: Watched) -> None:
    """A case and a customer named like markup are shown as text, and nothing of them runs."""
    attack = f"<img src=x onerror=alert(1)><script>alert(2)</script> {id(watched)}"
    customer = world.stage.call("POST", "/customers", {"name": attack})
    case = world.stage.call("POST", "/cases", {"customer_id": customer["customer_id"], "title": attack})
    dialogs: list[str] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    watched.page.on("dialog", note)
    for address in ("/cases", f"/cases/{case['case_id']}", "/customers"):
        watched.page.goto(world.stage.console + address)
        expect(watched.page.get_by_text("<script>").first).to_be_attached()
    assert (dialogs, watched.complaints) == ([], [])
