"""caseprobe-collector join-code: create."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from caseprobe.errors import UsageError
from caseprobe_collector.cli import printing, remote
from caseprobe_collector.cli.remote import DEFAULT_URL, AsJson, Ca, Url, segment

app = typer.Typer(help="Join codes: for one bundle of a case, or to enrol machines.", no_args_is_help=True)


@app.callback()
def about() -> None:
    """Join codes: for one bundle of a case, or to enrol machines."""


@app.command("create")
def create_join_code(
    case: Annotated[str, typer.Option(help="The case that one bundle may be sent to.")] = "",
    customer: Annotated[str, typer.Option(help="The customer whose machines may enrol: id or name.")] = "",
    uses: Annotated[int, typer.Option(help="How many machines may enrol with it.")] = 1,
    hours: Annotated[float, typer.Option(help="How long it is good; 0: 72 for a bundle, a quarter to enrol.")] = 0,
    url: Url = DEFAULT_URL,
    ca: Ca = "",
    as_json: AsJson = False,
) -> None:
    """Print a join code; it is told only now."""
    if bool(case) == bool(customer):
        raise UsageError("give exactly one of --case and --customer")
    body: dict[str, Any] = {"lifetime_seconds": hours * 3600} if hours else {}
    there = remote.connect(url, ca)
    if case:
        made = there.post(f"/cases/{segment(case)}/join-codes", body)
    else:
        made = there.post("/join-codes", {"customer_id": remote.customer_id(there, customer), "uses": uses, **body})
    printing.tell(made, as_json, [made["text"]])
