"""caseprobe-collector join-code: create, list, revoke."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from caseprobe.errors import UsageError
from caseprobe_collector.cli import printing, remote
from caseprobe_collector.cli.remote import DEFAULT_URL, AsJson, Ca, Url, segment

COLUMNS = ("join_code_id", "purpose", "customer_id", "case_id", "uses_left", "expires_at", "revoked_at")
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


@app.command("list")
def list_join_codes(url: Url = DEFAULT_URL, ca: Ca = "", as_json: AsJson = False) -> None:
    """The join codes that have not ended; their texts were told once and are kept nowhere."""
    rows = remote.connect(url, ca).get("/join-codes")
    printing.tell(rows, as_json, printing.columns(rows, COLUMNS, "No join code is open."))


@app.command("revoke")
def revoke_join_code(
    join_code_id: Annotated[str, typer.Argument(help="Id of the join code, as `list` shows it.")],
    url: Url = DEFAULT_URL,
    ca: Ca = "",
    as_json: AsJson = False,
) -> None:
    """Withdraw a join code: it lets nobody in any more. Who came in by it stays."""
    remote.connect(url, ca).delete(f"/join-codes/{segment(join_code_id)}")
    printing.tell({"join_code_id": join_code_id, "revoked": True}, as_json, [f"{join_code_id} is withdrawn"])
