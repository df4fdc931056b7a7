"""A spool's store in memory, for what needs no disk, and a small disk for what needs a full one."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from caseprobe_agent.spool.record import SCHEMA
from caseprobe_agent.spool.rows import Quota
from caseprobe_agent.spool.store import Store


def memory_store(quota: Quota, elapsed: Callable[[], float]) -> Store:
    """An open store without a file."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(SCHEMA)
    return Store(connection, "spool_1", quota, elapsed)


async def on_small_disk(script: str, folder: Path) -> tuple[int | None, str, str]:
    """Exit code, output and errors of a script, given a folder that is a tmpfs of 6 MiB of its own."""
    command = f'mount -t tmpfs -o size=6m none {folder} && exec {sys.executable} -c "$0" {folder}'
    child = await asyncio.create_subprocess_exec(
        *("unshare", "-Urm", "sh", "-c", command, script),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await child.communicate()
    if b"unshare" in err or b"mount" in err:
        pytest.skip("not run: this machine gives no mount namespace")
    return child.returncode, out.decode(), err.decode()
