"""caseprobe-collector import: attach a bundle that came by hand, or what another program recorded of a machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from caseprobe.errors import UsageError
from caseprobe_collector.cli import printing, remote
from caseprobe_collector.cli.remote import DEFAULT_URL, AsJson, Ca, Url, segment

app = typer.Typer(help="Attach a bundle, a sosreport or insights archive, or a report of mtr or smartctl.")


@app.callback(invoke_without_command=True, context_settings={"allow_interspersed_args": True})
def import_bundle(
    file: Annotated[Path, typer.Argument(help="A bundle; an archive; a report in JSON.")],
    case: Annotated[str, typer.Option(help="Id of the case.")],
    url: Url = DEFAULT_URL,
    ca: Ca = "",
    as_json: AsJson = False,
) -> None:
    """Send a file to a case; prints the snapshot's id. Sending it twice is the same as once.

    What is no bundle is made one on the collector: redacted under a key of its own for the customer, judged, attached;
    the file itself is not kept.
    """
    there = remote.connect(url, ca)
    try:
        with file.open("rb") as stream:
            made = there.call("POST", f"/cases/{segment(case)}/bundles", stream)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
    line = f"{made['snapshot_id']}: {made['finding_total']} findings, worst {made['worst']}"
    printing.tell(made, as_json, [f"{line}; {made['notice']}" if made["notice"] else line])
