"""The pages: what stands on them, and that they hold with nothing or little to show."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from caseprobe.v1 import finding_pb2, link_pb2, snapshot_pb2
from caseprobe_collector.access import Principal, Role
from tests.fakes_console import NOW, World
from tests.worlds_console import ACME, Desk, console

PAGES = ("/cases", "/cases?state=closed", "/machines", "/customers", "/users", "/account", "/audit", "/audit?first=9")
DETAILS = (
    "/cases/case_acme",
    "/snapshots/snap_acme",
    "/snapshots/snap_acme/judgement",
    "/sessions/sess_ended",
    "/sessions/sess_runs",
)


def emptied(desk: Desk) -> None:
    """Take from every record what it may lack."""
    world = desk.world
    for number, agent in list(world.agents.items()):
        bare = replace(agent, label="", system="", version="", policy=(), capabilities=(), last_seen_at=None, worst=0)
        world.agents[number] = bare
    for number, (row, _) in list(world.snapshots.items()):
        blank = row._replace(objects=(), profile="", flow=0, worst=0)
        world.snapshots[number] = (blank, snapshot_pb2.Snapshot(snapshot_id=number))
    for number, session in list(world.sessions.items()):
        world.sessions[number] = replace(session, request=b"", action="", snapshot_id="")
    world.schedules = {number: replace(one, schedule=b"") for number, one in world.schedules.items()}
    world.presence.clear()


@pytest.mark.parametrize("role", list(Role))
async def test_pages_hold_where_records_lack_all_that_they_may_lack(role: Role) -> None:
    """A machine that never spoke, a snapshot without anything, a session of a kind that this version does not know."""
    desk = Desk()
    client = desk.as_role(role)
    emptied(desk)
    for path in (*DETAILS, "/machines/agent_acme1", "/machines", "/cases"):
        assert (await client.get(path)).status == 200, path
    for path in ("/api/v1/cases/case_acme", "/api/v1/snapshots/snap_acme", "/api/v1/schedules"):
        assert (await client.get(path)).status == 200, path


async def test_pages_hold_in_an_empty_world() -> None:
    """The first minute after the collector was made: each list says what is missing and what would fill it."""
    desk = Desk()
    client = desk.as_role(Role.ADMIN)
    users, tokens = desk.world.users, desk.world.tokens
    client.app = console(World(users=users, tokens=tokens))
    for path in PAGES:
        answer = await client.get(path)
        assert answer.status == 200, path
    assert "No machine is enrolled." in (await client.get("/machines")).text


async def test_what_the_store_lost_stands_above_the_audit() -> None:
    """Whoever answers for the collector sees it in the console, as text, and not only in its log."""
    desk = Desk()

    async def warns() -> list[str]:
        return ["2026-11-22 03:10 UTC: 7 commits are <missing>"]

    desk.app.state.ready = warns
    page = await desk.as_role(Role.ADMIN).get("/audit")
    assert '<p class="problem">2026-11-22 03:10 UTC: 7 commits are &lt;missing&gt;</p>' in page.text


async def test_the_machine_of_a_snapshot_may_be_gone() -> None:
    """A snapshot stays readable without its machine's record."""
    desk = Desk()
    del desk.world.agents["agent_acme1"]
    client = desk.as_role(Role.SUPPORT)
    assert (await client.get("/snapshots/snap_acme")).status == 200
    assert (await client.get("/cases/case_acme")).status == 200


@pytest.mark.parametrize(
    ("role", "seen", "unseen"),
    [
        (Role.VIEWER, (), ("Start live session", "Ask for a bundle", "Import a file", "Close case", "Audit", "Staff")),
        (Role.SUPPORT, ("Start live session", "Ask for a bundle", "Import a file", "Close case"), ("Audit", "Staff")),
        (Role.OPERATIONS, ("Start live session", "Ask for a bundle"), ("Import a file", "Close case", "Audit")),
        (Role.ADMIN, ("Start live session", "Import a file", "Close case", "Audit", "Staff"), ()),
    ],
)
async def test_a_page_offers_what_one_may_do(role: Role, seen: tuple[str, ...], unseen: tuple[str, ...]) -> None:
    """Buttons follow the same rules as the routes behind them."""
    text = (await Desk().as_role(role).get("/cases/case_acme")).text
    assert [word for word in seen if word not in text] == []
    assert [word for word in unseen if word in text] == []


async def test_what_a_machine_had_to_drop_stands_on_its_page_and_on_the_case() -> None:
    """How many, why and when; on the case only what was told since it was opened."""
    desk = Desk()
    case = desk.world.cases["case_acme"]
    desk.world.gaps["agent_acme1"] = [
        (1, 9, "quota", case.created_at - timedelta(days=1)),
        (12, 12, "refused: too_large", case.created_at + timedelta(hours=1)),
        (0, 0, "corrupt: the newest commits", case.created_at + timedelta(hours=2)),
    ]
    client = desk.as_role(Role.VIEWER)
    machine, page = [(await client.get(path)).text for path in ("/machines/agent_acme1", "/cases/case_acme")]
    for text in (machine, page):
        assert "1 measurement will never come: this collector did not take it (too_large)" in text
        assert "An unknown number of measurements will never come: it was damaged on the machine" in text
    assert "9 measurements will never come: there was no more room" in machine
    assert "9 measurements will never come" not in page


