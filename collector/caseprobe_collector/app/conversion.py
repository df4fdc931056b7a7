"""Archives of other programs become bundles in a child: the agent's own `caseprobe import`, under limits.

Collector and agent share no code but the contract, so that nothing that reads hostile files runs in this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from caseprobe.errors import Corrupt
from caseprobe_collector.ports import Staged

SECONDS, MEMORY_BYTES, FILE_BYTES = 100.0, 2 << 30, 256 << 20
COPY_BYTES = 1 << 20
LONGEST_REASON = 300
SAID_BY = "caseprobe: "
NAME = "uploaded"


class ChildConverter:
    """Implements the port `Converter`, one archive after the other."""

    def __init__(self, key_of: Callable[[str], bytes]) -> None:
        """key_of: the 32 bytes under which all that is imported for a customer is redacted, signed and named."""
        self._key_of = key_of
        self._turn = asyncio.Lock()

    async def convert(self, archive: BinaryIO, customer_id: str, bundle: Staged) -> bytes:
        """Write the bundle of an archive and give its SHA-256; raises Corrupt, StorageFull."""
        async with self._turn:
            return await asyncio.to_thread(_convert, archive, self._key_of(customer_id), bundle)


def _convert(archive: BinaryIO, key: bytes, bundle: Staged) -> bytes:
    with tempfile.TemporaryDirectory(prefix="caseprobe-import-") as name:
        folder = Path(name)
        made, state = folder / "bundle.zip", folder / "state"
        state.mkdir(mode=0o700)
        (state / "pseudonyms.key").touch(mode=0o600)
        (state / "pseudonyms.key").write_bytes(key)
        # The file has no name that lasts; this process holds it open for the child, under one that is always the same.
        (folder / NAME).symlink_to(f"/proc/{os.getpid()}/fd/{archive.fileno()}")
        _run(str(folder / NAME), made, folder)
        digest = hashlib.sha256()
        with made.open("rb") as file:
            while part := file.read(COPY_BYTES):
                digest.update(part)
                bundle.write(part)
        return digest.digest()


def _run(archive: str, made: Path, folder: Path) -> None:
    """The command, to its end or its limits; raises Corrupt with what it said."""
    command = (sys.executable, "-P", "-m", "caseprobe_agent", "import", archive, "--output", str(made), "--json")
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=_environment(folder),
        cwd=folder,
        start_new_session=True,
    )
    with child:
        try:
            _limit(child.pid)
            _, said = child.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise Corrupt(f"the archive was not read within {SECONDS:g} s; it was not stored") from None
        finally:
            child.kill()
    if child.returncode:
        # The name that the file has here means nothing to who sent it.
        text = said.decode("utf-8", "replace").replace(archive, "the file").replace(f"{NAME}: ", "")
        lines = text.splitlines() or ["it was not read"]
        reason = lines[-1].removeprefix(SAID_BY)[:LONGEST_REASON]
        raise Corrupt(f"this is not a caseprobe bundle, and as an archive or report it cannot be read: {reason}")


def _limit(pid: int) -> None:
    """What the child may take; what it starts may take no more."""
    limits = ((resource.RLIMIT_AS, MEMORY_BYTES), (resource.RLIMIT_FSIZE, FILE_BYTES), (resource.RLIMIT_CORE, 0))
    for kind, most in limits:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, kind, (most, most))


def _environment(folder: Path) -> dict[str, str]:
    """Nothing of ours but where the code is: no setting and no secret of the collector reaches the child."""
    paths = os.pathsep.join(path for path in sys.path if path.startswith("/"))
    return {
        "PATH": "/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": paths,
        "HOME": str(folder),
        "CASEPROBE_CONFIG_FOLDER": str(folder / "config"),
        "CASEPROBE_STATE_FOLDER": str(folder / "state"),
        "CASEPROBE_NETWORK_PROBES": "off",
    }
