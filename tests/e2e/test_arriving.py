"""What support sees of a bundle before it is there: a real agent that is held up in the middle, a real page."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Window
from tests.stage import World, watch
from tests.stand import Customer, Stand

WAIT_MS = 30_000
SIZES = pytest.mark.parametrize("window", [Window(1280, 900), Window(390, 844)], ids=["desktop", "phone"])


@pytest.fixture
def held(customer: Customer) -> Iterator[Path]:
    """A pipe: as long as nobody writes to it, one item of the customer's own profile does not end."""
    pipe = customer.folder / "pipe"
    os.mkfifo(pipe)
    command = json.dumps(["/usr/bin/head", "-c", "1", str(pipe)])
    (customer.folder / "config" / "bundle.toml").write_text(
        f'[profiles.slow]\nbase = "quick"\ninclude = ["site.slow"]\n'
        f'[site_probes.slow]\ncommand = {command}\nwhy = "It waits."\ntimeout_seconds = 20\n'
    )
    yield pipe


def fits(page: Page) -> bool:
    """Whether nothing makes the page scroll sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


@SIZES
def test_a_bundle_is_seen_as_it_is_made_until_it_is_there(
    stand: Stand, customer: Customer, held: Path, browser: Browser, window: Window
) -> None:
    """Its sections stand there while the last is measured, on a phone too; then the bundle takes their place."""
    context = browser.new_context(viewport={"width": window.width, "height": window.height})
    world = World(stand, stand.case_id)
    watched = watch(context.new_page(), world)
    page = watched.page
    page.goto(world.case_address)
    expect(page.locator("#drafts")).to_be_hidden()
    before = page.locator("#snapshots tbody tr").count()
    output = str(customer.folder / "out.zip")
    wanted = ("bundle", "--profile", "slow", "--to", "-", "--no-preview", "--output", output)
    with customer.start(*wanted, stdin=stand.bundle_code(stand.case_id)) as child:
        status = page.locator("#drafts [role=status]")
        expect(status).to_contain_text("is being made", timeout=WAIT_MS)
        expect(page.locator("#drafts li")).to_have_count(21, timeout=WAIT_MS)
        expect(status).to_contain_text("The bundle of host-")
        expect(status).to_contain_text("21 of 22 items")
        expect(page.locator("#drafts ol")).to_contain_text("Debian")
        assert fits(page)
        if folder := os.environ.get("CASEPROBE_PICTURES"):
            page.screenshot(path=f"{folder}/arriving-{window.width}.png", full_page=True)
        # Whoever opens the page now sees all that came so far.
        late = context.new_page()
        late.goto(world.case_address)
        expect(late.locator("#drafts li")).to_have_count(21, timeout=WAIT_MS)
        with held.open("w") as pipe:
            pipe.write("x")
        child.communicate(timeout=60)
    for one in (page, late):
        expect(one.locator("#snapshots tbody tr")).to_have_count(before + 1, timeout=WAIT_MS)
        expect(one.locator("#drafts")).to_be_hidden()
    assert watched.complaints == []
    context.close()


def test_without_a_script_the_page_shows_the_bundle_that_is_there(stand: Stand, browser: Browser) -> None:
    """Nothing is on its way for who runs no script, and nothing is missing."""
    context = browser.new_context(java_script_enabled=True)
    watched = watch(context.new_page(), World(stand, stand.case_id))
    plain = browser.new_context(java_script_enabled=False, storage_state=context.storage_state())
    page = plain.new_page()
    page.goto(f"{stand.console}/cases/{stand.case_id}")
    expect(page.locator("#drafts")).to_be_hidden()
    expect(page.locator("#evidence")).to_be_visible()
    assert watched.complaints == []
    plain.close()
    context.close()
