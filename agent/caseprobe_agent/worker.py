"""Runs one function in a child with limits, so that what hangs, allocates or forks never touches this process.

The child is `python -m caseprobe_agent.worker module:qualname seconds`: the request comes on stdin, answers leave on
stdout, both as frames (kind, length, bytes). After its last frame the child waits to be killed: as long as it lives,
its number and that of its process group cannot be another's, so whatever it started ends with it.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import signal
import struct
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, BinaryIO, TypeVar, cast

from caseprobe.errors import CaseprobeError, MachineDenied, MachineTimeout, MeasurementError, error_from

if TYPE_CHECKING:
    # A child loads this module too and has no use for asyncio: 50 ms of each child's start.
    import asyncio

HEADER = struct.Struct("!cI")
DATA, END, ERROR = b"D", b"E", b"X"
# A child that sits in an uninterruptible read does not die when it is killed; nobody waits for it longer than this.
BURIAL_SECONDS = 0.5
# What a child must not see: it needs no join code.
SECRET_PREFIX = "CASEPROBE_JOIN_CODE"


@dataclass(frozen=True)
class Limits:
    """What the child may take; file_bytes 0 means that it cannot write to any disk."""

    memory_bytes: int = 1 << 30
    file_bytes: int = 0
    open_files: int = 1024
    frame_bytes: int = 64 << 20


Stream = Callable[[bytes], Iterator[bytes]]
Single = Callable[[bytes], bytes]
Answer = TypeVar("Answer")


def reference(function: Callable[..., object]) -> str:
    """The text by which a child finds a function again: it must stand by name in an importable module."""
    if "<" in function.__qualname__ or function.__module__ == "__main__":
        raise ValueError(f"{function.__qualname__} cannot be found by a child: it has no name in a module")
    return f"{function.__module__}:{function.__qualname__}"


def resolve(name: str) -> Callable[..., object]:
    """The function that reference() named."""
    module, _, qualname = name.partition(":")
    return cast(Callable[..., object], attrgetter(qualname)(importlib.import_module(module)))


async def run(
    function: Stream, request: bytes, timeout_seconds: float, limits: Limits = Limits()
) -> AsyncGenerator[bytes, None]:
    """Everything that the function yields, as it comes; close it (contextlib.aclosing) and the child is killed.

    Raises MachineTimeout at the limit, the function's own CaseprobeError, MeasurementError for any other end.
    """
    import asyncio

    end = asyncio.get_running_loop().time() + timeout_seconds
    process = await _start(reference(function), timeout_seconds, limits)
    try:
        await _within(end, _ask(process, request))
        while (answer := await _within(end, _answer(process, limits))) is not None:
            yield answer
    except TimeoutError:
        raise MachineTimeout(f"the measurement did not end within {timeout_seconds:g} s and was killed") from None
    finally:
        await _bury(process)


async def call(function: Single, request: bytes, timeout_seconds: float, limits: Limits = Limits()) -> bytes:
    """The one answer of a function; raises as run does."""
    async with contextlib.aclosing(run(cast(Stream, function), request, timeout_seconds, limits)) as answers:
        async for answer in answers:
            return answer
    raise MeasurementError(f"{function.__qualname__} gave no answer")


async def _start(name: str, timeout_seconds: float, limits: Limits) -> asyncio.subprocess.Process:
    import asyncio

    figures = (timeout_seconds, limits.memory_bytes, limits.file_bytes, limits.open_files)
    try:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # the working folder may be anybody's; nothing is imported from it
            "-m",
            "caseprobe_agent.worker",
            name,
            *(str(figure) for figure in figures),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=_environment(),
            start_new_session=True,
        )
    except OSError as error:
        raise MeasurementError(f"no child could be started: {error.strerror}") from error


def _environment() -> dict[str, str]:
    """Ours without secrets, and with our own import path, so that the child runs the same code."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SECRET_PREFIX)}
    paths = os.pathsep.join(path for path in sys.path if path.startswith("/"))
    # One heap for all threads: the many of a statvfs round would reserve more than the memory limit.
    return kept | {"PYTHONPATH": paths, "MALLOC_ARENA_MAX": "1"}


