"""Staff work from a terminal, over real HTTP on loopback."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import typer
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from typer.testing import CliRunner

from caseprobe.errors import CaseClosed, CaseprobeError, NotAllowed, NotFound, PolicyRefused, Unreachable, UsageError
from caseprobe.v1 import link_pb2
from caseprobe_collector.access import Role
from caseprobe_collector.cli.remote import connect
from caseprobe_collector.cli.root import app, run
from caseprobe_collector.cli.staff import apps
from caseprobe_collector.records import Event
from tests.fakes_console import NOW
from tests.worlds_console import ACME, PASSWORD, Desk


@dataclass
class Terminal:
    """A terminal of someone with a token, and the collector that it talks to."""

    desk: Desk
    url: str
    token: str
    loop: asyncio.AbstractEventLoop

    def run(self, *words: str, stdin: str = "", token: str | None = None) -> str:
        """What a command prints; raises the error that it ends with."""
        main = typer.Typer()
        for name, commands in apps:
            main.add_typer(commands, name=name)
        environment = {"CASEPROBE_URL": self.url, "CASEPROBE_TOKEN": self.token if token is None else token}
        result = CliRunner().invoke(main, list(words), input=stdin, env=environment, standalone_mode=False)
        if result.exception:
            raise result.exception
        return result.stdout

    def json(self, *words: str, stdin: str = "") -> object:
        """The one document that --json prints."""
        return json.loads(self.run(*words, "--json", stdin=stdin))


@dataclass
class Served:
    """One server for all tests of this file; each test sets the application that it serves."""

    url: str
    loop: asyncio.AbstractEventLoop
    app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand over to the test's own application."""
        assert self.app
        await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """A real server on a loopback port."""
    bound = socket.create_server(("127.0.0.1", 0))
    found = Served(f"http://127.0.0.1:{bound.getsockname()[1]}", asyncio.new_event_loop())
    server = uvicorn.Server(uvicorn.Config(found, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=lambda: found.loop.run_until_complete(server.serve([bound])))
    thread.start()
    try:
        yield found
    finally:
        server.should_exit = True
        thread.join(10)
        bound.close()
        found.loop.close()


@pytest.fixture
def terminal(served: Served) -> Terminal:
    """An admin's terminal and a collector of its own."""
    desk = Desk()
    served.app = desk.app
    token = desk.as_role(Role.ADMIN).headers["authorization"].removeprefix("Bearer ")
    return Terminal(desk, served.url, token, served.loop)


def test_a_case_from_opening_to_closing(terminal: Terminal) -> None:
    """Opened for a customer by name, listed, shown with its evidence, closed."""
    number = terminal.run("case", "create", "Slow again", "--customer", "Acme Logistics").strip()
    assert number in terminal.run("case", "list")
    shown = terminal.run("case", "show", "case_acme")
    assert "CRITICAL  /var is 97% full" in shown
    assert "statvfs /var:1: blocks=10485760 available=314572" in shown
    assert terminal.run("case", "close", number) == f"{number} is closed\n"
    assert terminal.json("case", "close", number)["state"] == "closed"  # type: ignore[index]


def test_join_codes_are_for_a_case_or_a_customer(terminal: Terminal) -> None:
    """The text alone on stdout, so that it can be piped on; neither or both is a wrong call."""
    assert terminal.run("join-code", "create", "--case", "case_acme").startswith("CP1-")
    assert terminal.run("join-code", "create", "--customer", "Acme Logistics", "--uses", "5").startswith("CP1-")
    assert [code.uses_left for code in terminal.desk.world.join_codes] == [1, 5]
    for wrong in ([], ["--case", "case_acme", "--customer", ACME]):
        with pytest.raises(UsageError, match="exactly one"):
            terminal.run("join-code", "create", *wrong)


def test_join_codes_are_listed_and_withdrawn(terminal: Terminal) -> None:
    """By the id that the list shows."""
    terminal.run("join-code", "create", "--customer", "Acme Logistics")
    [code] = terminal.desk.world.join_codes
    assert code.join_code_id in terminal.run("join-code", "list")
    assert terminal.run("join-code", "revoke", code.join_code_id).strip() == f"{code.join_code_id} is withdrawn"
    assert terminal.desk.world.join_codes[0].revoked_at is not None


def test_machines_customers_and_timetables(terminal: Terminal) -> None:
    """Machines by their label; a period as people write it."""
    assert "depot-db-01" in terminal.run("agent", "list")
    assert "policy path_target: ask" in terminal.run("agent", "show", "depot-db-01")
    number = terminal.run("schedule", "add", "depot-web-02", "--every", "15m").strip()
    listed = terminal.json("schedule", "list", "--machine", "depot-web-02")
    assert [(s["schedule_id"], s["every_seconds"]) for s in listed] == [(number, 900.0)]  # type: ignore[attr-defined]
    terminal.run("schedule", "remove", number)
    terminal.run("agent", "revoke", "depot-web-02")
    assert terminal.desk.world.agents["agent_acme2"].revoked_at == NOW
    assert terminal.run("customer", "create", "Initech").startswith("cust_")
    with pytest.raises(UsageError, match="no such"):
        terminal.run("agent", "show", "nowhere")


def test_staff_and_tokens(terminal: Terminal) -> None:
    """A password comes from stdin, never from an argument; a login is a token."""
    terminal.run(
        "user", "create", "jon", "--role", "viewer", "--customer", ACME, "--password-stdin", stdin=f"{PASSWORD}\n"
    )
    token = terminal.run("user", "login", "jon", "--password-stdin", stdin=f"{PASSWORD}\n").strip()
    assert "case_globex" not in terminal.run("case", "list", token=token)
    with pytest.raises(NotAllowed):
        terminal.run("case", "close", "case_acme", token=token)
    jon = next(user for user in terminal.desk.world.users.values() if user.name == "jon")
    terminal.run("user", "disable", jon.user_id)
    with pytest.raises(NotAllowed, match="CASEPROBE_TOKEN"):
        terminal.run("case", "list", token=token)
    assert len(terminal.run("user", "token", "export").strip()) > 20
    assert "export" in terminal.run("user", "tokens")


def test_a_snapshot_is_read_and_judged_again_in_the_terminal(terminal: Terminal) -> None:
    """Findings with their proof, and what was not judged; then the same by today's rules."""
    shown = terminal.run("snapshot", "show", "snap_acme")
    assert "statvfs /var:1:" in shown and "not judged" in shown and "mem.edac_ue" in shown
    assert "Not said then:" in terminal.run("snapshot", "judge", "snap_acme")
    with pytest.raises(NotFound):
        terminal.run("snapshot", "show", "snap_nowhere")


def test_a_bundle_file_is_imported(terminal: Terminal, tmp_path: Path) -> None:
    """The file's bytes reach the case; a file that is not there is a wrong call."""
    file = tmp_path / "bundle.zip"
    file.write_bytes(b"PK" + bytes(100_000))
    made = terminal.json("import", str(file), "--case", "case_acme")
    assert made["size_bytes"] == 100_002  # type: ignore[index]
    with pytest.raises(UsageError, match="No such file"):
        terminal.run("import", str(tmp_path / "nope"), "--case", "case_acme")


@pytest.mark.parametrize(("state", "error"), [("ok", None), ("refused_user", PolicyRefused)])
def test_a_live_path_streams_and_ends(terminal: Terminal, state: str, error: type[CaseprobeError] | None) -> None:
    """Rounds as JSON lines as they come, then the summary; an outcome that is not ok is an error with its reason."""
    world = terminal.desk.world
    answer_when_asked(terminal, state)
    words = ("live", "depot-db-01", "path", "files.example.net", "--case", "case_acme", "--json")
    if error:
        with pytest.raises(error, match="the owner said no"):
            terminal.run(*words)
        return
    lines = [json.loads(line) for line in terminal.run(*words).splitlines()]
    assert [line["number"] for line in lines[:-1]] == [1, 2]
    assert lines[-1]["summary"]["verdict"]["segment"] == [2, 3]
    asked = link_pb2.CommandRequest.FromString(list(world.sessions.values())[-1].request)
    assert (asked.path.rounds, asked.deadline_seconds) == (60, 180.0)


def answer_when_asked(terminal: Terminal, state: str) -> None:
    """Play the machine: two rounds once someone watches, then the outcome."""
    world = terminal.desk.world
    before = set(world.sessions)

    async def play() -> None:
        while not (fresh := set(world.sessions) - before):
            await asyncio.sleep(0.01)
        number = fresh.pop()
        topic = f"session:{number}"
        await world.bus.heard(topic)
        rounds = link_pb2.Rounds(session_id=number)
        for count in (1, 2):
            one = rounds.rounds.add(number=count, sent=[1])
            one.replies.add(ttl=1, address=bytes([192, 0, 2, 1]), rtt_seconds=0.001)
        if state == "ok":
            world.rounds[number] = rounds
            world.bus.publish(Event(topic, "rounds", ACME, {"session_id": number}, rounds))
        session = world.sessions[number]
        ended = replace(session, state=state, reason="" if state == "ok" else "the owner said no", ended_at=NOW)
        world.sessions[number] = replace(ended, snapshot_id="snap_path" if state == "ok" else "")
        body = {"session_id": number, "state": state, "reason": ended.reason, "snapshot_id": ended.snapshot_id}
        world.bus.publish(Event(topic, "session", ACME, body))

    asyncio.run_coroutine_threadsafe(play(), terminal.loop)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://collector.example:8443", UsageError),
        ("ftp://localhost", UsageError),
        ("localhost:8443", UsageError),
        ("http://127.0.0.1:9", Unreachable),
    ],
)
def test_an_address_that_cannot_be_used_says_why(url: str, error: type[CaseprobeError]) -> None:
    """No token goes over plain http to another machine; nobody there is one line."""
    with pytest.raises(error):
        connect(url, "").get("/me")


def test_the_collectors_refusals_come_back_as_its_errors(terminal: Terminal) -> None:
    """The same class, the same words, the documented exit code."""
    with pytest.raises(CaseClosed, match="reopen it") as caught:
        terminal.run("live", "--case", "case_closed", "depot-db-01", "path", "x")
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("words", [["--nope"], ["case", "close"], ["case", "list", "--url", "ftp://x"], ["nope"]])
def test_a_wrong_call_is_a_line_and_two(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback reaches a person, whatever library found the mistake."""
    assert run(words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err and "Traceback" not in told.err


def test_every_staff_command_is_on_the_table() -> None:
    """The commands of the design, each under its name."""
    names = {group.name for group in app.registered_groups}
    assert names == {"case", "customer", "agent", "join-code", "live", "schedule", "import", "snapshot", "user"}
