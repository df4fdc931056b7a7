"""The privileged reader: root's answers to a closed list of questions, so that the agent needs no right of root's.

Why it is safe to run this as root:

- Nothing that a caller sends is used but one byte, which picks one of the compiled-in reads. No path, name, option or
  length comes from outside; where a read has several objects (disks, processes), the reader lists them itself.
- It only reads. Programs are started by their absolute path with fixed arguments, without a shell and with a fixed
  environment, and only where nobody but root can have changed them.
- It is small and shortlived: systemd listens, and starts one process a connection (at most eight). That process answers
  one question and is gone; nothing of one caller can reach the next. It imports neither gRPC nor a parser.
- Who may ask is decided twice: by the mode of the socket, and by the caller's user, as the kernel tells it.
- Before it reads, it gives up every capability that this one read does not need, for good and for what it starts.
- What it gives is bounded in bytes and time, whatever caller, disk or program does; an alarm ends it in any case.
- Every question is told in the journal: who asked, what, how much was given, or why nothing.

What it gives is what `caseprobe check` would read as root: the agent's policy has been asked before, and redaction
comes behind it as for everything else.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time

from caseprobe.errors import MeasurementError, NotAllowed
from caseprobe_agent.machine.parts import ANSWER_BYTES, LAST, Part, encoded, part_of
from caseprobe_agent.machine.peers import credentials
from caseprobe_agent.machine.reads import Read
from caseprobe_agent.reader.confinement import confine
from caseprobe_agent.reader.readings import ALL

QUESTION_SECONDS, SEND_SECONDS, ALARM_SECONDS = 2.0, 5.0, 75
# sd_listen_fds(3): the first descriptor that is handed over.
FIRST_DESCRIPTOR = 3


def handed_over() -> socket.socket | None:
    """The one connection that systemd accepted for this process; None where it handed none over."""
    ours = os.environ.get("LISTEN_PID") == str(os.getpid()) and os.environ.get("LISTEN_FDS") == "1"
    if not ours:
        return None
    os.set_inheritable(FIRST_DESCRIPTOR, False)
    return socket.socket(fileno=FIRST_DESCRIPTOR)


def serve(connection: socket.socket, allowed: frozenset[int]) -> None:
    """Answers one question of one of these users (and root), or says in the journal why not."""
    # Its default action: it ends this process, wherever that hangs.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(ALARM_SECONDS)
    pid, uid, _ = credentials(connection)
    who, started = f"process {pid} of user {uid}", time.monotonic()
    try:
        read = _question(connection, uid, allowed)
        confine(ALL[read].capabilities)
        parts, size = _answer(connection, read)
    except (OSError, MeasurementError, NotAllowed) as error:
        _tell(f"{who}: not answered: {error or type(error).__name__}")
        return
    _tell(f"{who}: {read.word}: {parts} parts, {size} bytes, {time.monotonic() - started:.2f} s")


def _question(connection: socket.socket, uid: int, allowed: frozenset[int]) -> Read:
    """What is asked. Raises NotAllowed, MeasurementError, or OSError where nothing comes in time."""
    connection.settimeout(QUESTION_SECONDS)
    asked = connection.recv(1)
    if uid != 0 and uid not in allowed:
        _send(connection, Part("", code="denied", why=f"the reader does not answer user {uid}", needs="root"))
        _send(connection, LAST)
        raise NotAllowed("not a user that may ask")
    if not asked:
        raise MeasurementError("nothing was asked")
    try:
        return Read(asked[0])
    except ValueError:
        raise MeasurementError(f"{asked[0]} is no read") from None


def _answer(connection: socket.socket, read: Read) -> tuple[int, int]:
    """Sends all parts, each as soon as it is read; gives how many these were, and of how many bytes."""
    parts = size = 0
    try:
        for part in ALL[read].parts():
            # Room is left for the words of each part.
            if size + len(part.data) > ANSWER_BYTES * 3 // 4:
                raise MeasurementError("there is more than the reader may tell at once")
            size += _send(connection, part)
            parts += 1
    except MeasurementError as error:
        size += _send(connection, part_of("", error))
    return parts, size + _send(connection, LAST)


def _send(connection: socket.socket, part: Part) -> int:
    """How many bytes the part took; raises OSError where the caller does not take them in time."""
    frame = encoded(part)
    connection.settimeout(SEND_SECONDS)
    connection.sendall(frame)
    return len(frame)


def _tell(line: str) -> None:
    sys.stderr.write(f"caseprobe reader: {line}\n")
