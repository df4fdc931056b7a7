"""Inside the child: load the function; take limits and answer, request by request, until killed or left alone."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from typing import BinaryIO, cast

from caseprobe.errors import CaseprobeError, MeasurementError
from caseprobe_agent.manners import give_way, lower_session, take_part
from caseprobe_agent.worker.frames import DATA, END, ERROR, HEADER, IDLE, LIMITS, frame
from caseprobe_agent.worker.names import resolve


def main(arguments: list[str]) -> None:
    """The child: its function, then limits and a request again and again, for as long as somebody asks."""
    name, *how = arguments
    if IDLE in how:
        give_way()
    else:
        take_part()
    answers = os.fdopen(os.dup(1), "wb")
    # Whatever a library prints must not mix with the frames.
    os.dup2(2, 1)
    try:
        _serve(name, sys.stdin.buffer, answers, IDLE in how)
    except BrokenPipeError:
        os._exit(1)
    # After an error it is of no further use: it waits to be killed.
    sys.stdin.buffer.read()
    os._exit(0)


def _limit(seconds: float, memory_bytes: int, file_bytes: int, open_files: int) -> None:
    # Ends the child also where its parent was killed and nobody else would.
    signal.setitimer(signal.ITIMER_REAL, seconds + 1.0)
    # What it has used for requests before counts too, and the hard limit stays for those after it.
    used = time.process_time()
    resource.setrlimit(resource.RLIMIT_CPU, (_allowed(resource.RLIMIT_CPU, int(used + seconds) + 1), _hard_cpu()))
    for kind, wanted in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_NOFILE, open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        allowed = _allowed(kind, wanted)
        resource.setrlimit(kind, (allowed, allowed))


def _hard_cpu() -> int:
    return resource.getrlimit(resource.RLIMIT_CPU)[1]


def _allowed(kind: int, wanted: int) -> int:
    """What is wanted, within what this process may have."""
    hard = resource.getrlimit(kind)[1]
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)


def _serve(name: str, requests: BinaryIO, answers: BinaryIO, idle: bool) -> None:
    try:
        function = resolve(name)
        if idle:
            # Once more: where several wish for it at once, the kernel hears one.
            lower_session()
        # A class keeps something from one request to the next: its one object answers them all.
        if isinstance(function, type):
            function = function()
        while True:
            _limit(*json.loads(_read(requests, LIMITS)))
            answer = function(_read(requests, DATA))
            for part in [answer] if isinstance(answer, bytes) else cast(Iterator[bytes], answer):
                _send(answers, DATA, part)
            _send(answers, END, b"")
            # Until it is asked again nothing can hang; where its parent ends, so does the pipe that it reads.
            signal.setitimer(signal.ITIMER_REAL, 0.0)
    except BrokenPipeError:
        raise
    except CaseprobeError as error:
        _send(answers, ERROR, json.dumps([error.code, str(error), getattr(error, "needs", "")]).encode())
    except Exception as error:
        why = f"{name} failed: {type(error).__name__}: {error}".splitlines()[0]
        _send(answers, ERROR, json.dumps([MeasurementError.code, why, ""]).encode())


def _read(requests: BinaryIO, expected: bytes) -> bytes:
    """The body of the next frame; a caller that went away without asking ends the child."""
    header = requests.read(HEADER.size)
    if len(header) < HEADER.size:
        os._exit(1)
    kind, length = HEADER.unpack(header)
    if kind != expected:
        raise ValueError(f"frame {kind!r} came where {expected!r} was due")
    return requests.read(length)


def _send(answers: BinaryIO, kind: bytes, body: bytes) -> None:
    answers.write(frame(kind, body))
    answers.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
