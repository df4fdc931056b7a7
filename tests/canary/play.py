"""Plays all flows of the product on a machine full of canaries, and says where any of them was found."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from caseprobe.errors import MeasurementError
from caseprobe_agent.demo import TARGET, Demo
from tests.canary.planting import Planted, plant, write
from tests.canary.search import Search, files, values

# Neither may leave the machine, and both hold what it is about.
OWN_FILES = ("pseudonyms.key", "canaries.json", "enter.sh")
POLICY = f"""network_probes = "off"

[policy]
logs = "allow"
process_arguments = "allow"

[policy.path_target]
decision = "allow"
targets = ["{TARGET}", "::1"]
"""
TRIES = 3
ENTER = ("unshare", "--mount", "--uts", "--propagation", "private", "sh")


@dataclass(frozen=True)
class Outcome:
    """How many were planted, how many the search finds on the machine itself, what it found in each place, bytes seen.

    found: kind, value and encoding of each.
    """

    planted: int
    control: int
    found: dict[str, set[tuple[str, str, str]]] = field(default_factory=dict)
    seen_bytes: dict[str, int] = field(default_factory=dict)


def allowed() -> bool:
    """Whether this process may make the namespace in which the machine lives."""
    tried = subprocess.run([*ENTER, "-c", "mount -t tmpfs none /mnt"], capture_output=True, check=False)
    return tried.returncode == 0


class CanaryStage(Demo):
    """The demo's processes, the agent's on the machine that is full of canaries, the collector's end of TLS tapped."""

    def __init__(self, folder: Path, planted: Planted) -> None:
        super().__init__(folder, lambda line: None)
        machine = folder / "machine"
        machine.mkdir()
        (folder / "tmp").mkdir()
        self._enter = [*ENTER, str(write(planted, machine))]
        self._argument = planted.argument
        self.tap = folder / "tap"
        root = Path(__file__).parents[2]
        paths = os.pathsep.join([str(root), *filter(None, sys.path)])
        self.environment |= {
            "CANARY_TAP": str(self.tap),
            "PYTHONPATH": paths,
            "TMPDIR": str(folder / "tmp"),
            "DB_PASSWORD": planted.argument,
            "CASEPROBE_LOG_LEVEL": "debug",
        }

    def run(self, *command: str, stdin: str = "") -> str:
        """As the demo, on the machine where it is the agent's."""
        with self._inside(command):
            return super().run(*command, stdin=stdin)

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        """As the demo; the collector that serves is the tapped one."""
        if command[:2] == ("caseprobe_collector", "serve"):
            command = ("tests.canary.tapped", *command[1:])
        with self._inside(command):
            return super().start(name, *command)

    @contextlib.contextmanager
    def _inside(self, command: tuple[str, ...]) -> Iterator[None]:
        outside = self.python
        if command[0] == "caseprobe_agent":
            self.python = [*self._enter, *outside]
        try:
            yield
        finally:
            self.python = outside

    @contextlib.contextmanager
    def bystander(self) -> Iterator[None]:
        """A program of the machine with a secret among its arguments."""
        sleeper = "import time; time.sleep(600)"
        child = subprocess.Popen([sys.executable, "-c", sleeper, f"--password={self._argument}"])
        try:
            yield
        finally:
            child.kill()
            child.wait()

    def page(self, path: str) -> bytes:
        """A page or answer of the console as staff get it."""
        request = urllib.request.Request(f"{self.console}{path}", headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            body: bytes = answer.read()
            return body

    def measure_while_stopped(self, case_id: str, agent_id: str) -> list[bytes]:
        """A live snapshot of which the collector takes nothing for now: gives what the spool holds meanwhile.

        A busy machine may deliver it before the collector is stopped: then it is asked once more.
        """
        for _ in range(TRIES):
            body = {"agent_id": agent_id, "deadline_seconds": 60, "snapshot": {"profile": "standard"}}
            session_id = self.call("POST", f"/cases/{case_id}/sessions", body)["session_id"]
            held = self._while_stopped(session_id)
            self.wait_for(lambda name=session_id: self._delivered(name), "the session does not end")  # type: ignore[misc]
            if held:
                return held
        raise MeasurementError("the spool was never seen with a record in it")

    def _while_stopped(self, session_id: str) -> list[bytes]:
        self.wait_for(lambda: self._state(session_id) != "requested", "the machine does not take the request")
        collector = self.children[0]
        os.killpg(collector.pid, signal.SIGSTOP)
        try:
            held: list[bytes] = self.wait_for(self._spooled, "nothing comes into the spool")
            return held
        except MeasurementError:
            return []
        finally:
            os.killpg(collector.pid, signal.SIGCONT)

    def _state(self, session_id: str) -> str:
        return str(self.call("GET", f"/sessions/{session_id}")["session"]["state"])

    def _delivered(self, session_id: str) -> bool:
        """Whether a session has ended and its snapshot stands on the case's page."""
        session = self.call("GET", f"/sessions/{session_id}")["session"]
        rows = self.call("GET", f"/cases/{session['case_id']}")["snapshots"] if session["ended_at"] else []
        return any(one["snapshot"]["snapshot_id"] == session["snapshot_id"] for one in rows)

    def _spooled(self) -> list[bytes]:
        """Everything in the spool, read off a copy (its owner may hold it locked), once there is a record in it."""
        for path in (self.folder / "agent").rglob("spool.db"):
            with tempfile.TemporaryDirectory() as name, contextlib.suppress(sqlite3.Error, OSError):
                for side in ("", "-wal"):
                    shutil.copyfile(f"{path}{side}", f"{name}/spool.db{side}")
                with contextlib.closing(sqlite3.connect(f"{name}/spool.db")) as spool:
                    if spool.execute("SELECT count(*) FROM items").fetchone()[0]:
                        return list(values(Path(name) / "spool.db"))
        return []


def play(folder: Path, total: int, seed: int, resident: bool = True) -> Outcome:
    """Every flow once, or without resident the customer's alone; the processes have ended when this returns."""
    planted = plant(total, seed)
    search = Search(planted.canaries)
    stage = CanaryStage(folder, planted)
    control = {value for data in files(folder / "machine", OWN_FILES).values() for _, value, _ in search.hits(data)}
    outcome = Outcome(len(planted.canaries), len(control | {planted.argument}))
    try:
        with stage.bystander():
            shown = _flows(stage, resident)
    finally:
        stage.stop()
    places = {**shown, **_kept(stage)}
    for place, data in places.items():
        outcome.seen_bytes[place] = sum(len(one) for one in data)
        outcome.found[place] = set().union(*(search.hits(one) for one in data))
    return outcome


def _flows(stage: CanaryStage, resident: bool) -> dict[str, list[bytes]]:
    """Bundle, live path, live snapshot; gives the spool while it was full, and every page that shows any of it."""
    stage.open_collector()
    case_id = stage.open_case()
    (stage.folder / "config").mkdir(mode=0o700)
    (stage.folder / "config" / "agent.toml").write_text(POLICY)
    code = stage.bundle_code(case_id)
    output = str(stage.folder / "bundle.zip")
    stage.run(
        *("caseprobe_agent", "bundle", "--profile", "standard" if resident else "quick"),
        *("--to", "-", "--no-preview", "--output", output),
        stdin=code,
    )
    if not resident:
        return {"console": list(_pages(stage, case_id))}
    agent_id = stage.enrol_agent(case_id)
    stage.measure_live(case_id, agent_id)
    spooled = stage.measure_while_stopped(case_id, agent_id)
    return {"spool, full": spooled, "console": list(_pages(stage, case_id))}


def _pages(stage: CanaryStage, case_id: str) -> Iterator[bytes]:
    """The case, its machines, snapshots, sessions and files, as pages and as JSON."""
    case: dict[str, Any] = stage.call("GET", f"/cases/{case_id}")
    snapshots = [one["snapshot"] for one in case["snapshots"]]
    paths = [f"/cases/{case_id}", "/cases", "/machines", "/audit"]
    paths += [f"/machines/{agent_id}" for agent_id in {one["agent_id"] for one in snapshots}]
    paths += [f"/snapshots/{one['snapshot_id']}" for one in snapshots]
    paths += [f"/sessions/{one['session']['session_id']}" for one in case["sessions"]]
    for path in paths:
        yield stage.page(path)
    for path in (f"/cases/{case_id}", *(f"/snapshots/{one['snapshot_id']}" for one in snapshots)):
        yield stage.page(f"/api/v1{path}")
    for one in snapshots:
        for name in one["objects"]:
            yield stage.page(f"/api/v1/snapshots/{one['snapshot_id']}/objects/{name}")


def _kept(stage: CanaryStage) -> dict[str, list[bytes]]:
    """What lies on disks after everything ended."""
    collector = stage.folder / "collector"
    held = files(collector)
    objects = [data for name, data in held.items() if "sqlite3" not in name]
    databases = [value for path in collector.rglob("*.sqlite3") for value in values(path)]
    return {
        "wire": _frames(stage.tap.read_bytes()),
        "database": [*databases, *(data for name, data in held.items() if "sqlite3" in name)],
        "objects": objects,
        "bundle file": [(stage.folder / "bundle.zip").read_bytes()],
        "agent's folder": list(files(stage.folder / "agent", OWN_FILES).values()),
        "logs": [path.read_bytes() for path in stage.folder.glob("*.log")],
        "temporary files": list(files(stage.folder / "tmp").values()),
    }


def _frames(tapped: bytes) -> list[bytes]:
    """The frames of machines as the collector read them, and the payloads of each item put together."""
    from caseprobe.v1 import link_pb2

    frames: list[bytes] = []
    whole: dict[str, bytes] = {}
    at = 0
    while at < len(tapped):
        size = int.from_bytes(tapped[at : at + 4], "big")
        frames.append(tapped[at + 4 : at + 4 + size])
        at += 4 + size
    for frame in frames:
        data = link_pb2.LinkRequest.FromString(frame).data
        whole[data.stream_id] = (b"" if data.offset == 0 else whole.get(data.stream_id, b"")) + data.payload
    return [*frames, *whole.values()]
