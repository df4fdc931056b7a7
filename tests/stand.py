"""A collector that tests may hurt: killed, started again, its disk filled; and commands that are watched closely."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caseprobe_agent.demo import Demo

DISK_BYTES = 96 << 20
LONGEST_WAIT_SECONDS = 3.0
# Stands in the environment of a watched command and of everything that it starts.
MARK = "HOSTILE_MARK"


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def line(self) -> str:
        """The last line on stderr: what the person is left with."""
        return self.stderr.strip().rpartition("\n")[2]


class SmallDisk:
    """A tmpfs of a few MiB over a folder, in a mount namespace of its own that ends with this object."""

    def __init__(self, folder: Path, size_bytes: int) -> None:
        script = 'mount -t tmpfs -o "size=$1,mode=0700" none "$0" && echo ready && read end'
        self._folder = folder
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, str(folder), str(size_bytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._holder.stdout is not None
        self.ready = self._holder.stdout.readline() == b"ready\n"

    @property
    def entrance(self) -> list[str]:
        """What to put before a command that is to see this disk."""
        return ["nsenter", f"--mount=/proc/{self._holder.pid}/ns/mnt"] if self.ready else []

    def path(self, name: str) -> Path:
        """A file on it, as seen from outside."""
        return (Path(f"/proc/{self._holder.pid}/root") if self.ready else Path("/")) / f".{self._folder}" / name

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        """Not a byte is free while this is open."""
        ballast = self.path("ballast")
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(4096)):
                pass
        yield
        ballast.unlink()

    def close(self) -> None:
        """Give it back."""
        self._holder.communicate()


class Stand(Demo):
    """A collector with a customer and a case, on a small disk of its own where we may make one; no agent yet."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, lambda line: None)
        (folder / "collector").mkdir(mode=0o700)
        self.disk = SmallDisk(folder / "collector", DISK_BYTES)
        self.python = [*self.disk.entrance, *self.python]
        self.case_id = self.customer_id = ""

    def open(self) -> None:
        """Start it all."""
        self.open_collector()
        self.case_id = self.open_case()
        self.customer_id = self.call("GET", f"/cases/{self.case_id}")["case"]["customer_id"]

    def another_case(self) -> str:
        """One more case of the customer."""
        return str(self.call("POST", "/cases", {"customer_id": self.customer_id, "title": "Another"})["case_id"])

    def kill_collector(self) -> None:
        """SIGKILL, as a power cut or the kernel's memory killer would."""
        child = self.children.pop(0)
        child.kill()
        child.communicate()
        self.guard.ended(child.pid)

    def start_collector(self) -> None:
        """Start it again; nothing else is done by hand."""
        self.children.insert(0, self.serve())
        self.children.pop()

    def staff(self, *arguments: str) -> Ended:
        """A staff command from a terminal."""
        access = {"CASEPROBE_URL": self.console, "CASEPROBE_TOKEN": self.token, "NO_COLOR": "1"}
        return run([sys.executable, "-m", "caseprobe_collector", *arguments], {**self.environment, **access})

    def enrol_code(self) -> str:
        """A join code that enrols one machine of the customer."""
        return str(self.call("POST", "/join-codes", {"customer_id": self.customer_id})["text"])

    def expire_codes(self) -> None:
        """As if a year had gone by for every join code."""
        self._write("UPDATE join_codes SET expires_at = created_at")

    def spend_codes(self) -> None:
        """As if every join code had been used."""
        self._write("UPDATE join_codes SET uses_left = 0")

    def _write(self, statement: str) -> None:
        # From inside: SQLite resolves every link in a path, and would land on the disk below.
        script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit(); c.close()"
        database = str(self.folder / "collector" / "collector.sqlite3")
        command = [*self.disk.entrance, sys.executable, "-c", script, database, statement]
        subprocess.run(command, check=True, timeout=120)

    def snapshots(self, case_id: str = "") -> list[dict[str, Any]]:
        """A case's snapshots."""
        return [one["snapshot"] for one in self.call("GET", f"/cases/{case_id or self.case_id}")["snapshots"]]


