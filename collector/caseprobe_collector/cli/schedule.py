"""caseprobe-collector schedule: add, list, remove."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from caseprobe.errors import UsageError
from caseprobe_collector.cli import printing, remote
from caseprobe_collector.cli.remote import DEFAULT_URL, AsJson, Ca, Url, segment

app = typer.Typer(help="Timetables that machines run by themselves.", no_args_is_help=True)
COLUMNS = ("schedule_id", "agent_id", "name", "every", "cron", "action", "target", "catch_up")
# More often than this is seldom meant.
OFTEN_SECONDS = 60.0
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def period_seconds(text: str) -> float:
    """A period as people write it; raises UsageError.

    >>> period_seconds("15m"), period_seconds("90")
    (900.0, 90.0)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text)
    if not found:
        raise UsageError(f"--every {text}: write a number with s, m, h or d, for example 15m")
    return float(found[1]) * UNITS[found[2] or "s"]


@app.command("add")
def add_schedule(
    machine: Annotated[str, typer.Argument(help="Id or label of the machine.")],
    name: Annotated[str, typer.Option(help="What it is called.")] = "health",
    every: Annotated[str, typer.Option(help="A period, for example 15m.")] = "",
    cron: Annotated[str, typer.Option(help="A cron line of five fields, in the machine's time zone.")] = "",
    profile: Annotated[str, typer.Option(help="quick, standard or full.")] = "quick",
    path: Annotated[str, typer.Option(help="A target to probe instead of the machine itself.")] = "",
    names: Annotated[bool, typer.Option("--names", help="Of a path: also what its hops are called.")] = False,
    catch_up: Annotated[str, typer.Option(help="What missed runs become: skip, one or all.")] = "one",
    url: Url = DEFAULT_URL,
    ca: Ca = "",
    as_json: AsJson = False,
) -> None:
    """Add a timetable; prints its id."""
    if bool(every) == bool(cron):
        raise UsageError("give exactly one of --every and --cron")
    body: dict[str, Any] = {"name": name, "cron": cron, "profile": profile, "catch_up": catch_up}
    body |= {"every_seconds": period_seconds(every)} if every else {}
    body |= {"path": {"target": path, "names": names}} if path else {}
    if 0 < body.get("every_seconds", 0) < OFTEN_SECONDS:
        printing.warn(f"--every {every}: {86400 / body['every_seconds']:,.0f} snapshots a day from this machine")
    there = remote.connect(url, ca)
    made = there.post(f"/agents/{segment(remote.agent_id(there, machine))}/schedules", body)
    printing.tell(made, as_json, [made["schedule_id"]])


@app.command("list")
def list_schedules(
    machine: Annotated[str, typer.Option(help="Id or label of one machine; else all.")] = "",
    url: Url = DEFAULT_URL,
    ca: Ca = "",
    as_json: AsJson = False,
) -> None:
    """Timetables of one machine, or all."""
    there = remote.connect(url, ca)
    query = f"?agent_id={segment(remote.agent_id(there, machine))}" if machine else ""
    rows = there.get(f"/schedules{query}")
    told = [{**row, "every": f"{row['every_seconds']:g} s" if row["every_seconds"] else ""} for row in rows]
    printing.tell(rows, as_json, printing.columns(told, COLUMNS, "No timetable."))


@app.command("remove")
def remove_schedule(
    schedule: Annotated[str, typer.Argument(help="Id of the timetable.")],
    url: Url = DEFAULT_URL,
    ca: Ca = "",
    as_json: AsJson = False,
) -> None:
    """End a timetable."""
    remote.connect(url, ca).delete(f"/schedules/{segment(schedule)}")
    printing.tell({"schedule_id": schedule, "removed": True}, as_json, [f"{schedule} is removed"])
