"""caseprobe-collector snapshot: show, judge, delete."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from caseprobe_collector.cli import printing, remote
from caseprobe_collector.cli.case import finding_lines
from caseprobe_collector.cli.remote import DEFAULT_URL, AsJson, Ca, Url, Yes, segment

app = typer.Typer(help="Single snapshots.", no_args_is_help=True)
Named = Annotated[str, typer.Argument(help="Id of the snapshot.")]


@app.command("show")
def show_snapshot(snapshot: Named, url: Url = DEFAULT_URL, ca: Ca = "", as_json: AsJson = False) -> None:
    """What was found in it, what proves that, and what could not be judged."""
    found = remote.connect(url, ca).get(f"/snapshots/{segment(snapshot)}")
    printing.tell(found, as_json, snapshot_lines(found))


@app.command("judge")
def judge_snapshot(snapshot: Named, url: Url = DEFAULT_URL, ca: Ca = "", as_json: AsJson = False) -> None:
    """The same by the rules of the collector's version: what they say that was not said then, and the reverse."""
    found = remote.connect(url, ca).get(f"/snapshots/{segment(snapshot)}/judgement")
    printing.tell(found, as_json, judgement_lines(found))


@app.command("delete")
def delete_snapshot(
    snapshot: Named, yes: Yes = False, url: Url = DEFAULT_URL, ca: Ca = "", as_json: AsJson = False
) -> None:
    """Remove a snapshot and its files for good, a damaged one too; the audit keeps that it was there."""
    there = remote.connect(url, ca)
    remote.confirm(f"Delete {snapshot} and its files for good?", yes)
    there.delete(f"/snapshots/{segment(snapshot)}")
    printing.tell({"snapshot_id": snapshot}, as_json, [f"{snapshot} is deleted"])


def snapshot_lines(found: dict[str, Any]) -> list[str]:
    """A snapshot for people: findings, then what was not judged, by reason."""
    row = found["snapshot"]
    lines = [f"{row['snapshot_id']}  {row['agent_id']}  {row['flow']} {row['profile']}  {row['received_at'][:19]}Z"]
    lines += _findings(found["findings"], "nothing found")
    reasons: dict[str, list[str]] = {}
    for one in found["coverage"]:
        if one["outcome"] == "unknown":
            reasons.setdefault(one["reason"], []).append(one["check_id"])
    lines += [f"  not judged  {reason}: {', '.join(checks)}" for reason, checks in reasons.items()]
    return printing.printable(lines)


def judgement_lines(found: dict[str, Any]) -> list[str]:
    """What today's rules say for people: what came by them, what went, the verdict."""
    lines = ["Not said then:", *_findings(found["come"], "nothing")]
    lines += ["No longer said:", *_findings(found["gone"], "nothing")]
    return printing.printable([*lines, found["verdict"]])


def _findings(findings: list[dict[str, Any]], nothing: str) -> list[str]:
    return [line for finding in findings for line in finding_lines(finding)] or [f"  {nothing}"]