class Customer:
    """A customer's machine: its own folders, and the agent's commands in them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = secrets.token_hex(8)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CASEPROBE_")},
            "CASEPROBE_CONFIG_FOLDER": str(folder / "config"),
            "CASEPROBE_STATE_FOLDER": str(folder / "state"),
            "CASEPROBE_NETWORK_PROBES": "off",
            "NO_COLOR": "1",
            MARK: self.mark,
        }
        (folder / "config").mkdir(mode=0o700)

    def configure(self, text: str) -> Path:
        """Write agent.toml."""
        path = self.folder / "config" / "agent.toml"
        path.write_text(text)
        return path

    def run(self, *arguments: str, stdin: str = "", before: tuple[str, ...] = ()) -> Ended:
        """A command to its end, without a terminal; before: another program that runs it."""
        return run([*before, sys.executable, "-m", "caseprobe_agent", *arguments], self.environment, stdin)

    def bundle(self, code: str, *arguments: str, before: tuple[str, ...] = ()) -> Ended:
        """Send a bundle to the case of a join code, agreed to beforehand; without logs, which are most of the work."""
        output = str(self.folder / f"{secrets.token_hex(4)}.zip")
        wanted = ("--profile", "quick", "--exclude", "logs", "--to", "-", "--no-preview", "--output", output)
        return self.run("bundle", *wanted, *arguments, stdin=code, before=before)

    def kept(self) -> list[Path]:
        """The bundle files that are there."""
        return sorted(self.folder.glob("*.zip"))

    def interrupt(
        self, moment_seconds: float, *arguments: str, stdin: str = "", package: str = "caseprobe_agent"
    ) -> Ended:
        """Ctrl-C once the command used so much CPU time, which a busy machine does not stretch."""
        with self.start(*arguments, stdin=stdin, package=package) as child:
            # A command that waits uses none: it is interrupted as it waits.
            latest = time.monotonic() + LONGEST_WAIT_SECONDS
            until(
                lambda: (
                    child.poll() is not None or cpu_seconds(child.pid) >= moment_seconds or time.monotonic() > latest
                ),
                "no such moment",
            )
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGINT)
            stdout, stderr = child.communicate(timeout=120)
        return Ended(child.returncode, stdout, stderr)

    def start(self, *arguments: str, stdin: str = "", package: str = "caseprobe_agent") -> subprocess.Popen[str]:
        """A command in a process group of its own, as a shell starts it."""
        with tempfile.TemporaryFile("w+") as keyboard:
            keyboard.write(stdin)
            keyboard.seek(0)
            return subprocess.Popen(
                [sys.executable, "-m", package, *arguments],
                stdin=keyboard,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=self.environment,
                start_new_session=True,
            )

    def left_running(self) -> list[str]:
        """What this machine's commands started and what goes on without them."""
        return [words for words in map(self._words, Path("/proc").glob("[0-9]*")) if words]

    def _words(self, process: Path) -> str:
        try:
            if f"{MARK}={self.mark}".encode() in (process / "environ").read_bytes():
                return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            pass  # it is gone, or another user's
        return ""


def run(command: list[str], environment: dict[str, str], stdin: str = "") -> Ended:
    """A command to its end."""
    done = subprocess.run(
        command, input=stdin, capture_output=True, text=True, env=environment, timeout=240, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def cpu_seconds(pid: int) -> float:
    """CPU time that a process's first thread used, to the nanosecond; 0 where it is gone."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except (OSError, IndexError):
        return 0.0


def until(look: Callable[[], Any], what: str, seconds: float = 120.0, pause_seconds: float = 0.005) -> Any:
    """The first true answer; the test fails with these words where none comes in time."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, what
        time.sleep(pause_seconds)
    return found


def assert_one_line(ended: Ended, code: int, *words: str) -> None:
    """The documented exit code, and a last line that says what and what to do; never a traceback."""
    assert ended.code == code, ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout, ended.stderr
    assert [word for word in words if word not in ended.line] == [], ended.stderr
