"""The processes that are tortured, and the forges that start them quickly."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
READY_SECONDS = 30.0
# By command: its entry point, and what it loads, so that a forked one finds it in memory.
ENTRIES = {
    "caseprobe_collector": "caseprobe_collector.__main__:run",
    "caseprobe_agent": "caseprobe_agent.__main__:run",
    "tests.torture.station": "tests.torture.station:run",
}
PRELOAD = {
    "caseprobe_collector": ("caseprobe_collector.cli.serve", "caseprobe_collector.app", "caseprobe_collector.cli"),
    "caseprobe_agent": ("caseprobe_agent.cli.run", "caseprobe_agent.app.resident", "caseprobe_agent.cli"),
    "tests.torture.station": ("tests.torture.station",),
}


class Child:
    """One process of a forge."""

    def __init__(self, pid: int, forge: Forge, output: int, log: Path) -> None:
        self.pid = pid
        self.log = log
        self.code: int | None = None
        self._forge = forge
        self._output = os.fdopen(output, "rb", buffering=0)
        self._pidfd = os.pidfd_open(pid)

    @property
    def running(self) -> bool:
        """True until it ended."""
        return self.code is None and not select.select([self._pidfd], [], [], 0)[0]

    def send(self, number: signal.Signals) -> None:
        """A signal; nothing where it ended already."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, number)

    def wait(self, seconds: float) -> int:
        """Its exit code, negative for a signal; TimeoutError."""
        if self.code is None:
            if not select.select([self._pidfd], [], [], seconds)[0]:
                raise TimeoutError(f"process {self.pid} does not end")
            self.code = self._forge.reap(self.pid)
            self._output.close()
            os.close(self._pidfd)
        return self.code

    def kill(self) -> None:
        """SIGKILL it and everything in its session, and bury it."""
        if self.code is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self.wait(READY_SECONDS)

    def line(self, seconds: float = READY_SECONDS) -> str:
        """Its next line on stdout, empty where there is none in time or it ended."""
        found, end = b"", time.monotonic() + seconds
        while not found.endswith(b"\n"):
            if not select.select([self._output], [], [], max(0.0, end - time.monotonic()))[0]:
                break
            if not (more := self._output.read(1)):
                break
            found += more
        return found.decode(errors="replace")

    def words(self) -> str:
        """The end of what it said on stderr."""
        with contextlib.suppress(OSError):
            return self.log.read_text(errors="replace").strip()[-800:]
        return ""


class Forge:
    """A zygote with its command loaded: starts that command as often as is wanted."""

    def __init__(self, module: str, entrance: Sequence[str] = (), mutant: str = "", **environment: str) -> None:
        self.module = module
        self._lock = threading.Lock()
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        paths = [str(ROOT), *(str(ROOT / part) for part in ("agent", "collector", "proto"))]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **environment}
        command = [*entrance, sys.executable, "-m", "tests.torture.zygote", str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                [*command, mutant or "-", *PRELOAD[module]],
                pass_fds=[theirs.fileno()],
                env=environment,
                start_new_session=True,
            )
        self._environment = environment
        if not self._channel.recv(4096):
            raise RuntimeError(f"no process can be started: {' '.join(command)}")

    def start(
        self, arguments: Sequence[str], log: Path, environment: Mapping[str, str] | None = None, file_bytes: int = 0
    ) -> Child:
        """Start the command; file_bytes: the largest file that it may write at first (RLIMIT_FSIZE), 0 for any."""
        read, write = os.pipe()
        request = {
            "module": self.module,
            "entry": ENTRIES[self.module],
            "arguments": list(arguments),
            "environment": {**self._environment, **(environment or {})},
            "file_bytes": file_bytes,
        }
        with log.open("ab") as errors:
            answer = self._ask(request, [write, errors.fileno()])
        os.close(write)
        return Child(answer["pid"], self, read, log)

    def reap(self, pid: int) -> int:
        """The exit code of a child that ended."""
        return int(self._ask({"reap": pid})["code"])

    def close(self) -> None:
        """End the zygote; its children are the callers'."""
        self._channel.close()
        self._process.wait(READY_SECONDS)

    def _ask(self, request: Mapping[str, Any], descriptors: Sequence[int] = ()) -> Any:
        with self._lock:
            socket.send_fds(self._channel, [json.dumps(request).encode()], list(descriptors))
            return json.loads(self._channel.recv(4096))


async def apart(function: Any, *arguments: Any) -> Any:
    """A blocking call beside the event loop, so that the load goes on."""
    return await asyncio.to_thread(function, *arguments)
