"""What happens while one of the two is not there: schedules run, requests wait, all of it arrives, each once."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from caseprobe.errors import NotFound, Unreachable
from caseprobe_agent.app import control
from tests.stand import Customer, Ended, Stand, assert_one_line, until

# Timetables of the shortest period, each at its own place in it: a run costs a second of processor time.
TIMETABLES = 2
PERIOD_SECONDS = 10
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="NOT RUN: needs root, for a disk of its own")


class Resident:
    """A customer's machine with an enrolled agent that can be killed and started again."""

    def __init__(self, stand: Stand, machine: Customer) -> None:
        self.stand = stand
        self.machine = machine
        enrolled = machine.run("enroll", "-", "--json", stdin=stand.enrol_code())
        assert enrolled.code == 0, enrolled.stderr
        self.agent_id = json.loads(enrolled.stdout)["agent_id"]
        self._child: subprocess.Popen[str] | None = None
        self.stderr = ""

    def start(self) -> None:
        """Start the agent."""
        self._child = self.machine.start("run")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> Ended:
        """End the agent with a signal."""
        child, self._child = self._child, None
        assert child is not None
        child.send_signal(number)
        stdout, stderr = child.communicate(timeout=120)
        self.stderr += stderr
        return Ended(child.returncode, stdout, stderr)

    def close(self) -> None:
        """End it if it runs."""
        if self._child:
            self.stop(signal.SIGKILL)

    def status(self) -> dict[str, Any]:
        """What the agent tells its owner, as `caseprobe status` asks it; empty while it does not answer."""
        try:
            return asyncio.run(control.call(self.machine.folder / "state" / "agent.sock", {"do": "status"}))
        except (NotFound, Unreachable):
            return {}

    def waiting(self) -> int:
        """How many records wait for the collector; -1 while the agent does not answer."""
        return int(self.status().get("spooled_items", -1))

    def audited(self) -> set[str]:
        """Ids of the snapshots that the machine's own audit says it kept for the collector."""
        lines = (self.machine.folder / "state" / "audit.jsonl").read_text().splitlines()
        words = [
            json.loads(line)["detail"].replace(",", " ").split()
            for line in lines
            if json.loads(line)["action"] == "scheduled run"
        ]
        return {word for detail in words for word in detail if word.startswith("snap_")}

    def stored(self) -> list[str]:
        """Ids of the machine's scheduled snapshots that the collector has."""
        rows = self.stand.call("GET", f"/agents/{self.agent_id}/snapshots")
        return [row["snapshot_id"] for row in rows if row["schedule_id"]]

    def delivered(self) -> bool:
        """Whether nothing waits any more."""
        status = self.status()
        return bool(status.get("connected")) and status["spooled_items"] == 0


def eventually(look: Callable[[], Any], what: str) -> Any:
    """The first true answer of an agent or a collector, which are not asked all the time."""
    return until(look, what, pause_seconds=0.05)


@pytest.fixture(scope="module")
def resident(stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resident]:
    """An enrolled agent that runs its timetables."""
    resident = Resident(stand, Customer(tmp_path_factory.mktemp("resident")))
    try:
        resident.start()
        for number in range(TIMETABLES):
            body = {"name": f"health {number}", "every_seconds": PERIOD_SECONDS, "profile": "quick"}
            stand.call("POST", f"/agents/{resident.agent_id}/schedules", body)
        eventually(lambda: len(resident.status().get("schedules", ())) == TIMETABLES, "the timetables did not arrive")
        yield resident
    finally:
        resident.close()


def assert_each_once(resident: Resident) -> None:
    """Everything that the machine measured is there, and nothing twice."""
    # Read first: the timetables go on, and what is made after this moment may still be on its way.
    measured = resident.audited()
    eventually(resident.delivered, "something still waits on the machine")
    stored = resident.stored()
    assert len(stored) == len(set(stored))
    assert measured <= set(stored)
    assert "Traceback" not in resident.stderr


@needs_root
def test_a_full_disk_of_the_collector(stand: Stand, resident: Resident, customer: Customer) -> None:
    """Machines wait and staff go on in the room that is kept for them; with room again all of it arrives by itself."""
    code = stand.bundle_code(stand.case_id)
    with stand.disk.full():
        # Too large for the room that a log has ahead, in which what timetables send may go on for minutes.
        assert_one_line(customer.bundle(code), 4, "disk is full", "the bundle is kept")
        assert stand.staff("case", "show", stand.case_id).code == 0
        assert stand.staff("case", "create", "--customer", "Demo customer", "One more").code == 0
        eventually(lambda: refused(resident) and resident.waiting() > 0, "no try")
    assert customer.bundle(code).code == 0
    assert_each_once(resident)
    assert stand.children[0].poll() is None


def refused(resident: Resident) -> bool:
    """Whether the collector told the machine that it has no room."""
    return "disk is full" in resident.status().get("last_error", "")


def test_schedules_go_on_without_the_collector_and_across_a_kill(stand: Stand, resident: Resident) -> None:
    """Both are killed, the machine measures on, and all that it measured arrives once the collector is back."""
    stand.kill_collector()
    before = eventually(lambda: max(resident.waiting(), 0), "nothing was measured without the collector")
    resident.stop(signal.SIGKILL)
    resident.start()
    assert eventually(lambda: resident.waiting() >= before, "what was measured was lost")
    eventually(lambda: resident.waiting() > before, "nothing was measured after the kill")
    stand.start_collector()
    assert_each_once(resident)
    assert len(resident.stored()) > before


def test_a_live_request_waits_for_the_machine(stand: Stand, resident: Resident) -> None:
    """Asked while the agent is off: it runs when it is back, and ends as a snapshot of the case."""
    assert resident.stop().code == 0
    body = {"agent_id": resident.agent_id, "deadline_seconds": 60, "snapshot": {"profile": "quick"}}
    session_id = stand.call("POST", f"/cases/{stand.case_id}/sessions", body)["session_id"]
    assert stand.call("GET", f"/sessions/{session_id}")["session"]["state"] == "requested"
    resident.start()
    session = eventually(lambda: _ended(stand, session_id), "the session did not end")
    assert (session["state"], bool(session["snapshot_id"])) == ("ok", True), session
    eventually(lambda: session["snapshot_id"] in [one["snapshot_id"] for one in stand.snapshots()], "it did not arrive")
    assert_each_once(resident)


def _ended(stand: Stand, session_id: str) -> Any:
    session = stand.call("GET", f"/sessions/{session_id}")["session"]
    return session if session["ended_at"] else None
