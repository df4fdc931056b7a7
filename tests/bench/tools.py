"""The tools that are compared, and the planted machine that they run on."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.tree import ROOM, Cost, can_count, programs, run, started
from tests.canary.planting import Planted, plant, write

CANARIES, SEED = 200, 20261122
# Old lines before the planted ones, so that the log is as long as a log is.
FILLER_BYTES = 8 << 20
FILLER = "Nov  1 00:00:{second:02d} box app[7]: request {number} answered in {number} microseconds\n"
SMALL = "block,filesys,hardware,kernel,logs,memory,networking,process,processor,system"
LIMIT_SECONDS = 180


@dataclass(frozen=True)
class Tool:
    """A tool with its options; output: what names the file that it leaves, in its folder."""

    name: str
    command: tuple[str, ...]
    output: str
    option: str


def ours(profile: str, *more: str) -> Tool:
    """The bundle of a profile."""
    command = (sys.executable, "-m", "caseprobe_agent", "bundle", "--profile", profile, "--no-preview", *more)
    return Tool(f"caseprobe {profile}", command, "*.zip", "--output")


def sos(name: str, *more: str) -> Tool:
    """sosreport as Debian packs it."""
    return Tool(f"sos {name}", ("sos", "report", "--batch", "-q", *more), "*.tar.*z", "--tmp-dir")


QUICK, STANDARD = ours("quick"), ours("standard")
SOS_SMALL, SOS_DEFAULT = sos("small", "-o", SMALL, "--log-size", "5"), sos("default")


class Stage:
    """A folder in memory, the planted machine, and the environment that a tool runs in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.planted = plant(CANARIES, SEED)
        machine = folder / "machine"
        machine.mkdir()
        self.enter = write(_longer(self.planted), machine)
        own = {name: str(folder / name.lower()) for name in ("STATE", "CONFIG")}
        self.environment = {
            **os.environ,
            **{f"CASEPROBE_{name}_FOLDER": path for name, path in own.items()},
            "CASEPROBE_NETWORK_PROBES": "off",
            "TMPDIR": str(folder),
        }
        (folder / "config").mkdir()

    def play(self, tool: Tool) -> None:
        """Run a tool as run does, unobserved: looking takes processor time, too."""
        command, _ = self._command(tool)
        subprocess.run(command, env=self.environment, capture_output=True, check=False, start_new_session=True)

    def run(self, tool: Tool, limit_seconds: float = LIMIT_SECONDS, wrap: Sequence[str] = ()) -> tuple[Cost, Path]:
        """Run a tool on the planted machine; gives what it cost and the folder of its output."""
        command, output = self._command(tool, wrap)
        return run(command, self.folder, self.environment, limit_seconds), output

    def _command(self, tool: Tool, wrap: Sequence[str] = ()) -> tuple[list[str], Path]:
        output = Path(tempfile.mkdtemp(prefix="output-", dir=self.folder))
        place = output / "bundle.zip" if tool.option == "--output" else output
        return [*ROOM, str(self.enter), *wrap, *tool.command, tool.option, str(place)], output

    def programs(self, tool: Tool) -> str:
        """How many programs it starts, in a run of its own: counting costs time."""
        if not can_count():
            return "not run (needs strace)"
        trace = self.folder / "trace"
        self.run(tool, wrap=programs((), trace))
        foreign, own = started(trace)
        return f"{foreign}" if not own else f"{foreign} + {own} Python"


def _longer(planted: Planted) -> Planted:
    """With many old lines before the log's own."""
    lines = (FILLER.format(second=number % 60, number=number) for number in range(FILLER_BYTES // 80))
    files = {**planted.files}
    files["/var/log/syslog"] = "".join(lines).encode() + files["/var/log/syslog"]
    return Planted(planted.canaries, files, planted.argument)
