"""Collector, one agent and a case on this machine, from the public commands alone.

Everything lives in one temporary folder; the console is plain http on 127.0.0.1, agents use TLS as always; the agent's
policy lists loopback as its only target, so no packet goes anywhere else.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from caseprobe.errors import MeasurementError, Unreachable, UsageError
from caseprobe_agent.demo.guard import Guard

TARGET = "127.0.0.1"
ROUNDS = 5
START_SECONDS = 60.0
STOP_SECONDS = 10.0
# Below the range from which the kernel takes ports for outgoing connections, so none is taken between look and use.
PORTS = range(20000, 32000)

AGENT_SETTINGS = f"""# Written by `caseprobe demo`: paths may be measured to this machine itself and nowhere else.
network_probes = "off"

[policy]
watch = "allow"

[policy.path_target]
decision = "allow"
targets = ["{TARGET}", "::1"]
"""


class Demo:
    """The running demo: child processes, addresses, and the staff's login."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.folder = folder
        self.say = say
        self.password = secrets.token_urlsafe(9)
        self.children: list[subprocess.Popen[bytes]] = []
        self._guard: Guard | None = None
        self.python = [sys.executable, "-m"]
        self.console = ""
        self.token = ""
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CASEPROBE_")},
            "CASEPROBE_CONFIG_FOLDER": str(folder / "config"),
            "CASEPROBE_STATE_FOLDER": str(folder / "agent"),
            "CASEPROBE_NETWORK_PROBES": "off",
            "PYTHONUNBUFFERED": "1",
        }

    # --- children ---

    def run(self, *command: str, stdin: str = "") -> str:
        """Run a public command to its end and give its stdout; raises what it said where it failed."""
        with self._begin(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            try:
                stdout, stderr = child.communicate(stdin.encode(), timeout=START_SECONDS)
            except BaseException:
                child.kill()
                raise
        self.guard.ended(child.pid)
        if child.returncode:
            words = stderr.decode(errors="replace").strip()[-600:]
            raise MeasurementError(f"{' '.join(command[:2])} ended with {child.returncode}: {words}")
        return stdout.decode()

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        """Start a public command that stays, its messages in the demo's folder."""
        with (self.folder / f"{name}.log").open("wb") as log:
            child = self._begin(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        self.children.append(child)
        return child

    def _begin(
        self, command: tuple[str, ...], stdin: int, stdout: int, stderr: int | IO[bytes]
    ) -> subprocess.Popen[bytes]:
        """Start a public command in a process group of its own, which ends with the demo."""
        child = subprocess.Popen(
            [*self.python, *command],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=self.environment,
            start_new_session=True,
        )
        self.guard.begun(child.pid)
        return child

    @property
    def guard(self) -> Guard:
        """What ends the children where the demo is killed; started with the first of them."""
        if self._guard is None:
            self._guard = Guard(self.folder)
        return self._guard

    def stop(self) -> None:
        """End every child, the last first: asked, then killed."""
        for child in reversed(self.children):
            child.terminate()
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
            if child.stdout:
                child.stdout.close()
        if self._guard:
            self._guard.close()
            self._guard = None

    # --- the collector's API, as staff ---

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One call of the HTTP API; raises UsageError with the collector's own words."""
        request = urllib.request.Request(
            f"{self.console}/api/v1{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=START_SECONDS) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise UsageError(f"{method} {path}: {error.read().decode(errors='replace')[:300]}") from None
        except urllib.error.URLError as error:
            raise Unreachable(f"the demo's collector does not answer: {error.reason}") from None

    # --- scenes ---

    def open_collector(self) -> None:
        """Make a collector, start it, log in as its admin."""
        self._settle_collector()
        init = ("caseprobe_collector", "init", "--config", str(self.folder / "collector.toml"))
        self.run(*init, "--admin", "demo", "--password-stdin", stdin=self.password)
        try:
            self.serve()
        except MeasurementError:
            # Somebody may have taken one of its ports since they were looked for; other ports, or the same words again.
            self.stop()
            self.children.clear()
            self._settle_collector()
            self.serve()
        self.token = self.call("POST", "/login", {"name": "demo", "password": self.password})["secret"]

    def _settle_collector(self) -> None:
        """Write its settings, with ports that are free now."""
        link, https, http, metrics = free_ports(4)
        (self.folder / "collector.toml").write_text(
            f'data_folder = "{self.folder / "collector"}"\nlink_host = "127.0.0.1"\nlink_port = {link}\n'
            f'https_host = "127.0.0.1"\nhttps_port = {https}\nmetrics_port = {metrics}\n'
            f'public_names = ["127.0.0.1"]\nconsole_http_port = {http}\n'
        )
        self.console = f"http://127.0.0.1:{http}"

    def serve(self) -> subprocess.Popen[bytes]:
        """Start the collector, and go on when it is ready."""
        settings = str(self.folder / "collector.toml")
        child = self.start("collector", "caseprobe_collector", "serve", "--config", settings, "--json")
        self._await_ready(child)
        return child

    def open_case(self) -> str:
        """A customer and a case."""
        customer = self.call("POST", "/customers", {"name": "Demo customer"})["customer_id"]
        body = {"customer_id": customer, "title": "This machine", "description": "Made by `caseprobe demo`."}
        return str(self.call("POST", "/cases", body)["case_id"])

    def settle_agent(self) -> None:
        """Write the machine's own policy, before anything runs on it."""
        (self.folder / "config").mkdir(mode=0o700)
        (self.folder / "config" / "agent.toml").write_text(AGENT_SETTINGS)

    def bundle_code(self, case_id: str) -> str:
        """A fresh join code with which one bundle goes to the case."""
        return str(self.call("POST", f"/cases/{case_id}/join-codes", {})["text"])

    def send_bundle(self, case_id: str) -> None:
        """The customer's flow: one bundle of this machine to the case, consent given by running the demo."""
        code = self.bundle_code(case_id)
        output = str(self.folder / "this-machine.zip")
        wanted = ("--profile", "quick", "--to", "-", "--no-preview", "--output", output, "--json")
        self.run("caseprobe_agent", "bundle", *wanted, stdin=code)

    def enrol_agent(self, case_id: str) -> str:
        """The resident agent, enrolled and online; gives its id."""
        customer_id = self.call("GET", f"/cases/{case_id}")["case"]["customer_id"]
        code = self.call("POST", "/join-codes", {"customer_id": customer_id})["text"]
        self.run("caseprobe_agent", "enroll", "-", stdin=code)
        self.start("agent", "caseprobe_agent", "run")
        return str(self.wait_for(self._online_agent, "the agent does not come online")["agent_id"])

    def measure_live(self, case_id: str, agent_id: str) -> None:
        """Support's flow: a path session from the case, to its end."""
        body = {
            "agent_id": agent_id,
            "deadline_seconds": 60,
            "path": {"target": TARGET, "rounds": ROUNDS, "interval_seconds": 0.2},
        }
        session_id = self.call("POST", f"/cases/{case_id}/sessions", body)["session_id"]
        self.wait_for(lambda: self._ended(session_id), "the live session does not end")

    def add_schedule(self, agent_id: str) -> None:
        """Operations' flow: a timetable that the agent runs."""
        body = {"name": "health", "every_seconds": 60, "profile": "quick"}
        self.call("POST", f"/agents/{agent_id}/schedules", body)

    # --- waiting ---

    def _online_agent(self) -> Any:
        return next((agent for agent in self.call("GET", "/agents") if agent["presence"] == "online"), None)

    def _ended(self, session_id: str) -> Any:
        found = self.call("GET", f"/sessions/{session_id}")
        # The outcome travels ahead of the snapshot that the session ends as.
        return (
            found if found["session"]["ended_at"] and (found["summary"] or found["session"]["state"] != "ok") else None
        )

    def wait_for(self, look: Callable[[], Any], what: str) -> Any:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if found := look():
                return found
            self._check_children()
            time.sleep(0.05)
        raise MeasurementError(f"{what} within {START_SECONDS:.0f} s; its messages are in {self.folder}")

    def _await_ready(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stdout is not None
        if not child.stdout.readline():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(STOP_SECONDS)
            self._check_children()
            raise MeasurementError("the demo's collector does not say that it is ready")

    def _check_children(self) -> None:
        for child, name in zip(self.children, ("collector", "agent"), strict=False):
            if child.poll() is not None:
                words = (self.folder / f"{name}.log").read_text(errors="replace").strip()[-600:]
                raise MeasurementError(f"the demo's {name} ended with {child.returncode}: {words}")


def free_ports(count: int) -> list[int]:
    """Different ports on 127.0.0.1 that nobody listens on now."""
    with contextlib.ExitStack() as held:
        found: list[int] = []
        while len(found) < count:
            probe = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind((TARGET, secrets.choice(PORTS)))
                found.append(probe.getsockname()[1])
        return found


@contextlib.contextmanager
def staged(say: Callable[[str], None]) -> Iterator[tuple[Demo, str]]:
    """The demo with all three flows played once, and its case; all of it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="caseprobe-demo-", ignore_cleanup_errors=True) as name:
        demo = Demo(Path(name), say)
        try:
            say("starting a collector …")
            demo.open_collector()
            case_id = demo.open_case()
            demo.settle_agent()
            say("measuring this machine and sending a bundle to the case …")
            demo.send_bundle(case_id)
            say("enrolling a resident agent …")
            agent_id = demo.enrol_agent(case_id)
            say(f"measuring the path to {TARGET} live …")
            demo.measure_live(case_id, agent_id)
            demo.add_schedule(agent_id)
            yield demo, case_id
        finally:
            demo.stop()


def case_document(demo: Demo, case_id: str) -> dict[str, Any]:
    """The case with its snapshots (each with findings) and sessions (each with its path's summary)."""
    found = demo.call("GET", f"/cases/{case_id}")
    return {
        **found["case"],
        "snapshots": [{**one["snapshot"], "findings": one["findings"]} for one in found["snapshots"]],
        "sessions": [{**one["session"], "summary": one["summary"]} for one in found["sessions"]],
    }
