"""The caller's side: a child that was started, its answers, its end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Coroutine
from typing import TYPE_CHECKING, TypeVar

from caseprobe.errors import CaseprobeError, MachineDenied, MachineTimeout, MeasurementError, error_from
from caseprobe_agent.manners import lowered
from caseprobe_agent.worker.frames import DATA, ERROR, HEADER, IDLE, LIMITS, Limits, frame

if TYPE_CHECKING:
    # The caller of a one-shot run has not loaded asyncio yet when it starts its child.
    import asyncio

# How long a child that ended by itself may take to be gone, with its exit code.
OBITUARY_SECONDS = 0.5
# A child that sits in an uninterruptible read does not die when it is killed, and one that gets no processor time dies
# late: nobody waits for either longer than this.
BURIAL_SECONDS = 0.1
POLL_SECONDS = 0.002
# What a child must not see: it needs no join code.
SECRET_PREFIX = "CASEPROBE_JOIN_CODE"
Answer = TypeVar("Answer")


class Child:
    """A child that loads its function and waits for a request; leave the `with` block and it is gone.

    function: what reference() gives, or the same text, so that the caller need not load what only the child runs.
    idle: it gets only such time of processors and disks as nobody else wants. kept: after a whole answer it waits for
    the next request, until end(); otherwise it is gone with its first answer.
    Raises MeasurementError where no process can be started.
    """

    def __init__(self, function: str, idle: bool = False, kept: bool = False) -> None:
        self.function, self.idle = function, idle
        self._kept, self._over = kept, False
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._transports: list[asyncio.ReadTransport | asyncio.WriteTransport] = []
        try:
            self._process = subprocess.Popen(
                # -P: the working folder may be anybody's; nothing is imported from it
                [sys.executable, "-P", "-m", "caseprobe_agent.worker", function, *([IDLE] if idle else [])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                start_new_session=not (stays := lowered()),
                process_group=0 if stays else None,
            )
        except OSError as error:
            raise MeasurementError(f"no child could be started: {error.strerror}") from error

    @property
    def alive(self) -> bool:
        """Whether it can be asked (again)."""
        return not self._over and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its number, which is its process group's too."""
        return self._process.pid

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self._kill()
        try:
            self._process.wait(OBITUARY_SECONDS)
        except subprocess.TimeoutExpired:
            self._leave()
        self._close()

    async def answers(self, request: bytes, timeout_seconds: float, limits: Limits) -> AsyncGenerator[bytes, None]:
        """Everything that the function yields, as it comes; raises as run does."""
        import asyncio

        end = asyncio.get_running_loop().time() + timeout_seconds
        figures = json.dumps([timeout_seconds, limits.memory_bytes, limits.file_bytes, limits.open_files]).encode()
        whole = False
        try:
            reader, writer = await self._streams()
            await _within(end, _send(writer, frame(LIMITS, figures) + frame(DATA, request)))
            # The consumer's own time between two answers counts too.
            while (answer := await _within(end, self._answer(reader, limits))) is not None:
                yield answer
            whole = True
        except TimeoutError:
            raise MachineTimeout(f"the measurement did not end within {timeout_seconds:g} s and was killed") from None
        finally:
            if not (whole and self._kept):
                await self.end()

    async def _streams(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The child's pipes as this loop's streams, opened when it is first asked."""
        import asyncio

        if self._open is None:
            loop = asyncio.get_running_loop()
            reader, unread = asyncio.StreamReader(), asyncio.StreamReaderProtocol(asyncio.StreamReader())
            incoming, _ = await loop.connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(reader), self._process.stdout
            )
            self._transports.append(incoming)
            outgoing, _ = await loop.connect_write_pipe(lambda: unread, self._process.stdin)
            self._transports.append(outgoing)
            self._open = reader, asyncio.StreamWriter(outgoing, unread, None, loop)
        return self._open

    async def _answer(self, reader: asyncio.StreamReader, limits: Limits) -> bytes | None:
        """The next answer, None after the last one."""
        import asyncio

        try:
            kind, length = HEADER.unpack(await reader.readexactly(HEADER.size))
            if length > limits.frame_bytes:
                raise MeasurementError(f"the child sent {length} bytes at once, over its limit")
            body = await reader.readexactly(length)
        except asyncio.IncompleteReadError:
            raise MeasurementError(await self._obituary()) from None
        if kind == ERROR:
            raise _error(body)
        return body if kind == DATA else None

    async def _obituary(self) -> str:
        code = await self._ended(OBITUARY_SECONDS)
        if code is not None and code < 0:
            return f"the child that measured was ended by {signal.Signals(-code).name}"
        return f"the child that measured ended without an answer (exit code {code})"

    async def _ended(self, seconds: float) -> int | None:
        """The exit code; None where it does not end within this time."""
        import asyncio

        end = asyncio.get_running_loop().time() + seconds
        while (code := self._process.poll()) is None and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(POLL_SECONDS)
        return code

    async def end(self) -> None:
        """Kill the child and everything that it started; wait for its end, but not for ever."""
        self._kill()
        if await self._ended(BURIAL_SECONDS) is None:
            self._leave()
        self._close()

    def _leave(self) -> None:
        """Somebody must hear of its end, whenever that is: a dead disk answers, or the machine has time for it."""
        threading.Thread(target=self._process.wait, daemon=True).start()

    def _kill(self) -> None:
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _close(self) -> None:
        self._over = True
        for transport in self._transports:
            transport.close()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _environment() -> dict[str, str]:
    """Ours without secrets, and with our own import path, so that the child runs the same code."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SECRET_PREFIX)}
    paths = os.pathsep.join(path for path in sys.path if path.startswith("/"))
    # One heap for all threads: the many of a statvfs round would reserve more than the memory limit.
    return kept | {"PYTHONPATH": paths, "MALLOC_ARENA_MAX": "1"}


async def _within(end: float, step: Coroutine[object, object, Answer]) -> Answer:
    import asyncio

    async with asyncio.timeout_at(end):
        return await step


async def _send(writer: asyncio.StreamWriter, request: bytes) -> None:
    """A child that died at once is told of by whoever waits for its answer."""
    with contextlib.suppress(ConnectionError):
        writer.write(request)
        await writer.drain()


def _error(body: bytes) -> CaseprobeError:
    """The error that the child sent, as its own class."""
    code, message, needs = json.loads(body)
    error = error_from(code, message)
    if isinstance(error, MachineDenied):
        error.needs = needs
    return error
