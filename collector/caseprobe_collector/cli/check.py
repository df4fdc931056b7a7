"""`check`: read and prove everything that is stored, also while the collector runs."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caseprobe_collector.cli.printing import tell
from caseprobe_collector.config import load_config

if TYPE_CHECKING:
    from caseprobe_collector.ports import Transaction

DAMAGED = 1
# How often the line on a terminal is written anew.
EVERY = 100


def check(
    config: Annotated[Path | None, typer.Option(help="settings file")] = None,
    data_folder: Annotated[Path | None, typer.Option(help="where everything is kept")] = None,
    settle: Annotated[
        bool, typer.Option("--settle", help="say that known losses are dealt with; the collector must not be running")
    ] = False,
    json_output: Annotated[bool, typer.Option("--json", help="print the result as one JSON object")] = False,
) -> int:
    """Prove every row, body, file and audit entry; ends with 1 where something is damaged or missing."""
    from caseprobe_collector.storage.checkup import check_store

    folder = load_config(config, data_folder=data_folder).data_folder
    if settle:
        asyncio.run(_settle(folder))
    found = check_store(folder, _progress)
    counted = f"{found.snapshots_total} snapshots, {found.files_total} files, {found.audit_entries_total} audit entries"
    verdict = f"{counted}: {'all sound' if not found.problems_total else f'{found.problems_total} problems'}"
    lines = [f"{one.kind:8}  {one.object or '-'}  {one.why}" for one in found.problems]
    tell({"sound": not found.problems_total, **dataclasses.asdict(found)}, json_output, [*lines, verdict])
    return DAMAGED if found.problems_total else 0


async def _settle(folder: Path) -> None:
    from caseprobe_collector.storage import open_storage

    now = datetime.now(UTC)
    async with open_storage(folder) as storage:

        async def work(tx: Transaction) -> None:
            settled = await storage.losses.settle_losses(tx, now)
            if settled:
                what = f"{settled} losses are dealt with"
                await storage.audit.append_audit(tx, now, "local", "store.settle", "", "", what)

        await storage.transactions.run(work)


def _progress(done: int, total: int) -> None:
    """On a terminal alone, and gone at the end."""
    if sys.stderr.isatty() and (done % EVERY == 0 or done == total):
        line = f"\r{done:,} of {total:,} snapshots" if done < total else "\r\x1b[K"
        print(line, end="", file=sys.stderr, flush=True)