async def _within(end: float, step: Coroutine[object, object, Answer]) -> Answer:
    """The step's result; TimeoutError at the end. The consumer's own time between two answers also counts."""
    import asyncio

    async with asyncio.timeout_at(end):
        return await step


async def _ask(process: asyncio.subprocess.Process, request: bytes) -> None:
    assert process.stdin is not None
    with contextlib.suppress(ConnectionError):  # a child that died at once is told of by _answer
        process.stdin.write(HEADER.pack(DATA, len(request)) + request)
        await process.stdin.drain()


async def _answer(process: asyncio.subprocess.Process, limits: Limits) -> bytes | None:
    """The next answer, None after the last one."""
    import asyncio

    assert process.stdout is not None
    try:
        kind, length = HEADER.unpack(await process.stdout.readexactly(HEADER.size))
        if length > limits.frame_bytes:
            raise MeasurementError(f"the child sent {length} bytes at once, over its limit")
        body = await process.stdout.readexactly(length)
    except asyncio.IncompleteReadError:
        raise MeasurementError(await _obituary(process)) from None
    if kind == ERROR:
        raise _error(body)
    return body if kind == DATA else None


async def _obituary(process: asyncio.subprocess.Process) -> str:
    import asyncio

    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), BURIAL_SECONDS)
    code = process.returncode
    if code is not None and code < 0:
        return f"the child that measured was ended by {signal.Signals(-code).name}"
    return f"the child that measured ended without an answer (exit code {code})"


def _error(body: bytes) -> CaseprobeError:
    """The error that the child sent, as its own class."""
    code, message, needs = json.loads(body)
    error = error_from(code, message)
    if isinstance(error, MachineDenied):
        error.needs = needs
    return error


async def _bury(process: asyncio.subprocess.Process) -> None:
    """Kill the child and everything that it started; wait for its end, but not for ever."""
    import asyncio

    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), BURIAL_SECONDS)
    transport = getattr(process, "_transport", None)
    if transport is not None:
        transport.close()


def main(arguments: list[str]) -> None:
    """The child: limits first, then the function, then wait to be killed."""
    name, seconds, *figures = arguments
    _limit(float(seconds), *(int(figure) for figure in figures))
    answers = os.fdopen(os.dup(1), "wb")
    # Whatever a library prints must not mix with the frames.
    os.dup2(2, 1)
    try:
        _serve(name, sys.stdin.buffer, answers)
    except BrokenPipeError:
        os._exit(1)
    sys.stdin.buffer.read()
    os._exit(0)


def _limit(seconds: float, memory_bytes: int, file_bytes: int, open_files: int) -> None:
    # Ends the child also where its parent was killed and nobody else would.
    signal.setitimer(signal.ITIMER_REAL, seconds + 1.0)
    for kind, wanted in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_NOFILE, open_files),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, int(seconds) + 1),
    ):
        hard = resource.getrlimit(kind)[1]
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (allowed, allowed))


def _serve(name: str, requests: BinaryIO, answers: BinaryIO) -> None:
    try:
        _, length = HEADER.unpack(requests.read(HEADER.size))
        answer = resolve(name)(requests.read(length))
        for part in [answer] if isinstance(answer, bytes) else cast(Iterator[bytes], answer):
            _send(answers, DATA, part)
        _send(answers, END, b"")
    except BrokenPipeError:
        raise
    except CaseprobeError as error:
        _send(answers, ERROR, json.dumps([error.code, str(error), getattr(error, "needs", "")]).encode())
    except Exception as error:
        why = f"{name} failed: {type(error).__name__}: {error}".splitlines()[0]
        _send(answers, ERROR, json.dumps([MeasurementError.code, why, ""]).encode())


def _send(answers: BinaryIO, kind: bytes, body: bytes) -> None:
    answers.write(HEADER.pack(kind, len(body)) + body)
    answers.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
