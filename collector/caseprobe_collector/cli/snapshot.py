"""caseprobe-collector snapshot: delete."""

from __future__ import annotations

from typing import Annotated

import typer

from caseprobe_collector.cli import printing, remote
from caseprobe_collector.cli.remote import DEFAULT_URL, AsJson, Ca, Url, Yes, segment

app = typer.Typer(help="Single snapshots.", no_args_is_help=True)


@app.callback()
def snapshots() -> None:
    """Keeps the name of the command although there is only one."""


@app.command("delete")
def delete_snapshot(
    snapshot: Annotated[str, typer.Argument(help="Id of the snapshot.")],
    yes: Yes = False,
    url: Url = DEFAULT_URL,
    ca: Ca = "",
    as_json: AsJson = False,
) -> None:
    """Remove a snapshot and its files for good, a damaged one too; the audit keeps that it was there."""
    there = remote.connect(url, ca)
    remote.confirm(f"Delete {snapshot} and its files for good?", yes)
    there.delete(f"/snapshots/{segment(snapshot)}")
    printing.tell({"snapshot_id": snapshot}, as_json, [f"{snapshot} is deleted"])
