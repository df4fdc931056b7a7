"""How the resident agent is: connection, sessions, what waits to be sent, policy, and every setting with its origin.

Exit code 0 where the agent runs, 3 where it does not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator
from typing import Any

from caseprobe import texts
from caseprobe.errors import NotFound
from caseprobe_agent.app.control import call
from caseprobe_agent.app.parts import audit_path
from caseprobe_agent.audit import verify
from caseprobe_agent.cli import moments, options
from caseprobe_agent.cli.screen import Screen
from caseprobe_agent.config import Settings
from caseprobe_agent.config.rules import CHOICES
from caseprobe_agent.consent.policy import kind_name
from caseprobe_agent.identity import load
from caseprobe_agent.machine.with_reader import reader_state

SUMMARY = "is the agent connected, what runs, which settings hold?"
NOT_RUNNING = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `status`."""
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the status; gives the exit code."""
    settings = options.settings_of_agent()
    try:
        state = asyncio.run(call(settings.socket_path, {"do": "status"}))
    except NotFound:
        state = {}
    document = {"running": bool(state), **state, **_local(settings)}
    if arguments.json:
        print(json.dumps(document, ensure_ascii=False))
    else:
        _print(document)
    return 0 if state else NOT_RUNNING


def _local(settings: Settings) -> dict[str, Any]:
    """What is known without the agent: enrolment, settings and where each came from, policy, the audit chain."""
    identity = load(settings.state_folder)
    path = audit_path(settings)
    lines = path.read_text(encoding="ascii", errors="replace").splitlines() if path.exists() else []
    decisions = {choice: name for name, choice in CHOICES.items()}
    return {
        "enrolled": identity is not None,
        "ended": identity.ended if identity else "",
        "settings": {
            name: {"value": str(getattr(settings, name)), "origin": origin}
            for name, origin in settings.origins.items()
            if hasattr(settings, name)
        },
        "network_probes": "on" if settings.policy.network_probes else "off",
        "reader": reader_state(),
        "policy": {kind_name(kind): decisions[choice] for kind, choice in settings.policy.entries()},
        "policy_files": [str(file) for file in settings.policy_files],
        "audit": {"file": str(path), "entries": len(lines), "fault": verify(lines) or ""},
    }


def _print(document: dict[str, Any]) -> None:
    """For people: first whether all is well."""
    screen = Screen(sys.stdout)
    screen.line(*_headline(document))
    screen.rows(_rows(document))
    for title, rows in _tables(document):
        if rows:
            screen.line()
            screen.line(title, "bold")
            screen.rows([(name, texts.printable(value)) for name, value in rows])


def _tables(document: dict[str, Any]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """What follows, each with its title; an empty one is not shown."""
    sessions = _list(document, "sessions")
    yield (
        "Sessions",
        [(one["session_id"], f"{one['action']}, {one['state']}, by {one['asked_by']}") for one in sessions],
    )
    questions = _list(document, "questions")
    asked = [(one["id"], f"{one['kind']} {one['target']} for {one['requested_by']}") for one in questions]
    yield "Waiting for your answer (caseprobe consent allow ID)", asked
    timetables = _list(document, "schedules")
    yield (
        "Timetables",
        [(one["schedule_id"], f"{one['name']}, next {moments.told(one['next_run_at'])}") for one in timetables],
    )
    yield "Policy", list(document["policy"].items())
    settings = document["settings"].items()
    yield "Settings", [(name, f"{one['value']}   ({one['origin']})") for name, one in settings]


def _list(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return list(document.get(name, []))


def _headline(document: dict[str, Any]) -> tuple[str, str]:
    """The one sentence, and how it is drawn."""
    if not document["enrolled"]:
        return "This machine is not enrolled: use `caseprobe enroll JOINCODE`.", "yellow"
    if document["ended"] and not document["running"]:
        return f"{document['ended']}; `caseprobe leave` cleans up here.", "red"
    if not document["running"]:
        return "The agent does not run: start it with `caseprobe run`.", "yellow"
    if document["connected"]:
        return f"Connected to {document['collector']}.", "green"
    why = f": {document['last_error']}" if document["last_error"] else ""
    return f"Not connected to {document['collector']}{why}; trying again.", "yellow"


def _rows(document: dict[str, Any]) -> list[tuple[str, str]]:
    """What a person looks for first."""
    rows = []
    if document["running"]:
        waiting = f"{document['spooled_items']} records, {texts.format_bytes(document['spooled_bytes'])}"
        rows = [("agent", document["agent_id"]), ("known as", document["label"]), ("waiting to be sent", waiting)]
        if document["spool_lost_records"] or document["spool_damaged_files"]:
            rows.append(("damaged", f"{document['spool_lost_records']} records were lost in a damaged spool"))
    audit = document["audit"]
    rows.append(
        (
            "audit",
            audit["fault"] or f"unbroken, entries: {audit['entries']} ({audit['file']})",
        )
    )
    rows += [("reader", document["reader"]), ("network probes", document["network_probes"])]
    return rows
