"""The three flows by the public commands alone."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.stage import World


def test_the_bundle_arrived_in_its_case_with_all_sections(world: World) -> None:
    """The customer's flow: every probe of the quick profile has a section, absent ones with their reason."""
    evidence = world.stage.call("GET", f"/cases/{world.case_id}")
    bundle = next(one["snapshot"] for one in evidence["snapshots"] if one["snapshot"]["flow"] == "one_shot")
    detail = world.stage.call("GET", f"/snapshots/{bundle['snapshot_id']}")
    assert len(detail["sections"]) >= 14
    assert all(section["outcome"] == "ok" or section["reason"] for section in detail["sections"])
    assert "bundle.zip" in bundle["objects"]


def test_the_live_session_ended_as_a_snapshot_with_its_summary(world: World) -> None:
    """Support's flow: the path to loopback has one hop that answered every echo."""
    sessions = world.stage.call("GET", f"/cases/{world.case_id}")["sessions"]
    done = next(one for one in sessions if one["session"]["state"] == "ok")
    assert done["session"]["snapshot_id"]
    assert done["summary"]["hops"][-1]["loss_ratio"] == 0


def test_a_schedule_runs_on_the_agent_and_belongs_to_no_case(world: World) -> None:
    """Operations' flow: a timetable of ten seconds delivers a snapshot to the machine's page."""
    agent_id = world.stage.call("GET", "/agents")[0]["agent_id"]
    body = {"name": "soon", "every_seconds": 10, "profile": "quick"}
    schedule_id = world.stage.call("POST", f"/agents/{agent_id}/schedules", body)["schedule_id"]

    def scheduled() -> list[dict[str, Any]]:
        rows = world.stage.call("GET", f"/agents/{agent_id}/snapshots")
        return [row for row in rows if row["schedule_id"] == schedule_id]

    found = world.stage.wait_for(scheduled, "no scheduled snapshot came")
    world.stage.call("DELETE", f"/schedules/{schedule_id}")
    assert found[0]["case_id"] == ""


def test_staff_measure_live_from_a_terminal(world: World) -> None:
    """`caseprobe-collector live` streams rounds and ends with the verdict."""
    agent_id = world.stage.call("GET", "/agents")[0]["agent_id"]
    done = world.staff("live", "--case", world.case_id, agent_id, "path", "127.0.0.1", "--rounds", "3")
    assert done.returncode == 0, done.stderr
    assert "127.0.0.1" in done.stdout


def test_staff_watch_values_from_a_terminal(world: World) -> None:
    """`live … watch` prints each round and then the snapshot of the last; a log has a name, never a path."""
    agent_id = world.stage.call("GET", "/agents")[0]["agent_id"]
    live = ("live", "--case", world.case_id, agent_id)
    done = world.staff(*live, "watch", "memory", "--every", "1", "--for", "1", "--json")
    assert done.returncode == 0, done.stderr
    *rounds, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["probe"], one["outcome"]) for one in rounds] == [("memory", "ok")] * len(rounds)
    assert [one["number"] for one in rounds] == list(range(1, len(rounds) + 1))
    snapshot = world.stage.call("GET", f"/snapshots/{last['snapshot_id']}")
    assert [section["probe"] for section in snapshot["sections"]] == ["memory"]
    refused = world.staff(*live, "log", "/etc/shadow")
    assert refused.returncode == 3
    assert "the logs are: kernel_log, system_log" in refused.stderr


@dataclass(frozen=True)
class Sent:
    """A code, and two runs with it: the first did not ask, and nobody could be asked; the second was agreed to."""

    code: str
    folder: Path
    unseen: subprocess.CompletedProcess[str]
    agreed: subprocess.CompletedProcess[str]


# What a run costs is mostly logs; where a bundle only has to be one, there are none.
SMALL = ("bundle", "--profile", "quick", "--exclude", "logs", "--to", "-", "--output")


@pytest.fixture(scope="module")
def sent(world: World, tmp_path_factory: pytest.TempPathFactory) -> Sent:
    """A standard bundle of this machine in the case."""
    code, folder = world.stage.bundle_code(world.case_id), tmp_path_factory.mktemp("sent")
    unseen = world.customer(*SMALL, str(folder / "unseen.zip"), stdin=code)
    wanted = ("bundle", "--to", "-", "--no-preview", "--json", "--output", str(folder / "agreed.zip"))
    return Sent(code, folder, unseen, world.customer(*wanted, stdin=code))


def test_without_a_terminal_and_a_grant_nothing_is_sent(sent: Sent) -> None:
    """The bundle is written and kept, the code stays good, and the exit code says so."""
    assert (sent.unseen.returncode, (sent.folder / "unseen.zip").exists()) == (4, True), sent.unseen.stderr
    assert sent.agreed.returncode == 0, sent.agreed.stderr


def test_the_file_that_was_sent_is_the_file_on_disk(world: World, sent: Sent) -> None:
    """What the collector holds equals what the customer kept, byte for byte, and verifies."""
    snapshot_id = json.loads(sent.agreed.stdout)["snapshot_id"]
    kept = sent.folder / "agreed.zip"
    assert world.fetch(f"/snapshots/{snapshot_id}/objects/bundle.zip") == kept.read_bytes()
    verified = world.customer("verify", str(kept))
    assert verified.returncode == 0, verified.stderr


def test_a_join_code_for_a_bundle_is_good_once(world: World, sent: Sent) -> None:
    """The second use is refused in one line that says what to do; the bundle is kept."""
    output = str(sent.folder / "again.zip")
    again = world.customer(*SMALL, output, "--no-preview", stdin=sent.code)
    assert (again.returncode, "join code was used" in again.stderr) == (4, True), again.stderr
    assert Path(output).exists()


def test_no_hardware_address_of_this_machine_reached_the_collector(world: World) -> None:
    """The MAC addresses that the probes read are pseudonyms in everything that the collector shows."""
    macs = {path.read_text().strip() for path in Path("/sys/class/net").glob("*/address")} - {"00:00:00:00:00:00", ""}
    rows = world.stage.call("GET", f"/cases/{world.case_id}")["snapshots"]
    shown = [json.dumps(world.stage.call("GET", f"/snapshots/{one['snapshot']['snapshot_id']}")) for one in rows]
    assert shown
    assert [mac for mac in macs for text in shown if mac in text] == []


def test_bad_input_gets_one_clear_line(world: World) -> None:
    """What is wrong, the documented exit code, no traceback: as a process, as the command line's own tests say."""
    done = world.customer("bundle", "--to", "CP1-NONSENSE")
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1), done.stderr
    assert "join code" in done.stderr
