"""What support sees of a bundle before it is there: a real agent that is held up in the middle, a real page."""

from __future__ import annotations

import os

from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.fakes_oneshot import Held
from tests.stage import World, watch
from tests.stand import Customer, Stand

WAIT_MS = 30_000
PHONE = ViewportSize(width=390, height=844)


def test_a_bundle_is_seen_as_it_is_made_until_it_is_there(stand: Stand, customer: Customer, browser: Browser) -> None:
    """Its sections stand there while the last is measured, for who opens the page late on a phone too; then it does."""
    held = Held.in_folder(customer.folder / "config")
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    watched = watch(context.new_page(), World(stand, stand.case_id))
    address = f"{stand.console}/cases/{stand.case_id}"
    watched.page.goto(address)
    expect(watched.page.locator("#drafts")).to_be_hidden()
    before = watched.page.locator("#snapshots tbody tr").count()
    output = str(customer.folder / "out.zip")
    wanted = ("bundle", "--profile", "slow", "--to", "-", "--no-preview", "--output", output)
    with customer.start(*wanted, stdin=stand.bundle_code(stand.case_id)) as child:
        shows_all_but_the_last(watched.page)
        phone = context.new_page()
        phone.set_viewport_size(PHONE)
        phone.goto(address)
        shows_all_but_the_last(phone)
        plain = browser.new_context(java_script_enabled=False, storage_state=context.storage_state()).new_page()
        plain.goto(address)
        expect(plain.locator("#drafts")).to_be_hidden()
        with held.let_go():
            child.communicate(timeout=60)
    for page in (watched.page, phone):
        expect(page.locator("#snapshots tbody tr")).to_have_count(before + 1, timeout=WAIT_MS)
        expect(page.locator("#drafts")).to_be_hidden()
    plain.reload()
    expect(plain.locator("#snapshots tbody tr")).to_have_count(before + 1)
    assert watched.complaints == []
    plain.context.close()
    context.close()


def shows_all_but_the_last(page: Page) -> None:
    """One line in words, a line for each section, nothing beside the page."""
    status = page.locator("#drafts [role=status]")
    expect(page.locator("#drafts li")).to_have_count(21, timeout=WAIT_MS)
    expect(status).to_contain_text("The bundle of host-")
    expect(status).to_contain_text("is being made: 21 of 22 items")
    expect(page.locator("#drafts ol")).to_contain_text("Host name host-")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    if folder := os.environ.get("CASEPROBE_PICTURES"):
        page.screenshot(path=f"{folder}/arriving-{page.viewport_size['width'] if page.viewport_size else ''}.png")
