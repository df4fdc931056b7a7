"""caseprobe-collector agent: list, show, revoke."""

from __future__ import annotations

from typing import Annotated

import typer

from caseprobe_collector.cli import printing, remote
from caseprobe_collector.cli.remote import DEFAULT_URL, AsJson, Ca, Url, segment

app = typer.Typer(help="Enrolled machines.", no_args_is_help=True)
COLUMNS = ("agent_id", "label", "presence", "worst", "system", "version", "last_seen_at")
DETAILS = ("agent_id", "label", "customer_id", "presence", "system", "version", "enrolled_at", "certificate_expires_at")
Machine = Annotated[str, typer.Argument(help="Id or label of the machine.")]


@app.command("list")
def list_agents(url: Url = DEFAULT_URL, ca: Ca = "", as_json: AsJson = False) -> None:
    """The enrolled machines that you may see."""
    rows = remote.connect(url, ca).get("/agents")
    printing.tell(rows, as_json, printing.columns(rows, COLUMNS, "No machine is enrolled."))


@app.command("show")
def show_agent(machine: Machine, url: Url = DEFAULT_URL, ca: Ca = "", as_json: AsJson = False) -> None:
    """One machine, its own policy and its newest snapshots."""
    there = remote.connect(url, ca)
    number = remote.agent_id(there, machine)
    agent = there.get(f"/agents/{segment(number)}")
    snapshots = there.get(f"/agents/{segment(number)}/snapshots")
    policy = [f"policy {line['kind']}: {line['decision']}" for line in agent["policy"]]
    rows = printing.columns(snapshots[:20], ("snapshot_id", "flow", "worst", "received_at", "case_id"), "No snapshot.")
    printing.tell({**agent, "snapshots": snapshots}, as_json, [*printing.pairs(agent, DETAILS), *policy, "", *rows])


@app.command("revoke")
def revoke_agent(machine: Machine, url: Url = DEFAULT_URL, ca: Ca = "", as_json: AsJson = False) -> None:
    """End a machine's enrolment: its key opens nothing any more."""
    there = remote.connect(url, ca)
    number = remote.agent_id(there, machine)
    there.post(f"/agents/{segment(number)}/revoke")
    printing.tell({"agent_id": number, "revoked": True}, as_json, [f"{number} is revoked"])
