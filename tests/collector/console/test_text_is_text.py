"""What machines and people wrote reaches a page as text, whatever it holds."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from caseprobe.v1 import section_pb2, snapshot_pb2
from caseprobe_collector.access import Role
from tests.worlds_console import Desk

CORPUS = (
    "<script>alert(1)</script>",
    "</code></pre></td><img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "{{ 7*7 }}{% include 'login.html' %}",
    "\u202egnp.exe\x00\x1b[2J",
    "</title><script>alert(1)</script>",
    "&lt;script&gt;",
)
PAGES = (
    "/cases?state=all",
    "/cases/case_acme",
    "/snapshots/snap_acme",
    "/snapshots/snap_acme/judgement",
    "/snapshots/snap_path",
    "/sessions/sess_ended",
    "/machines",
    "/machines/agent_acme1",
    "/customers",
    "/users",
    "/audit",
)


class Elements(HTMLParser):
    """The elements and attribute names of a page, in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: list[tuple[str, tuple[str, ...]]] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one element."""
        self.seen.append((tag, tuple(sorted(name for name, _ in attrs))))
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action", "data-api", "data-go")]


def elements(text: str) -> Elements:
    """What a browser would build."""
    parser = Elements()
    parser.feed(text)
    return parser


def poisoned(desk: Desk, text: str) -> None:
    """Put a text into everything that a machine or a person wrote."""
    world = desk.world
    world.cases["case_acme"] = replace(world.cases["case_acme"], title=text, description=text)
    world.agents["agent_acme1"] = replace(
        world.agents["agent_acme1"], label=text, system=text, version=text, capabilities=(text,)
    )
    world.customers["cust_acme"] = replace(world.customers["cust_acme"], name=text)
    for number, user in list(world.users.items()):
        world.users[number] = replace(user, name=text)
    world.sessions["sess_ended"] = replace(world.sessions["sess_ended"], reason=text)
    opened_at = world.cases["case_acme"].created_at
    world.gaps["agent_acme1"] = [(1, 1, text, opened_at), (2, 2, f"refused: {text}", opened_at)]
    row, snapshot = world.snapshots["snap_acme"]
    world.snapshots["snap_acme"] = (row._replace(profile=text, notice=text), poison(snapshot, text))
    row, snapshot = world.snapshots["snap_path"]
    path = snapshot.sections[0].path
    path.target = path.hops[0].classification = text


def poison(snapshot: snapshot_pb2.Snapshot, text: str) -> snapshot_pb2.Snapshot:
    """The same snapshot with the text in its findings, evidence, facts, reasons and files."""
    for finding in snapshot.findings:
        finding.object = finding.check_id = finding.threshold = finding.threshold_source = text
        for line in finding.evidence:
            line.source = line.text = text
    for one in snapshot.coverage:
        one.check_id = one.reason = text
    for section in snapshot.sections:
        section.reason = section.needs = section.probe = text
        section.shortfalls.add(field=text, outcome=section_pb2.PROBE_OUTCOME_DENIED, reason=text, needs=text)
    snapshot.sections[1].filesystems.filesystems[0].mount_point = text
    snapshot.artifacts[0].name = snapshot.artifacts[0].source = text
    snapshot.redaction.withheld.append(text)
    snapshot.redaction.counts[0].rule = text
    snapshot.agent_version = text
    return snapshot


@pytest.mark.parametrize("text", CORPUS)
async def test_hostile_text_builds_the_same_page_as_a_harmless_one(text: str) -> None:
    """Elements and attributes are the same for `<script>…` as for `x`, on every page, and no link runs it."""
    hostile, harmless = Desk(), Desk()
    poisoned(hostile, text)
    poisoned(harmless, "x")
    for path in PAGES:
        answer = await hostile.as_role(Role.ADMIN).get(path)
        assert answer.status == 200, path
        built = elements(answer.text)
        assert built.seen == elements((await harmless.as_role(Role.ADMIN).get(path)).text).seen, path
        assert not [link for link in built.links if not link.startswith(("/", "#", "POST /", "DELETE /"))], path


async def test_a_machines_file_is_a_download_and_never_a_page() -> None:
    """Markup in an artifact is bytes to be saved: no type to sniff, no name from the machine, sandboxed."""
    answer = await Desk().as_role(Role.VIEWER).get("/api/v1/snapshots/snap_acme/objects/artifacts/kernel.log")
    assert (answer.status, answer.body) == (200, b"<script>alert(1)</script>")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''snap_acme-kernel.log"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["../../etc/passwd", "%2e%2e/x", "artifacts/../kernel.log", "/etc/passwd", "nope"])
async def test_a_file_is_looked_up_and_never_walked_to(name: str) -> None:
    """Only a name that the snapshot holds gives bytes."""
    answer = await Desk().as_role(Role.VIEWER).get(f"/api/v1/snapshots/snap_acme/objects/{name}")
    assert answer.status == 404


@pytest.mark.parametrize("name", ["../app.js", "..%2fapplication.py", "app.py", "", ".", "app.js/"])
async def test_static_files_are_a_closed_list(name: str) -> None:
    """Nothing beside the files that were read at the start is served."""
    assert (await Desk().nobody().get(f"/static/0/{name}")).status == 404
