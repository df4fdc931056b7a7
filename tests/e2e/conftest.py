"""One demo for all end-to-end tests: real processes, gRPC over TLS, a real browser; nothing mocked in between."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from caseprobe_agent import demo
from tests.stage import Watched, World, watch
from tests.stand import Customer, Stand

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Width and height in CSS pixels.
WINDOWS = {"desktop": (1280, 900), "phone": (390, 844)}
QUIET = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    """All three flows played once by the public commands."""
    with demo.staged(lambda line: None) as (stage, case_id):
        yield World(stage, case_id)


# Its driver runs an event loop in this thread for as long as it is open: no other file's tests could run theirs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium; without it a test is reported as not run, and that is an error where it is required."""
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is not installed; .ci/run installs Debian's package")
        pytest.skip("NOT RUN: needs chromium (Debian: apt install chromium)")
    sandbox = [] if os.geteuid() else ["--no-sandbox"]
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, *sandbox])
        yield chromium
        chromium.close()


@pytest.fixture
def watched(request: pytest.FixtureRequest, world: World, browser: Browser) -> Iterator[Watched]:
    """A page after login whose errors, refused loads and foreign requests are noted; at a desk, or as wide as asked."""
    width, height = WINDOWS[getattr(request, "param", "desktop")]
    context = browser.new_context(viewport={"width": width, "height": height})
    yield watch(context.new_page(), world)
    context.close()


@pytest.fixture(scope="package")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A collector and a case that tests may hurt."""
    stand = Stand(tmp_path_factory.mktemp("stand"))
    try:
        stand.open()
        yield stand
    finally:
        stand.stop()
        stand.disk.close()


@pytest.fixture
def customer(tmp_path: Path) -> Customer:
    """A customer's machine that nobody knows yet."""
    return Customer(tmp_path)
