"""caseprobe-collector live: ask a machine now, and watch its answer come in."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from caseprobe.errors import CaseprobeError, MeasurementError, PolicyRefused, Unreachable, UsageError
from caseprobe_collector.cli import printing, remote
from caseprobe_collector.cli.remote import DEFAULT_URL, AsJson, Ca, Remote, Url, segment

if TYPE_CHECKING:
    from websockets.sync.connection import Connection as ClientConnection

app = typer.Typer(help="Live sessions: ask a machine now, and watch its answer come in.", no_args_is_help=True)
# Without news for so long, a terminal asks whether the session still runs: an end that was missed is not waited for.
QUIET_SECONDS = 10.0
DRAIN_SECONDS = 1.0
ROUNDS = 60
# Before the machine or behind what is asked of it: both read well.
Case = Annotated[str, typer.Option(help="Id of the case that it is for.")]
ENDS: dict[str, type[CaseprobeError]] = {
    "failed": MeasurementError,
    "refused_policy": PolicyRefused,
    "refused_user": PolicyRefused,
    "expired": Unreachable,
    "cancelled": MeasurementError,
    "killed_limit": MeasurementError,
    "unknown_after_crash": MeasurementError,
    "lost": Unreachable,
}


@dataclass(frozen=True)
class Asked:
    """Whom to ask, for which case, and how to tell; nobody is asked yet, so that each command can explain itself."""

    url: str
    ca: str
    case: str
    agent: str
    as_json: bool


@app.callback()
def ask(
    context: typer.Context,
    agent: Annotated[str, typer.Argument(help="Id or label of the machine.")],
    case: Case = "",
    url: Url = DEFAULT_URL,
    ca: Ca = "",
    as_json: AsJson = False,
) -> None:
    """Ask a machine of the case's customer: `live --case CASE AGENT path TARGET`."""
    context.obj = Asked(url, ca, case, agent, as_json)


@app.command("path")
def path(
    context: typer.Context,
    target: Annotated[str, typer.Argument(help="Name or address; none with --loaded.")] = "",
    rounds: Annotated[int, typer.Option(help="How many rounds; 0: 60, with --loaded 1.")] = 0,
    interval: Annotated[float, typer.Option(help="Seconds between two rounds.")] = 1.0,
    protocol: Annotated[str, typer.Option(help="auto, icmp, udp or tcp.")] = "auto",
    port: Annotated[int, typer.Option(help="Port, for udp and tcp.")] = 0,
    loaded: Annotated[bool, typer.Option("--loaded", help="Also what load does, to this collector only.")] = False,
    names: Annotated[bool, typer.Option("--names", help="Also what the hops are called.")] = False,
    case: Case = "",
    as_json: AsJson = False,
) -> None:
    """The path to a target, a round a line, then what it means."""
    asked = {"interval_seconds": interval, "protocol": protocol, "port": port, "loaded": loaded}
    asked |= {"names": True} if names else {}
    asked |= {"target": target} if target else {}
    asked |= {"rounds": rounds or (1 if loaded else ROUNDS)}
    run(context.obj, {"path": asked}, case, as_json)


@app.command("snapshot")
def snapshot(
    context: typer.Context,
    profile: Annotated[str, typer.Option(help="quick, standard or full.")] = "quick",
    probe: Annotated[list[str] | None, typer.Option(help="Only this probe, one of the machine's own too.")] = None,
    case: Case = "",
    as_json: AsJson = False,
) -> None:
    """The machine itself; prints the snapshot's id."""
    run(context.obj, {"snapshot": {"profile": profile, "probes": probe or []}}, case, as_json)


@app.command("watch")
def watch(
    context: typer.Context,
    probes: Annotated[list[str], typer.Argument(help="Probes by name: disks, memory, interfaces …")],
    every: Annotated[float, typer.Option(help="Seconds between two rounds, at least 1.")] = 5.0,
    duration: Annotated[float, typer.Option("--for", help="For so many seconds.")] = 60.0,
    case: Case = "",
    as_json: AsJson = False,
) -> None:
    """Probes again and again, a round as it comes; ends as a snapshot of the last one."""
    asked = {"probes": probes, "interval_seconds": every, "duration_seconds": duration}
    run(context.obj, {"watch": asked}, case, as_json)


