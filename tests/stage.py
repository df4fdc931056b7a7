"""What end-to-end tests stand on: the running demo, the commands of staff and customer, a watched browser page."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from dataclasses import dataclass

from playwright.sync_api import Page

from caseprobe_agent import demo


@dataclass(frozen=True)
class World:
    """The running demo and its case."""

    stage: demo.Demo
    case_id: str

    @property
    def case_address(self) -> str:
        """Where the case's page is."""
        return f"{self.stage.console}/cases/{self.case_id}"

    def staff(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A staff command from a terminal, against this collector."""
        address = {"CASEPROBE_URL": self.stage.console, "CASEPROBE_TOKEN": self.stage.token, "NO_COLOR": "1"}
        command = [sys.executable, "-m", "caseprobe_collector", *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, **address}, timeout=240, check=False
        )

    def customer(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """A command on the customer's machine, without a terminal."""
        command = [sys.executable, "-m", "caseprobe_agent", *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, input=stdin, env=self.stage.environment, timeout=240, check=False
        )

    def fetch(self, path: str) -> bytes:
        """The raw bytes at an address of the API."""
        headers = {"Authorization": f"Bearer {self.stage.token}"}
        request = urllib.request.Request(f"{self.stage.console}/api/v1{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            body: bytes = answer.read()
            return body


@dataclass
class Watched:
    """A logged-in page and everything that it complained about."""

    page: Page
    complaints: list[str]


def watch(page: Page, world: World) -> Watched:
    """Log in, and note errors, refused loads and requests to anybody else."""
    own = (world.stage.console, world.stage.console.replace("http:", "ws:"), "data:")
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda r: None if r.url.startswith(own) else complaints.append(f"foreign {r.url}"))
    page.goto(f"{world.stage.console}/login")
    page.get_by_label("Name").fill("demo")
    page.get_by_label("Password").fill(world.stage.password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/cases*")
    return Watched(page, complaints)
