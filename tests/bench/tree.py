"""One command in a room of its own, and what its whole tree of processes cost: the same for every tool."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# A network without a single link, and mounts and a name that nobody else sees.
ROOM = ("unshare", "--net", "--mount", "--uts", "--propagation", "private", "sh")
SAMPLE_SECONDS = 0.04
STRACE = ("strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=execve", "-e", "signal=none")


@dataclass(frozen=True)
class Cost:
    """code is None where it had to be killed at the limit. peak_bytes: memory of all its processes together, shared
    parts shared out (PSS), as sampled. disk_bytes: the most that stood in the stage at once."""

    code: int | None
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    disk_bytes: int


def run(command: Sequence[str], stage: Path, environment: Mapping[str, str], limit_seconds: float) -> Cost:
    """Run it to its end or its limit, and watch all that shares its network; stage: a filesystem of its own."""
    begun, empty = time.perf_counter(), _used(stage)
    child = subprocess.Popen(
        command, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    peak = disk = code = 0
    while True:
        ended, status, usage = os.wait4(child.pid, os.WNOHANG)
        wall = time.perf_counter() - begun
        if ended or wall > limit_seconds:
            break
        # Looking is not free either: a small part of the time on a machine of two cores.
        peak, disk = max(peak, sum(map(_memory, _tree(child.pid)))), max(disk, _used(stage) - empty)
        time.sleep(SAMPLE_SECONDS)
    if not ended:
        for pid in [child.pid, *_tree(child.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _, status, usage = os.wait4(child.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    child.returncode = code
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(code if ended else None, wall, cpu, peak, max(disk, _used(stage) - empty))


def programs(command: Sequence[str], trace: Path) -> list[str]:
    """The command as it is run to count the programs that it starts."""
    return [*STRACE, "-o", str(trace), *command]


def started(trace: Path) -> tuple[int, int]:
    """How many programs were started beside the command itself: foreign ones, and interpreters of Python."""
    lines = trace.read_text(errors="replace").splitlines()
    names = [Path(line.split('"')[1]).name for line in lines if "execve(" in line and line.rstrip().endswith("= 0")]
    own = sum(name.startswith("python") for name in names[1:])
    return len(names) - 1 - own, own


def can_count() -> bool:
    """Whether starts of programs can be counted here."""
    return shutil.which("strace") is not None


def _used(stage: Path) -> int:
    of = os.statvfs(stage)
    return (of.f_blocks - of.f_bfree) * of.f_frsize


def _network(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    except OSError:
        return ""


def _tree(pid: int) -> Iterator[int]:
    """All processes in the network of this one, once it has one of its own: who leaves its parent stays in it."""
    own, room = _network(os.getpid()), _network(pid)
    if room in ("", own):
        return
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and _network(int(entry.name)) == room:
            yield int(entry.name)


def _memory(pid: int) -> int:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in rollup.splitlines() if line.startswith("Pss:")), 0)
