"""`redact-again`: pass stored snapshots and files through the rules of this version."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caseprobe_collector.cli.printing import tell, warn
from caseprobe_collector.config import CollectorConfig, load_config

if TYPE_CHECKING:
    from caseprobe_collector.app.again import Again


def redact_again(
    config: Annotated[Path | None, typer.Option(help="settings file")] = None,
    data_folder: Annotated[Path | None, typer.Option(help="where everything is kept")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> int:
    """Hide in stored snapshots and their files what this version's rules find and older ones did not.

    The collector must not be running.
    """
    result = asyncio.run(_run(load_config(config, data_folder=data_folder)))
    looked, changed = result.looked_at, result.changed
    unreadable = list(result.unreadable)
    line = f"{looked} snapshots looked at, {changed} hold less now, {len(unreadable)} could not be read"
    tell({"looked_at": looked, "changed": changed, "unreadable": unreadable}, json_output, [line])
    return 3 if unreadable else 0


async def _run(settings: CollectorConfig) -> Again:
    from caseprobe_collector.app.again import redact_again as again
    from caseprobe_collector.app.core import SystemClock
    from caseprobe_collector.audit import AuditLog
    from caseprobe_collector.storage import open_storage

    async with open_storage(settings.data_folder) as storage:
        return await again(storage, AuditLog(storage.audit, SystemClock()), "terminal", warn)
