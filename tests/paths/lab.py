"""A network namespace with a scenario in it, for tests on the real kernel; gone when the test ends."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
# No capability at all, and none to be had: an agent that nobody gave any right.
UNPRIVILEGED = ["setpriv", "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all", "--no-new-privs"]


def require() -> None:
    """Report the test as not run where namespaces cannot be made; fail where CI forgot to install what it needs."""
    missing = [tool for tool in ("ip", "setpriv", "sysctl") if shutil.which(tool) is None]
    if os.geteuid() == 0 and not missing and Path("/dev/net/tun").exists():
        return
    reason = f"needs root, /dev/net/tun and the tools {', '.join(missing) or 'that are here'}"
    if os.environ.get("CI") == "true" and os.geteuid() == 0 and missing:
        pytest.fail(f"not run: {reason}; install iproute2, util-linux and procps")
    pytest.skip(f"not run: {reason}")


@dataclass
class Lab:
    """A namespace whose only device is a scenario."""

    name: str
    truth_file: Path
    simulator: subprocess.Popen[str]

    def run(self, *command: str, unprivileged: bool = True, timeout_seconds: float = 60) -> str:
        """What a command prints that runs in the namespace."""
        prefix = ["ip", "netns", "exec", self.name, *(UNPRIVILEGED if unprivileged else [])]
        done = subprocess.run([*prefix, *command], capture_output=True, text=True, timeout=timeout_seconds, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def probe(self, target: str, protocol: str, rounds: int, interval: float, port: int = 0) -> dict[str, Any]:
        """What tests.paths.probe prints."""
        arguments = (target, protocol, str(rounds), str(interval), *([str(port)] if port else []))
        answer: dict[str, Any] = json.loads(self.run(sys.executable, "-m", "tests.paths.probe", *arguments))
        return answer

    def truth(self) -> list[dict[str, Any]]:
        """End the scenario and give what truly happened to each packet."""
        self.simulator.terminate()
        self.simulator.wait(10)
        return [json.loads(line) for line in self.truth_file.read_text().splitlines()]


@contextlib.contextmanager
def lab(scenario: str, folder: Path, icmp: bool = True, realtime: bool = False) -> Iterator[Lab]:
    """A namespace with a scenario; icmp opens ICMP datagram sockets for everybody."""
    require()
    name = f"caseprobe-{os.getpid()}-{Path(scenario).stem}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        prefix = ["ip", "netns", "exec", name]
        range_ = "0 2147483647" if icmp else "1 0"
        settings = ["net.ipv6.conf.all.disable_ipv6=0", f"net.ipv4.ping_group_range={range_}"]
        subprocess.run([*prefix, "sysctl", "-qw", *settings], check=True)
        command = [sys.executable, "-m", "tests.paths.tun", scenario, "--truth", str(folder / "truth.jsonl")]
        with subprocess.Popen(
            [*prefix, *command, *(["--realtime"] if realtime else [])], stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as simulator:
            try:
                assert simulator.stdout is not None
                assert simulator.stdout.readline().strip() == "ready"
                yield Lab(name, folder / "truth.jsonl", simulator)
            finally:
                simulator.kill()
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)
