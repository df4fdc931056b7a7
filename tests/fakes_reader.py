"""The privileged reader as systemd runs it: a socket that is listened on, a process of root's for each connection."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# sd_listen_fds(3): the number of the process must be its own, which only it knows.
HAND_OVER = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&0 </dev/null'
USER, UID = "nobody", 65534
LONGEST_SECONDS = 60.0


@dataclass
class Listening:
    """Where the reader is reached, and what it told its journal so far."""

    path: str
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def journal(self) -> list[str]:
        """What all readers said that have answered, once they are gone."""
        return [line for process in self.processes for line in process.communicate()[1].splitlines()]


def started(connection: socket.socket, user: str = USER, world: Sequence[str] = ()) -> subprocess.Popen[str]:
    """A reader that was handed this connection; world: what stands before its command."""
    return subprocess.Popen(
        [*world, "sh", "-c", HAND_OVER, "sh", sys.executable, "-P", "-m", "caseprobe_agent", "reader", "--user", user],
        stdin=connection.fileno(),
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path.startswith("/")), "PATH": os.defpath},
    )


@contextlib.contextmanager
def listening(folder: Path, user: str = USER, world: Sequence[str] = ()) -> Iterator[Listening]:
    """The socket, open to everybody (who may ask is then for the reader to decide), in a folder of its own."""
    folder.chmod(0o755)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        told = Listening(str(folder / "reader.sock"))
        listener.bind(told.path)
        Path(told.path).chmod(0o666)
        listener.listen()
        accepting = threading.Thread(target=_accept, args=(listener, told, user, world))
        accepting.start()
        try:
            yield told
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for process in told.processes:
                process.communicate(timeout=LONGEST_SECONDS)


def _accept(listener: socket.socket, told: Listening, user: str, world: Sequence[str]) -> None:
    """Until the listener is shut down."""
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            with connection:
                told.processes.append(started(connection, user, world))


# The interpreter may lie in a home folder that is closed to others: then it is mounted anew, for this process alone.
WITHIN_REACH = """
python=$0; top=/$(echo "$python" | cut -d/ -f2)
mount -t tmpfs tmpfs /mnt; mkdir /mnt/python; mount --bind "$python" /mnt/python
mount -t tmpfs -o mode=755 tmpfs "$top"; mkdir -p "$python"; mount --bind /mnt/python "$python"
exec "$@"
"""
AS_NOBODY = ("setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all")


def as_nobody(*words: str) -> list[str]:
    """A command of a process without any right, that runs this Python and all that it imports."""
    closed = [place for place in Path(sys.base_prefix).parents if not place.stat().st_mode & 1]
    world = ["unshare", "--mount", "--propagation", "private", "sh", "-euc", WITHIN_REACH, sys.base_prefix]
    return [*(world if closed else []), *AS_NOBODY, *words]
