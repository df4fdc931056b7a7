"""How the owner speaks to the resident agent: a unix socket in the agent's own folder, for its user and root alone.

One JSON object a line each way. Who speaks is what the kernel says, never what they write.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from caseprobe.errors import CaseprobeError, Corrupt, NotFound, Unreachable, error_from
from caseprobe_agent.machine.peers import uid_of

LONGEST_LINE_BYTES = 1 << 20
# sun_path holds 108 bytes; a longer path is reached through its folder's descriptor.
LONGEST_PATH_BYTES = 100
ANSWER_SECONDS = 30.0

Document = dict[str, Any]
# Given the request and the uid of who speaks.
Answerer = Callable[[Document, int], Awaitable[Document]]


@asynccontextmanager
async def listening(path: Path, answer: Answerer) -> AsyncIterator[None]:
    """Answer on the socket while this is open; raises CaseprobeError where it cannot be made."""
    with _reachable(path) as name:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()  # what a killed agent left behind; a living one holds the spool, so we never got here
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            # The folder is 0700 already; the mode is for a folder that somebody opened.
            os.fchmod(listener.fileno(), 0o600)
            listener.bind(name)
            path.chmod(0o600)
        except OSError as error:
            listener.close()
            raise Unreachable(f"{path}: the agent cannot listen for its owner: {error.strerror}") from error
    server = await asyncio.start_unix_server(_server(answer), sock=listener, limit=LONGEST_LINE_BYTES)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


async def call(path: Path, request: Document) -> Document:
    """The running agent's answer; raises NotFound where no agent runs, else the error that it answered with."""
    try:
        with _reachable(path) as name:
            reader, writer = await asyncio.open_unix_connection(name, limit=LONGEST_LINE_BYTES)
    except PermissionError:
        raise Unreachable(f"{path}: the agent belongs to another user; ask as that user or as root") from None
    except OSError:
        raise NotFound("the agent does not run on this machine; start it with `caseprobe run`") from None
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            writer.write(json.dumps(request).encode() + b"\n")
            line = await reader.readline()
    except (TimeoutError, OSError, ValueError):
        raise Unreachable("the agent does not answer; look at `caseprobe status`, or start it anew") from None
    finally:
        writer.close()
    return _answer_in(line)


def _answer_in(line: bytes) -> Document:
    """The answer, or the error that it is."""
    try:
        answer = json.loads(line)
        if "error" not in answer:
            return dict(answer)
        code, message = str(answer["error"]["code"]), str(answer["error"]["message"])
    except (ValueError, TypeError, KeyError):
        raise Corrupt("the agent's answer cannot be read; is it another version?") from None
    raise error_from(code, message)


def _server(answer: Answerer) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """One request, one answer a connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, asyncio.CancelledError):
            line = await reader.readline()
            document = await _answered(answer, line, uid_of(writer.get_extra_info("socket")))
            writer.write(json.dumps(document).encode() + b"\n")
            await writer.drain()
        writer.close()

    return serve


async def _answered(answer: Answerer, line: bytes, uid: int) -> Document:
    """The answer, errors included; only the agent's user and root are answered."""
    if uid not in (0, os.geteuid()):
        return {"error": {"code": "not_allowed", "message": "only the agent's own user and root may ask"}}
    try:
        request = json.loads(line)
        return await answer(request if isinstance(request, dict) else {}, uid)
    except CaseprobeError as error:
        return {"error": {"code": error.code, "message": str(error)}}
    except ValueError:
        return {"error": {"code": "corrupt", "message": "the request is no JSON"}}


@contextlib.contextmanager
def _reachable(path: Path) -> Any:
    """A name for the socket that is short enough for the kernel."""
    if len(os.fsencode(path)) <= LONGEST_PATH_BYTES:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
