"""`verify-audit`: prove that the audit chain is whole."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from caseprobe.errors import Corrupt
from caseprobe_collector.config import CollectorConfig, load_config

PAGE = 1000


def verify_audit(
    config: Annotated[Path | None, typer.Option(help="settings file")] = None,
    data_folder: Annotated[Path | None, typer.Option(help="where everything is kept")] = None,
) -> int:
    """Check every entry's hash and its place in the chain; the collector must not be running."""
    settings = load_config(config, data_folder=data_folder)
    entries, newest = asyncio.run(_verify(settings))
    print(f"{entries} entries, one unbroken chain, newest {newest}")
    return 0


async def _verify(settings: CollectorConfig) -> tuple[int, str]:
    """(entries, hash of the newest); raises Corrupt at the first bad one."""
    from caseprobe_collector.audit import GENESIS, verify
    from caseprobe_collector.storage import open_storage

    number, previous = 0, GENESIS
    async with open_storage(settings.data_folder) as storage:
        while rows := await storage.audit.list_audit(number + 1, PAGE):
            fault = verify(rows, previous, number + 1)
            if fault:
                raise Corrupt(f"audit log: {fault}")
            number, previous = rows[-1].number, rows[-1].sha256
    return number, previous.hex()