@app.command("log")
def log(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="A log by its name: kernel_log or system_log.")],
    lines: Annotated[int, typer.Option(help="So many of its newest lines first, at most 500.")] = 50,
    follow: Annotated[float, typer.Option(help="Then every new line, for so many seconds; 0: no more.")] = 60.0,
    case: Case = "",
    as_json: AsJson = False,
) -> None:
    """A log as it is written, redacted on the machine; ends as a snapshot of the lines shown."""
    run(context.obj, {"log_tail": {"source": source, "lines": lines, "follow_seconds": follow}}, case, as_json)


@app.command("reveal")
def reveal(
    context: typer.Context,
    token: Annotated[str, typer.Argument(help="A stand-in as it is shown: host-…, user-…, an address …")],
    case: Case = "",
    as_json: AsJson = False,
) -> None:
    """The true name behind one stand-in; the machine's owner is asked first."""
    run(context.obj, {"reveal": {"token": token}}, case, as_json)


def run(asked: Asked, body: dict[str, Any], case: str, as_json: bool) -> None:
    """Start the session, tell its rounds, then its result; Ctrl-C asks the machine to stop."""
    as_json, case = as_json or asked.as_json, case or asked.case
    if not case:
        raise UsageError("give the case that it is for: --case CASE (`caseprobe-collector case list` shows them)")
    there = remote.connect(asked.url, asked.ca)
    agent_id = remote.agent_id(there, asked.agent)
    started = there.post(f"/cases/{segment(case)}/sessions", {"agent_id": agent_id, **body})
    number = started["session_id"]
    try:
        for message in events(there, number):
            tell_event(message, as_json)
    except KeyboardInterrupt:
        there.post(f"/sessions/{segment(number)}/cancel")
        raise
    tell_result(there.get(f"/sessions/{segment(number)}"), as_json)


def events(there: Remote, session_id: str) -> Iterator[dict[str, Any]]:
    """What the session's socket tells until the session has ended."""
    from websockets.exceptions import WebSocketException
    from websockets.sync.client import connect

    parts = urlsplit(there.url)
    secure = parts.scheme == "https"
    address = f"{'wss' if secure else 'ws'}://{parts.netloc}/api/v1/live?topics=session:{session_id}"
    headers = {"Authorization": f"Bearer {there.token}"}
    tls = there.tls() if secure else None
    try:
        with connect(address, additional_headers=headers, ssl=tls, proxy=None, max_size=1 << 22) as socket:
            # It may have ended before the socket was open; then only what is on its way already comes.
            session = _session(there, session_id)
            yield from said_before(session)
            yield from _until_ended(socket, session["running"], lambda: bool(_session(there, session_id)["running"]))
    except (WebSocketException, OSError) as error:
        raise Unreachable(f"the live stream ended early ({error}); the session goes on as {session_id}") from None


def said_before(session: dict[str, Any]) -> list[dict[str, Any]]:
    """What the machine said before anybody listened, and whoever asked must know while nothing else comes.

    >>> said_before({"state": "awaiting_consent", "reason": ""})
    [{'kind': 'session', 'state': 'awaiting_consent'}]
    >>> said_before({"state": "running", "reason": ""})
    []
    """
    state = session["state"]
    return [{"kind": "session", "state": state}] if state == "awaiting_consent" else []


def _session(there: Remote, session_id: str) -> dict[str, Any]:
    found: dict[str, Any] = there.get(f"/sessions/{segment(session_id)}")["session"]
    return found