async def test_evidence_is_one_click_away() -> None:
    """The finding's sentence is a summary; line, advice, threshold and source are inside it."""
    text = (await Desk().as_role(Role.VIEWER).get("/cases/case_acme")).text
    finding = text[text.index('<details class="finding sev-critical"') :]
    finding = finding[: finding.index("</details>")]
    for part in ("/var is 97% full", "statvfs /var:1", "What to do", "node-exporter mixin"):
        assert part in finding


async def test_what_was_not_measured_is_shown_with_what_it_needs() -> None:
    """Denied is not silence."""
    text = (await Desk().as_role(Role.VIEWER).get("/snapshots/snap_acme")).text
    for part in ("/dev/kmsg needs a right", "CAP_SYSLOG", "needs root", "IPv4 addresses"):
        assert part in text


async def test_the_audit_begins_with_what_was_done_last() -> None:
    """Whoever looks in the night sees the newest rows, and goes back a page at a time to the first."""
    desk = Desk()
    client = desk.as_role(Role.ADMIN)
    who = Principal("user", "u", "u", Role.ADMIN)
    desk.world.audit.clear()
    for number in range(1, 451):
        desk.world.record(who, f"step.{number}", ACME, "case_acme")
    text = (await client.get("/audit")).text
    assert text.index("step.450<") < text.index("step.251<") and "step.250<" not in text
    assert '<a class="button" href="/audit?first=51">Older</a>' in text and ">Newer<" not in text
    oldest = (await client.get("/audit?first=1")).text
    assert "step.1<" in oldest and ">Older<" not in oldest and 'href="/audit?first=201">Newer<' in oldest


async def test_many_findings_of_one_machine_leave_room_for_the_next() -> None:
    """The worst stand open, the rest behind a line that says how many and that none is worse."""
    desk = Desk()
    _, snapshot = desk.world.snapshots["snap_acme"]
    for number in range(40):
        snapshot.findings.add(check_id="disk.space", state=finding_pb2.SEVERITY_WARN, object=f"/srv/{number}")
    page = (await desk.as_role(Role.SUPPORT).get("/cases/case_acme")).text
    assert "30 more findings, none worse than these" in page
    assert page.index('data-filter="critical disk.space') < page.index("30 more findings")


async def test_a_session_that_was_refused_is_told_where_one_asked_for_it() -> None:
    """For a quarter of an hour it stands on top of its case with the reason, then in the list of sessions alone."""
    desk = Desk()
    sessions = desk.world.sessions
    refused = replace(sessions["sess_ended"], state="refused_policy", reason="8.8.8.8 is no target", snapshot_id="")
    for minutes, told in ((1, True), (20, False)):
        sessions["sess_ended"] = replace(refused, ended_at=NOW - timedelta(minutes=minutes))
        page = (await desk.as_role(Role.SUPPORT).get("/cases/case_acme")).text
        assert ("the machine’s own policy refuses it: 8.8.8.8 is no target." in page) is told


async def test_a_path_is_drawn_alike_wherever_it_is_read() -> None:
    """Its hops with the suspected stretch stand under its session, on the session's page and with its snapshot."""
    client = Desk().as_role(Role.SUPPORT)
    for path in ("/cases/case_acme", "/sessions/sess_ended", "/snapshots/snap_path"):
        text = (await client.get(path)).text
        assert text.count('<tr class="suspect">') == 1 and 'class="way fault"' in text, path
        assert "8.3% of packets to files.example.net are lost between hops 2 and 3" in text, path
    assert "files.example.net" not in (await client.get("/sessions/sess_runs")).text.split("data-live-path")[1]


async def test_a_machines_policy_stands_where_one_asks_it() -> None:
    """Before a path is asked for, the page tells what the machine will do."""
    desk = Desk()
    text = (await desk.as_role(Role.SUPPORT).get("/cases/case_acme")).text
    assert "asks its owner before it probes other targets" in text
    assert desk.world.customers[ACME].name in text


async def test_a_running_watch_is_seen_without_a_script_and_a_machines_word_is_text() -> None:
    """On the case's page and on its own: the newest value of each section, the lines of a log, as they are so far."""
    desk = Desk()
    asked = link_pb2.CommandRequest(log_tail=link_pb2.LogTailAction(source="system_log")).SerializeToString()
    running = replace(desk.world.sessions["sess_runs"], action="log_tail", request=asked, ended_at=None)
    desk.world.sessions["sess_runs"] = running
    rounds = [link_pb2.Sections(session_id="sess_runs", number=number) for number in (1, 2)]
    for number, one in enumerate(rounds, start=1):
        one.sections.add(probe="memory", outcome=1).memory.total_bytes = number << 30
        tail = one.sections.add(probe="log_tail.system_log", outcome=1)
        tail.log_tail.lines_total = 1
        tail.lines.add(line=number, text=f"<script>{number}")
    desk.world.sections["sess_runs"] = rounds
    client = desk.as_role(Role.SUPPORT)
    for path in ("/cases/case_acme", "/sessions/sess_runs"):
        text = (await client.get(path)).text
        seen = text[text.index('data-live-sections="sess_runs"') :]
        assert "Round 2" in seen and "2.0\N{NO-BREAK SPACE}GiB" in seen and "1.0\N{NO-BREAK SPACE}GiB" not in seen, path
        assert '<li value="1">&lt;script&gt;1</li><li value="2">&lt;script&gt;2</li>' in seen, path
        assert "Log tail <code>system_log</code>" in " ".join(text.split()), path
