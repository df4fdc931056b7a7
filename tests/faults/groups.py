"""Control groups with a limit, in either version; gone with what was in them."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
NAME = "caseprobe-fault"
V2 = (ROOT / "cgroup.controllers").exists()
# What a limit is called: controller and file of version 1, file of version 2.
FILES: Mapping[str, tuple[str, str, str]] = {
    "memory": ("memory", "memory.limit_in_bytes", "memory.max"),
    "tasks": ("pids", "pids.max", "pids.max"),
    "cpu": ("cpu", "cpu.cfs_quota_us", "cpu.max"),
}


def writable() -> bool:
    """Whether groups with all three limits can be made here."""
    if V2:
        controllers = (ROOT / "cgroup.subtree_control").read_text().split()
        return os.access(ROOT, os.W_OK) and {"memory", "pids", "cpu"} <= set(controllers)
    return all(os.access(ROOT / controller, os.W_OK) for controller, _, _ in FILES.values())


@contextlib.contextmanager
def limited(what: str, value: int) -> Iterator[str]:
    """The folder of a group whose memory (bytes), tasks or cpu (microseconds of 100,000) is limited."""
    controller, old, new = FILES[what]
    folder = ROOT / NAME if V2 else ROOT / controller / NAME
    folder.mkdir(exist_ok=True)
    try:
        (folder / (new if V2 else old)).write_text(f"{value} 100000" if V2 and what == "cpu" else str(value))
        yield str(folder)
    finally:
        _empty(folder)


def _empty(folder: Path) -> None:
    """End what is still inside, then the group."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        inside = (folder / "cgroup.procs").read_text().split()
        for pid in inside:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        with contextlib.suppress(OSError):
            folder.rmdir()
            return
        os.sched_yield()
    raise RuntimeError(f"{folder} cannot be removed")