def _until_ended(socket: ClientConnection, running: bool, asked: Callable[[], bool]) -> Iterator[dict[str, Any]]:
    """What comes until the session ends; where nothing comes, the collector is asked if there is more to wait for."""
    ended = False
    while not ended:
        try:
            message: dict[str, Any] = json.loads(socket.recv(QUIET_SECONDS if running else DRAIN_SECONDS))
        except TimeoutError:
            if not running:
                return
            running = asked()
            continue
        yield message
        ended = message["kind"] == "session" and message["state"] in (*ENDS, "ok")


def tell_event(message: dict[str, Any], as_json: bool) -> None:
    """Rounds on stdout, states on stderr."""
    if message["kind"] == "session" and not as_json:
        print(f"{message['state'].replace('_', ' ')} {message.get('reason', '')}".rstrip(), file=sys.stderr)
    for one in message.get("rounds", ()):
        print(json.dumps(one) if as_json else round_line(one), flush=True)
    for section in message.get("sections", ()):
        tell_section(message["number"], section, as_json)


def round_line(one: dict[str, Any]) -> str:
    """A round in a line: every hop with its time, a lost one as a star.

    >>> round_line({"number": 3, "hops": [{"ttl": 1, "rtt_seconds": 0.0021}, {"ttl": 2, "rtt_seconds": None}]})
    '    3  1: 2.1  2: *'
    """
    hops = (
        f"{hop['ttl']}: {'*' if hop['rtt_seconds'] is None else format(hop['rtt_seconds'] * 1000, '.1f')}"
        for hop in one["hops"]
    )
    return f"{one['number']:>5}  " + "  ".join(hops)


def tell_section(number: int, section: dict[str, Any], as_json: bool) -> None:
    """One section of a round: new lines of a log as they are, else values; what is missing of it on stderr."""
    if as_json:
        print(json.dumps({"number": number, **section}), flush=True)
        return
    if section["note"]:
        print(f"{section['label']}: {section['note']}", file=sys.stderr)
    for line in section["lines"]:
        print(line["text"], flush=True)
    if section["gist"]:
        print(f"{number:>5}  {section['label']}: {section['gist']}", flush=True)
    for table in section["tables"]:
        rows = [dict(zip(table["columns"], (cell["text"] for cell in row), strict=True)) for row in table["rows"]]
        print("\n".join(printing.columns(rows, table["columns"], "")), flush=True)


def tell_result(result: dict[str, Any], as_json: bool) -> None:
    """The path's summary, a true name or the snapshot's id; raises the error that the session's outcome stands for."""
    session, summary = result["session"], result["summary"]
    if summary and as_json:
        print(json.dumps({"summary": summary}))
    elif summary:
        print("\n".join(path_lines(summary)))
    elif result.get("revealed"):
        print(json.dumps({"revealed": result["revealed"]}) if as_json else result["revealed"])
    elif session["snapshot_id"]:
        print(json.dumps({"snapshot_id": session["snapshot_id"]}) if as_json else session["snapshot_id"])
    error = ENDS.get(session["state"])
    if error is not None:
        raise error(session["reason"] or f"the session ended as {session['state'].replace('_', ' ')}")


def path_lines(summary: dict[str, Any]) -> list[str]:
    """The hops as a table, times in milliseconds, and the verdict."""
    names = ("hop", "address", "loss %", "sent", "best", "avg", "p95", "worst", "jitter", "")
    return [
        "",
        *printing.columns([_hop(hop) for hop in summary["hops"]], names, "No hop."),
        "",
        *summary["said"],
    ]


def _hop(hop: dict[str, Any]) -> dict[str, Any]:
    times = {name: hop[f"{name}_seconds"] for name in ("best", "avg", "p95", "worst", "jitter")}
    shown = {name: "-" if value is None else f"{value * 1000:.1f}" for name, value in times.items()}
    address = " ".join(hop["addresses"]) or "no reply"
    loss, kind = f"{hop['loss_ratio'] * 100:.1f}", "" if hop["classification"] == "ok" else hop["classification"]
    note = ", ".join(part for part in (kind, hop["name"], hop["network"]) if part)
    return {"hop": hop["ttl"], "address": address, "loss %": loss, "sent": hop["sent"], **shown, "": note or " "}
