"""caseprobe-collector customer: list, create."""

from __future__ import annotations

from typing import Annotated

import typer

from caseprobe_collector.cli import printing, remote
from caseprobe_collector.cli.remote import DEFAULT_URL, AsJson, Ca, Url

app = typer.Typer(help="The tenants that machines and cases belong to.", no_args_is_help=True)


@app.command("list")
def list_customers(url: Url = DEFAULT_URL, ca: Ca = "", as_json: AsJson = False) -> None:
    """The customers that you may see."""
    rows = remote.connect(url, ca).get("/customers")
    printing.tell(rows, as_json, printing.columns(rows, ("customer_id", "name", "created_at"), "No customer yet."))


@app.command("create")
def create_customer(
    name: Annotated[str, typer.Argument(help="A name that nobody else has.")],
    url: Url = DEFAULT_URL,
    ca: Ca = "",
    as_json: AsJson = False,
) -> None:
    """Add a customer; prints its id."""
    made = remote.connect(url, ca).post("/customers", {"name": name})
    printing.tell(made, as_json, [made["customer_id"]])
