"""strace on a running process: the k-th call of a name kills it, or fails."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

ATTACH_SECONDS, DETACH_SECONDS = 10.0, 5.0
KILL = "signal=SIGKILL"
EIO = "error=EIO"


class Ended(RuntimeError):
    """The process was gone before it could be traced."""


class Trace:
    """One strace and what it wrote."""

    def __init__(self, log: Path, process: subprocess.Popen[bytes]) -> None:
        self._log = log
        self._process = process

    @property
    def struck(self) -> bool:
        """True where the fault was played."""
        return "(INJECTED)" in self._log.read_text(errors="replace")

    def close(self) -> None:
        """Let the process go."""
        self._process.terminate()
        try:
            self._process.wait(DETACH_SECONDS)
        except subprocess.TimeoutExpired:
            # It waits for a thread that died in the meantime; without it the kernel lets the others go.
            self._process.kill()
            self._process.wait()


@contextlib.contextmanager
def injecting(pid: int, call: str, fault: str, number: int, folder: Path, threads: bool = True) -> Iterator[Trace]:
    """The number-th such call of any one thread of pid meets the fault; strace counts each thread for itself.

    threads False: of the threads that there are now, and of no child.
    """
    log = folder / f"strace-{call}-{number}"
    which = ["-f", "-p", str(pid)] if threads else [word for one in _threads(pid) for word in ("-p", one)]
    inject = f"inject={call}:{fault}:when={number}"
    command = ["strace", "-qq", "-o", str(log), *which, "-e", f"trace={call}", "-e", inject]
    log.touch()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        trace = Trace(log, process)
        try:
            _await_attached(pid, process)
            yield trace
        finally:
            trace.close()
    log.unlink()


def _threads(pid: int) -> list[str]:
    try:
        return [task.name for task in Path(f"/proc/{pid}/task").iterdir()]
    except FileNotFoundError:
        raise Ended(f"process {pid} is gone") from None


def _await_attached(pid: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + ATTACH_SECONDS
    while not all(_traced(pid, thread) for thread in _threads(pid)):
        if process.poll() is not None or time.monotonic() > end:
            raise Ended(f"strace does not attach to {pid} (exit code {process.returncode})")
        time.sleep(0.002)


def _traced(pid: int, thread: str) -> bool:
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/task/{thread}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("TracerPid")) != 0
    return True
