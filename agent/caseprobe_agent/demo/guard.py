"""Ends what the demo started, and removes its folder, where the demo was killed and could not do it itself.

A process of its own that runs this file: stdin carries one line for every process group that begins (its number) or
ended (the number, negative). The kernel closes that pipe whatever the demo dies of, on every system.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

PATIENCE_SECONDS = 10.0


class Guard:
    """The demo's end of that pipe."""

    def __init__(self, folder: Path) -> None:
        # Isolated: it starts in a hundredth of a second, and nothing in the demo's environment can keep it from that.
        command = [sys.executable, "-I", "-S", __file__, str(folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    def begun(self, group: int) -> None:
        """End this process group if the demo dies."""
        self._tell(group)

    def ended(self, group: int) -> None:
        """It is gone; its number may become another's."""
        self._tell(-group)

    def close(self) -> None:
        """The demo ends by itself, and has tidied up."""
        self._process.kill()
        self._process.communicate()

    def _tell(self, number: int) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"%d\n" % number)
        self._process.stdin.flush()


def main(folder: str, lines: Iterable[str]) -> None:
    """Follow what begins and ends; once nobody writes any more, end what is left and remove the folder."""
    groups: set[int] = set()
    for number in map(int, lines):
        if number > 0:
            groups.add(number)
        else:
            groups.discard(-number)
    end(groups)
    shutil.rmtree(folder, ignore_errors=True)


def end(groups: Iterable[int]) -> None:
    """Ask each process group to end, and kill what does not."""
    left = {group for group in groups if signalled(group, signal.SIGTERM)}
    deadline = time.monotonic() + PATIENCE_SECONDS
    while left and time.monotonic() < deadline:
        time.sleep(0.02)
        left = {group for group in left if signalled(group, 0)}
    for group in left:
        signalled(group, signal.SIGKILL)


def signalled(group: int, number: int) -> bool:
    """Send a signal to a process group; False where nothing of it is left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
        return True
    return False


if __name__ == "__main__":
    main(sys.argv[1], sys.stdin)
