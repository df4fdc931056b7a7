"""A room of its own on the real kernel: a private mount tree, if wanted a private network; gone with its process."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LONGEST_SECONDS = 90.0
# In a network of its own /sys shows the devices of that network only after it is mounted anew.
OWN_NETWORK = "mount -t sysfs sysfs /sys && ip link set lo up && "
CAN_BE_MADE = ("unshare", "--mount", "--net", "--propagation", "private", "mount", "-t", "tmpfs", "x", "/mnt")


def missing() -> str:
    """Why no room can be made here; empty where one can."""
    if os.geteuid() != 0:
        return "needs root"
    made = subprocess.run(CAN_BE_MADE, capture_output=True, check=False)
    return "" if made.returncode == 0 else "this machine gives no namespaces"


@dataclass
class Room:
    """Where a fault is made and judged. folder lies on a real disk; keeper holds the namespaces."""

    folder: Path
    keeper: int
    network: bool
    # Further namespaces of the keeper, as nsenter names them.
    also: tuple[str, ...] = ()
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def command(self, *words: str | Path) -> list[str]:
        """The words as a command inside."""
        inside = ["nsenter", "-t", str(self.keeper), "--mount", *(["--net"] if self.network else []), *self.also]
        return [*inside, *map(str, words)]

    def run(self, *words: str | Path, wanted: bool = True) -> str:
        """What a command prints; it must end well where wanted."""
        done = subprocess.run(self.command(*words), check=False, capture_output=True, text=True, timeout=60)
        if wanted and done.returncode:
            raise RuntimeError(f"{words[0]}: {done.stderr.strip() or done.stdout.strip() or done.returncode}")
        return done.stdout

    def shell(self, script: str) -> str:
        """Several commands at once; the script is ours, nothing is put into it but numbers and our own paths."""
        return self.run("sh", "-euc", script)

    def culprit(
        self, name: str, *arguments: object, group: str = "", program: str | Path = ""
    ) -> subprocess.Popen[str]:
        """Start one of tests.faults.culprits and wait until it stands; group: a control group of version 1 for it."""
        join = f"echo $$ > {group}/cgroup.procs; " if group else ""
        words = [str(program or sys.executable), "-m", "tests.faults.culprits", name, *map(str, arguments)]
        process = subprocess.Popen(
            self.command("sh", "-c", join + 'exec "$@"', "sh", *words),
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=_environment({}),
        )
        self.started.append(process)
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"{name} did not stand")
        return process

    def named(self, name: str) -> Path:
        """This Python under another name, by which the kernel knows the process."""
        path = self.folder / name
        shutil.copy2(Path(sys.executable).resolve(), path)
        return path

    def judge(self, profile: str = "quick", variables: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        """What `caseprobe check --json` says in here; only an own network gets packets."""
        switch = "on" if self.network else "off"
        command = [sys.executable, "-m", "caseprobe_agent", "check", "--json", "--profile", profile]
        done = subprocess.run(
            self.command(*command),
            check=False,
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            cwd=self.folder,
            env=_environment(
                {
                    "CASEPROBE_NETWORK_PROBES": switch,
                    "CASEPROBE_CONFIG_FOLDER": str(self.folder / "config"),
                    "CASEPROBE_STATE_FOLDER": str(self.folder / "state"),
                    **(variables or {}),
                }
            ),
        )
        answer: Mapping[str, Any] = json.loads(done.stdout)
        return answer


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(str(ROOT / name) for name in ("", "agent", "collector", "proto")),
        **more,
    }


@contextlib.contextmanager
def room(folder: Path, network: bool = False) -> Iterator[Room]:
    """A room; at its end everything that was started in it is killed, and with the last process its mounts go."""
    words = ["unshare", "--mount", "--propagation", "private", *(["--net"] if network else [])]
    script = f"{OWN_NETWORK if network else ''}echo ready; exec sleep 1000"
    keeper = subprocess.Popen([*words, "sh", "-euc", script], stdout=subprocess.PIPE, text=True)
    assert keeper.stdout is not None
    try:
        if keeper.stdout.readline().strip() != "ready":
            raise RuntimeError("no room could be made")
        made = Room(folder, keeper.pid, network)
        try:
            yield made
        finally:
            _end(*made.started)
    finally:
        _end(keeper)


def _end(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        process.kill()
    for process in processes:
        process.wait(LONGEST_SECONDS)
        if process.stdout is not None:
            process.stdout.close()


def told(answer: Mapping[str, Any], check_id: str) -> Sequence[Mapping[str, Any]]:
    """The findings of one check."""
    return [finding for finding in answer["findings"] if finding["check_id"] == check_id]
