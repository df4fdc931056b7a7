"""caseprobe-collector case: list, create, show, close, reopen, delete."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from caseprobe_collector.cli import printing, remote
from caseprobe_collector.cli.remote import DEFAULT_URL, AsJson, Ca, Url, Yes, segment

app = typer.Typer(help="Support cases and their evidence.", no_args_is_help=True)
COLUMNS = ("case_id", "state", "worst", "created_at", "title")
MARKS = {"critical": "CRITICAL", "warn": "WARNING", "info": "info", "ok": "ok"}


@app.command("list")
def list_cases(
    state: Annotated[str, typer.Option(help="open, closed or all.")] = "open",
    url: Url = DEFAULT_URL,
    ca: Ca = "",
    as_json: AsJson = False,
) -> None:
    """Cases, newest first."""
    query = "" if state == "all" else f"?state={segment(state)}"
    rows = remote.connect(url, ca).get(f"/cases{query}")
    printing.tell(rows, as_json, printing.columns(rows, COLUMNS, f"No {state} case."))


@app.command("create")
def create_case(
    title: Annotated[str, typer.Argument(help="What the trouble is, in a line.")],
    customer: Annotated[str, typer.Option(help="Id or name of the customer.")],
    description: Annotated[str, typer.Option(help="More about it.")] = "",
    url: Url = DEFAULT_URL,
    ca: Ca = "",
    as_json: AsJson = False,
) -> None:
    """Open a case; prints its id."""
    there = remote.connect(url, ca)
    body = {"customer_id": remote.customer_id(there, customer), "title": title, "description": description}
    made = there.post("/cases", body)
    printing.tell(made, as_json, [made["case_id"]])


@app.command("show")
def show_case(
    case: Annotated[str, typer.Argument(help="Id of the case.")],
    url: Url = DEFAULT_URL,
    ca: Ca = "",
    as_json: AsJson = False,
) -> None:
    """A case with its findings, the lines that prove them, and its sessions."""
    found = remote.connect(url, ca).get(f"/cases/{segment(case)}")
    printing.tell(found, as_json, evidence_lines(found))


@app.command("close")
def close_case(
    case: Annotated[str, typer.Argument(help="Id of the case.")],
    url: Url = DEFAULT_URL,
    ca: Ca = "",
    as_json: AsJson = False,
) -> None:
    """Close a case: it takes no more evidence."""
    changed = remote.connect(url, ca).post(f"/cases/{segment(case)}/close")
    printing.tell(changed, as_json, [f"{changed['case_id']} is {changed['state']}"])


@app.command("reopen")
def reopen_case(
    case: Annotated[str, typer.Argument(help="Id of the case.")],
    url: Url = DEFAULT_URL,
    ca: Ca = "",
    as_json: AsJson = False,
) -> None:
    """Open a closed case again."""
    changed = remote.connect(url, ca).post(f"/cases/{segment(case)}/reopen")
    printing.tell(changed, as_json, [f"{changed['case_id']} is {changed['state']}"])


@app.command("delete")
def delete_case(
    case: Annotated[str, typer.Argument(help="Id of the case.")],
    yes: Yes = False,
    url: Url = DEFAULT_URL,
    ca: Ca = "",
    as_json: AsJson = False,
) -> None:
    """Remove a closed case with all its snapshots and files for good; the audit keeps that it was there."""
    there = remote.connect(url, ca)
    remote.confirm(f"Delete {case} with all its snapshots and files for good?", yes)
    gone = there.delete(f"/cases/{segment(case)}")
    printing.tell(gone, as_json, [f"{gone['case_id']} is deleted, with {gone['snapshots_total']} snapshots"])


def evidence_lines(found: dict[str, Any]) -> list[str]:
    """A case for people: each snapshot with its findings, then the sessions."""
    lines = [f"{found['case']['title']}  ({found['case']['state']}, {found['case']['case_id']})"]
    for one in found["snapshots"]:
        row = one["snapshot"]
        lines += ["", f"{row['snapshot_id']}  {row['agent_id']}  {row['flow']}  {row['received_at'][:19]}Z"]
        lines += [line for finding in one["findings"] for line in finding_lines(finding)] or ["  nothing found"]
    for one in found["sessions"]:
        session, summary = one["session"], one["summary"]
        told = summary["verdict"]["text"] if summary else session["reason"]
        lines += [
            "",
            f"{session['session_id']}  {session['action']} {session['target']}  {session['state']}",
            f"  {told}",
        ]
    return printing.printable(lines)


def finding_lines(finding: dict[str, Any]) -> list[str]:
    """A finding and its evidence."""
    first = f"  {MARKS.get(finding['state'], finding['state']):<8}  {finding['summary']}  [{finding['check_id']}]"
    return [first, *(f"            {e['source']}:{e['line']}: {e['text']}" for e in finding["evidence"])]
